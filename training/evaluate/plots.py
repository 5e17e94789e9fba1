"""The plots of an evaluation, as PNG files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import PercentFormatter

from training.evaluate.scores import count_confusions
from training.evaluate.statistics import ECE_BINS, calibration_bin, risk_curve

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from training.evaluate.predictions import Predictions

PLOTS = ("reliability", "risk_coverage", "confusion")
MARK, QUIET = "#0f766e", "#94a3b8"
CONFUSED_LABELS = 24
"""Labels with most photos, which fill a plot that can still be read."""


def plot_all(predictions: Predictions, folder: Path) -> dict[str, Path]:
    """Draw what there are photos for, and give the files by name."""
    known = predictions.only(predictions.known)
    if not known.rows:
        return {}
    files = {name: folder / f"{name}.png" for name in PLOTS}
    for file, plot in zip(files.values(), (plot_reliability, plot_risk, plot_confusion), strict=True):
        plot(known, file)
    return files


def plot_reliability(known: Predictions, file: Path) -> None:
    """How often the likeliest class is right, by how probable it is said to be, over the number of photos."""
    canvas = Canvas(figsize=(5, 5.2), layout="constrained")
    upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    bins = calibration_bin(known.confidence)
    photos = np.bincount(bins, minlength=ECE_BINS)
    right = np.bincount(bins, known.right, ECE_BINS)
    sure = np.bincount(bins, known.confidence, ECE_BINS)
    filled = photos > 0
    upper.plot([0, 1], [0, 1], color=QUIET, linestyle="--", label="as sure as right")
    upper.plot(sure[filled] / photos[filled], right[filled] / photos[filled], "o-", color=MARK, label="this bundle")
    upper.set(ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    upper.legend(loc="upper left", frameon=False)
    lower.bar((np.arange(ECE_BINS) + 0.5) / ECE_BINS, photos, width=0.9 / ECE_BINS, color=QUIET)
    lower.set(xlabel="probability of the likeliest class", ylabel="photos")
    _save(canvas, file, (upper, lower))


def plot_risk(known: Predictions, file: Path) -> None:
    """The error among the surest photos, by the share of photos that they are."""
    canvas = Canvas(figsize=(5, 4), layout="constrained")
    axes = canvas.subplots()
    coverage, risk = risk_curve(known.confidence, known.right)(np.ones((1, len(known.rows))))
    axes.plot(coverage[0], risk[0], color=MARK)
    axes.set(xlabel="share of photos answered, the surest first", ylabel="share of answers that is wrong")
    axes.set(xlim=(0, 1), ylim=(0, None))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    _save(canvas, file, (axes,))


def plot_confusion(known: Predictions, file: Path) -> None:
    """What the photos of each label are taken for, in hundredths; the labels with most photos."""
    names = [label for label, _ in Counter(known.labels.tolist()).most_common(CONFUSED_LABELS)]
    labels, counts = count_confusions(known)
    rows = counts[[labels.index(name) for name in names]]
    columns = rows[:, [known.column[name] for name in names]]
    table = np.concatenate([columns, rows.sum(axis=1, keepdims=True) - columns.sum(axis=1, keepdims=True)], axis=1)
    percent = 100 * table / table.sum(axis=1, keepdims=True)
    side = 1.5 + 0.3 * len(names)
    canvas = Canvas(figsize=(side + 0.4, side), layout="constrained")
    axes = canvas.subplots()
    axes.imshow(percent, cmap="Greens", vmin=0, vmax=100, aspect="auto")
    for row, column in np.argwhere(percent >= 0.5).tolist():
        dark = percent[row, column] > 60
        axes.text(column, row, f"{percent[row, column]:.0f}", ha="center", va="center", fontsize=7,
                  color="white" if dark else "black")  # fmt: skip
    axes.set_xticks(range(len(names) + 1), [*names, "any other"], rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="taken for (% of the label's photos)", ylabel="label")
    _save(canvas, file, ())


def _save(canvas: Canvas, file: Path, plain: tuple[Axes, ...]) -> None:
    for axes in plain:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e2e8f0", linewidth=0.7)
        axes.set_axisbelow(True)
    canvas.savefig(file, dpi=120)
