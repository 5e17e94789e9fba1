"""The casebook: cases with their items, photos, results, corrections and notes. It is only ever added to."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from model.photo import MAX_BYTES
from model.taxonomy import load_taxonomy
from serve.casebook.casefile import read_case, read_cases, read_owners
from serve.casebook.chain import Entry
from serve.casebook.change import Change, now, words
from serve.casebook.error import CasebookError
from serve.casebook.keys import Head
from serve.casebook.records import Case, Correction, Item, Note, Photo, Result, canonical
from serve.casebook.tables import METADATA, entries, originals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.finding import Finding
    from serve.casebook.casefile import CaseFile
    from serve.casebook.database import Database
    from serve.casebook.keys import Keys


class Received(NamedTuple):
    """A photo as it came: the name of its file, its bytes, and what was found in it."""

    file: str
    content: bytes
    finding: Finding


class Casebook:
    """An open casebook. Safe to share between threads; several processes may write to one, each in its turn.

    `id` names the casebook for good; `public_key` is what its audit log is signed with.
    """

    def __init__(self, database: Database, keys: Keys, casebook: str, public_key: str) -> None:
        self.database, self.keys = database, keys
        self.id, self.public_key = casebook, public_key

    # Writing

    def add_case(self, ref: str, title: str, by: str) -> Case:
        """Open a case; `ref` is what people call it.

        Raises:
            CasebookError: There is one of that name.
        """
        with self.change(by) as change:
            case = _open_case(change, ref, title)
            self.seal(change, "add case", case.id)
        return case

    def add_item(
        self,
        ref: str,
        photos: Sequence[Received],
        together: Finding,
        by: str,
        title: str = "",
        new: bool = False,
        note: str = "",
    ) -> int:
        """Add one thing with its photos; its number. `together` is what all of them show, as a classifier combines it.

        `new` opens the case too, and `note` is written on the item, in the same change.

        Raises:
            CasebookError: There is no such case, or one where it should be new; a photo is too large or there twice.
        """
        if not photos:
            raise CasebookError("An item needs a photo.")
        with self.change(by) as change:
            file = read_case(change.connection, _open_case(change, ref, "").id if new else ref)
            number = max((other.item.number for other in file.items), default=0) + 1
            item = Item(case_id=file.case.id, number=number, title=words(title), by=change.by, at=now())
            change.add(item)
            _add_photos(change, item, photos, together)
            if words(note):
                change.add(Note(case_id=file.case.id, item_id=item.id, text=words(note), by=change.by, at=now()))
            self.seal(change, "add item", file.case.id)
        return number

    def add_photos(self, ref: str, item: int, photos: Sequence[Received], together: Finding, by: str) -> None:
        """Add photos to an item; `together` is what they and those that are there show.

        Raises:
            CasebookError: There is no such case or item, or a photo is too large, or is there already.
        """
        with self.change(by) as change:
            file = read_case(change.connection, ref)
            there = file.item(item)
            _add_photos(change, there.item, photos, together, tuple(photo.sha256 for photo in there.photos))
            self.seal(change, "add photos", file.case.id)

    def correct(self, ref: str, item: int, label: str, why: str, by: str) -> None:
        """Write down what an expert says that an item is, as a key of the taxonomy.

        Raises:
            CasebookError: There is no such case, item or key.
        """
        if label not in (taxonomy := load_taxonomy()):
            near = taxonomy.near(label)
            hint = f"; near it are {', '.join(near)}" if near else ", such as ivory, bone or psittacus_erithacus"
            raise CasebookError(f"{label!r} is no key of the taxonomy{hint}.")
        with self.change(by) as change:
            file = read_case(change.connection, ref)
            of = file.item(item).item
            change.add(Correction(item_id=of.id, label=label, why=words(why), by=change.by, at=now()))
            self.seal(change, "correct", file.case.id)

    def note(self, ref: str, text: str, by: str, item: int | None = None) -> None:
        """Write a note on a case, or on one item of it.

        Raises:
            CasebookError: There is no such case or item, or nothing to note.
        """
        if not words(text):
            raise CasebookError("A note needs words.")
        with self.change(by) as change:
            file = read_case(change.connection, ref)
            of = None if item is None else file.item(item).item.id
            change.add(Note(case_id=file.case.id, item_id=of, text=words(text), by=change.by, at=now()))
            self.seal(change, "note", file.case.id)

    # Reading

    def cases(self) -> tuple[Case, ...]:
        """All cases, oldest first."""
        with self.database.reading() as connection:
            return read_cases(connection)

    def owners(self) -> dict[str, str]:
        """Who brought each case into this casebook, by the id of the case."""
        with self.database.reading() as connection:
            return read_owners(connection)

    def case(self, ref: str) -> CaseFile:
        """A case, by its id or by what people call it.

        Raises:
            CasebookError: There is no such case.
        """
        with self.database.reading() as connection:
            return read_case(connection, ref)

    def original(self, sha256: str) -> bytes:
        """The bytes of a photo as received.

        Raises:
            CasebookError: There is no such photo.
        """
        with self.database.reading() as connection:
            content = connection.scalar(sa.select(originals.c.content).where(originals.c.sha256 == sha256))
        if content is None:
            raise CasebookError(f"The casebook has no photo {sha256}.")
        return bytes(content)

    def head(self) -> Head:
        """Where the audit log ends now."""
        with self.database.reading() as connection:
            return self.head_of(last_entry(connection))

    # What the parts of this room share

    @contextmanager
    def change(self, by: str) -> Iterator[Change]:
        """A change, which must be sealed; once it is written, the head is kept outside the casebook."""
        self.keys.key(self.id)  # who cannot sign is told before anything is done
        with self.database.writing() as connection:
            yield Change(connection, by)
            head = self.head_of(last_entry(connection))
        self.keys.keep(head)

    def seal(self, change: Change, action: str, case: str | None = None, **about: str) -> Entry:
        """Write the entry of a change."""
        return change.seal(action, self.keys.key(self.id), case, **about)

    def head_of(self, entry: Entry) -> Head:
        """The head where this is the last entry."""
        return Head(
            casebook=self.id,
            public_key=self.public_key,
            number=entry.number,
            at=entry.body.at,
            hash=entry.hash,
            signature=entry.signature,
        )


def last_entry(connection: sa.Connection) -> Entry:
    """The last entry of the audit log.

    Raises:
        CasebookError: There is none, though every casebook begins with one.
    """
    row = connection.execute(sa.select(entries).order_by(entries.c.number.desc()).limit(1)).mappings().first()
    if row is None:
        raise CasebookError("The audit log of this casebook is empty: it was removed.")
    return Entry(**row)


def _open_case(change: Change, ref: str, title: str) -> Case:
    if not words(ref):
        raise CasebookError("A case needs a name, such as your file number.")
    cases = METADATA.tables["cases"]
    if change.connection.scalar(sa.select(cases.c.id).where(cases.c.ref == words(ref))):
        raise CasebookError(f"There is a case {ref!r} already.")
    case = Case(ref=words(ref), title=words(title), by=change.by, at=now())
    change.add(case)
    return case


def _add_photos(
    change: Change, item: Item, photos: Sequence[Received], together: Finding, there: Sequence[str] = ()
) -> None:
    known = set(there)
    for received in photos:
        if len(received.content) > MAX_BYTES:
            raise CasebookError(f"{received.file!r} is larger than {MAX_BYTES >> 20} MB.")
        sha256 = change.keep(received.content)
        if sha256 in known:
            raise CasebookError(f"{received.file!r} is among the photos of this item already.")
        known.add(sha256)
        size = len(received.content)
        photo = Photo(item_id=item.id, sha256=sha256, file=words(received.file), size=size, by=change.by, at=now())
        change.add(photo)
        change.add(_result(change, received.finding, item, photo))
    if len(known) > 1:
        change.add(_result(change, together, item, None))


def _result(change: Change, finding: Finding, item: Item, photo: Photo | None) -> Result:
    return Result(
        item_id=item.id,
        photo_id=photo.id if photo else None,
        status=finding.status,
        rule=finding.rule,
        answer=finding.answer,
        probability=finding.probability,
        probabilities=canonical(finding.probabilities),
        unfamiliarity=finding.unfamiliarity,
        quality=canonical([asdict(quality) for quality in finding.quality]),
        bundle=finding.bundle,
        software=version("schreger"),
        by=change.by,
        at=now(),
    )
