"""The adverts of a survey, one row each: what the seller wrote, what the scan found, what an expert says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from model.taxonomy import load_taxonomy
from serve.advert.policy import load_policy
from serve.advert.reasons import CONTRADICTION
from serve.survey.read import SurveyError
from serve.survey.values import read_currency, read_date, read_degrees, read_number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from serve.advert import Advert

YES, NO = ("1", "yes", "true"), ("0", "no", "none", "false")
UNNAMED = "unnamed platform"
_latitude, _longitude = (partial(read_degrees, most=most) for most in (90, 180))
FIELDS: dict[str, Callable[[str], object]] = {
    "price": read_number, "posted_at": read_date, "location": str.strip, "seller": str.strip,
    "quantity": read_number, "latitude": _latitude, "longitude": _longitude,
}  # fmt: skip
"""Columns of the advert file that a figure needs, and how they are read."""

OWN = ("quantity", "latitude", "longitude")
"""Those that an advert file may have beside the usual columns."""


@dataclass(frozen=True)
class Row:
    """One scanned advert.

    Attributes:
        stratum: The advert file's own column `stratum`, or else the platform; strata are never pooled.
        price, currency, value: As read; value is in the one currency of the rates. None or empty where unread.
        quantity: Specimens offered; 1 where the advert file's own column `quantity` says nothing.
        subject: What an alarm is about, a key of the policy; None where the verdict is clear.
        label: What an expert says is offered: a subject, `none`, or None where nobody looked.
        contradiction: Whether words that claim another material stand beside a picture of it.
    """

    id: str
    stratum: str
    platform: str
    seller: str
    language: str
    location: str
    latitude: float | None
    longitude: float | None
    posted: date | None
    price: float | None
    currency: str
    value: float | None
    quantity: float
    verdict: str
    score: float
    answer: str
    subject: str | None
    contradiction: bool
    cluster: str | None
    label: str | None


@dataclass(frozen=True)
class Joined:
    """The rows, and beside each alarm's advert what the scan found, by id.

    Attributes:
        words: The expert's own words by id.
        left_out: How many inputs could not be used, by reason.
        fields: By column, in how many adverts it was read, could not be read, and is not stated.
    """

    rows: list[Row]
    alarms: dict[str, tuple[Advert, Mapping[str, Any]]]
    words: dict[str, str]
    left_out: dict[str, int]
    fields: dict[str, dict[str, int]]


class Subjects:
    """What a class belongs to, among the things that a policy looks for."""

    def __init__(self) -> None:
        self.taxonomy = load_taxonomy()
        self._of = {
            key: subject
            for subject in load_policy(taxonomy=self.taxonomy).subjects
            for key in (subject, *self.taxonomy.descendants(subject))
        }

    def of(self, key: str) -> str:
        """The subject; what none covers, as another policy may look for it, is its own."""
        return self._of.get(key, key)

    def labelled(self, label: str, row: Row, seen: set[str]) -> str:
        """The subject that a label means, or `none`; `seen` is what alarms of this survey are about.

        Raises:
            SurveyError: The label is neither a key of the taxonomy nor yes or no, or a yes to one of several.
        """
        if label.lower() in NO:
            return "none"
        if label.lower() in YES:
            meant = {row.subject} if row.subject else seen
            if len(meant) != 1:
                raise SurveyError(f"The label of {row.id!r} does not say what it offers: write a class, such as ivory.")
            return str(*meant)
        if label not in self.taxonomy:
            raise SurveyError(f"{row.id!r} is labelled {label!r}: write a class, such as ivory, or none, or 1 or 0.")
        subject = self.of(label)
        return subject if label in self._of or subject in seen else "none"


def join(
    adverts: Iterable[Advert],
    scanned: Mapping[str, Mapping[str, Any]],
    labels: Mapping[str, Mapping[str, str]],
    links: Mapping[str, str],
    rates: Mapping[str, float],
) -> Joined:
    """One row for every advert that was scanned.

    Raises:
        SurveyError: A label cannot be used, or was drawn by strata that are not those of the adverts.
    """
    subjects, met, counts = Subjects(), set[str](), Counter[tuple[str, str]]()
    rows: dict[str, Row] = {}
    alarms: dict[str, tuple[Advert, Mapping[str, Any]]] = {}
    doubled = 0
    for advert in map(_in_lower_case, adverts):
        own = advert.id.strip()
        if not own or own in met:
            doubled += 1
            continue
        met.add(own)
        if found := scanned.get(own):
            subject = None if found["verdict"] == "clear" else subjects.of(found["answer"] or "")
            rows[own] = _row(own, advert, found, subject, links.get(own), rates)
            counts.update((name, _how_read(advert, name)) for name in FIELDS)
            if subject is not None:
                alarms[own] = advert, found
    left_out = {
        "adverts without an id, or with that of an earlier one": doubled,
        "adverts that the scan lacks, or has no verdict on": len(met) - len(rows),
        "scanned adverts that the advert file lacks": len(scanned) - len(rows),
        "labels of adverts that are not in the survey": sum(own not in rows for own in labels),
    }
    return Joined(
        _labelled_and_linked(rows.values(), labels, subjects),
        alarms,
        words={own: label["label"] for own, label in labels.items()},
        left_out={reason: number for reason, number in left_out.items() if number},
        fields=_fields(counts, rows.values(), rates),
    )


def _labelled_and_linked(
    rows: Collection[Row], labels: Mapping[str, Mapping[str, str]], subjects: Subjects
) -> list[Row]:
    """The rows with what experts say; a cluster of which the survey has one advert alone is none."""
    about = {row.subject for row in rows if row.subject is not None}
    members = Counter(row.cluster for row in rows)
    found = []
    for row in rows:
        label = labels.get(row.id)
        if label:
            _check_stratum(label, row)
        meant = subjects.labelled(label["label"], row, about) if label else None
        found.append(replace(row, label=meant, cluster=row.cluster if members[row.cluster] > 1 else None))
    return found


def _in_lower_case(advert: Advert) -> Advert:
    """The advert with the names of its further columns in lower case."""
    return replace(advert, other={name.strip().lower(): text for name, text in advert.other.items()})


def _fields(
    counts: Mapping[tuple[str, str], int], rows: Iterable[Row], rates: Mapping[str, float]
) -> dict[str, dict[str, int]]:
    """What was read of each column; those of the file's own are told of where an advert states them."""
    fields = {name: {how: counts[name, how] for how in ("read", "unread", "unstated")} for name in FIELDS}
    if rates:
        worth = [row.value is not None for row in rows if row.price is not None]
        fields["currency"] = {"read": sum(worth), "unread": len(worth) - sum(worth), "unstated": 0}
    return {name: found for name, found in fields.items() if name not in OWN or found["read"] + found["unread"]}


