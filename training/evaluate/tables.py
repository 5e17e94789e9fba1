"""The files of an evaluation that programs read: the figures as JSON, all else as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.evaluate.scores import count_confusions
from training.evaluate.write import write_metrics, write_predictions, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from training.evaluate.bootstrap import Figure
    from training.evaluate.measure import Measured
    from training.evaluate.report import Report
    from training.evaluate.scores import SliceScore

    Content = tuple[Sequence[str], Iterable[Sequence[object]]]
    Table = tuple[str, Sequence[str], Iterable[Sequence[object]]]

METRICS, PREDICTIONS = "metrics.json", "predictions.csv"
TABLES = (
    METRICS, PREDICTIONS, "metrics.csv", "confusion.csv", "classes.csv", "products.csv", "sources.csv",
    "group_sizes.csv", "robustness.csv", "sources_left_out.csv",
)  # fmt: skip
"""Every file that may be written."""

INTERVAL = ("value", "low", "high", "n")


def write_files(report: Report, measured: Measured, out: Path) -> None:
    """Write metrics.json, predictions.csv and a CSV file for each table to a folder."""
    spoilt = {
        f"{name} ({each.name})": change.after for each in report.robustness for name, change in each.changes.items()
    }
    figures = report.figures | spoilt
    write_metrics(figures, out / METRICS)
    write_predictions(measured, out / PREDICTIONS)
    write_table(("figure", *INTERVAL), ((name, *cells(each)) for name, each in figures.items()), out / "metrics.csv")
    for name, columns, rows in tables(report):
        write_table(columns, rows, out / name)


def tables(report: Report) -> Iterator[Table]:
    """Each table as the name of its file, its columns and its rows."""
    labels, counts = count_confusions(report.predictions)
    rows = [(label, *row) for label, row in zip(labels, counts.tolist(), strict=True)]
    yield "confusion.csv", ("label", *report.predictions.classes), rows
    yield "classes.csv", *_classes(report)
    yield "products.csv", *_products(report)
    yield "sources.csv", *_slices(report.sources)
    yield "group_sizes.csv", *_slices(report.sizes)
    if report.robustness:
        yield "robustness.csv", *_robustness(report)
    if report.left_out:
        yield "sources_left_out.csv", *_left_out(report)


def _classes(report: Report) -> Content:
    return ("class", "photos", "taken_for_it", *_columns("precision", "recall", "f1")), [
        (each.key, each.photos, each.alarms, *cells(each.precision, each.recall, each.f1)) for each in report.classes
    ]


def _products(report: Report) -> Content:
    scores = ("recall_at_1pct", "auc", "answered", "false_alarms", "precision")
    return ("product", "photos", "others", *_columns(*scores)), [
        (each.key, each.photos, each.others,
         *cells(each.recall, each.auc, each.answered, each.false_alarms, each.precision))
        for each in report.products
    ]  # fmt: skip


def _slices(slices: Sequence[SliceScore]) -> Content:
    return ("name", "photos", "objects", "labels", *_columns("top_1", "answered", "wrong")), [
        (each.name, each.photos, each.objects, ";".join(each.labels), *cells(each.right, each.answered, each.wrong))
        for each in slices
    ]


def _robustness(report: Report) -> Content:
    return ("disturbance", "photos", "figure", *_columns("clean", "spoilt", "change")), [
        (each.name, each.photos, name, *cells(change.before, change.after, change.difference))
        for each in report.robustness
        for name, change in each.changes.items()
    ]


def _left_out(report: Report) -> Content:
    return ("product", "source", "photos", *_columns("seen", "unseen", "change")), [
        (each.product, each.source, each.photos, *cells(each.seen, each.unseen, each.change))
        for each in report.left_out
    ]


def cells(*figures: Figure | None) -> list[float | None]:
    """Value, low, high and n of each figure; nothing where there is none."""
    missing = (None,) * len(INTERVAL)
    parts = ((each.value, each.low, each.high, each.n) if each else missing for each in figures)
    return [cell for part in parts for cell in part]


def _columns(*names: str) -> list[str]:
    return [name if part == "value" else f"{name}_{part}" for name in names for part in INTERVAL]
