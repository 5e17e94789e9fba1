"""The figures that a bundle is judged by, each with its number of photos and a 95% interval.

All are functions of the class probabilities of photos with known labels. Intervals come from a bootstrap over groups
(objects, animals, bursts), since photos of one group are right or wrong together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model.manifest import Row
    from model.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], float]
"""A figure as a function of the weight of each photo: 1 for the value, draws of a bootstrap for the interval."""

RESAMPLES = 1000
ECE_BINS = 15
FALSE_ALARMS = 0.01
MIN_MATERIAL_PHOTOS = 3
IVORY_TASK_SOURCE = "rjpost20+"

MATERIALS = (
    "ivory", "bone", "antler", "horn", "marine_ivory", "tooth", "amber", "resin", "plastic", "ceramic", "wood",
    "stone", "metal", "glass", "textile", "paper", "shell",
)  # fmt: skip
NEAR_IVORY = ("ivory_inlay", "marine_ivory", "hippo_ivory", "elephantidae", "odobenus_rosmarus", "monodon_monoceros")
IVORY_TASK_POSITIVES = ("ivory", "bone", "marine_ivory", "ivory_inlay")


@dataclass(frozen=True)
class Figure:
    """A figure's value with its 95% interval, and the number of photos that it is made from."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities (N, C) of labelled photos."""

    rows: Sequence[Row]
    classes: Sequence[str]
    probabilities: Floats

    @cached_property
    def labels(self) -> NDArray[np.str_]:
        """Label of every photo, (N,)."""
        return np.array([row.label for row in self.rows], dtype=str)

    @cached_property
    def column(self) -> dict[str, int]:
        """Column of each class in the probabilities."""
        return {key: number for number, key in enumerate(self.classes)}

    def of(self, key: str) -> Floats:
        """Probability of one class for every photo, (N,); zero when it is no class."""
        zero: Floats = np.zeros(len(self.rows))
        return self.probabilities[:, self.column[key]] if key in self.column else zero

    def best_of(self, keys: Sequence[str]) -> NDArray[np.str_]:
        """The likeliest of some classes for every photo, (N,)."""
        best: NDArray[np.str_] = np.array(keys)[
            self.probabilities[:, [self.column[key] for key in keys]].argmax(axis=1)
        ]
        return best

    def only(self, chosen: NDArray[np.bool_]) -> Predictions:
        """Some of the photos."""
        rows = [row for row, keep in zip(self.rows, chosen, strict=True) if keep]
        return Predictions(rows, self.classes, self.probabilities[chosen])


def all_figures(predictions: Predictions, taxonomy: Taxonomy, resamples: int = RESAMPLES) -> dict[str, Figure]:
    """Every figure that these photos allow, in the order that people read them."""
    figures = {}
    for name, photos, statistic in _figures(predictions, taxonomy):
        if len(photos.rows):
            figures[name] = with_interval(statistic, [row.group for row in photos.rows], resamples)
    return figures