def _how_read(advert: Advert, column: str) -> str:
    text = str(advert.other.get(column, "") if column in OWN else getattr(advert, column)).strip()
    return "unstated" if not text else "unread" if FIELDS[column](text) is None else "read"


def _row(
    own: str,
    advert: Advert,
    found: Mapping[str, Any],
    subject: str | None,
    cluster: str | None,
    rates: Mapping[str, float],
) -> Row:
    price = read_number(advert.price)
    currency = read_currency(advert.currency, advert.price) if price is not None else ""
    platform = advert.platform.strip() or UNNAMED
    return Row(
        id=own,
        stratum=advert.other.get("stratum", "").strip() or platform,
        platform=platform,
        seller=advert.seller.strip(),
        language=advert.language.strip(),
        location=advert.location.strip(),
        latitude=_latitude(advert.other.get("latitude", "")),
        longitude=_longitude(advert.other.get("longitude", "")),
        posted=read_date(advert.posted_at),
        price=price,
        currency=currency,
        value=price * rates[currency] if price is not None and currency in rates else None,
        quantity=read_number(advert.other.get("quantity", "")) or 1.0,
        verdict=found["verdict"],
        score=found["score"],
        answer=found["answer"] or "",
        subject=subject,
        contradiction=any(CONTRADICTION in reason for reason in found["reasons"] or ()),
        cluster=cluster,
        label=None,
    )


def _check_stratum(label: Mapping[str, str], row: Row) -> None:
    drawn_by = label.get("stratum")
    if drawn_by and drawn_by not in (row.stratum, row.verdict):
        raise SurveyError(
            f"The label of {row.id!r} was drawn in the stratum {drawn_by!r}, but the advert is in {row.stratum!r}: "
            "give the advert file a column stratum, so that it is known how many adverts each stratum has."
        )
