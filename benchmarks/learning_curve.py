"""How accuracy on held-out sources grows with photos and with sources of a class, and what that says is needed.

Needs SCHREGER_DATA; reads its train and validation photos alone. A head (class-balanced logistic regression on the
features of a bundle) learns from some photos, or from some sources, of a class, and is asked about whole sources that
it has not seen; every source counts alike, however many photos it has. A product is told from everything else: recall
at 1% false alarms among the held-out photos. Parrots are the species with sources enough, told from each other: top-1.

The pretrained half of the features never saw these photos in tuning and speaks honestly; all features together were
tuned on most of them and show too much. `--out` keeps features and every point: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure as Canvas
from sklearn.preprocessing import StandardScaler

from model.bundle import DEFAULT
from model.classifier import Classifier
from model.manifest import Row, read_manifest
from model.taxonomy import Taxonomy, load_taxonomy
from training.corrections import CORRECTIONS, correct, read_corrections
from training.evaluate.predictions import lineage, under
from training.evaluate.products import FALSE_ALARMS, LEFT_ASIDE, sides
from training.refit import balanced_head, balanced_regression
from training.seen import see
from training.split import source_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Strings = NDArray[np.str_]
    Shares = dict[str, list[float]]
    Lines = dict[tuple[str, str, str], tuple["Line", "Line"]]

PRODUCTS, PARROTS = ("ivory", "bone", "synthetic", "pangolin_scale"), "psittaciformes"
KEYS = (*PRODUCTS, PARROTS)
HALVES = {"pretrained half": slice(1280, None), "all features": slice(None)}
FOLDS = 5
PARROT_SOURCES = FOLDS + 1
"""A parrot species with fewer sources is left out, so that all points tell the same species apart."""

NEGATIVES, TOLERANCE = 3000, 1e-3
"""Photos of anything else that a head learns from, and how exactly it is fitted: both keep this cheap."""

PHOTOS_OF_A_SOURCE = 40
"""Where sources are counted, a head takes at most so many photos of each, so that none counts for many."""

ALL = 0
STEPS = {"sources": (1, 2, 4, 8, ALL), "photos": (5, 20, 80, ALL)}
"""How many of either a head learns from: of a product, or of each parrot species."""

WANTED, OUT_OF_REACH = 0.9, 10_000
DRAWS, TAILS = 500, (5, 95)
SMALLEST, MOST_LOGARITHM = 0.002, 50.0
"""What an error counts as at least, and the logarithm of an amount at most: a power law has no zero and no infinity."""


@dataclass(frozen=True, eq=False)
class Photos:
    """Rows, their features (N, d), each of spread 1, and their sources (N,)."""

    rows: Sequence[Row]
    features: Floats
    sources: Strings


class Task(NamedTuple):
    """What is to be told apart: the class (N,) of each photo; 0 is anything else, -1 is not used."""

    key: str
    classes: Numbers


class Point(NamedTuple):
    """One head: how much it learned from, and how it did on each held-out source."""

    key: str
    half: str
    axis: str
    limit: int
    seed: int
    fold: int
    learned: float
    found: Shares


def main() -> None:
    """Measure what is not yet measured, print the tables, draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default=DEFAULT, help="shipped name or folder (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="orders of folds and draws (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("learning_curve"), help="folder (default: %(default)s)")
    options = parser.parse_args()
    if not (name := os.environ.get("SCHREGER_DATA")):
        print("learning_curve needs photos: set SCHREGER_DATA to a folder with manifest.csv", file=sys.stderr)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    photos = read_photos(Path(name), options.bundle, options.out / "features.npz")
    points = measure(photos, tasks_of(photos.rows, load_taxonomy()), options.seeds, options.out / "points.jsonl")
    lines = {of: lines_of([point for point in points if point[:3] == of]) for of in product(KEYS, HALVES, STEPS)}
    print_tables(lines)
    plot(lines, options.out / "learning_curve.png")


def read_photos(data: Path, bundle: str, kept: Path) -> Photos:
    """Photos of train and val, as corrected, with the features that a bundle's engine makes of them."""
    classifier = Classifier.load(bundle)
    corrections = read_corrections(classifier.bundle.folder / CORRECTIONS, classifier.taxonomy)
    rows = [row for row in read_manifest(data / "manifest.csv") if row.split in ("train", "val")]
    if not kept.exists():
        seen = see(classifier, rows, lambda row: data / row.file)
        np.savez(kept, files=[row.file for row in seen.rows], embeddings=seen.embeddings)
    with np.load(kept) as arrays:
        place = {file: number for number, file in enumerate(arrays["files"].tolist())}
        rows = [row for row in correct(rows, corrections).rows if row.file in place]
        features = arrays["embeddings"][[place[row.file] for row in rows]]
    return Photos(rows, StandardScaler().fit_transform(features), np.array([row.source for row in rows]))


