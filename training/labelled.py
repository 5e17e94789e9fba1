"""Where labelled photos lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import SchregerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.manifest import Row


class LabelledError(SchregerError):
    """No labelled photos are named."""


def find_photos(manifest: Path | None, data: Path | None) -> tuple[Path, Callable[[Row], Path]]:
    """The manifest, and where the photo of a row lies: beside the manifest, else in the data folder.

    Raises:
        LabelledError: Neither a manifest nor a data folder is given.
    """
    if manifest is None and data is None:
        raise LabelledError("Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA.")
    found = manifest if manifest is not None else Path(str(data)) / "manifest.csv"

    def locate(row: Row) -> Path:
        beside = found.parent / row.file
        return beside if data is None or beside.exists() else data / row.file

    return found, locate
