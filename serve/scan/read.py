"""The read stage: rows of an input, in its order, each an advert with the places of its pictures.

An input is a folder of pictures, a table (CSV, JSON lines, Parquet), or a WebDataset tar; or a folder of Parquet files
or tars. It is read from its start each time, which is quick beside looking at pictures, and never held as a whole.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from serve.advert import Advert
from serve.advert.read import named_columns, number_text, stream_adverts, to_advert
from serve.output import escaped
from serve.scan.disk import Ids
from serve.scan.error import ScanError
from serve.scan.store import Place
from serve.scan.tar import read_tar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from model.photo import PhotoError
    from serve.advert.read import Tell

PARQUET, TAR = ".parquet", ".tar"
CHUNK = 1 << 20
ROWS_AT_ONCE = 256


class Span(NamedTuple):
    """A picture that the input itself holds: a file, or with `start` and `size` a part of one."""

    path: str
    start: int = 0
    size: int | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the input, numbered from 0.

    `spans` are the places of the advert's pictures where the input holds these; otherwise they are found by name.
    `fetched` tells for each picture that is an address the file that it was downloaded to, or why it was not.
    """

    number: int
    advert: Advert
    spans: tuple[Span, ...] = ()
    fetched: Mapping[str, Path | PhotoError] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """An input.

    Attributes:
        place: Its file, or its folder.
        kind: `pictures`, `.tar`, `.parquet` or `table`; a folder of such files alone is of
            their kind, with those that other programs leave beside them, as `_SUCCESS`, passed over.
        without: A folder that is left out, wherever it lies.
    """

    place: Place
    kind: str
    without: Path

    @classmethod
    def of(cls, address: str, without: Path) -> Source:
        """Raises ScanError where there is nothing at the address, or in the folder there."""
        place = Place.of(address)
        if not place.is_folder():
            return cls(place, place.ending if place.ending in (TAR, PARQUET) else "table", without)
        source = cls(place, "pictures", without)
        endings = {part.ending for part in source._parts() if not source._is_beside(part)}
        if not endings and next(source._parts(), None) is None:
            raise ScanError(f"There are no files in {address!r}; check its name.")
        return replace(source, kind=endings.pop()) if endings in ({TAR}, {PARQUET}) else source

    def rows(self, tell: Tell | None = None) -> Iterator[Row]:
        """Every row, one by one; `tell` is as for `read_adverts`, and told of a folder's first table alone.

        Raises:
            AdvertFileError, ScanError: The input cannot be read.
        """
        for number, (advert, spans) in enumerate(self._adverts(tell)):
            yield Row(number, advert, spans)

    @property
    def pictures_root(self) -> Place:
        """Where relative names of pictures lie unless it is said otherwise."""
        return self.place if self.place.is_folder() else self.place.parent

    def digest(self) -> str:
        """Digest of what decides the rows: of pictures their names, of tars their sizes too, of tables all bytes."""
        digest = hashlib.sha256()
        for part in self._parts():
            size = "" if self.kind == "pictures" else part.size()
            digest.update(f"{posixpath.relpath(part.path, self.place.path)}\t{size}\n".encode(errors="replace"))
            if self.kind in ("table", PARQUET):
                with part.open() as stream:
                    while chunk := stream.read(CHUNK):
                        digest.update(chunk)
        return digest.hexdigest()

    def _parts(self) -> Iterator[Place]:
        if not self.place.is_folder():
            yield self.place
            return
        real, mine = os.path.realpath(self.place.path), posixpath.join(os.path.realpath(self.without), "")
        for part in self.place.files():
            below = part.path.removeprefix(self.place.path).lstrip("/")
            is_mine = part.is_local and posixpath.join(real, below).startswith(mine)
            if not is_mine and (self.kind == "pictures" or not self._is_beside(part)):
                yield part

    def _is_beside(self, part: Place) -> bool:
        """Whether a file, or a folder that it is in, is named as what is no data is; cameras name photos so, too."""
        return "/_" in part.path.removeprefix(self.place.path)

    def _adverts(self, tell: Tell | None) -> Iterator[tuple[Advert, tuple[Span, ...]]]:
        seen = Ids()
        for part in self._parts():
            if self.kind == "pictures":
                name = posixpath.relpath(part.path, self.place.path)
                yield Advert(escaped(name), pictures=(name,)), (Span(part.path),)
            elif self.kind == TAR:
                for row, members, fault in read_tar(part):
                    spans = tuple(Span(part.path, member.start, member.size) for member in members)
                    names = {"pictures": [member.name for member in members]}
                    yield to_advert(row | names, fault, seen), spans
            else:
                for advert in (_parquet if self.kind == PARQUET else _table)(part, seen, tell):
                    yield advert, ()
                tell = tell and _untold


def _table(file: Place, seen: Ids, tell: Tell | None) -> Iterator[Advert]:
    try:
        with file.open() as stream:
            yield from stream_adverts(stream, file.path, seen, tell)
    except OSError as error:
        raise ScanError(f"{file.path!r} cannot be read: {error.strerror or error}.") from error


def _parquet(file: Place, seen: Ids, tell: Tell | None) -> Iterator[Advert]:
    import pyarrow
    import pyarrow.parquet

    try:
        with file.open() as stream, pyarrow.parquet.ParquetFile(stream) as opened:
            names = named_columns(file.path, opened.schema_arrow.names, tell)
            for batch in opened.iter_batches(ROWS_AT_ONCE):
                for row in batch.rename_columns(names).to_pylist():
                    yield to_advert({name: _plain(value) for name, value in row.items()}, "", seen)
    except (OSError, pyarrow.ArrowException) as error:
        raise ScanError(f"{file.path!r} cannot be read as a Parquet file: {str(error).splitlines()[0]}.") from error


def _untold(_: str) -> None:
    """Takes what is told of later files: it was told of the first."""


def _plain(value: Any) -> Any:
    """A cell as text, or a list of such; dates and numbers are written as they print."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float | Decimal):
        return number_text(value)
    return value if value is None or isinstance(value, str) else str(value)
