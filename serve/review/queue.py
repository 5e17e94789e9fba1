"""What waits for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from model.errors import SchregerError

if TYPE_CHECKING:
    from collections.abc import Callable


class ReviewError(SchregerError):
    """A review cannot be written or read; the message says why."""


class PictureShown(NamedTuple):
    """A picture of an advert.

    Attributes:
        path: As the advert writes it.
        answer, probability: What it probably shows.
        read: Gives its bytes, or raises PhotoError.
        is_file: Whether its path is that of a file, and not of a part of a tar or of a download.
    """

    path: str
    answer: str
    probability: float
    read: Callable[[], bytes]
    is_file: bool = True


@dataclass(frozen=True)
class Undecided:
    """An advert whose verdict is `review`, as people see it; `score`, `answer` and `reasons` are the verdict's.

    Attributes:
        id: In one line, as a decision names it.
    """

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
