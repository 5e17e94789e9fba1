"""What a model says of photos that it did not learn from, every photo once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FOLDS = 5


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
