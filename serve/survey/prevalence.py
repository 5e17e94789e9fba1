"""How many of the adverts offer a thing, corrected for the errors of the verdicts. Nothing is read or written here.

The raw share of alarms counts false ones and misses what was overlooked. Two ways put it right:

- `by_labels`: an expert labels a random sample. The share of offers is learnt for each verdict and carried to all
  adverts with that verdict. This is prediction-powered inference (Angelopoulos et al. 2023) with weights tuned to the
  data (PPI++, Angelopoulos, Duchi and Zrnic 2023): for predictions of a few kinds, that is post-stratification. Its
  normal intervals fail where offers are rare: no miss among the labelled would mean that none is possible. So each
  verdict's share has exact limits, and the distances to them are added as variances are (MOVER, Zou and Donner 2008).
- `by_error_rates`: without labels, from what is known of the verdicts' errors elsewhere (Rogan and Gladen 1978).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from serve.survey.exact import TAIL, limits_in, limits_of

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

VERDICTS = ("clear", "review", "block")
UNLABELLED = -1
DRAWS = 20_000


@dataclass(frozen=True)
class Estimate:
    """A share 0..1 with two 95% intervals.

    Attributes:
        share: None below detection: no labelled advert offers it, or there are no more alarms than false ones would be.
        low, high: Of these very adverts.
        seller_low, seller_high: Of adverts by sellers like these, who were not all seen; never narrower.
        method: What the correction rests on.
        labelled: How many labelled adverts it rests on.
    """

    share: float | None
    low: float
    high: float
    seller_low: float
    seller_high: float
    method: Literal["labels", "error rates"]
    labelled: int = 0


@dataclass(frozen=True)
class Rate:
    """A share, and how many independent draws it is as well known as from."""

    share: float
    draws: float


def by_labels(verdicts: Numbers, labels: Numbers, sellers: Numbers) -> Estimate | None:
    """The share of adverts that offer the thing; None if none is labelled.

    Args:
        verdicts: (N,) a number for each kind of verdict, such as its place in `VERDICTS`.
        labels: (N,) 1 where an expert found it offered, 0 where not, `UNLABELLED` elsewhere. The labelled are a random
            sample of the adverts, or of each verdict's adverts.
        sellers: (N,) a number for each seller.
    """
    labelled = labels != UNLABELLED
    if not labelled.any():
        return None
    total, sampled, found = (
        np.bincount(verdicts[rows], minlength=int(verdicts.max()) + 1) for rows in (slice(None), labelled, labels == 1)
    )
    weight = total / len(verdicts)
    rate = np.where(sampled > 0, found / np.maximum(sampled, 1), 0.5)  # of a verdict never labelled nothing is known
    share = float(weight @ rate)
    low, high = np.array(
        [limits_in(*map(int, each)) if each[0] else (0.5, 0.5) for each in zip(total, sampled, found, strict=True)]
    ).T
    below = share - sqrt(float(np.sum((weight * (rate - low)) ** 2)))
    above = share + sqrt(float(np.sum((weight * (high - rate)) ** 2)))

    influence = (rate[verdicts] - share) / len(verdicts)
    of = verdicts[labelled]
    influence[labelled] += (labels[labelled] - rate[of]) * weight[of] / sampled[of]
    effective = effective_draws(share, influence, sellers, len(np.unique(sellers[labelled])))
    seller_low, seller_high = limits_of(share, effective)
    number = int(labelled.sum())
    return Estimate(share or None, below, above, min(below, seller_low), max(above, seller_high), "labels", number)


def effective_draws(share: float, influence: Floats, sellers: Numbers, at_least_known: int) -> float:
    """How many independent draws tell as much of a share as adverts that come by the seller (Korn and Graubard 1998).

    Args:
        share: What was found.
        influence: (N,) what each advert adds to the error of the share.
        sellers: (N,) a number for each seller.
        at_least_known: Draws to assume where all adverts are alike, so that nothing is known of their spread.
    """
    by_seller, sizes = np.bincount(sellers, weights=influence), np.bincount(sellers)
    count = len(sellers) ** 2 / float(sizes @ sizes)  # among small sellers, a few large ones count as a few
    if count <= 1:
        return 1.0
    variance = float(by_seller @ by_seller) * count / (count - 1)
    if variance <= 0 or share in (0, 1):
        return float(at_least_known)
    few_sellers = (stdtrit(inf, TAIL) / stdtrit(count - 1, TAIL)) ** 2
    return float(max(share * (1 - share) / variance * few_sellers, 1.0))


def observed_rate(alarms: Bools, sellers: Numbers) -> Rate:
    """The share of alarms among adverts, and how well it is known, as they come by the seller."""
    share = float(alarms.mean())
    draws = effective_draws(share, (alarms - share) / len(alarms), sellers, len(np.unique(sellers)))
    return Rate(share, min(draws, float(len(alarms))))


def by_error_rates(alarms: Rate, recall: Rate, false_alarms: Rate) -> Estimate:
    """The share of adverts that offer the thing: (alarms - false alarms) / (recall - false alarms).

    The interval holds what that is for rates drawn from what each may be (Jeffreys' posterior), so that it counts how
    well the error rates themselves are known. It trusts that they are the same here as where they were measured.
    """
    generator = np.random.default_rng(0)
    seen, found, wrong = (
        generator.beta(rate.share * rate.draws + 0.5, (1 - rate.share) * rate.draws + 0.5, DRAWS)
        for rate in (alarms, recall, false_alarms)
    )
    useless = found <= wrong  # such verdicts say nothing: anything is possible, so every other draw is all, or none
    drawn = np.where(useless, np.arange(DRAWS) % 2, (seen - wrong) / np.where(useless, 1, found - wrong))
    low, high = np.quantile(drawn.clip(0, 1), (TAIL, 1 - TAIL)).tolist()
    share = (alarms.share - false_alarms.share) / (recall.share - false_alarms.share)
    known = min(share, 1.0) if share > 0 else None
    return Estimate(known, min(low, known or 0.0), max(high, known or 0.0), low, high, "error rates")
