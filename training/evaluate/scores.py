"""Figures by class, by source and by the number of photos of an object, and what is mistaken for what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.bootstrap import Figure, difference, intervals, made_figure, share, widened, with_interval
from training.evaluate.statistics import class_scores
from training.evaluate.status import is_answered, is_right

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.taxonomy import Taxonomy
    from training.evaluate.predictions import Bools, Predictions

MIN_SOURCE_PHOTOS = 10
SIZES = {"1 photo": (1, 1), "2 or 3 photos": (2, 3), "4 or more photos": (4, 10**9)}


@dataclass(frozen=True)
class ClassScore:
    """One class on the photos whose label is a class; `alarms` counts the photos answered with it.

    The recall is missing where no photo has this label, the precision where no photo is taken for it, and F1 where the
    recall is.
    """

    key: str
    photos: int
    alarms: int
    precision: Figure | None
    recall: Figure | None
    f1: Figure | None


@dataclass(frozen=True)
class Confusion:
    """How many photos of one label, and how many objects, are taken for one class."""

    label: str
    said: str
    photos: int
    objects: int
    of: int


@dataclass(frozen=True)
class SliceScore:
    """Some of the photos: how many are right, how many are answered, and how many answers are wrong.

    `labels` are the commonest first. What no photo of the slice allows is missing.
    """

    name: str
    photos: int
    objects: int
    labels: tuple[str, ...]
    right: Figure | None
    answered: Figure | None
    wrong: Figure | None


@dataclass(frozen=True)
class ItemScore:
    """Objects with several photos: how often one of their photos alone is right, all together, and the difference."""

    alone: Figure
    together: Figure
    gain: Figure


def score_classes(predictions: Predictions, resamples: int) -> list[ClassScore]:
    """Every class of the bundle, in its order, those without photos included."""
    known, keys = predictions.only(predictions.known), np.array(predictions.classes)
    if not known.rows:
        return [ClassScore(key, 0, 0, None, None, None) for key in predictions.classes]
    values = intervals(class_scores(known.labels, known.best, keys), known.groups, resamples)
    parts = np.stack(values).reshape(3, 3, len(keys))  # value, low, high; precision, recall, F1
    scores = []
    for number, key in enumerate(predictions.classes):
        shown, said = known.labels == key, known.best == key
        precision, recall, f1 = (_figure(parts[:, part, number], shown | said) for part in range(3))
        scores.append(
            ClassScore(
                key, int(shown.sum()), int(said.sum()), _exact(precision, known, said), _exact(recall, known, shown), f1
            )
        )
    return scores


def count_confusions(predictions: Predictions) -> tuple[list[str], NDArray[np.int64]]:
    """The labels, in order, and how many photos of each (rows) are taken for each class (columns)."""
    labels = np.unique(predictions.labels)
    said = predictions.probabilities.argmax(axis=1)
    cell = np.searchsorted(labels, predictions.labels) * len(predictions.classes) + said
    counts = np.bincount(cell, minlength=len(labels) * len(predictions.classes))
    return labels.tolist(), counts.reshape(len(labels), -1)


def list_confusions(predictions: Predictions) -> list[Confusion]:
    """Labels taken for another class, commonest first; labels that are classes alone."""
    known = predictions.only(predictions.known)
    photos = Counter(zip(known.labels[~known.right].tolist(), known.best[~known.right].tolist(), strict=True))
    listed = []
    for (label, said), count in photos.most_common():
        chosen = (known.labels == label) & (known.best == said)
        objects = len(set(known.groups[chosen].tolist()))
        listed.append(Confusion(label, said, count, objects, int((known.labels == label).sum())))
    return listed


def score_sources(predictions: Predictions, taxonomy: Taxonomy, resamples: int) -> list[SliceScore]:
    """Sources by number of photos; those with fewer than MIN_SOURCE_PHOTOS together at the end."""
    sources = np.array([row.source for row in predictions.rows], dtype=str)
    counts = Counter(sources.tolist())
    large = [source for source, count in counts.most_common() if count >= MIN_SOURCE_PHOTOS]
    scores = [score_slice(source, predictions.only(sources == source), taxonomy, resamples) for source in large]
    rest = ~np.isin(sources, large)
    if rest.any():
        name = f"smaller sources ({len(counts) - len(large)})"
        scores.append(score_slice(name, predictions.only(rest), taxonomy, resamples))
    return scores


def score_group_sizes(predictions: Predictions, taxonomy: Taxonomy, resamples: int) -> list[SliceScore]:
    """Photos by how many photos there are of their object."""
    photos_of = Counter((row.group, row.label) for row in predictions.rows)
    size = np.array([photos_of[row.group, row.label] for row in predictions.rows])
    chosen = {name: (size >= low) & (size <= high) for name, (low, high) in SIZES.items()}
    return [
        score_slice(name, predictions.only(part), taxonomy, resamples) for name, part in chosen.items() if part.any()
    ]


def score_items(predictions: Predictions, resamples: int) -> ItemScore | None:
    """Objects with several photos and a label that is a class; None where there is no such object."""
    if predictions.items is None:
        return None
    photos_of: dict[tuple[str, str], list[bool]] = {}
    for row, right in zip(predictions.rows, predictions.right, strict=True):
        photos_of.setdefault((row.group, row.label), []).append(bool(right))
    by_photo = [photos_of[row.group, row.label] for row in predictions.items.rows]
    chosen = predictions.items.known & np.array([len(photos) > 1 for photos in by_photo], dtype=bool)
    if not chosen.any():
        return None
    groups = predictions.items.groups[chosen]
    alone = share(np.array([np.mean(photos) for photos in by_photo])[chosen])
    together = share(predictions.items.right[chosen])
    return ItemScore(
        with_interval(alone, groups, resamples),
        with_interval(together, groups, resamples),
        difference(alone, together, groups, resamples),
    )


def score_slice(name: str, photos: Predictions, taxonomy: Taxonomy, resamples: int) -> SliceScore:
    """Score some photos; of those with an answer and a known label, as far as there are any."""
    labels = tuple(label for label, _ in Counter(photos.labels.tolist()).most_common(3))
    objects = len({(row.group, row.label) for row in photos.rows})
    right = _share(photos.right, photos.known, photos, resamples)
    if not photos.findings:
        return SliceScore(name, len(photos.rows), objects, labels, right, None, None)
    answered, everything = is_answered(photos), np.ones(len(photos.rows), dtype=bool)
    of_answers = _share(~is_right(photos, taxonomy), answered, photos, resamples)
    given = _share(answered, everything, photos, resamples)
    return SliceScore(name, len(photos.rows), objects, labels, right, given, of_answers)


def _share(of: Bools, chosen: Bools, photos: Predictions, resamples: int) -> Figure | None:
    return with_interval(share(of[chosen]), photos.groups[chosen], resamples) if chosen.any() else None


def _figure(values: NDArray[np.float64], chosen: Bools) -> Figure | None:
    value, low, high = values.tolist()
    return None if np.isnan(value) else made_figure(value, low, high, int(chosen.sum()))


def _exact(figure: Figure | None, known: Predictions, chosen: Bools) -> Figure | None:
    """A share of the chosen photos, with its number of photos, and its exact interval where it is 0 or 1."""
    if figure is None:
        return None
    counted = Figure(figure.value, figure.low, figure.high, int(chosen.sum()))
    return widened(counted, len(np.unique(known.groups[chosen])))
