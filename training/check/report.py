"""The report: a table on the terminal, report.json, and report.csv with a line for each photo concerned."""

from __future__ import annotations

import csv
import json
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from training.check.issue import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.check.issue import Issue

JSON, CSV = "report.json", "report.csv"
OF_ROW = ("file", "split", "label", "source", "group")
COLUMNS = ("kind", "severity", *OF_ROW, "suggested", "figure", "sentence")


def write_json(issues: Sequence[Issue], photos: int, unreadable: int, file: Path) -> None:
    """Counts by kind, then every issue with the rows concerned."""
    told = [
        {
            "kind": issue.kind,
            "severity": issue.severity,
            "sentence": issue.sentence,
            "figure": issue.figure,
            "suggested": issue.suggested,
            "rows": [{name: getattr(row, name) for name in OF_ROW} for row in issue.rows],
        }
        for issue in issues
    ]
    counts = Counter(issue.kind for issue in issues)
    report = {"photos": photos, "unreadable": unreadable, "counts": counts, "issues": told}
    file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_csv(issues: Sequence[Issue], file: Path) -> None:
    """One line for each photo of each issue; one for an issue that concerns no photo in particular."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for issue in issues:
            for row in issue.rows or (None,):
                of_row = [getattr(row, name, "") for name in OF_ROW]
                figure = "" if issue.figure is None else f"{issue.figure:.4f}"
                of_issue = (issue.suggested or "", figure, issue.sentence)
                writer.writerow((issue.kind, issue.severity, *of_row, *of_issue))


def print_counts(issues: Sequence[Issue], photos: int) -> None:
    """Issues and photos concerned, by kind."""
    table = Table("", "kind", "what", title=f"{photos} photos")
    for heading in ("found", "photos"):
        table.add_column(heading, justify="right")
    for kind, (severity, title) in KINDS.items():
        found = [issue for issue in issues if issue.kind == kind]
        if found:
            concerned = {row.file for issue in found for row in issue.rows}
            table.add_row(severity, kind, title, str(len(found)), str(len(concerned)))
    Console(width=120).print(table if table.rows else f"{photos} photos: nothing found.")
