"""What a casebook holds: plain records, each named by the sha256 of what it says.

A record names what it belongs to by its id, so that nothing it rests on can change without its own id changing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

Role = Literal["officer", "expert", "admin"]


def canonical(value: Any) -> str:
    """The one way in which a value is written as JSON, so that its digest is always the same."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def digest(kind: str, text: str) -> str:
    """The sha256 of a text, hexadecimal; `kind` keeps the digests of different things apart."""
    return hashlib.sha256(f"schreger {kind} 1\n{text}".encode()).hexdigest()


class Name(NamedTuple):
    """Names one record in the audit log; written as table/id."""

    table: str
    id: str

    def __str__(self) -> str:
        return f"{self.table}/{self.id}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """Who wrote something down, and when: UTC in ISO 8601, to the microsecond."""

    table: ClassVar[str]
    by: str
    at: str

    @cached_property
    def id(self) -> str:
        """The digest of all fields but empty ones, so that a field that is added later leaves older ids as they are."""
        return digest(
            self.table, canonical({field: value for field, value in asdict(self).items() if value is not None})
        )

    @property
    def name(self) -> Name:
        return Name(self.table, self.id)


@dataclass(frozen=True, kw_only=True)
class Case(Record):
    """`ref` is what people call the case, such as their file number."""

    table: ClassVar[str] = "cases"
    ref: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Item(Record):
    """One thing, of which there are photos. Items of a case are numbered from 1."""

    table: ClassVar[str] = "items"
    case_id: str
    number: int
    title: str


@dataclass(frozen=True, kw_only=True)
class Photo(Record):
    """A photo as received; its bytes are kept by their `sha256`. `file` is the name that it came with."""

    table: ClassVar[str] = "photos"
    item_id: str
    sha256: str
    file: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Result(Record):
    """What a bundle found in one photo, or, where `photo_id` is None, in all photos that the item then had.

    The fields are those of `model.finding.Finding`. `probabilities` is JSON, [[key, probability], ...] of every class,
    likeliest first; `quality` is JSON, a list of qualities. `software` is the version of schreger.
    """

    table: ClassVar[str] = "results"
    item_id: str
    photo_id: str | None
    status: str
    rule: str
    answer: str | None
    probability: float
    probabilities: str
    unfamiliarity: float
    quality: str
    bundle: str
    software: str


@dataclass(frozen=True, kw_only=True)
class Correction(Record):
    """What an expert says that an item is, as a key of the taxonomy; it may agree with the result."""

    table: ClassVar[str] = "corrections"
    item_id: str
    label: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Note(Record):
    """A remark on a case, or on one item of it."""

    table: ClassVar[str] = "notes"
    case_id: str
    item_id: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class User(Record):
    """Somebody who may sign in on the page. Of one login there is a record for each change, numbered from 1; the last
    counts. `password` is as `serve.casebook.password` hashes it.
    """

    table: ClassVar[str] = "users"
    login: str
    number: int
    role: Role
    password: str = field(repr=False)
    disabled: bool

    def may_see(self, owner: str) -> bool:
        """Whether this user may see, and add to, a case that `owner` brought in."""
        return self.role != "officer" or owner == self.login

    @property
    def may_correct(self) -> bool:
        """Whether this user may say what an item truly is."""
        return self.role != "officer"


OF_CASES: dict[str, type[Record]] = {kind.table: kind for kind in (Case, Item, Photo, Result, Correction, Note)}
"""Kinds of records that make cases, by table; each comes after what it names."""

RECORDS: dict[str, type[Record]] = OF_CASES | {User.table: User}
"""All kinds of records."""
