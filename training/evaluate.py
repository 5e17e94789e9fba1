"""`schreger evaluate`: the figures of a bundle on labelled photos."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer
from rich.console import Console
from rich.table import Table

from model.classifier import Classifier
from model.errors import SchregerError
from model.manifest import Row, Split, read_manifest
from training.figures import Figure, all_figures
from training.measure import measure
from training.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from training.measure import Measured

METRICS, PREDICTIONS = "metrics.json", "predictions.csv"
COLUMNS = ("file", "sha256", "label", "split", "group", "source", "status", "answer", "probability", "unfamiliarity",
           "top")  # fmt: skip
SOME_UNREADABLE = 3


class EvaluateError(SchregerError):
    """There is nothing to evaluate on."""


def command(out: Path, manifest: Path | None, split: str | None, bundle: str, data: Path | None, baseline: bool) -> int:
    """Write metrics.json and predictions.csv to a folder and print the figures."""
    keep_freed_memory()
    classifier = Classifier.load(bundle)
    manifest, locate = find_photos(manifest, data)
    rows = read_manifest(manifest)
    chosen = choose(rows, split)
    out.mkdir(parents=True, exist_ok=True)
    measured = measure(classifier, chosen, locate)
    figures = all_figures(measured.predictions(classifier.classes), classifier.taxonomy)
    columns = {classifier.bundle.id: figures}
    if baseline:
        from training.baseline import baseline_predictions

        train = [row for row in rows if row.split == "train"]
        columns["frozen lite2 + logistic regression"] = all_figures(
            baseline_predictions(train, measured.rows, locate), classifier.taxonomy
        )
    write_metrics(figures, out / METRICS)
    write_predictions(measured, out / PREDICTIONS)
    print_figures(columns, f"{len(measured.rows)} photos, split {split or 'any'}")
    for row, error in measured.unreadable:
        typer.echo(f"{row.file}: {error}", err=True)
    return SOME_UNREADABLE if measured.unreadable else 0


def find_photos(manifest: Path | None, data: Path | None) -> tuple[Path, Callable[[Row], Path]]:
    """The manifest, and where the photo of a row lies: beside the manifest, else in the data folder.

    Raises:
        EvaluateError: Neither a manifest nor a data folder is given.
    """
    if manifest is None and data is None:
        raise EvaluateError("Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA.")
    found = manifest if manifest is not None else Path(str(data)) / "manifest.csv"

    def locate(row: Row) -> Path:
        beside = found.parent / row.file
        return beside if data is None or beside.exists() else data / row.file

    return found, locate


def choose(rows: Sequence[Row], split: str | None) -> list[Row]:
    """The rows of one split, or all.

    Raises:
        EvaluateError: There is no such split, or no such row.
    """
    if split is not None and split not in get_args(Split):
        raise EvaluateError(f"There is no split {split!r}; the splits are {', '.join(get_args(Split))}.")
    chosen = [row for row in rows if split in (None, row.split)]
    if not chosen:
        raise EvaluateError(f"The manifest has no photos{f' in split {split}' if split else ''}.")
    return chosen


def write_metrics(figures: Mapping[str, Any], file: Path) -> None:
    """Figures by name, or by split and name, as JSON."""
    file.write_text(json.dumps(figures, indent=1, default=asdict) + "\n", encoding="utf-8")


def write_predictions(measured: Measured, file: Path) -> None:
    """One row a photo, with every class's probability in `top`."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for row, found in zip(measured.rows, measured.findings, strict=True):
            known = (row.file, row.sha256, row.label, row.split, row.group, row.source)
            said = (found.status, found.answer or "", f"{found.probability:.5f}", f"{found.unfamiliarity:.4f}")
            top = ";".join(f"{key}={probability:.5f}" for key, probability in found.probabilities)
            writer.writerow((*known, *said, top))


def print_figures(columns: Mapping[str, Mapping[str, Figure]], title: str) -> None:
    """Figures side by side, one column for each thing measured."""
    table = Table("figure", *columns, title=title)
    for name in next(iter(columns.values())):
        cells = (figures.get(name) for figures in columns.values())
        table.add_row(name, *(as_text(figure) if figure else "-" for figure in cells))
    Console(width=120).print(table)


def as_text(figure: Figure) -> str:
    """A figure as people read it: value, 95% interval, number of photos."""
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f}) n={figure.n}"
