"""Where labelled photos lie."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from model.errors import SchregerError
from model.manifest import read_manifest, same_in_two_splits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model.manifest import Row


class LabelledError(SchregerError):
    """No labelled photos are named, or those of several manifests do not go together."""


def find_photos(manifest: Path | None, data: Path | None) -> tuple[Path, Callable[[Row], Path]]:
    """The manifest, and where the photo of a row lies: beside the manifest, else in the data folder.

    Raises:
        LabelledError: Neither a manifest nor a data folder is given, or the folder has no manifest.
    """
    found = manifest or (data and data / "manifest.csv")
    if found is None:
        raise LabelledError("Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA.")
    if manifest is None and not os.path.exists(found):  # noqa: PTH110 - Path.exists raises for some
        raise LabelledError(
            f"There is no {found.name} in {str(data)!r}; `schreger dataset collect` makes one (docs/collect.md)."
        )

    def locate(row: Row) -> Path:
        beside = found.parent / row.file
        return beside if data is None or beside.exists() else data / row.file

    return found, locate


def read_labelled(manifests: Sequence[Path], data: Path | None) -> tuple[list[Row], Path]:
    """The rows of manifests one after the other, or of the data folder's own, and the folder that files are told from.

    Raises:
        LabelledError: There is neither, or a group or photo is in two splits.
        ManifestError: A manifest cannot be used.
    """
    if not manifests:
        own, _ = find_photos(None, data)
        return read_manifest(own), own.parent
    rows: list[Row] = []
    for manifest in manifests:
        _, locate = find_photos(manifest, data)
        rows += [replace(row, file=str(locate(row).absolute())) for row in read_manifest(manifest)]
    split_of: dict[str, str] = {}
    for row in rows:
        if split_of.setdefault(row.group, row.split) != row.split:
            splits = f"{split_of[row.group]} and {row.split}"
            raise LabelledError(f"Group {row.group!r} is in both {splits}, in different manifests of the recipe.")
    if same := same_in_two_splits(rows):
        raise LabelledError(same)
    return rows, manifests[0].parent


def licensed(rows: Sequence[Row], licences: Sequence[str]) -> list[Row]:
    """The rows but those of train and val photos under another licence than these, if any are named.

    Photos to measure on stay, whatever their licence: nothing is learned from them.

    Raises:
        LabelledError: No photo is under one of the licences, as it is worded.
    """
    unknown = set(licences) - {row.licence for row in rows}
    if unknown:
        raise LabelledError(f"No photo is under the licence {min(unknown)!r}: word it as the manifest does.")
    return [row for row in rows if not licences or row.licence in licences or row.split not in ("train", "val")]
