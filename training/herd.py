"""Choosing the exemplars that a bundle carries: by herding, so that the mean of a few is near the mean of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.exemplars import Exemplars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

PER_CLASS = 20
"""At most this many exemplars of a class."""


def choose_exemplars(
    embeddings: Floats, norms: Floats, targets: NDArray[np.int64], per_class: int = PER_CLASS
) -> Exemplars:
    """Exemplars of every class among the train photos' embeddings (N, d), norms (N,) and classes (N,)."""
    of_classes = [np.flatnonzero(targets == label) for label in np.unique(targets)]
    chosen = np.concatenate([photos[herd(embeddings[photos], per_class)] for photos in of_classes])
    return Exemplars(embeddings[chosen], norms[chosen], targets[chosen])


def herd(vectors: Floats, count: int) -> list[int]:
    """Numbers of at most `count` of the vectors (N, d), each taken because it brings their mean nearest to that of all.

    Rebuffi et al. 2017, "iCaRL".
    """
    mean, total = vectors.mean(axis=0), np.zeros_like(vectors[0])
    left, taken = list(range(len(vectors))), list[int]()
    while left and len(taken) < count:
        misses = np.linalg.norm(mean - (total + vectors[left]) / (len(taken) + 1), axis=1)
        taken.append(left.pop(int(misses.argmin())))
        total = total + vectors[taken[-1]]
    return taken