def with_interval(statistic: Statistic, groups: Sequence[str], resamples: int = RESAMPLES) -> Figure:
    """A figure with its interval: the 2.5th and 97.5th percentile over resamples of whole groups."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    count = int(group.max()) + 1
    generator = np.random.default_rng(0)
    draws = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
    values = np.array([statistic(draw[group].astype(float)) for draw in draws])
    value = statistic(np.ones(len(group)))
    low, high = np.nanpercentile(values, [2.5, 97.5]) if not np.isnan(values).all() else (value, value)
    return Figure(float(value), float(low), float(high), len(group))


def _figures(all_photos: Predictions, taxonomy: Taxonomy) -> Iterable[tuple[str, Predictions, Statistic]]:
    materials = _materials(all_photos)
    photos = all_photos.only(np.isin(all_photos.labels, materials))
    if materials:
        yield "materials, balanced accuracy", photos, _mean_recall(photos.labels, photos.best_of(materials))

    four = [key for key in ("ivory", "bone", "resin", "plastic") if key in all_photos.column]
    photos = all_photos.only(np.isin(all_photos.labels, four))
    if four:
        merged = _merge_synthetic(photos.labels), _merge_synthetic(photos.best_of(four))
        yield "ivory/bone/synthetic, balanced accuracy", photos, _mean_recall(*merged)

    photos = all_photos.only(~np.isin(all_photos.labels, NEAR_IVORY))
    positive, score = photos.labels == "ivory", photos.of("ivory")
    if positive.any() and not positive.all():
        yield "ivory recall at 1% false alarms", photos, _recall_at_false_alarms(positive, score)
        yield "AUC", photos, _auc(positive, score)

    parrots = [key for key in all_photos.classes if _is_parrot(key, taxonomy)]
    photos = all_photos.only(np.isin(all_photos.labels, parrots))
    if parrots:
        yield "parrots, top-1", photos, _share(photos.labels == photos.best_of(parrots))

    best = all_photos.best_of(all_photos.classes)
    for name, key in (("pangolin", "pangolin"), ("scales", "pangolin_scale")):
        chosen = all_photos.labels == key
        yield f"{name}, recall", all_photos.only(chosen), _share(best[chosen] == key)
        yield f"{name}, false alarms", all_photos.only(~chosen), _share(best[~chosen] == key)

    known = np.isin(all_photos.labels, all_photos.classes)
    right = (best == all_photos.labels)[known]
    yield "all labels top-1", all_photos.only(known), _share(right)
    yield "ECE", all_photos.only(known), _ece(all_photos.probabilities[known].max(axis=1), right)

    photos = all_photos.only(np.array([row.source.startswith(IVORY_TASK_SOURCE) for row in all_photos.rows], bool))
    said = np.sum([photos.of(key) for key in IVORY_TASK_POSITIVES], axis=0) > photos.of("ceramic")
    yield "Met Ivory task, accuracy", photos, _share(said == np.isin(photos.labels, IVORY_TASK_POSITIVES))


def _materials(predictions: Predictions) -> list[str]:
    return [
        key
        for key in MATERIALS
        if key in predictions.column and (predictions.labels == key).sum() >= MIN_MATERIAL_PHOTOS
    ]


def _merge_synthetic(keys: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.where(np.isin(keys, ("resin", "plastic")), "synthetic", keys)


def _is_parrot(key: str, taxonomy: Taxonomy) -> bool:
    return key in taxonomy and "psittaciformes" in taxonomy.lineage(key)


def _share(right: NDArray[np.bool_]) -> Statistic:
    return lambda weight: float((weight * right).sum() / weight.sum()) if weight.sum() else np.nan


def _mean_recall(labels: NDArray[np.str_], predicted: NDArray[np.str_]) -> Statistic:
    names, label = np.unique(labels, return_inverse=True)
    right = labels == predicted

    def statistic(weight: Floats) -> float:
        total = np.bincount(label, weight, len(names))
        hits = np.bincount(label, weight * right, len(names))
        return float(np.mean(hits[total > 0] / total[total > 0]))

    return statistic


def _recall_at_false_alarms(positive: NDArray[np.bool_], score: Floats) -> Statistic:
    """Share of positives scored above the negatives' 99th percentile, interpolated as `np.percentile` does."""
    order = np.argsort(score[~positive])
    negative_scores = score[~positive][order]

    def statistic(weight: Floats) -> float:
        cumulative = np.cumsum(weight[~positive][order])
        if not cumulative.size or not cumulative[-1] or not weight[positive].sum():
            return np.nan
        place = (1 - FALSE_ALARMS) * (cumulative[-1] - 1)
        below, above = negative_scores[np.searchsorted(cumulative, [math.floor(place), math.ceil(place)], side="right")]
        limit = below + (above - below) * (place % 1)
        return float((weight * (score > limit))[positive].sum() / weight[positive].sum())

    return statistic


def _auc(positive: NDArray[np.bool_], score: Floats) -> Statistic:
    """Probability that a positive is scored above a negative; a tie counts half."""
    levels, level = np.unique(score, return_inverse=True)

    def statistic(weight: Floats) -> float:
        above = np.bincount(level, weight * positive, len(levels))
        below = np.bincount(level, weight * ~positive, len(levels))
        if not above.sum() or not below.sum():
            return np.nan
        lower = np.cumsum(below) - below
        return float((above * (lower + below / 2)).sum() / (above.sum() * below.sum()))

    return statistic


def _ece(confidence: Floats, right: NDArray[np.bool_]) -> Statistic:
    """Expected calibration error over equal bins of the top probability (Naeini et al. 2015)."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)

    def statistic(weight: Floats) -> float:
        gap = np.bincount(bins, weight * (right - confidence), ECE_BINS)
        return float(np.abs(gap).sum() / weight.sum()) if weight.sum() else np.nan

    return statistic
