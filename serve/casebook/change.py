"""One change to a casebook: records and bytes, and the entry of the audit log that seals them, all or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from serve.casebook.chain import START, Body, Entry
from serve.casebook.error import CasebookError
from serve.casebook.tables import METADATA, entries, originals

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from serve.casebook.records import Record


class Change:
    """What is being written in one transaction. It is nothing until it is sealed and the transaction ends well."""

    def __init__(self, connection: sa.Connection, by: str) -> None:
        """`by` is who writes.

        Raises:
            CasebookError: Nobody is named.
        """
        self.connection, self.by = connection, words(by)
        if not self.by:
            raise CasebookError("Say who you are with --by.")
        self._records: list[Record] = []
        self._files: list[str] = []

    def add(self, record: Record) -> None:
        """Write a record."""
        self.connection.execute(METADATA.tables[record.table].insert(), {"id": record.id, **asdict(record)})
        self._records.append(record)

    def keep(self, content: bytes) -> str:
        """Keep bytes that a record names; their sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        same = sa.select(originals.c.sha256).where(originals.c.sha256 == sha256)
        if self.connection.scalar(same) is None:
            self.connection.execute(originals.insert(), {"sha256": sha256, "content": content})
        return sha256

    def attach(self, content: bytes) -> None:
        """Keep bytes that no record names."""
        self._files.append(self.keep(content))

    def seal(self, action: str, key: Ed25519PrivateKey, case: str | None = None, **about: str) -> Entry:
        """Write the entry that names all that was added."""
        last = self.connection.execute(sa.select(entries.c.number, entries.c.hash).order_by(entries.c.number.desc()))
        number, previous = last.first() or (0, START)
        body = Body(
            number=number + 1,
            previous=previous,
            by=self.by,
            at=now(),
            action=action,
            case=case,
            records=tuple(str(record.name) for record in self._records),
            files=tuple(self._files),
            about=about,
        )
        entry = Entry.seal(body, key)
        self.connection.execute(entries.insert(), asdict(entry))
        return entry


def now() -> str:
    """This moment in UTC, to the microsecond."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def words(text: str) -> str:
    """Text that every database holds and gives back as it is."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00").strip()
