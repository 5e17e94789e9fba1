"""How well each traded product is found: the recall that few false alarms allow, and how far to trust an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.bootstrap import Figure, share, with_interval
from training.evaluate.predictions import lineage, under
from training.evaluate.statistics import auc, recall_at_false_alarms

if TYPE_CHECKING:
    from model.taxonomy import Taxonomy
    from training.evaluate.predictions import Bools, Predictions, Strings

FALSE_ALARMS = 0.01
BASE_RATE = 0.01

IVORIES = ("ivory", "ivory_inlay", "marine_ivory", "hippo_ivory")
TUSKED = ("elephantidae", "odobenus_rosmarus", "monodon_monoceros")

LEFT_ASIDE: dict[str, tuple[str, ...]] = {
    **{key: (*(other for other in IVORIES if other != key), *TUSKED) for key in IVORIES},
    "tusk_ivory": TUSKED,
    "bone": ("goods",),
    "horn": ("goods", "rhinocerotidae"),
    "rhino_horn": ("rhinocerotidae",),
    "tortoiseshell": ("goods", "sea_turtle"),
    "coral": ("goods", "scleractinia"),
    "pangolin_scale": ("pangolin",),
    "pangolin": ("pangolin_scale",),
    "psittaciformes": (),
}
"""Traded products, and for each the labels that count neither for nor against it: photos that may show it too.

`goods` is of materials that nobody named.
"""


@dataclass(frozen=True)
class ProductScore:
    """How one product is told from everything else.

    `recall` is at FALSE_ALARMS, `auc` beside it. The others are of the answers that people are given, and missing
    where only probabilities are known: the share of the product's photos that are answered with it, the share of other
    photos that are, and the share of such answers that would be true if one photo in a hundred showed the product.
    """

    key: str
    photos: int
    others: int
    recall: Figure
    auc: Figure
    answered: Figure | None = None
    false_alarms: Figure | None = None
    precision: Figure | None = None

    @property
    def figures(self) -> dict[str, Figure]:
        """What goes among the figures, by name."""
        named = {f"{self.key} recall at 1% false alarms": self.recall}
        if self.precision:
            named[f"{self.key} precision at a 1% base rate"] = self.precision
        return named


def product_scores(predictions: Predictions, taxonomy: Taxonomy, resamples: int) -> list[ProductScore]:
    """Scores of the products that the bundle knows and that the photos show."""
    scores = (_score(key, predictions, taxonomy, resamples) for key in LEFT_ASIDE)
    return [score for score in scores if score]


def told_apart(key: str, predictions: Predictions, taxonomy: Taxonomy) -> tuple[Predictions, Bools] | None:
    """The photos that count for or against a product, and which of them show it.

    None where the bundle does not know it, or where the photos do not show both it and something else.
    """
    counted, shown = sides(key, predictions.labels, taxonomy)
    positive = shown[counted]
    known = any(key in lineage(each, taxonomy) for each in predictions.classes)
    return (predictions.only(counted), positive) if known and positive.any() and not positive.all() else None


def sides(key: str, labels: Strings, taxonomy: Taxonomy) -> tuple[Bools, Bools]:
    """Which labels count for or against a product, and which show it, (N,) each; those above it may be it."""
    shown = under(labels, key, taxonomy)
    above = np.isin(labels, lineage(key, taxonomy)[1:])
    beside = np.any([under(labels, other, taxonomy) for other in LEFT_ASIDE[key]], axis=0)
    return ~above & (shown | ~beside), shown


def _score(key: str, predictions: Predictions, taxonomy: Taxonomy, resamples: int) -> ProductScore | None:
    found = told_apart(key, predictions, taxonomy)
    if found is None:
        return None
    photos, positive = found
    score = photos.below(key, taxonomy)
    recall = with_interval(recall_at_false_alarms(positive, score, FALSE_ALARMS), photos.groups, resamples)
    area = with_interval(auc(positive, score), photos.groups, resamples)
    counts = int(positive.sum()), int((~positive).sum())
    if not photos.findings:
        return ProductScore(key, *counts, recall, area)
    alarm = under([finding.answer or "" for finding in photos.findings], key, taxonomy)
    answered, false_alarms = (
        with_interval(share(alarm[chosen]), photos.groups[chosen], resamples) for chosen in (positive, ~positive)
    )
    precision = at_base_rate(answered, false_alarms, sum(counts))
    return ProductScore(key, *counts, recall, area, answered, false_alarms, precision)


def at_base_rate(recall: Figure, false_alarms: Figure, n: int) -> Figure:
    """Share of alarms that are true where BASE_RATE of the photos show the product.

    The interval takes the worst of both: the low end of the recall with the high end of the false alarms. Where one of
    them has none there is none.
    """

    def precision(found: float, wrong: float) -> float:
        true, false = BASE_RATE * found, (1 - BASE_RATE) * wrong
        return true / (true + false) if true + false else 0.0

    value = precision(recall.value, false_alarms.value)
    if recall.low is None or recall.high is None or false_alarms.low is None or false_alarms.high is None:
        return Figure(value, None, None, n)
    low, high = precision(recall.low, false_alarms.high), precision(recall.high, false_alarms.low)
    return Figure(value, low, high, n)
