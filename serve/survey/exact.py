"""Exact 95% limits of a share: from a random sample of so many things, or a sample that is worth fewer draws."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache

from scipy.special import betaincinv
from scipy.stats import hypergeom

TAIL = 0.025


@lru_cache(maxsize=100_000)
def limits_in(total: int, sampled: int, found: int) -> tuple[float, float]:
    """Limits of the share among `total` things, of which `sampled` were drawn at random and `found` have it.

    The shares at which so many or more, or so few or fewer, would be found with a probability of at least 2.5%: Clopper
    and Pearson's limits, for draws without replacement. Nothing sampled says nothing; all sampled says all.
    """
    possible = range(found, total - sampled + found + 1)
    lowest = bisect_left(possible, TAIL, key=lambda number: hypergeom.sf(found - 1, total, number, sampled))
    too_many = bisect_left(possible, -TAIL, key=lambda number: -hypergeom.cdf(found, total, number, sampled))
    return possible[lowest] / total, possible[max(too_many - 1, lowest)] / total


def limits_of(share: float, sampled: float) -> tuple[float, float]:
    """Clopper and Pearson's limits where a share was found in a sample that is worth `sampled` independent draws."""
    found = share * sampled
    low = betaincinv(found, sampled - found + 1, TAIL) if share > 0 else 0.0
    high = betaincinv(found + 1, sampled - found, 1 - TAIL) if share < 1 else 1.0
    return float(low), float(high)
