"""Whether a bundle notices what it never learned: labels outside its classes, and drawn nonsense."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.bootstrap import RESAMPLES, Figure, with_interval
from training.evaluate.drawn import nonsense
from training.evaluate.measure import as_png
from training.evaluate.predictions import lineage
from training.evaluate.statistics import auc, recall_at_false_alarms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.classifier import Classifier
    from model.taxonomy import Taxonomy
    from training.evaluate.predictions import Bools, Floats, Predictions, Strings

MISSED = 0.05
"""Share of familiar photos that may be taken for unfamiliar: the true positive rate of the familiar is then 95%."""

MIN_UNFAMILIAR = 10
"""Fewer photos than this say nothing about how well the unfamiliar is noticed."""

PICTURES = 120
"""Drawn pictures that show nothing."""


def unfamiliar_figures(predictions: Predictions, taxonomy: Taxonomy, resamples: int = RESAMPLES) -> dict[str, Figure]:
    """AUROC and FPR at 95% TPR on the photos whose label the bundle cannot know, where there are enough of them."""
    if not predictions.findings:
        return {}
    familiar, unfamiliar = familiarity(predictions, taxonomy)
    if not familiar.any() or unfamiliar.sum() < MIN_UNFAMILIAR:
        return {}
    chosen = familiar | unfamiliar
    photos = predictions.only(chosen)
    return _figures("unfamiliar photos", unfamiliar[chosen], photos.unfamiliarity, photos.groups, resamples)


def familiarity(predictions: Predictions, taxonomy: Taxonomy) -> tuple[Bools, Bools]:
    """Which photos show a class or something below one, and which what is neither that nor above one, (N,) each."""
    classes = set(predictions.classes)
    above = {node for key in classes for node in lineage(key, taxonomy)}
    familiar = [bool(classes.intersection(lineage(row.label, taxonomy))) for row in predictions.rows]
    strange = [row.label not in above for row in predictions.rows]
    known = np.array(familiar, dtype=bool)
    return known, np.array(strange, dtype=bool) & ~known


def nonsense_figures(classifier: Classifier, predictions: Predictions, resamples: int = RESAMPLES) -> dict[str, Figure]:
    """The same two figures for drawn nonsense against the familiar photos."""
    familiar = predictions.only(familiarity(predictions, classifier.taxonomy)[0])
    if not familiar.rows:
        return {}
    results = classifier.stream(as_png(nonsense(number)) for number in range(PICTURES))
    drawn = [result[1].unfamiliarity for result in results if isinstance(result, tuple)]
    score = np.concatenate([familiar.unfamiliarity, drawn])
    is_drawn = np.arange(len(score)) >= len(familiar.rows)
    groups = np.concatenate([familiar.groups, [f"drawn nonsense {number}" for number in range(len(drawn))]])
    return _figures("drawn nonsense", is_drawn, score, groups, resamples)


def _figures(
    name: str, unfamiliar: Bools, score: Floats, groups: Strings | Sequence[str], resamples: int
) -> dict[str, Figure]:
    area = with_interval(auc(unfamiliar, score), groups, resamples)
    noticed = recall_at_false_alarms(unfamiliar, score, MISSED)
    missed = replace(noticed, statistic=lambda weights: 1 - noticed(weights), taken=1 - noticed.taken)
    passed = with_interval(missed, groups, resamples)
    return {f"{name}, AUROC": area, f"{name}, FPR at 95% TPR": passed}
