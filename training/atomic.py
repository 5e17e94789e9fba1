"""Files that are whole or not there, whoever stops or reads meanwhile; one sentence where none can be written."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from model.errors import reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from model.errors import SchregerError


@contextmanager
def atomically(file: Path) -> Iterator[Path]:
    """A path beside the file to write to, which takes its place at the end, or is removed where that is not reached.

    Each process has its own, so that several may write the same file.
    """
    partial = file.parent / f"{file.name}.{os.getpid()}.partial"
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def writing(folder: Path, failure: type[SchregerError]) -> Iterator[None]:
    """Raises `failure`, with one sentence, where what is done in it cannot be written to the folder."""
    try:
        yield
    except OSError as error:
        raise failure(f"{folder} cannot be written to: {reason(error)}; choose another folder.") from error
