"""What people are told: how often each kind of answer is given, and how often it is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np

from model.finding import Status
from training.calibrate import right
from training.evaluate.bootstrap import Figure, share, with_interval

if TYPE_CHECKING:
    from model.taxonomy import Taxonomy
    from training.evaluate.predictions import Bools, Predictions


@dataclass(frozen=True)
class StatusScore:
    """How many photos get a status, their share of all, and the share of their answers that are right.

    `right` is missing where no photo of this status has an answer.
    """

    status: str
    photos: int
    share: Figure
    right: Figure | None


def is_answered(predictions: Predictions) -> Bools:
    """Whether a node of the tree is named for each photo, (N,)."""
    return np.array([finding.answer is not None for finding in predictions.findings], dtype=bool)


def is_right(predictions: Predictions, taxonomy: Taxonomy) -> Bools:
    """Whether each photo's answer is true of its label, (N,)."""
    return right(
        [finding.answer for finding in predictions.findings], [row.label for row in predictions.rows], taxonomy
    )


def status_scores(predictions: Predictions, taxonomy: Taxonomy, resamples: int) -> list[StatusScore]:
    """One score for every status, those that no photo got included."""
    scores = []
    answered, true = is_answered(predictions), is_right(predictions, taxonomy)
    for status in get_args(Status):
        chosen = predictions.statuses == status
        of_all = with_interval(share(chosen), predictions.groups, resamples)
        given = chosen & answered
        of_given = with_interval(share(true[given]), predictions.groups[given], resamples) if given.any() else None
        scores.append(StatusScore(status, int(chosen.sum()), of_all, of_given))
    return scores
