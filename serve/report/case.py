"""What the report of a case is made from. Times are UTC in ISO 8601; hashes, keys and signatures are hexadecimal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.finding import Finding
    from model.photo import PhotoError


@dataclass(frozen=True, kw_only=True)
class Written:
    """Who wrote something down, and when."""

    by: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Note(Written):
    """A remark."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Correction(Written):
    """What an expert says that an item is, as a key of the taxonomy, and why."""

    label: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A JPEG file, upright and small, with its size in pixels."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Photo(Written):
    """A photo, `sha256` and `size` in bytes of the file as received.

    `shown` is it as a person sees it, or why it cannot be opened. `again` is its finding anew, with the evidence, which
    nobody keeps; None where the bundle that found `finding` is not at hand, or saw nothing.
    """

    file: str
    sha256: str
    size: int
    finding: Finding
    shown: Picture | PhotoError
    again: Finding | None


@dataclass(frozen=True, kw_only=True)
class Item(Written):
    """One thing, with what was found last in all its photos, when, and by which version of schreger."""

    number: int
    title: str
    photos: tuple[Photo, ...]
    finding: Finding
    found_at: str
    software: str
    corrections: tuple[Correction, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, kw_only=True)
class Entry(Written):
    """An entry of the audit log."""

    number: int
    action: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where the audit log ended."""

    casebook: str
    public_key: str
    number: int
    at: str
    hash: str
    signature: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A share with its 95% interval, all 0..1, and the number that it was measured on."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A bundle, as name@digest, and how many of its answers were wrong: to photos of known sources, and of new ones."""

    bundle: str
    wrong_known: Figure | None = None
    wrong_new: Figure | None = None


@dataclass(frozen=True, kw_only=True)
class Case(Written):
    """A case. `digest` is its hash, `head` the log's at the last entry on it; `faults` is what was found altered."""

    ref: str
    title: str
    digest: str
    items: tuple[Item, ...]
    notes: tuple[Note, ...]
    judges: tuple[Judge, ...]
    entries: tuple[Entry, ...]
    head: Head
    faults: tuple[str, ...]
