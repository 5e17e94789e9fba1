"""Who is signed in: by a random token in each browser, of which the server holds the hash, in memory alone."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from serve.casebook import User, Users

IDLE: Final = 30 * 60
"""Seconds without a request after which a session ends."""

WHOLE: Final = 12 * 60 * 60
"""Seconds after which it ends in any case: a long shift."""

CHECKED: Final = 5
"""Seconds for which a user is not looked up again."""


@dataclass
class _Session:
    user: User
    began: float
    used: float
    checked: float

    def is_over(self, now: float) -> bool:
        return not (0 <= now - self.used < IDLE and 0 <= now - self.began < WHOLE)  # a clock set back ends it too


class Sessions:
    """Safe to share between threads. Time is that of the clock, since a computer that sleeps counts no other."""

    def __init__(self, users: Users) -> None:
        self.users = users
        self._held: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def start(self, user: User) -> str:
        """The token of a new session."""
        token, now = secrets.token_urlsafe(32), time.time()
        with self._lock:
            self._held = {hashed: held for hashed, held in self._held.items() if not held.is_over(now)}
            self._held[_hashed(token)] = _Session(user, now, now, now)
        return token

    def user(self, token: str) -> User | None:
        """Who the token is of, None once the session is over or anything about the user was changed.

        Raises:
            CasebookError: The casebook cannot be read.
        """
        now, hashed = time.time(), _hashed(token)
        with self._lock:
            held = self._held.get(hashed)
        if held is None:
            return None
        fresh = 0 <= now - held.checked < CHECKED
        if held.is_over(now) or not (fresh or self.users.find(held.user.login) == held.user):
            self.end(token)
            return None
        held.used = now
        if not fresh:
            held.checked = now
        return held.user

    def end(self, token: str) -> None:
        """Sign out."""
        with self._lock:
            self._held.pop(_hashed(token), None)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
