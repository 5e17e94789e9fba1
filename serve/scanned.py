"""What `schreger scan` wrote: the rows of a folder of Parquet parts, and what it downloaded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from model.errors import SchregerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CLAIM = "scan.json"
PARTS = "part-*.parquet"
FETCHED = "fetched"
"""Folder in the results where downloaded pictures are kept."""


class ScanFolderError(SchregerError):
    """The folder holds no scan that can be read."""


def is_scan(folder: Path) -> bool:
    """Whether a folder is one that `schreger scan` wrote; other programs write parts of that name too."""
    return (folder / CLAIM).is_file()


def read_scan(folder: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of the finished parts, in order, with these columns.

    Raises:
        ScanFolderError: There is no part, or one cannot be read or lacks a column.
    """
    import pyarrow
    import pyarrow.parquet

    finished = (part for part in folder.glob(PARTS) if part.with_suffix(".json").exists())
    parts = sorted(finished, key=lambda part: (len(part.name), part.name))  # the hundred thousandth has a digit more
    if not parts:
        raise ScanFolderError(
            f"{str(folder)!r} holds no finished part-*.parquet: name a folder that `schreger scan` wrote."
        )
    for part in parts:
        try:
            with pyarrow.parquet.ParquetFile(part) as opened:
                missing = [column for column in columns if column not in opened.schema_arrow.names]
                if missing:
                    raise ScanFolderError(f"{str(part)!r} has no column {missing[0]}: this schreger did not scan it.")
                for batch in opened.iter_batches(columns=list(columns)):
                    yield from batch.to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            raise ScanFolderError(f"{str(part)!r} cannot be read: {str(error).splitlines()[0]}.") from error


def fetched_file(folder: Path, url: str) -> Path:
    """The file in a folder of downloads that is an address's own."""
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / digest[:2] / digest
