"""Whether a casebook is as it was written: every altered byte or record, and whatever is missing, is named."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from serve.casebook.chain import START, Entry, public_key
from serve.casebook.database import Database, schema_of
from serve.casebook.error import CasebookError
from serve.casebook.keys import KEYS, Head, Keys
from serve.casebook.records import RECORDS
from serve.casebook.tables import METADATA, entries, originals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def verify(url: str, keys: Path = KEYS, head: Head | None = None) -> tuple[str, ...]:
    """What is not as it was written, one sentence each; nothing where all is well.

    The audit log is held against `head` and the last head kept among the keys, so that cutting its end or rewriting it
    whole is found too.

    Raises:
        CasebookError: There is no casebook, or nothing outside it vouches for what is in it.
    """
    database = Database(url)
    try:
        with database.reading() as connection:
            check = _Check(connection)
            if database.file:
                check.sqlite()
            check.log(Keys(keys), head)
            check.records()
            check.originals()
    except CasebookError as error:
        if error.__cause__ is None or isinstance(error.__cause__, OperationalError):  # not there, or not reached
            raise
        return (str(error),)
    if not check.faults and not check.vouched:
        raise CasebookError(
            "Nothing outside this casebook vouches for it: name a head that was exported with --head, or the folder of "
            "its key with --keys."
        )
    return tuple(check.faults)


class _Check:
    """One pass over a casebook; `recorded` maps the names in valid entries to the numbers of these entries."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.faults: list[str] = []
        self.vouched = False
        self.recorded: dict[str, int] = {}
        self.kept: dict[str, str] = {}  # sha256 of bytes -> who names them

    def sqlite(self) -> None:
        """What SQLite itself finds wrong with its file."""
        with self._reading("The database file"):
            for line in self.connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars():
                if line != "ok":
                    self.faults.append(f"The database file is damaged: {' '.join(str(line).split())}.")

    def log(self, keys: Keys, head: Head | None) -> None:
        """The audit log by itself, and against the heads that are known."""
        log: dict[int, Entry] = {}
        with self._reading("The audit log"):
            for row in self.connection.execute(sa.select(entries).order_by(entries.c.number)).mappings():
                log[row["number"]] = Entry(**row)
        about = _about(log.get(1))
        heads = [known for known in (head, _kept(keys, about)) if known]
        self.vouched = bool(heads)
        key = heads[0].public_key if heads else about.get("public_key", "")
        previous, last = START, max([*log, *(known.number for known in heads)], default=1)
        for number in range(1, last + 1):
            entry = log.get(number)
            if entry is None:
                self.faults.append(f"Entry {number} of the audit log is missing.")
                previous = ""
                continue
            self._entry(entry, key, previous)
            previous = entry.hash
        for number in sorted(log.keys() - set(range(1, last + 1))):
            self.faults.append(f"Entry {number} of the audit log has no place in it.")
        for known in heads:
            if known.number in log and log[known.number].hash != known.hash:
                self.faults.append(
                    f"Entry {known.number} of the audit log is not the one that was there on {known.at}."
                )
        self._schema(log)

    def _entry(self, entry: Entry, key: str, previous: str) -> None:
        try:
            fault = entry.fault(public_key(key))
        except (ValueError, TypeError):
            fault = "the key of the casebook is not there"
        if fault is None and previous and entry.body.previous != previous:
            fault = "it does not follow the entry before it"
        if fault:
            self.faults.append(f"Entry {entry.number} of the audit log is not as it was written: {fault}.")
            return
        self.recorded |= dict.fromkeys(entry.body.records, entry.number)
        self.kept |= dict.fromkeys(entry.body.files, f"entry {entry.number}")

    def _schema(self, log: dict[int, Entry]) -> None:
        """The tables are those that the log says were made last."""
        made = [schema for entry in log.values() if (schema := _about(entry).get("schema"))]
        with self._reading("The revision of the tables"):
            if made and schema_of(self.connection) != made[-1]:
                self.faults.append("The revision of the tables is not the one that the audit log names.")

    def records(self) -> None:
        """Every record is as its entry names it, and none is missing."""
        missing = dict(self.recorded)
        tables = sa.inspect(self.connection).get_table_names()  # an older casebook lacks some
        for table, kind in ((table, kind) for table, kind in RECORDS.items() if table in tables):
            names = [field.name for field in fields(kind)]
            with self._reading(f"The table {table}"):
                for row in self.connection.execute(sa.select(METADATA.tables[table])).mappings():
                    name = f"{table}/{row['id']}"
                    if _id_of(kind, {field: row[field] for field in names}) != row["id"]:
                        number = self.recorded.get(name)
                        of = f", which entry {number} recorded," if number else ""
                        self.faults.append(f"The record {name}{of} was altered.")
                    elif name not in self.recorded:
                        self.faults.append(f"The record {name} is in no valid entry of the audit log.")
                    missing.pop(name, None)
                    if table == "photos":
                        self.kept.setdefault(row["sha256"], name)
        for name, number in missing.items():
            self.faults.append(f"The record {name}, which entry {number} recorded, is missing.")

    def originals(self) -> None:
        """The bytes of every photo are those that were received."""
        missing = dict(self.kept)
        there: list[str] = []
        with self._reading("The table originals"):
            there = list(self.connection.scalars(sa.select(originals.c.sha256)))
        for sha256 in there:
            who = missing.pop(sha256, None)
            with self._reading(f"The photo {sha256}"):
                content = self.connection.scalar(sa.select(originals.c.content).where(originals.c.sha256 == sha256))
                if hashlib.sha256(bytes(content or b"")).hexdigest() != sha256:
                    self.faults.append(f"The bytes of photo {sha256}{f' of {who}' if who else ''} were altered.")
                elif who is None:
                    self.faults.append(f"The bytes of photo {sha256} belong to no record.")
        for sha256, who in missing.items():
            self.faults.append(f"The bytes of photo {sha256} of {who} are missing.")

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """What the database cannot read any more is a fault too; a savepoint lets the rest be read."""
        try:
            with self.connection.begin_nested():
                yield
        except (SQLAlchemyError, ValueError, TypeError) as error:
            why = " ".join(str(getattr(error, "orig", error)).split()).rstrip(".")
            self.faults.append(f"{what} cannot be read: {why}.")


def _kept(keys: Keys, about: dict[str, str]) -> Head | None:
    try:
        return keys.head(about.get("casebook", ""))
    except CasebookError:
        return None


def _about(entry: Entry | None) -> dict[str, str]:
    """What an entry says about its action; nothing where it cannot be read."""
    try:
        return entry.body.about if entry else {}
    except ValueError:
        return {}


def _id_of(kind: Any, cells: dict[str, Any]) -> str | None:
    """The id that a record of these cells has, None where they make none."""
    try:
        return str(kind(**cells).id)
    except (TypeError, ValueError):  # bytes where text should be, or text that is none
        return None
