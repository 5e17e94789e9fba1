"""How much the API takes on: of one request, of one key, and of all together."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

MAX_PICTURES = 10
"""Pictures of one advert or item."""

MAX_ADVERTS = 100
"""Adverts of one request."""

MAX_WORDS = 2_000
"""Characters of a title, and of what else is said of an advert in a line."""

MAX_TEXT = 20_000
"""Characters of an advert's text."""


@dataclass(frozen=True)
class Limits:
    """What may be sent and wait at the same time.

    Attributes:
        body: Bytes of one request.
        bodies: Bytes of all requests that are in memory together.
        waiting: Requests that wait for a core; once there are so many, no other is taken on.
        sending: Seconds that a request may take to arrive.
        answering: Seconds after which no answer is given any more.
        a_minute: Requests of one key in a minute, which may come all at once.
    """

    body: int = 32 * 2**20
    bodies: int = 256 * 2**20
    waiting: int = 64
    sending: float = 30
    answering: float = 60
    a_minute: int = 600


class Rate:
    """Counts requests by caller: a bucket that holds a minute's worth and refills evenly. Safe between threads."""

    def __init__(self, a_minute: int) -> None:
        self.a_minute = a_minute
        self._left: dict[str, tuple[float, float]] = {}  # requests that are left, and when that was so
        self._lock = threading.Lock()

    def take(self, caller: str) -> float:
        """Count a request; returns 0 if it may pass, else the seconds until one may."""
        now = time.monotonic()
        with self._lock:
            left, then = self._left.get(caller, (self.a_minute, now))
            left = min(self.a_minute, left + (now - then) * self.a_minute / 60)
            passes = left >= 1
            self._left[caller] = (left - passes, now)
        return 0.0 if passes else (1 - left) * 60 / self.a_minute
