"""For each stratum and subject: how many adverts offer it, corrected for the verdicts' errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from serve.survey.prevalence import UNLABELLED, VERDICTS, Rate, by_error_rates, by_labels, observed_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from serve.survey.adverts import Row
    from serve.survey.prevalence import Estimate

ERROR_RATES = Path(__file__).with_name("error_rates.json")


@dataclass(frozen=True)
class Corrected:
    """A subject in a stratum. `estimate` is None where nothing is known of the verdicts' errors."""

    stratum: str
    subject: str
    adverts: int
    sellers: int
    alarms: int
    estimate: Estimate | None

    def record(self) -> dict[str, Any]:
        """As a row of a table: shares, adverts that offer it, and offers for each alarm, all with 95% intervals."""
        found = self.estimate
        shares = (found.share, found.low, found.high) if found else (None, None, None)
        offers = [None if share is None else share * self.adverts for share in shares]
        per_alarm = [None if number is None or not self.alarms else number / self.alarms for number in offers]
        return {
            "stratum": self.stratum,
            "subject": self.subject,
            "adverts": self.adverts,
            "sellers": self.sellers,
            "alarms": self.alarms,
            "alarm_share": self.alarms / self.adverts,
            "method": found.method if found else None,
            "labelled": found.labelled if found else 0,
            **dict(zip(("share", "share_low", "share_high"), shares, strict=True)),
            "share_low_by_seller": found.seller_low if found else None,
            "share_high_by_seller": found.seller_high if found else None,
            **dict(zip(("offers", "offers_low", "offers_high"), offers, strict=True)),
            **dict(zip(("per_alarm", "per_alarm_low", "per_alarm_high"), per_alarm, strict=True)),
        }


def correct(rows: Iterable[Row], policies: set[str], drawn_by_verdict: bool) -> list[Corrected]:
    """Every subject that an alarm or a label names, in every stratum.

    Args:
        rows: The adverts.
        policies: Versions of what decided; known error rates hold for one of them.
        drawn_by_verdict: Whether the labelled are a random sample of each verdict's adverts, not of all.
    """
    by_stratum = sorted(rows, key=lambda row: row.stratum)
    named = {row.subject for row in by_stratum} | {row.label for row in by_stratum}
    subjects = sorted(subject for subject in named if subject not in (None, "none"))
    strata = [(name, list(group)) for name, group in groupby(by_stratum, key=lambda row: row.stratum)]
    return [
        _correct(stratum, str(subject), group, policies, drawn_by_verdict)
        for stratum, group in strata
        for subject in subjects
    ]


def _correct(stratum: str, subject: str, rows: Sequence[Row], policies: set[str], drawn_by_verdict: bool) -> Corrected:
    own = np.array([row.subject == subject for row in rows])
    verdicts = np.array([VERDICTS.index(row.verdict) for row in rows])
    # To this subject, an alarm about another is a clear advert, unless such alarms were labelled more often than those.
    other = np.where(verdicts > 0, verdicts + len(VERDICTS), 0) if drawn_by_verdict else 0
    labels = np.array([UNLABELLED if row.label is None else row.label == subject for row in rows], int)
    names: dict[str, int] = {}  # adverts without a seller are each of their own
    sellers = np.array([names.setdefault(f"{row.platform}\0{row.seller or row.id}", len(names)) for row in rows])
    estimate = by_labels(np.where(own, verdicts, other), labels, sellers)
    known = error_rates()
    if estimate is None and subject == known["subject"] and policies == {known["policy"]}:
        rates = (Rate(**known[name]) for name in ("recall", "false_alarms"))
        estimate = by_error_rates(observed_rate(own, sellers), *rates)
    return Corrected(stratum, subject, len(rows), len(names), int(own.sum()), estimate)


@cache
def error_rates() -> dict[str, Any]:
    """How often verdicts of the shipped policy were wrong on posts of sellers that they were not fitted on."""
    return dict(json.loads(ERROR_RATES.read_text(encoding="utf-8")))
