"""The index: what is known of the pictures of earlier runs, and what links them, in a folder of Parquet files.

Each run adds one file, which is never changed. A picture is known by its number, in the order of files and rows; its
row holds its links to pictures before it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pyarrow.parquet

from model.errors import reason
from serve.links.clusters import Link
from serve.links.picture import LinksError, Picture, Source
from serve.output import escaped

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LINK = pyarrow.struct({"to": pyarrow.int64(), "by": pyarrow.string(), "distance": pyarrow.float64()})
SCHEMA = pyarrow.schema(
    {
        **dict.fromkeys(Source._fields, pyarrow.string()),
        "sha256": pyarrow.string(),
        "pdq": pyarrow.binary(32),
        "quality": pyarrow.int32(),
        "embedding": pyarrow.binary(),
        "bundle": pyarrow.string(),
        "links": pyarrow.list_(LINK),
    }
)


class Index:
    """Pictures and links; with a folder, those of earlier runs are read from it.

    Raises:
        LinksError: The folder is a file or cannot be made, or a file in it cannot be read.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.pictures: list[Picture] = []
        self.links: set[Link] = set()
        self._numbers: dict[tuple[str | None, ...], int] = {}
        self._runs = 0
        if folder:
            self._read(folder)
        self._saved = len(self.pictures)

    def add(self, picture: Picture) -> int:
        """The number of the picture, which is a new one unless the same advert's picture is here already.

        One that is here is named from now on as it is now.
        """
        number = self._numbers.get(_key(picture))
        if number is None:
            return self._append(picture)
        self.pictures[number] = replace(self.pictures[number], source=picture.source)
        return number

    def save(self) -> None:
        """Write what was added.

        Raises:
            LinksError: The folder cannot be written, or another run has written to it meanwhile.
        """
        if self.folder is None or self._saved == len(self.pictures):
            return
        file = self._file(self.folder, self._runs + 1)
        if file.exists():
            raise LinksError(f"Another run has added to the index {str(self.folder)!r} meanwhile: run this one again.")
        partial = file.with_name(f"{file.name}.partial")
        try:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(self._new_rows(), SCHEMA), partial)
            partial.replace(file)
        except OSError as error:
            raise LinksError(f"The index {str(self.folder)!r} cannot be written: {reason(error)}.") from error

    def _append(self, picture: Picture) -> int:
        self.pictures.append(picture)
        return self._numbers.setdefault(_key(picture), len(self.pictures) - 1)

    def _new_rows(self) -> list[dict[str, Any]]:
        rows = [_to_row(picture) for picture in self.pictures[self._saved :]]
        for link in sorted(self.links):
            if link.other >= self._saved:
                row = rows[link.other - self._saved]
                row["links"].append({"to": link.one, "by": link.by, "distance": link.distance})
        return rows

    def _read(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise LinksError(f"{str(folder)!r} is a file; --index takes a folder.") from None
        except OSError as error:
            raise LinksError(f"The index {str(folder)!r} cannot be written: {reason(error)}.") from error
        try:
            while (file := self._file(folder, self._runs + 1)).exists():
                for row in pyarrow.parquet.read_table(file, schema=SCHEMA).to_pylist():
                    number = len(self.pictures)  # of the row, though folders may have been joined since
                    self._append(_to_picture(row))
                    self.links.update(Link(each["to"], number, each["by"], each["distance"]) for each in row["links"])
                self._runs += 1
        except (OSError, pyarrow.ArrowException, TypeError, ValueError) as error:
            raise LinksError(f"The index {str(folder)!r} cannot be read: {reason(error).splitlines()[0]}.") from error

    @staticmethod
    def _file(folder: Path, run: int) -> Path:
        return folder / f"run-{run:05d}.parquet"


def _kept(source: Source) -> Source:
    """As it is found again, from whatever folder and however it is named, in characters that UTF-8 can hold."""
    return Source(*map(escaped, source._replace(path=os.path.realpath(source.path))))


def _key(picture: Picture) -> tuple[str | None, ...]:
    kept = _kept(picture.source)
    return kept.platform, kept.id, kept.path, picture.sha256


def _to_row(picture: Picture) -> dict[str, Any]:
    return {
        **_kept(picture.source)._asdict(),
        "sha256": picture.sha256,
        "pdq": _bytes(picture.pdq),
        "quality": picture.quality,
        "embedding": _bytes(picture.embedding),
        "bundle": picture.bundle,
        "links": [],
    }


def _bytes(array: NDArray[Any] | None) -> bytes | None:
    return None if array is None else array.tobytes()


def _to_picture(row: dict[str, Any]) -> Picture:
    return Picture(
        Source(*(row[field] for field in Source._fields)),
        row["sha256"],
        np.frombuffer(row["pdq"], np.uint8),
        row["quality"],
        np.frombuffer(row["embedding"], np.float16),
        row["bundle"],
    )
