"""What waits for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from model.errors import SchregerError


class ReviewError(SchregerError):
    """A review cannot be written or read; the message says why."""


class PictureShown(NamedTuple):
    """A picture of an advert: its path as the advert writes it, and what it probably shows."""

    path: str
    answer: str
    probability: float


@dataclass(frozen=True)
class Undecided:
    """An advert whose verdict is `review`, as people see it; `score`, `answer` and `reasons` are the verdict's."""

    id: str
    title: str
    text: str
    seller: str
    platform: str
    score: float
    answer: str
    reasons: tuple[str, ...]
    pictures: tuple[PictureShown, ...]
    judged_by: str
