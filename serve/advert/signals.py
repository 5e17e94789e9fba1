"""What an advert's words and pictures say of one subject, as named numbers."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import log, log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model.taxonomy import Taxonomy
    from serve.advert.words import Match

NEAR = 4
"""So many words apart, two words are about the same thing."""

COUNTED = ("object", "craft", "offer", "talk", "legal", "colour", "plastic", "cover")
CLOSE = ("object", "craft", "offer", "talk")
FLOOR = 1e-4
"""Added to probabilities, so that a network that is wrong for sure does not outweigh everything."""

NAMES = (
    "named",
    "named_again",
    "only_harmless",
    *COUNTED,
    *(f"near_{kind}" for kind in CLOSE),
    "has_picture",
    "picture",
    "named_and_picture",
    "cover_and_picture",
)
"""The signals, in the order of the weights."""


@dataclass(frozen=True)
class Subject:
    """Something that may not be offered: a key of the taxonomy, with all that lies below it.

    `seen`: whether the network knows a class of it, so that pictures say something.
    """

    key: str
    below: frozenset[str]
    seen: bool = True

    @classmethod
    def of(cls, key: str, taxonomy: Taxonomy, classes: Iterable[str] | None = None) -> Subject:
        """The subject of a key, for a network of these classes."""
        below = frozenset((key, *taxonomy.descendants(key)))
        return cls(key, below, classes is None or not below.isdisjoint(classes))

    def probability(self, probabilities: Mapping[str, float]) -> float:
        """That a picture shows it, 0..1, from the probability of each class."""
        return sum(value for key, value in probabilities.items() if key in self.below)


def namings(words: Sequence[Match], subject: Subject) -> list[Match]:
    """The words that name the subject, in the open or in code."""
    return [word for word in words if word.entry.kind in ("named", "code") and word.entry.means in subject.below]


def measure(words: Sequence[Match], shown: Sequence[float], subject: Subject) -> dict[str, float]:
    """The signals by name.

    Args:
        words: Words of the lexicon in the advert's text.
        shown: For each picture, the probability that it shows the subject.
        subject: What is asked about.
    """
    names = namings(words, subject)
    open_names = [word for word in names if word.harmless_by is None]
    named = float(bool(open_names))
    counts = {kind: log1p(sum(word.entry.kind == kind for word in words)) for kind in COUNTED}
    close = {f"near_{kind}": float(_close(names, words, kind)) for kind in CLOSE}
    picture = log_odds(max(shown)) if shown and subject.seen else 0.0
    return {
        "named": named,
        "named_again": float(len(open_names) > 1),
        "only_harmless": float(bool(names) and not named),
        **counts,
        **close,
        "has_picture": float(bool(shown)),
        "picture": picture,
        "named_and_picture": named * bool(shown),
        "cover_and_picture": picture * bool(counts["cover"]),
    }


def log_odds(probability: float) -> float:
    return log((probability + FLOOR) / (1 - probability + FLOOR))


def _close(names: Sequence[Match], words: Sequence[Match], kind: str) -> bool:
    others = [word for word in words if word.entry.kind == kind]
    starts = [other.start for other in others]

    def has_near(name: Match) -> bool:
        before = bisect_left(starts, name.end + NEAR)
        return before > 0 and name.start - others[before - 1].end < NEAR  # words of a kind do not overlap

    return any(map(has_near, names))
