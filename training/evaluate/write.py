"""Figures and predictions as files and as text."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from training.evaluate.bootstrap import Figure
    from training.evaluate.compare import Comparison
    from training.evaluate.measure import Measured

COLUMNS = ("file", "sha256", "label", "split", "group", "source", "status", "answer", "probability", "unfamiliarity",
           "top")  # fmt: skip


def write_metrics(figures: Mapping[str, Any], file: Path) -> None:
    """Figures by name, or by split and name, as JSON."""
    file.write_text(json.dumps(figures, indent=1, default=asdict) + "\n", encoding="utf-8")


def write_predictions(measured: Measured, file: Path) -> None:
    """One row a photo, with every class's probability in `top`."""
    rows = []
    for row, found in zip(measured.rows, measured.findings, strict=True):
        known = (row.file, row.sha256, row.label, row.split, row.group, row.source)
        said = (found.status, found.answer or "", f"{found.probability:.5f}", f"{found.unfamiliarity:.4f}")
        rows.append((*known, *said, ";".join(f"{key}={probability:.5f}" for key, probability in found.probabilities)))
    write_table(COLUMNS, rows, file)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]], file: Path) -> None:
    """Rows as CSV; numbers with four decimals, nothing where there is none."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row] for row in rows)


def print_figures(columns: Mapping[str, Mapping[str, Figure]], title: str) -> None:
    """Figures side by side, one column for each thing measured."""
    table = Table("figure", *columns, title=title)
    for name in dict.fromkeys(name for figures in columns.values() for name in figures):
        cells = (figures.get(name) for figures in columns.values())
        table.add_row(name, *(as_text(figure) if figure else "-" for figure in cells))
    Console(width=120).print(table)


def print_comparison(comparison: Comparison) -> None:
    """The verdict, why, and the figures of both bundles."""
    console = Console(width=120)
    table = Table("figure", "old", "new", "difference", "photos", "", title=f"{comparison.old} → {comparison.new}")
    for name, change in (comparison.changes | comparison.answers).items():
        values = (f"{figure.value:.3f}" for figure in (change.before, change.after))
        said = "" if change.verdict == "same" else change.verdict
        table.add_row(name, *values, as_change(change.difference), str(change.difference.n), said)
    console.print(table)
    console.print(
        f"{comparison.new} {'may' if comparison.may_replace else 'may not'} replace {comparison.old}.",
        *comparison.objections,
        sep="\n",
        highlight=False,
    )


def as_change(difference: Figure) -> str:
    """A difference as people read it: with its sign, and its 95% interval."""
    return f"{difference.value:+.3f} ({_interval(difference, '+.3f')})"


def as_text(figure: Figure) -> str:
    """A figure as people read it: value, 95% interval, number of photos."""
    return f"{figure.value:.3f} ({_interval(figure, '.3f')}) n={figure.n}"


def _interval(figure: Figure, form: str) -> str:
    return "-" if figure.low is None or figure.high is None else f"{figure.low:{form}} to {figure.high:{form}}"


def _cell(value: object) -> object:
    if value is None or value != value:  # NaN: there is no such figure
        return ""
    return f"{value:.4f}" if isinstance(value, float) else value
