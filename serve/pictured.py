"""Adverts of whatever `schreger scan` takes, and their pictures: files, parts of a tar, or what it downloaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from model.photo import read_file
from serve.advert.read import check_root, picture_paths
from serve.scan.read import Source
from serve.scanned import FETCHED, ScanFolderError, fetched_file, read_scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from serve.advert import Advert
    from serve.scan.read import Row, Span


class Located(NamedTuple):
    """A picture: where it is, whether it is a file below the root by its own name, and its bytes or a PhotoError."""

    path: str
    is_below_root: bool
    read: Callable[[], bytes]


def read_input(file: Path, root: Path | None, out: Path) -> Iterator[tuple[Advert, list[Located]]]:
    """The adverts of an input, each with its pictures; what lies in the folder `out` is no input.

    Raises:
        AdvertFileError, ScanError: The input cannot be read.
    """
    pictures = _open(file, root, out)
    for row in pictures.source.rows():
        yield row.advert, pictures.of(row, list(map(str, row.advert.pictures)))


def read_scanned(
    scan: Path, columns: Sequence[str], adverts: Path, root: Path | None
) -> Iterator[tuple[dict[str, Any], Advert, list[Located]]]:
    """The rows of a scan with these columns, each with the advert that it is of and the pictures that it names.

    Raises:
        ScanFolderError: The scan cannot be read, or is of other adverts.
        AdvertFileError, ScanError: The adverts cannot be read.
    """
    pictures = _open(adverts, root, scan)
    rows = pictures.source.rows()
    for scanned in read_scan(scan, ("row", "id", "pictures", *columns)):
        row = next((row for row in rows if row.number == scanned["row"]), None)
        names = [each["path"] for each in scanned["pictures"] or ()]
        if row is None or row.advert.id != (scanned["id"] or "") or len(row.spans) not in (0, len(names)):
            raise ScanFolderError(f"{str(adverts)!r} is not what {str(scan)!r} is a scan of.")
        yield scanned, row.advert, pictures.of(row, names)


@dataclass(frozen=True)
class _Pictures:
    """The pictures of an input: `file` is how it was named, `out` may hold what a scan of it downloaded."""

    source: Source
    file: Path
    root: Path
    out: Path

    def of(self, row: Row, names: Sequence[str]) -> list[Located]:
        if row.spans:
            return [self._inside(span, name) for span, name in zip(row.spans, names, strict=True)]
        return list(map(self._named, names))

    def _inside(self, span: Span, name: str) -> Located:
        place = self.source.place
        path = os.fspath(self.file / os.path.relpath(span.path, place.path))
        is_file = span.size is None
        read = partial(place.at(span.path).read, span.start, span.size)
        return Located(path if is_file else f"{path}/{name}", is_file, read)

    def _named(self, name: str) -> Located:
        fetched = fetched_file(self.out / FETCHED, name)
        is_fetched = fetched.exists()
        path = fetched if is_fetched else next(iter(picture_paths([name], self.root)), self.root)
        return Located(os.fspath(path), not is_fetched, partial(read_file, path))


def _open(file: Path, root: Path | None, out: Path) -> _Pictures:
    check_root(root)
    source = Source.of(os.fspath(file), out)
    return _Pictures(source, file, root or (file if source.place.is_folder() else file.parent), out)
