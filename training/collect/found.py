"""What a collector finds, before it is known whether it may be taken and can be had."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from model.errors import SchregerError


class CollectError(SchregerError):
    """Nothing can be collected, or no more; the message is one plain sentence that says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """One photo with its label.

    `origin` names the photo for good, as an address or a path; `picture` is where its bytes are, an address or a file.
    `group` is one object, observation or file; `source` is the collector with the institution or person. `licence` is
    as the source spells it, empty where it says nothing. `own`: the photo is of whoever collects, and stays with them,
    so that it needs no open licence.
    """

    origin: str
    picture: str | Path
    label: str
    group: str
    source: str
    licence: str
    attribution: str
    note: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """What is listed and cannot be had; `why` goes on after the origin, as in "has no picture"."""

    origin: str
    why: str


@dataclass(frozen=True, slots=True)
class Pending:
    """What must be looked up first, at the cost of a request; None where it is not what was asked for."""

    origin: str
    look_up: Callable[[], Found | Missing | None]


Candidates = Iterable[Found | Missing | Pending]
