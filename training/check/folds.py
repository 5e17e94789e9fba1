"""What a model says of photos that it did not learn from, every photo once, and which photos that can be asked of."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.manifest import Row

FOLDS = 5


def spread_over_folds(rows: Sequence[Row], groups: Sequence[str]) -> list[int]:
    """Places of the rows whose label is in as many groups as there are folds, or more; none where that is one label."""
    counts = Counter(label for label, _ in {(row.label, group) for row, group in zip(rows, groups, strict=True)})
    kept = [place for place, row in enumerate(rows) if counts[row.label] >= FOLDS]
    return kept if len({rows[place].label for place in kept}) > 1 else []


def out_of_fold(
    model: Any, features: NDArray[Any], labels: NDArray[np.str_], groups: Sequence[str]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Labels in order (C), and their probabilities (N, C) by a model that saw no photo of the photo's group."""
    keys = np.unique(labels)
    probabilities = np.zeros((len(labels), len(keys)))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a label has few photos, or that a fit stopped a little early
        for seen, unseen in folds.split(features, labels, groups):
            fitted = clone(model).fit(features[seen], labels[seen])
            columns = np.searchsorted(keys, fitted.classes_)
            probabilities[np.ix_(unseen, columns)] = fitted.predict_proba(features[unseen])
    return keys, probabilities
