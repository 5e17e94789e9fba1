"""Fitting `model.certainty` on validation photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from model.certainty import Certainty, energy, roll_up, softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.taxonomy import Taxonomy

    Floats = NDArray[np.float32]

TARGET_ERROR = 0.05
"""Share of the answers given on validation photos that may be wrong."""

UNFAMILIAR_FROM = 0.99
"""One validation photo in a hundred is called unfamiliar."""

QUANTILES = 101
THRESHOLDS = np.linspace(0.5, 0.99, 50)


def fit_certainty(
    logits: Floats, labels: Sequence[str], classes: Sequence[str], taxonomy: Taxonomy, target: float = TARGET_ERROR
) -> Certainty:
    """Fit on logits (N, C) of photos with known labels; a label that is no class counts for its roll-up alone."""
    index = {key: number for number, key in enumerate(classes)}
    known = np.array([label in index for label in labels])
    targets = np.array([index.get(label, 0) for label in labels])
    temperature = fit_temperature(logits[known], targets[known]) if known.any() else 1.0
    return Certainty(
        temperature=temperature,
        threshold=fit_threshold(softmax(logits, temperature), labels, classes, taxonomy, target),
        target_error=target,
        familiarity=tuple(float(value) for value in np.quantile(energy(logits), np.linspace(0, 1, QUANTILES))),
        unfamiliar_from=UNFAMILIAR_FROM,
    )


def fit_temperature(logits: Floats, targets: NDArray[np.int64]) -> float:
    """The temperature that makes the labels (N,) likeliest given the logits (N, C)."""

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(-np.log(probabilities[np.arange(len(targets)), targets] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def fit_threshold(
    probabilities: Floats, labels: Sequence[str], classes: Sequence[str], taxonomy: Taxonomy, target: float
) -> float:
    """The lowest threshold at which, of the photos that get an answer, at most a share of `target` gets a wrong one."""
    for threshold in THRESHOLDS:
        answers = [roll_up(row, classes, taxonomy, float(threshold)).node for row in probabilities]
        given = [(answer, label) for answer, label in zip(answers, labels, strict=True) if answer is not None]
        wrong = sum(not is_right(answer, label, taxonomy) for answer, label in given)
        if given and wrong <= target * len(given):
            return float(threshold)
    return float(THRESHOLDS[-1])


def is_right(answer: str, label: str, taxonomy: Taxonomy) -> bool:
    """Whether an answer is true of a photo with this label: the label itself, or a node above it."""
    return answer in taxonomy.lineage(label)
