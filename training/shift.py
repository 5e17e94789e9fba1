"""How much less sure to be of photos from sources that were not learned from.

Photos of one source are alike, so that a head is righter on them than on what people will show it, and just as sure.
That is measured on validation photos: each is answered by a head that learned from its source, and by one that did not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.certainty import softmax, way_down
from training.calibrate import STRICTEST, TARGET_ERROR, deepest, fit_temperature, fit_threshold, right
from training.refit import balanced_head
from training.split import source_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.manifest import Row
    from model.taxonomy import Taxonomy
    from training.classes import Classes

    Floats = NDArray[np.float32]

FOLDS = 5


class Shift(NamedTuple):
    """What photos of unseen sources call for.

    `heat`, at least 1, is the temperature that fits photos of seen and unseen sources together over that of the seen
    alone. `error` is the share of wrong answers on unseen sources at the threshold fitted on seen ones; None where
    nothing could be measured.
    """

    heat: float = 1.0
    error: float | None = None


def measure_shift(
    features: Floats, rows: Sequence[Row], classes: Classes, taxonomy: Taxonomy, target: float = TARGET_ERROR
) -> Shift:
    """Measure on the features (N, d) of train and validation photos, leaving out a fifth of the sources at a time.

    Features of a backbone that was tuned on the train photos know their sources and show too small a shift; those of a
    pretrained one do not.
    """
    index = {key: number for number, key in enumerate(classes.keys)}
    targets = np.array([index.get(classes.class_of.get(row.label, ""), -1) for row in rows])
    sources = np.array([row.source for row in rows])
    train = (targets >= 0) & np.array([row.split == "train" for row in rows])
    val = np.isin(sources, sources[train]) & np.array([row.split == "val" and row.label in index for row in rows])
    folds = source_folds([row for row, counts in zip(rows, train | val, strict=True) if counts], FOLDS)
    learned = [train & _among(rows, others) for others, _ in folds]
    if not val.any() or len(learned) < 2 or any(len(set(targets[chosen])) < 2 for chosen in learned):
        return Shift()
    logits = np.stack([_logits(features[on], targets[on], features[val], len(index)) for on in learned])
    asked = np.argmax([_among(rows, held) for _, held in folds], axis=0)[val]
    photos = np.arange(val.sum())
    rows = [row for row, chosen in zip(rows, val, strict=True) if chosen]
    return _compare(logits[asked - 1, photos], logits[asked, photos], targets[val], rows, classes, taxonomy, target)


def _among(rows: Sequence[Row], chosen: Sequence[Row]) -> NDArray[np.bool_]:
    """Which rows (N,) are chosen."""
    wanted = set(chosen)
    return np.array([row in wanted for row in rows], bool)


def _logits(features: Floats, targets: NDArray[np.int64], asked: Floats, classes: int) -> Floats:
    """Logits (M, classes) of photos by a head fitted on others; minus infinity for a class that it never saw."""
    present, weight, bias = balanced_head(features, targets)
    logits = np.full((len(asked), classes), -np.inf, np.float32)
    logits[:, present] = asked @ weight.T + bias
    return logits


def _compare(
    seen: Floats,
    unseen: Floats,
    targets: NDArray[np.int64],
    rows: Sequence[Row],
    classes: Classes,
    taxonomy: Taxonomy,
    target: float,
) -> Shift:
    """The shift between two answers to the same photos, where both heads know the photo's class."""
    photos = np.arange(len(rows))
    both = np.isfinite(seen[photos, targets]) & np.isfinite(unseen[photos, targets])
    if not both.any():
        return Shift()
    seen, unseen, targets = seen[both], unseen[both], targets[both]
    rows = [row for row, one in zip(rows, both, strict=True) if one]
    cool = fit_temperature(seen, targets)
    hot = max(cool, fit_temperature(np.concatenate([seen, unseen]), np.concatenate([targets, targets])))
    labels, groups = [row.label for row in rows], [row.group for row in rows]
    threshold = fit_threshold(softmax(seen, hot), labels, groups, classes.keys, taxonomy, target) or STRICTEST
    answers = [deepest(way_down(row, classes.keys, taxonomy), threshold) for row in softmax(unseen, hot)]
    given = np.array([answer is not None for answer in answers])
    error = float(1 - right(answers, labels, taxonomy)[given].mean()) if given.any() else None
    return Shift(hot / cool, error)
