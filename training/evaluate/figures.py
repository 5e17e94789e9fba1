"""The figures that a bundle is judged by, each with its number of photos and a 95% interval.

All are functions of what a bundle says of photos with known labels. Each figure is a name, the photos that it is made
from, and a statistic of them; docs/evaluate.md says what each one means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.bootstrap import RESAMPLES, share, with_interval
from training.evaluate.predictions import lineage
from training.evaluate.products import FALSE_ALARMS, product_scores, told_apart
from training.evaluate.statistics import (
    auc,
    calibration_error,
    mean_f1,
    mean_recall,
    recall_at_false_alarms,
    risk_area,
    risk_at_coverage,
)
from training.evaluate.status import is_answered, is_right
from training.evaluate.unfamiliar import unfamiliar_figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.taxonomy import Taxonomy
    from training.evaluate.bootstrap import Figure, Measure
    from training.evaluate.predictions import Predictions, Strings

    Definition = tuple[str, Predictions, Measure]

SURE_SHARE = 0.8
MIN_MATERIAL_PHOTOS = 3
IVORY_TASK_SOURCE = "rjpost20+"

MATERIALS = (
    "ivory", "bone", "antler", "horn", "marine_ivory", "tooth", "amber", "resin", "plastic", "ceramic", "wood",
    "stone", "metal", "glass", "textile", "paper", "shell",
)  # fmt: skip
IVORY_TASK_POSITIVES = ("ivory", "bone", "marine_ivory", "ivory_inlay")

TOP_1, MACRO_F1, ECE = "all labels top-1", "macro-F1", "ECE"
ANSWERED, WRONG = "photos answered", "answers, wrong"

MAIN = (
    "materials, balanced accuracy", "ivory/bone/synthetic, balanced accuracy", "ivory recall at 1% false alarms",
    "parrots, top-1", "pangolin, recall", "scales, recall", TOP_1, MACRO_F1, ECE,
)  # fmt: skip
"""The figures that decide between two bundles."""

LOWER_IS_BETTER = (ECE, WRONG)


def all_figures(predictions: Predictions, taxonomy: Taxonomy, resamples: int = RESAMPLES) -> dict[str, Figure]:
    """Every figure that these photos allow, in the order that people read them."""
    figures = {
        name: with_interval(statistic, photos.groups, resamples)
        for name, photos, statistic in definitions(predictions, taxonomy)
    }
    for product in product_scores(predictions, taxonomy, resamples):
        for name, figure in product.figures.items():
            figures.setdefault(name, figure)
    return figures | unfamiliar_figures(predictions, taxonomy, resamples)


def definitions(predictions: Predictions, taxonomy: Taxonomy) -> Iterator[Definition]:
    """The figures that are shares, means or areas over photos, as far as there are photos for them."""
    for name, photos, statistic in _definitions(predictions, taxonomy):
        if photos.rows:
            yield name, photos, statistic


def _definitions(photos: Predictions, taxonomy: Taxonomy) -> Iterator[Definition]:
    materials = _materials(photos)
    among = photos.only(np.isin(photos.labels, materials))
    if materials:
        yield "materials, balanced accuracy", among, mean_recall(among.labels, among.best_of(materials))

    four = [key for key in ("ivory", "bone", "resin", "plastic") if key in photos.column]
    among = photos.only(np.isin(photos.labels, four))
    if four:
        merged = _merge_synthetic(among.labels), _merge_synthetic(among.best_of(four))
        yield "ivory/bone/synthetic, balanced accuracy", among, mean_recall(*merged)

    if ivory := told_apart("ivory", photos, taxonomy):
        among, positive = ivory
        score = among.of("ivory")
        yield "ivory recall at 1% false alarms", among, recall_at_false_alarms(positive, score, FALSE_ALARMS)
        yield "AUC", among, auc(positive, score)

    parrots = [key for key in photos.classes if "psittaciformes" in lineage(key, taxonomy)]
    among = photos.only(np.isin(photos.labels, parrots))
    if parrots:
        yield "parrots, top-1", among, share(among.labels == among.best_of(parrots))

    for name, key in (("pangolin", "pangolin"), ("scales", "pangolin_scale")):
        chosen = photos.labels == key
        yield f"{name}, recall", photos.only(chosen), share(photos.best[chosen] == key)
        yield f"{name}, false alarms", photos.only(~chosen), share(photos.best[~chosen] == key)

    yield from _general(photos.only(photos.known))

    among = photos.only(np.array([row.source.startswith(IVORY_TASK_SOURCE) for row in photos.rows], bool))
    said = np.sum([among.of(key) for key in IVORY_TASK_POSITIVES], axis=0) > among.of("ceramic")
    yield "Met Ivory task, accuracy", among, share(said == np.isin(among.labels, IVORY_TASK_POSITIVES))

    if photos.findings:
        yield from _answers(photos, taxonomy)
    if photos.items:
        items = photos.items.only(photos.items.known)
        yield "items, top-1", items, share(items.right)


def _general(known: Predictions) -> Iterator[Definition]:
    """What any set of classes is judged by, on photos whose label is one."""
    yield TOP_1, known, share(known.right)
    yield MACRO_F1, known, mean_f1(known.labels, known.best)
    yield ECE, known, calibration_error(known.confidence, known.right)
    yield "error at 80% answered", known, risk_at_coverage(known.confidence, known.right, SURE_SHARE)
    yield "risk-coverage area", known, risk_area(known.confidence, known.right)


def _answers(photos: Predictions, taxonomy: Taxonomy) -> Iterator[Definition]:
    """What people are told."""
    answered = is_answered(photos)
    yield ANSWERED, photos, share(answered)
    if answered.any():
        yield WRONG, photos, share(~is_right(photos, taxonomy), answered)


def _materials(photos: Predictions) -> list[str]:
    return [key for key in MATERIALS if key in photos.column and (photos.labels == key).sum() >= MIN_MATERIAL_PHOTOS]


def _merge_synthetic(keys: Strings) -> Strings:
    return np.where(np.isin(keys, ("resin", "plastic")), "synthetic", keys)
