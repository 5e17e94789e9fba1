"""A folder of photos with its manifest, to which photos are added one by one, safe against a kill at any moment."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING

from model.errors import reason
from model.manifest import REQUIRED
from training.collect.found import CollectError

if TYPE_CHECKING:
    from pathlib import Path

    from model.photo import Photo
    from training.collect.found import Found

ORIGIN = "original"
COLUMNS = (*REQUIRED, ORIGIN)


class Collection:
    """OUT/manifest.csv and OUT/photos/.

    A photo is written whole before its row is, so that every row has its photo. New rows have no split yet: `dataset
    split` gives them one. Rows that others added or changed stay as they are.
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder, which is made where there is none.

        Raises:
            CollectError: The folder cannot be written to, or its manifest is not one that can be added to.
        """
        self.manifest = folder / "manifest.csv"
        self.torn = ""  # the end of a row that was cut off, and is gone now
        self._folder, self._partial = folder, folder / "photos" / ".partial"
        try:
            (folder / "photos").mkdir(parents=True, exist_ok=True)
            self._partial.unlink(missing_ok=True)
            self.manifest.touch()
            self._take_off_torn_row()
            if not self.manifest.stat().st_size:
                self._append(COLUMNS)
            with self.manifest.open(encoding="utf-8-sig", newline="") as lines:
                reader = csv.DictReader(lines)
                self._columns = tuple(reader.fieldnames or ())
                rows = list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CollectError(f"{folder} cannot be collected into: {reason(error)}.") from error
        if missing := [column for column in COLUMNS if column not in self._columns]:
            raise CollectError(f"{self.manifest} lacks the column {missing[0]!r}; collect into another folder.")
        self._label_of_origin = {row[ORIGIN]: row["label"] for row in rows}
        self._label_of_bytes = {row["sha256"]: row["label"] for row in rows}
        self._named = {(row["source"], row[ORIGIN]) for row in rows}

    def label_of_origin(self, origin: str) -> str | None:
        """The label that the photo of this origin has here, None where it is not there."""
        return self._label_of_origin.get(plain(origin))

    def label_of_bytes(self, sha256: str) -> str | None:
        """The label that a photo with these bytes has here, None where there is no such photo."""
        return self._label_of_bytes.get(sha256)

    def has(self, source: str, origin: str) -> bool:
        """Whether the source has a photo of this origin here."""
        return (plain(source), plain(origin)) in self._named

    def add(self, found: Found, licence: str, content: bytes, photo: Photo) -> None:
        """Write a photo, then its row.

        Raises:
            CollectError: The folder cannot be written to.
        """
        try:
            file = self._write(content, photo)
            cells = {
                "file": file.relative_to(self._folder).as_posix(), "sha256": photo.sha256, "label": found.label,
                "group": found.group, "source": found.source, "licence": licence, "attribution": found.attribution,
                "width": photo.width, "height": photo.height, "note": found.note, ORIGIN: found.origin,
            }  # fmt: skip
            self._append([plain(str(cells.get(column, ""))) for column in self._columns])
        except OSError as error:
            raise CollectError(f"{self._folder} cannot be written to: {error.strerror}.") from error
        self._label_of_origin[plain(found.origin)] = found.label
        self._label_of_bytes[photo.sha256] = found.label
        self._named.add((plain(found.source), plain(found.origin)))

    def _write(self, content: bytes, photo: Photo) -> Path:
        name = photo.sha256[:16]
        file = self._folder / "photos" / name[:2] / f"{name}.{photo.format.lower()}"
        with self._partial.open("wb") as bytes_out:
            bytes_out.write(content)
            bytes_out.flush()
            os.fsync(bytes_out.fileno())
        file.parent.mkdir(exist_ok=True)
        self._partial.replace(file)
        return file

    def _append(self, cells: tuple[str, ...] | list[str]) -> None:
        """Write a row in one go, so that a kill leaves it whole or away; a full disk may still cut it off."""
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow(cells)
        with self.manifest.open("ab") as lines:
            lines.write(row.getvalue().encode())
            lines.flush()
            os.fsync(lines.fileno())

    def _take_off_torn_row(self) -> None:
        content = self.manifest.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self.torn = plain(content[whole:].decode(errors="replace"))
            os.truncate(self.manifest, whole)


def plain(text: str) -> str:
    """Text on one line, without what a terminal would obey."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
