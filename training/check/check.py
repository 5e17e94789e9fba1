"""`schreger dataset check`: what is wrong with labelled photos, before anything is trained on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from model.classifier import Classifier
from model.errors import SchregerError
from model.manifest import read_manifest
from training.check.classes import class_issues
from training.check.copies import copy_issues, find_copies, join_groups
from training.check.files import file_issues
from training.check.groups import group_issues, source_issues
from training.check.issue import KINDS, Issue
from training.check.labels import label_errors, unknown_labels
from training.check.licences import licence_issues
from training.check.look import look
from training.check.report import CSV, JSON, print_counts, write_csv, write_json
from training.check.sheets import PAGE, write_sheets
from training.check.shortcuts import shortcut_issues
from training.labelled import find_photos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from model.manifest import Row
    from model.taxonomy import Taxonomy
    from training.check.look import Looks

LOOKS = "looks.npy"
SOME_UNREADABLE = 3


class CheckError(SchregerError):
    """There is nothing to check, or nowhere to write."""


def command(data: Path | None, manifest: Path | None, out: Path, bundle: str) -> int:
    """Write report.json, report.csv and report.html to a folder and print the counts."""
    manifest, locate = find_photos(manifest, data)
    rows = read_manifest(manifest, draft=True)
    if not rows:
        raise CheckError(f"{manifest} has no photos.")
    classifier = Classifier.load(bundle)
    order = list(KINDS)
    try:
        out.mkdir(parents=True, exist_ok=True)
        looks = look(rows, locate, classifier, out / LOOKS)
        found = find_issues(rows, looks, locate, classifier.taxonomy)
        issues = sorted(found, key=lambda issue: order.index(issue.kind))
        write_json(issues, len(rows), len(looks.unreadable), out / JSON)
        write_csv(issues, out / CSV)
        write_sheets(issues, looks, locate, out)
    except OSError as error:
        raise CheckError(f"{out} cannot hold the report: {error.strerror or error}.") from error
    print_counts(issues, len(rows))
    Console(stderr=True).print(f"What was found, with its photos, is in {out / PAGE}.")
    return SOME_UNREADABLE if looks.unreadable else 0


def find_issues(
    rows: Sequence[Row], looks: Looks, locate: Callable[[Row], Path], taxonomy: Taxonomy
) -> Iterator[Issue]:
    """Everything that is wrong with the rows or with the photos that opened."""
    yield from file_issues(looks)
    yield from unknown_labels(rows, taxonomy)
    yield from group_issues(rows)
    yield from source_issues(rows)
    yield from class_issues(rows, taxonomy)
    yield from licence_issues(rows)
    if unsplit := tuple(row for row in rows if not row.split):
        yield Issue("no_split", unsplit, f"{len(unsplit)} photos have no split yet: run `schreger dataset split`.")
    if looks.rows:
        copies = find_copies(looks, locate)
        yield from copy_issues(looks, copies)
        joined = join_groups(looks.rows, copies.near)
        groups = [joined[row.group] for row in looks.rows]
        with Console(stderr=True).status("Looking for label errors and shortcuts"):
            yield from label_errors(looks, groups, taxonomy)
            yield from shortcut_issues(looks, groups)
