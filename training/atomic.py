"""Files that are whole or not there, whoever stops or reads meanwhile."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
