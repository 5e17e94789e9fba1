"""Facts about single photos that put a manifest right: what a photo truly shows, or that it is to be left out."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from model.errors import SchregerError, reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from model.manifest import Row
    from model.taxonomy import Taxonomy

CORRECTIONS = "corrections.csv"
"""What a run and a bundle call the copy that they keep beside their recipe."""

COLUMNS = ("sha256", "label", "why")


class CorrectionsError(SchregerError):
    """The corrections cannot be used; the message names the file, the line and what is wrong, in one sentence."""


class Corrected(NamedTuple):
    """The rows that remain, with true labels; how many corrections were applied, and how many are of test photos."""

    rows: list[Row]
    applied: int
    on_test: int


def read_corrections(path: Path, taxonomy: Taxonomy) -> dict[str, str]:
    """The true label of each photo, by its sha256; empty where the photo is to be left out.

    The file is CSV in UTF-8 with the columns sha256, label and why, which is for people.

    Raises:
        CorrectionsError: The file or a column is missing, a line is short, a label is unknown, a photo is there twice.
    """
    labels: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise CorrectionsError(f"{path} lacks the column {missing[0]!r}.")
            for cells in reader:
                if wrong := _wrong(cells, labels, taxonomy):
                    raise CorrectionsError(f"{path}, line {reader.line_num}: {wrong}.")
                labels[cells["sha256"]] = cells["label"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorrectionsError(f"{path} cannot be read as corrections: {reason(error)}.") from error
    return labels


def _wrong(cells: Mapping[str, str | None], known: Mapping[str, str], taxonomy: Taxonomy) -> str | None:
    if any(cells[column] is None for column in COLUMNS):
        return "a cell is missing"  # read as an empty label, it would leave the photo out
    if not (cells["sha256"] or "").strip():
        return "the photo's sha256 is missing"  # it would be that of every photo without one
    if cells["label"] and cells["label"] not in taxonomy:
        return f"{cells['label']!r} is no key of the taxonomy"
    return f"the photo {cells['sha256']} is there twice" if cells["sha256"] in known else None


def correct(rows: Sequence[Row], labels: Mapping[str, str]) -> Corrected:
    """Apply corrections to rows of train and val.

    Rows of test and source_test are never touched, since the figures of two bundles compare on the same labels alone. A
    correction of one is no error: a new split may have moved the photo there.
    """
    learned = {row.sha256 for row in rows if row.split in ("train", "val")}
    others = {row.sha256 for row in rows} - learned
    kept = []
    for row in rows:
        label = labels.get(row.sha256, row.label) if row.split in ("train", "val") else row.label
        if label:
            kept.append(replace(row, label=label))
    return Corrected(kept, len(labels.keys() & learned), len(labels.keys() & others))
