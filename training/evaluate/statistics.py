"""What figures are made of: statistics as functions of the weights (R, N) of N photos, R draws at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate.bootstrap import Measure, Share, Statistic, ratio
from training.evaluate.predictions import Bools, Floats, Strings

ECE_BINS = 15


def mean_recall(labels: Strings, said: Strings) -> Measure:
    """Balanced accuracy: the mean over labels of the share of their photos that are right."""
    of_label = _one_hot(labels, np.unique(labels))
    right = of_label * (labels == said)[:, None]
    return Measure(lambda weights: _mean(ratio(weights @ right, weights @ of_label)), labels == said)


def mean_f1(labels: Strings, said: Strings) -> Measure:
    """Macro-F1: the mean over labels of the harmonic mean of precision and recall."""
    scores = class_scores(labels, said, np.unique(labels))
    count = len(np.unique(labels))
    return Measure(lambda weights: _mean(scores(weights)[:, 2 * count :]), said)


def class_scores(labels: Strings, said: Strings, keys: Strings) -> Statistic:
    """Precision of K classes, then their recall, then their F1: (R, N) → (R, 3 K); NaN for a class without photos."""
    of_label, of_said = _one_hot(labels, keys), _one_hot(said, keys)

    def statistic(weights: Floats) -> Floats:
        hits, photos, alarms = weights @ (of_label * of_said), weights @ of_label, weights @ of_said
        f1 = np.where(photos > 0, ratio(2 * hits, photos + alarms), np.nan)
        return np.concatenate([ratio(hits, alarms), ratio(hits, photos), f1], axis=1)

    return statistic


def recall_at_false_alarms(positive: Bools, score: Floats, false_alarms: float) -> Share:
    """Share of positives scored above a percentile of the negatives, interpolated as `np.percentile` does."""
    order = np.flatnonzero(~positive)[np.argsort(score[~positive])]
    negative_scores = score[order]

    def found(weights: Floats) -> Floats:
        """Whether each positive is found, (R, P)."""
        cumulative = np.cumsum(weights[:, order], axis=1)
        if not cumulative.size:
            return np.full((len(weights), positive.sum()), np.nan)
        total = cumulative[:, -1]
        place = (1 - false_alarms) * np.maximum(total - 1, 0)
        below, above = (
            negative_scores[np.minimum((cumulative <= np.floor(end)[:, None]).sum(axis=1), len(order) - 1)]
            for end in (place, np.ceil(place))
        )
        limit = below + (above - below) * (place % 1)
        return np.where(total[:, None] > 0, score[positive] > limit[:, None], np.nan)

    def statistic(weights: Floats) -> Floats:
        of_positives = weights[:, positive]
        return ratio((of_positives * found(weights)).sum(axis=1), of_positives.sum(axis=1))

    taken = np.full(len(positive), np.nan)
    taken[positive] = found(np.ones((1, len(positive))))[0]
    return Share(statistic, taken, positive, len(positive))


def auc(positive: Bools, score: Floats) -> Measure:
    """Probability that a positive is scored above a negative; a tie counts half."""
    order, starts = _levels(score)

    def statistic(weights: Floats) -> Floats:
        above = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
        below = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
        lower = np.cumsum(below, axis=1) - below
        return ratio((above * (lower + below / 2)).sum(axis=1), above.sum(axis=1) * below.sum(axis=1))

    return Measure(statistic, score)


def calibration_error(confidence: Floats, right: Bools) -> Measure:
    """Expected calibration error over equal bins of the top probability (Naeini et al. 2015)."""
    gap = _one_hot(calibration_bin(confidence), np.arange(ECE_BINS)) * (right - confidence)[:, None]
    return Measure(lambda weights: ratio(np.abs(weights @ gap).sum(axis=1), weights.sum(axis=1)), right - confidence)


def calibration_bin(confidence: Floats) -> NDArray[np.int64]:
    """Which of the equal bins of the top probability each photo is in, (N,)."""
    return np.asarray(np.minimum(confidence * ECE_BINS, ECE_BINS - 1), np.int64)


def risk_area(confidence: Floats, right: Bools) -> Measure:
    """Mean error over all coverages, the surest photos answered first (Geifman and El-Yaniv 2017)."""
    curve = risk_curve(confidence, right)

    def statistic(weights: Floats) -> Floats:
        coverage, risk = curve(weights)
        step = np.diff(coverage, axis=1, prepend=0)
        return np.where(coverage[:, -1] > 0, (step * np.nan_to_num(risk)).sum(axis=1), np.nan)

    return Measure(statistic, right - confidence)


def risk_at_coverage(confidence: Floats, right: Bools, share: float) -> Measure:
    """Error among the surest photos that make up a share of all."""
    curve = risk_curve(confidence, right)

    def statistic(weights: Floats) -> Floats:
        coverage, risk = curve(weights)
        place = (coverage < share - 1e-9).sum(axis=1)
        reached = np.minimum(place, coverage.shape[1] - 1)
        return np.asarray(risk[np.arange(len(risk)), reached])

    return Measure(statistic, right - confidence)


def risk_curve(confidence: Floats, right: Bools) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Coverage and error (R, levels) as the least sure photos are left out, from the surest level of confidence on."""
    order, starts = _levels(-confidence)

    def curve(weights: Floats) -> tuple[Floats, Floats]:
        answered = np.cumsum(np.add.reduceat(weights[:, order], starts, axis=1), axis=1)
        wrong = np.cumsum(np.add.reduceat((weights * ~right)[:, order], starts, axis=1), axis=1)
        return ratio(answered, np.broadcast_to(answered[:, -1:], answered.shape)), ratio(wrong, answered)

    return curve


def _levels(score: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The photos in ascending order of a score, and where in it each new score starts: ties are one level."""
    order = np.argsort(score, kind="stable")
    _, starts = np.unique(score[order], return_index=True)
    return order, starts


def _one_hot(values: NDArray[Any], keys: NDArray[Any]) -> Floats:
    return np.asarray(values[:, None] == keys[None], float)


def _mean(values: Floats) -> Floats:
    """Mean (R,) of the values (R, K) that are there."""
    there = ~np.isnan(values)
    return ratio(np.where(there, values, 0).sum(axis=1), there.sum(axis=1).astype(float))
