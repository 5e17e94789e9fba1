"""A case as it is read: its items with photos, results, corrections and notes, and what the audit log says of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from serve.casebook.chain import Entry
from serve.casebook.error import CasebookError, NoCaseError, SeveralCasesError
from serve.casebook.records import Case, Correction, Item, Note, Photo, Record, Result, canonical, digest
from serve.casebook.tables import METADATA, entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Kind = TypeVar("Kind", bound=Record)


@dataclass(frozen=True)
class ItemFile:
    """One item with all that belongs to it, oldest first."""

    item: Item
    photos: tuple[Photo, ...]
    results: tuple[Result, ...]
    corrections: tuple[Correction, ...]
    notes: tuple[Note, ...]

    @property
    def result(self) -> Result | None:
        """What was found last: in all photos together, or in the only one."""
        together = [result for result in self.results if result.photo_id is None]
        return next(reversed(together or self.results), None)

    @property
    def correction(self) -> Correction | None:
        """What was said last."""
        return self.corrections[-1] if self.corrections else None


@dataclass(frozen=True)
class CaseFile:
    """One case with all that belongs to it, oldest first."""

    case: Case
    items: tuple[ItemFile, ...]
    notes: tuple[Note, ...]
    entries: tuple[Entry, ...]

    @property
    def records(self) -> tuple[Record, ...]:
        """All records; each comes after those that it names."""
        parts = [
            part
            for file in self.items
            for part in (file.item, *file.photos, *file.results, *file.corrections, *file.notes)
        ]
        return (self.case, *parts, *self.notes)

    @property
    def digest(self) -> str:
        """The case's hash: no record of it can change, appear or vanish without it."""
        return digest_of(self.records)

    @property
    def owner(self) -> str:
        """Who brought the case into this casebook: opened or imported it."""
        return self.entries[0].body.by

    def item(self, number: int) -> ItemFile:
        """An item by its number.

        Raises:
            CasebookError: There is none.
        """
        for file in self.items:
            if file.item.number == number:
                return file
        raise CasebookError(f"Case {self.case.ref!r} has no item {number}.")


def digest_of(records: Sequence[Record]) -> str:
    """The hash of a case, from all its records."""
    return digest("case", canonical(sorted(str(record.name) for record in records)))


def read_case(connection: sa.Connection, ref: str) -> CaseFile:
    """The case of an id, of a reference, or of the first eight or more digits of an id.

    Raises:
        NoCaseError: There is no such case, or more than one.
    """
    case = _find(connection, ref)
    of_case = sa.select(entries).where(entries.c.case_id == case.id).order_by(entries.c.number)
    log = tuple(Entry(**row) for row in connection.execute(of_case).mappings())
    place = {name: number for number, name in enumerate(_recorded(log))}

    def read(kind: type[Kind], column: str, value: str) -> tuple[Kind, ...]:
        """Records in the order of the log, which a clock that was set back leaves as it was."""
        table = METADATA.tables[kind.table]
        rows = connection.execute(sa.select(table).where(table.c[column] == value)).mappings()
        return tuple(sorted(_records(rows, kind), key=lambda record: place.get(str(record.name), -1)))

    notes = read(Note, "case_id", case.id)
    items = (
        ItemFile(
            item,
            read(Photo, "item_id", item.id),
            read(Result, "item_id", item.id),
            read(Correction, "item_id", item.id),
            tuple(note for note in notes if note.item_id == item.id),
        )
        for item in sorted(read(Item, "case_id", case.id), key=lambda item: item.number)
    )
    return CaseFile(case, tuple(items), tuple(note for note in notes if note.item_id is None), log)


def read_cases(connection: sa.Connection) -> tuple[Case, ...]:
    """All cases, oldest first."""
    return _by_time(connection.execute(sa.select(METADATA.tables["cases"])).mappings())


def read_owners(connection: sa.Connection) -> dict[str, str]:
    """Who brought each case into this casebook, by the id of the case."""
    of_cases = (
        sa.select(sa.func.min(entries.c.number)).where(entries.c.case_id.is_not(None)).group_by(entries.c.case_id)
    )
    first = sa.select(entries).where(entries.c.number.in_(of_cases))
    found = (Entry(**row) for row in connection.execute(first).mappings())
    return {str(entry.case_id): entry.body.by for entry in found}


def _find(connection: sa.Connection, ref: str) -> Case:
    table = METADATA.tables["cases"]
    # The whole id comes first, so that no case can be named so as to stand in for another.
    ways = [table.c.id == ref, table.c.ref == ref]
    if len(ref) >= 8:
        ways.append(table.c.id.startswith(ref, autoescape=True))
    rows = (connection.execute(sa.select(table).where(way)).mappings().all() for way in ways)
    found = _by_time(next(filter(None, rows), ()))
    if not found:
        raise NoCaseError(f"There is no case {ref!r}; `schreger casebook list` names them all.")
    if len(found) > 1:
        ids = ", ".join(case.id[:12] for case in found)
        raise SeveralCasesError(f"More than one case is called {ref!r}; say which by its id: {ids}.")
    return found[0]


def _by_time(rows: Any) -> tuple[Case, ...]:
    return tuple(sorted(_records(rows, Case), key=lambda case: (case.at, case.id)))


def _records(rows: Any, kind: type[Kind]) -> Iterator[Kind]:
    return (kind(**{name: cell for name, cell in row.items() if name != "id"}) for row in rows)


def _recorded(log: Iterable[Entry]) -> Iterator[str]:
    """The names of all records, as they were written one after the other."""
    for entry in log:
        with suppress(ValueError):  # it was altered, as `verify` says
            yield from entry.body.records
