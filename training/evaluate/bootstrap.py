"""Intervals by a bootstrap over groups, since photos of one object are right or wrong together.

A statistic is a function of the weights of the photos, (R, N) → (R,) or (R, K): once for the value, where every weight
is 1, and for R draws of whole groups, where a weight says how often the photo's group was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluate.predictions import Bools, Floats, Strings

Statistic = Callable[[Floats], Floats]

RESAMPLES = 1000
BLOCK = 100
"""Resamples at a time, so that memory does not grow with their number."""

TAIL = 0.025

SPREAD = 1e-9
"""Resamples that differ by no more than rounding do not differ."""


@dataclass(frozen=True)
class Figure:
    """A figure's value with its 95% interval, and the number of photos that it is made from.

    `low` and `high` are None where resamples do not differ, which says nothing of how sure the value is.
    """

    value: float
    low: float | None
    high: float | None
    n: int


class Intervals(NamedTuple):
    """Values with their 95% intervals, each (K,)."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Measure:
    """A statistic, and what it takes of each photo, (N,): it cannot change but by a photo of which that changes."""

    statistic: Statistic
    taken: NDArray[Any]

    def __call__(self, weights: Floats) -> Floats:
        return self.statistic(weights)


@dataclass(frozen=True, eq=False)
class Share(Measure):
    """A share of some of the photos; `among`, (N,), says of which, `n` how many it rests on."""

    among: Bools
    n: int


def share(right: Bools | Floats, among: Bools | None = None) -> Share:
    """The share of the photos, or of some, that are right; `right`, (N,), may hold parts of one."""
    of = np.ones(len(right), dtype=bool) if among is None else among
    taken = np.where(of, right, np.nan)
    return Share(lambda weights: ratio(weights @ (right * of), weights @ of), taken, of, int(of.sum()))


def with_interval(statistic: Statistic, groups: Sequence[str] | Strings, resamples: int = RESAMPLES) -> Figure:
    """A figure with its interval: the 2.5th and 97.5th percentile over resamples of whole groups.

    Where all photos of a share are right, or none, resamples cannot differ; the interval is then the exact binomial
    one (Clopper and Pearson 1934) of as many draws as there are groups. Where they do not differ else, as those of one
    group never do, there is none.
    """
    value, low, high = (float(part[0]) for part in intervals(statistic, groups, resamples))
    if not isinstance(statistic, Share):
        return made_figure(value, low, high, len(groups))
    figure = made_figure(value, low, high, statistic.n)
    return widened(figure, len(np.unique(np.asarray(groups)[statistic.among])))


def intervals(statistic: Statistic, groups: Sequence[str] | Strings, resamples: int = RESAMPLES) -> Intervals:
    """The statistic's K values with their intervals; a value that no resample has is its own interval."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    count = int(group.max()) + 1
    generator = np.random.default_rng(0)
    value = statistic(np.ones((1, len(group)))).ravel()
    blocks = []
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        drawn = generator.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
        blocks.append(statistic(times[:, group].astype(float)).reshape(size, -1))
    return Intervals(value, *_percentiles(np.concatenate(blocks), value))


def difference(before: Measure, after: Measure, groups: Sequence[str] | Strings, resamples: int) -> Figure:
    """How much a figure changes on the same photos, with the interval of the change: both see the same draws.

    Where no photo of a share changes, the interval is of so many groups without a change, up or down.
    """
    figure = with_interval(lambda weights: after(weights) - before(weights), groups, resamples)
    if not isinstance(before, Share) or figure.low is not None or abs(figure.value) > SPREAD:
        return figure
    unseen = 1 - TAIL ** (1 / len(np.unique(np.asarray(groups)[before.among])))
    return replace(figure, low=-unseen, high=unseen)


def count_changed(before: Measure, after: Measure, groups: Sequence[str] | Strings) -> int:
    """Groups with a photo of which two measures of the same photos take something else."""
    missing = (before.taken != before.taken) & (after.taken != after.taken)
    changed = (before.taken != after.taken) & ~missing
    return len(np.unique(np.asarray(groups)[changed]))


def made_figure(value: float, low: float, high: float, n: int) -> Figure:
    """A figure, without its interval where resamples do not differ."""
    return Figure(value, low, high, n) if high - low > SPREAD else Figure(value, None, None, n)


def widened(figure: Figure, groups: int) -> Figure:
    """A share of so many groups, with its exact interval where it is 0 or 1."""
    if figure.value == 1:
        return replace(figure, low=TAIL ** (1 / groups), high=1.0)
    if figure.value == 0:
        return replace(figure, low=0.0, high=1 - TAIL ** (1 / groups))
    return figure


def ratio(part: Floats, whole: Floats) -> Floats:
    """Part by whole, NaN where there is no whole."""
    divided: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
    return divided


def _percentiles(drawn: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Percentiles (K,) over resamples (R, K), those left aside that had too few photos for a value."""
    low, high = value.copy(), value.copy()
    measured = ~np.isnan(drawn).all(axis=0)
    if measured.any():
        low[measured], high[measured] = np.nanpercentile(drawn[:, measured], [100 * TAIL, 100 - 100 * TAIL], axis=0)
    return low, high