def tasks_of(rows: Sequence[Row], taxonomy: Taxonomy) -> list[Task]:
    """Each product against everything else, and the parrot species against each other."""
    labels = np.array([row.label for row in rows])
    tasks = []
    for key in PRODUCTS:
        if key in LEFT_ASIDE:
            used, shown = sides(key, labels, taxonomy)
        else:
            used, shown = labels != "goods", under(labels, key, taxonomy)
        tasks.append(Task(key, np.where(used, shown, -1)))
    sources = defaultdict(set)
    for row in rows:
        if PARROTS in lineage(row.label, taxonomy) and taxonomy[row.label].rank == "species":
            sources[row.label].add(row.source)
    species = sorted(key for key, of in sources.items() if len(of) >= PARROT_SOURCES)
    number = {key: place + 1 for place, key in enumerate(species)}
    return [*tasks, Task(PARROTS, np.array([number.get(label, -1) for label in labels.tolist()]))]


def measure(photos: Photos, tasks: Sequence[Task], seeds: int, file: Path) -> list[Point]:
    """Every point, those from the file that are there already; a line is a point."""
    points = [Point(*json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
    done = {point[:6] for point in points}
    steps = [(axis, count) for axis, counts in STEPS.items() for count in counts]
    with file.open("a") as lines:
        for seed in range(seeds):
            for fold, parts in enumerate(source_folds(photos.rows, FOLDS, seed)):
                learn, held = (np.array([row in part for row in photos.rows]) for part in map(set, parts))
                for task, (axis, count), half in product(tasks, steps, HALVES):
                    if (task.key, half, axis, count, seed, fold) not in done:
                        taken = draw(task, photos.sources, learn, axis, count, np.random.default_rng((seed, fold)))
                        found = ask(task, photos.features[:, HALVES[half]], photos.sources, taken, held)
                        learned = amount(task, photos.sources, taken, axis)
                        points.append(Point(task.key, half, axis, count, seed, fold, learned, found))
                        print(json.dumps(points[-1]), file=lines, flush=True)
    return points


def draw(task: Task, sources: Strings, learn: Bools, axis: str, count: int, generator: np.random.Generator) -> Bools:
    """The photos (N,) that a head learns from: a few of each class, and many of anything else."""
    others = np.flatnonzero(learn & (task.classes == 0))
    chosen = [generator.permutation(others)[:NEGATIVES]]
    for number in range(1, task.classes.max() + 1):
        photos = generator.permutation(np.flatnonzero(learn & (task.classes == number)))
        if axis == "sources":
            some = generator.permutation(np.unique(sources[photos]))[: count or None]
            chosen += [photos[sources[photos] == source][:PHOTOS_OF_A_SOURCE] for source in some]
        else:
            chosen.append(photos[: count or None])
    return np.isin(np.arange(len(learn)), np.concatenate(chosen))


def amount(task: Task, sources: Strings, taken: Bools, axis: str) -> float:
    """How many sources or photos of a class were taken; of several classes, the mean."""
    shown, number = task.classes > 0, int(task.classes.max())
    counted = zip(task.classes, sources, strict=True) if axis == "sources" else enumerate(task.classes)
    return len({each for each, counts in zip(counted, taken & shown, strict=True) if counts}) / number


def ask(task: Task, features: Floats, sources: Strings, taken: Bools, held: Bools) -> Shares:
    """How a head that learned from the photos taken finds those of each held-out source: recall and AUC, or top-1."""
    asked = held & (task.classes > 0)
    if task.key == PARROTS:
        known, weight, bias = balanced_head(features[taken], task.classes[taken])
        asked &= np.isin(task.classes, known)
        right = above = known[(features[asked] @ weight.T + bias).argmax(axis=1)] == task.classes[asked]
    else:
        head = balanced_regression(tol=TOLERANCE).fit(features[taken], task.classes[taken])
        others = np.sort(head.decision_function(features[held & (task.classes == 0)]))
        score = head.decision_function(features[asked])
        right, above = score > np.quantile(others, 1 - FALSE_ALARMS), np.searchsorted(others, score) / len(others)
    of = sources[asked]
    return {str(source): [float(part[of == source].mean()) for part in (right, above)] for source in np.unique(of)}


class Line(NamedTuple):
    """A curve over some held-out sources: amounts (K,), errors (K,), and those of resamples of the sources (R, K)."""

    sources: int
    amounts: NDArray[np.float64]
    errors: NDArray[np.float64]
    drawn: NDArray[np.float64]

    def interval(self) -> NDArray[np.float64]:
        """The lowest and the highest error (2, K) that the resamples make likely."""
        return np.percentile(self.drawn, TAILS, axis=0)


def lines_of(points: Sequence[Point]) -> tuple[Line, Line]:
    """The curves of recall and of AUC for the points of one task, half and axis."""
    return line_of(points, 0), line_of(points, 1)


def line_of(points: Sequence[Point], measured: int) -> Line:
    """The mean over held-out sources, each over its seeds; a count that brings nothing more is left away."""
    counts = sorted({point.limit for point in points}, key=lambda count: count or np.inf)
    amounts = np.array([np.mean([point.learned for point in points if point.limit == count]) for count in counts])
    grows = np.diff(amounts, prepend=0) > 0
    sources = sorted({source for point in points for source in point.found})
    errors = {(count, source): list[float]() for count in counts for source in sources}
    for point in points:
        for source, found in point.found.items():
            errors[point.limit, source].append(1 - found[measured])
    table = np.array([[np.mean(errors[count, source] or [np.nan]) for count in counts] for source in sources])[:, grows]
    drawn = np.random.default_rng(0).integers(len(sources), size=(DRAWS, len(sources)))
    return Line(len(sources), amounts[grows], np.nanmean(table, axis=0), np.nanmean(table[drawn], axis=1))


def power_law(amounts: NDArray[np.float64], errors: NDArray[np.float64]) -> tuple[float, float]:
    """Exponent by which the error falls with the amount, and the amount at which it reaches what is wanted."""
    if len(amounts) < 3:
        return np.nan, np.nan
    slope, start = np.polyfit(np.log(amounts), np.log(np.maximum(errors, SMALLEST)), 1)
    logarithm = (np.log(1 - WANTED) - start) / slope
    return -slope, float(np.exp(min(logarithm, MOST_LOGARITHM))) if slope < 0 else np.inf


def print_tables(lines: Lines) -> None:
    """A table for each half and axis: accuracy by amount with its 90% interval, AUC, and what the wanted would take."""
    for half, axis in product(HALVES, STEPS):
        print(f"\n{half}: what is found of held-out sources, by the {axis} of the class that were learned from\n")
        print(f"| class | held-out sources | {axis}: recall or top-1 | exponent | for {WANTED:.2f} | AUC, exponent |")
        print("| --- " * 6 + "|")
        for key in KEYS:
            line, area = lines[key, half, axis]
            exponent, needed = power_law(line.amounts, line.errors)
            drawn = sorted(power_law(line.amounts, errors)[1] for errors in line.drawn)
            least, most = (_rough(drawn[DRAWS * tail // 100]) for tail in TAILS)
            areas = [f"{1 - error:.2f}" for error in area.errors]
            ranks = "-" if key == PARROTS else f"{', '.join(areas)}; {power_law(area.amounts, area.errors)[0]:.2f}"
            wanted = f"{exponent:.2f} | {_rough(needed)} ({least} to {most})"
            print(f"| {key} | {line.sources} | {', '.join(_cells(line))} | {wanted} | {ranks} |")


def _cells(line: Line) -> list[str]:
    """Each amount with what is found at it and its interval."""
    found = zip(line.amounts, 1 - line.errors, *(1 - line.interval()[::-1]), strict=True)
    return [f"{amount:.0f}: {mean:.2f} ({low:.2f}-{high:.2f})" for amount, mean, low, high in found]


def _rough(amount: float) -> str:
    return f"{max(amount, 1):.2g}" if amount < OUT_OF_REACH else "out of reach"


def plot(lines: Lines, file: Path) -> None:
    """Errors on log axes, a panel for each half and axis."""
    canvas = Canvas(figsize=(11, 8), layout="constrained")
    panels = canvas.subplots(len(HALVES), len(STEPS), sharey=True, sharex="col")
    for (half, axis), axes in zip(product(HALVES, STEPS), panels.ravel(), strict=True):
        for key in KEYS:
            line, _ = lines[key, half, axis]
            [drawn] = axes.plot(line.amounts, np.maximum(line.errors, SMALLEST), "o-", label=key)
            low, high = np.maximum(line.interval(), SMALLEST)
            axes.fill_between(line.amounts, low, high, color=drawn.get_color(), alpha=0.12)
        axes.axhline(1 - WANTED, color="#94a3b8", linestyle="--")
        axes.set(xscale="log", yscale="log", title=half, xlabel=f"{axis} of the class that were learned from")
        axes.set_ylabel("share missed of a held-out source")
    canvas.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(KEYS), frameon=False)
    canvas.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
