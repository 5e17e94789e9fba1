"""The trained combination of signals: weights in a readable file, and how often it and the pictures alone are wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

from serve.advert.signals import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = Path(__file__).with_name("weights.json")


@dataclass(frozen=True)
class Rate:
    """At a threshold, the share of the wanted that is found and of the others that is flagged all the same."""

    threshold: float
    recall: float
    false_alarms: float


@dataclass(frozen=True)
class Combination:
    """Logistic regression: a weight by signal, the intercept, the rates of its score and of pictures alone by class."""

    version: str
    weights: Mapping[str, float]
    intercept: float
    rates: Sequence[Rate]
    picture_rates: Mapping[str, Sequence[Rate]]

    def parts(self, signals: Mapping[str, float]) -> dict[str, float]:
        """What each signal adds, in log odds."""
        return {name: self.weights[name] * signals[name] for name in NAMES}

    def score(self, signals: Mapping[str, float]) -> float:
        """Probability 0..1."""
        return 1 / (1 + exp(-self.intercept - sum(self.parts(signals).values())))


def threshold_for(rates: Sequence[Rate], precision: float, base_rate: float) -> float | None:
    """The lowest threshold whose precision, where a share `base_rate` is wanted, is at least `precision`; or None.

    Precision = recall x base rate / (recall x base rate + false alarms x (1 - base rate)).
    """

    def reaches(rate: Rate) -> bool:
        right, wrong = rate.recall * base_rate, rate.false_alarms * (1 - base_rate)
        return right > 0 and right >= precision * (right + wrong)

    return min((rate.threshold for rate in rates if reaches(rate)), default=None)


@cache
def load_combination() -> Combination:
    """The shipped combination."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    pictures = {key: tuple(Rate(*rate) for rate in rates) for key, rates in content["picture_rates"].items()}
    rates = tuple(Rate(*rate) for rate in content["rates"])
    return Combination(content["version"], content["weights"], content["intercept"], rates, pictures)
