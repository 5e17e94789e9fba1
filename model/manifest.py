"""The manifest: one row a labelled photo, in a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from model.errors import SchregerError, reason

Split = Literal["train", "val", "test", "source_test"]
REQUIRED = ("file", "sha256", "label", "split", "group", "source", "licence", "attribution", "width", "height", "note")


class ManifestError(SchregerError):
    """The manifest cannot be used; the message names the file, the line and what is wrong, in one sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled photo.

    `file` is relative to the manifest's folder; `group` is one physical object, animal or burst, and is never spread
    over two splits; `split` is empty in a draft alone; `width` and `height` are in pixels.
    """

    file: str
    sha256: str
    label: str
    split: Split | Literal[""]
    group: str
    source: str
    licence: str
    attribution: str
    width: int
    height: int
    note: str


def read_manifest(path: Path, draft: bool = False) -> list[Row]:
    """Read a manifest (UTF-8 CSV; columns beyond `REQUIRED` are ignored).

    In a draft, which is still to be checked or split, a split may be empty, and a group or photo may be in several.

    Raises:
        ManifestError: The file or a column is missing, a cell is malformed, or a group or photo is in two splits.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [column for column in REQUIRED if column not in (reader.fieldnames or ())]
            if missing:
                raise ManifestError(f"{path} lacks the column {missing[0]!r}.")
            numbered = [(reader.line_num, _row(cells, f"{path}, line {reader.line_num}", draft)) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{path} cannot be read as a manifest: {reason(error)}.") from error
    split_of: dict[str, str] = {}
    for line, row in numbered if not draft else ():
        first = split_of.setdefault(row.group, row.split)
        if row.split != first:
            raise ManifestError(f"{path}, line {line}: group {row.group!r} is in both {first} and {row.split}.")
    rows = [row for _, row in numbered]
    if not draft and (same := same_in_two_splits(rows)):
        raise ManifestError(f"{path}: {same}")
    return rows


def same_in_two_splits(rows: Iterable[Row]) -> str | None:
    """The sentence on the first two rows of the same bytes that are in different splits, if there are any."""
    first_of: dict[str, Row] = {}
    for row in rows:
        first = first_of.setdefault(row.sha256, row) if row.sha256 else row
        if first.split != row.split:
            return (
                f"{first.file} in {first.split} and {row.file} in {row.split} are the same photo: keep it in one split."
            )
    return None


def _row(cells: dict[str, str], where: str, draft: bool) -> Row:
    if cells["split"] == "" and not draft:
        raise ManifestError(f"{where}: the photo has no split yet: run `schreger dataset split`.")
    if cells["split"] not in (*get_args(Split), ""):
        raise ManifestError(f"{where}: split is {cells['split']!r}, not one of {', '.join(get_args(Split))}.")
    if not (cells["file"] and cells["label"] and cells["group"]):
        raise ManifestError(f"{where}: a photo needs a file, a label and a group.")
    try:
        width, height = int(cells["width"]), int(cells["height"])
    except (TypeError, ValueError):
        raise ManifestError(f"{where}: width and height must be whole numbers of pixels.") from None
    text = {column: cells[column] or "" for column in REQUIRED if column not in ("split", "width", "height")}
    return Row(split=cast(Split, cells["split"]), width=width, height=height, **text)
