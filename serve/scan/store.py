"""Files wherever they lie: on this computer, or in an object store through fsspec."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from model.hidden import is_hidden
from model.photo import MAX_BYTES, PhotoError, read_file, too_many_bytes
from serve.advert.read import picture_paths
from serve.inputs import find_inputs
from serve.scan.error import ScanError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Place:
    """A file or a folder: its file system of fsspec, and its path there."""

    system: Any
    path: str

    @classmethod
    def of(cls, address: str) -> Place:
        """The place that a path, or an address such as s3://bucket/folder, names.

        Raises:
            ScanError: No file system here knows such addresses.
        """
        if Path(address).exists():  # a file's name may look like an address
            return cls(LocalFileSystem(), str(Path(address).absolute()))
        try:
            system, path = fsspec.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise ScanError(f"{address!r} cannot be opened: {str(error).rstrip('.')}.") from error
        return cls(system, path)

    @property
    def is_local(self) -> bool:
        return isinstance(self.system, LocalFileSystem)

    @property
    def ending(self) -> str:
        return PurePosixPath(self.path).suffix.lower()

    @property
    def parent(self) -> Place:
        return self.at(posixpath.dirname(self.path))

    def is_folder(self) -> bool:
        """Raises ScanError where there is nothing."""
        try:
            return bool(self.system.info(self.path)["type"] == "directory")
        except FileNotFoundError:
            raise ScanError(f"There is no {self.path!r}; check its name.") from None
        except Exception as error:  # a store may raise anything
            why = (getattr(error, "strerror", None) or str(error)).rstrip(".")
            raise ScanError(f"{self.path!r} cannot be opened: {why}.") from error

    def open(self) -> BinaryIO:
        return cast("BinaryIO", self.system.open(self.path, "rb"))

    def files(self) -> Iterator[Place]:
        """The files below a folder that are not hidden, sorted by path."""
        if self.is_local:
            found: Any = map(str, find_inputs([Path(self.path)]))
        else:
            below = sorted(self.system.find(self.path))
            found = (path for path in below if not is_hidden(*PurePosixPath(posixpath.relpath(path, self.path)).parts))
        return map(self.at, found)

    def size(self) -> int:
        """Bytes of a file; -1 where it cannot be told."""
        try:
            return int(self.system.size(self.path))
        except OSError:
            return -1

    def at(self, path: str) -> Place:
        """Another path in the same file system."""
        return replace(self, path=path)

    def below(self, name: str) -> Place:
        """What a stranger's name names below this folder; never what lies outside."""
        if self.is_local:
            return self.at(str(picture_paths([name], Path(self.path))[0]))
        inner = posixpath.normpath(posixpath.join("/", name.replace("\\", "/")))
        return self.at(self.path.rstrip("/") + inner)

    def read(self, start: int = 0, size: int | None = None) -> bytes:
        """The bytes of a picture: of the whole file, or of a part of it.

        Raises:
            PhotoError: The file cannot be read, or the picture is larger than any photo.
        """
        if self.is_local and size is None:
            return read_file(self.path)
        name = repr(posixpath.basename(self.path)[:80])
        try:
            length = int(self.system.size(self.path)) if size is None else size
            if length <= MAX_BYTES:
                return bytes(self.system.cat_file(self.path, start=start, end=start + length))
        except FileNotFoundError:
            raise PhotoError("unreadable_file", f"There is no file {name}; check its name.") from None
        except Exception as error:  # a store may raise anything
            raise PhotoError("unreadable_file", f"{name} cannot be read; try again with --retry.") from error
        raise too_many_bytes(length)
