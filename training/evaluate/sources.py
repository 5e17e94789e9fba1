"""Leave one source out: how well a product is recognised in photos of a source that the head never saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.preprocessing import StandardScaler

from training.evaluate.bootstrap import RESAMPLES, Figure, difference, share, with_interval
from training.evaluate.predictions import lineage
from training.evaluate.products import FALSE_ALARMS, LEFT_ASIDE, sides
from training.refit import balanced_regression
from training.seen import see

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.classifier import Classifier
    from model.manifest import Row
    from model.taxonomy import Taxonomy
    from training.evaluate.predictions import Bools

    Floats = NDArray[np.float32]

MIN_PHOTOS = 8
"""A source with this many validation photos of a product is left out alone, smaller ones a fold at a time."""

FOLDS = 5
MIN_LEFT = 5
"""Train photos of the product that must remain to learn from."""


@dataclass(frozen=True)
class LeftOut:
    """Recall of a product at FALSE_ALARMS on the validation photos of a source, by two heads on the same features.

    `seen` is of the head fitted on train photos of all sources, `unseen` of one fitted without this source, `change`
    their difference. The last two are missing where too few photos of the product remain, or none of anything else.
    """

    product: str
    source: str
    photos: int
    seen: Figure
    unseen: Figure | None
    change: Figure | None


@dataclass(frozen=True, eq=False)
class Embedded:
    """Photos with their features (N, d), scaled to unit variance; which are for training, and their sources (N,)."""

    rows: Sequence[Row]
    features: Floats
    is_train: Bools
    sources: NDArray[np.str_]


def embed(classifier: Classifier, rows: Sequence[Row], locate: Callable[[Row], Path]) -> Embedded:
    """Features of the train and validation rows among these that can be opened."""
    seen = see(classifier, [row for row in rows if row.split in ("train", "val")], locate)
    kept, features = seen.rows, seen.embeddings
    is_train = np.array([row.split == "train" for row in kept], dtype=bool)
    scaled = StandardScaler().fit(features[is_train]).transform(features) if is_train.any() else features
    return Embedded(kept, scaled.astype(np.float32), is_train, np.array([row.source for row in kept], dtype=str))


def leave_sources_out(
    embedded: Embedded, classes: Sequence[str], taxonomy: Taxonomy, resamples: int = RESAMPLES
) -> Iterator[LeftOut]:
    """Every product that is a class or above one, source by source, those with most photos first."""
    labels = np.array([row.label for row in embedded.rows], dtype=str)
    for product in LEFT_ASIDE:
        counted, positive = sides(product, labels, taxonomy)
        known = any(product in lineage(key, taxonomy) for key in classes)
        asked = (positive & ~embedded.is_train).any()
        if known and asked and _can_learn(counted & embedded.is_train, positive):
            yield from _leave_out(product, embedded, counted, positive, resamples)


def _leave_out(product: str, embedded: Embedded, counted: Bools, positive: Bools, resamples: int) -> Iterator[LeftOut]:
    groups = np.array([row.group for row in embedded.rows], dtype=str)
    seen = _found(embedded, counted, positive, without=())
    for source, folds in _parts(embedded.sources[positive & ~embedded.is_train]).items():
        unseen, measured, possible = seen.copy(), np.zeros(len(groups), dtype=bool), True
        for fold in folds:
            chosen = positive & ~embedded.is_train & np.isin(embedded.sources, fold)
            measured |= chosen
            possible &= _can_learn(counted & embedded.is_train & ~np.isin(embedded.sources, fold), positive)
            if possible:
                unseen[chosen] = _found(embedded, counted, positive, without=fold)[chosen]
        before, after = share(seen[measured]), share(unseen[measured])
        of = groups[measured]
        yield LeftOut(
            product,
            source,
            int(measured.sum()),
            with_interval(before, of, resamples),
            with_interval(after, of, resamples) if possible else None,
            difference(before, after, of, resamples) if possible else None,
        )


def _can_learn(train: Bools, positive: Bools) -> bool:
    """Whether these photos show the product often enough, and anything else at all."""
    return bool((train & positive).sum() >= MIN_LEFT and (train & ~positive).any())


def _parts(sources: NDArray[np.str_]) -> dict[str, list[tuple[str, ...]]]:
    """What is reported together, by name, as the sets of sources that are left out at once."""
    counts = Counter(sources.tolist())
    large = [source for source, count in counts.most_common() if count >= MIN_PHOTOS]
    small = sorted(counts.keys() - set(large))
    parts: dict[str, list[tuple[str, ...]]] = {source: [(source,)] for source in large}
    if small:
        parts[f"smaller sources ({len(small)})"] = [tuple(small[fold::FOLDS]) for fold in range(min(FOLDS, len(small)))]
    return parts


def _found(embedded: Embedded, counted: Bools, positive: Bools, without: Sequence[str]) -> Bools:
    """Which photos score above all but FALSE_ALARMS of the validation photos that show something else, (N,).

    The head is a balanced logistic regression on train photos; neither it nor the limit sees the sources left out.
    """
    allowed = counted & ~np.isin(embedded.sources, without)
    train = allowed & embedded.is_train
    head = balanced_regression().fit(embedded.features[train], positive[train])
    score = head.decision_function(embedded.features)
    others = allowed & ~embedded.is_train & ~positive
    limit = np.quantile(score[others], 1 - FALSE_ALARMS) if others.any() else np.inf
    return np.asarray(score > limit)
