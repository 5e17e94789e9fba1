"""What one user may do with a casebook. The page reaches it in no other way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from serve.casebook import NoCaseError, Received
from serve.page.tray import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from serve.casebook import Casebook, CaseFile, User
    from serve.casebook.records import Case
    from serve.page.tray import Tray


class Listed(NamedTuple):
    """A case, and who brought it in."""

    case: Case
    owner: str


@dataclass(frozen=True)
class Desk:
    """A user at work on a casebook. What they may not see is, to them, not there."""

    casebook: Casebook
    user: User

    def cases(self) -> list[Listed]:
        """The cases that the user may see, newest first."""
        owners = self.casebook.owners()
        listed = (Listed(case, owners.get(case.id, "")) for case in reversed(self.casebook.cases()))
        return [each for each in listed if self.user.may_see(each.owner)]

    def case(self, case_id: str) -> CaseFile | None:
        """A case by its whole id, if it is there and the user may see it."""
        try:
            file = self.casebook.case(case_id)
        except NoCaseError:
            return None
        return file if file.case.id == case_id and self.user.may_see(file.owner) else None

    def photo(self, case_id: str, sha256: str) -> bytes | None:
        """The bytes of a photo of a case, if the user may see the case."""
        file = self.case(case_id)
        there = file is not None and any(photo.sha256 == sha256 for item in file.items for photo in item.photos)
        return self.casebook.original(sha256) if there else None

    def is_taken(self, name: str) -> bool:
        """Whether there is a case of that name, seen or not: names are of the whole casebook."""
        return any(case.ref == name for case in self.casebook.cases())

    def save(self, tray: Tray, photos: Sequence[str], ref: str, title: str, new: bool, note: str = "") -> int | None:
        """Keep the photos at these paths as an item of a case, with what was found; its number. They leave the tray.

        `ref` is the name of a new case, or the id of one that the user may see. None where they may not, or where a
        photo is no longer here. `note` is written on the item; where the case has one with these photos already, on
        that one, and nothing else is kept.
        """
        file = None if new else self.case(ref)
        if file is None and not new:
            return None
        looked = tray.look(photos, self.user.login)
        # By sha256, since one photo may have been sent twice.
        seen = {
            each.sha256: (each, tray.original(path, self.user.login))
            for path, each in zip(photos, looked, strict=True)
            if isinstance(each, Seen)
        }
        received = [
            Received(f"photo-{number}.{each.format.lower()}", content, each.finding)
            for number, (each, content) in enumerate(seen.values(), 1)
            if content
        ]
        together = tray.item(looked)
        if together is None or len(received) < len(seen) or not all(isinstance(each, Seen) for each in looked):
            return None
        number = _item_with(file, seen) if file and note else None
        if number is None:
            number = self.casebook.add_item(ref, received, together, self.user.login, title, new, note)
        else:
            self.casebook.note(ref, note, self.user.login, number)
        tray.forget(photos, self.user.login)
        return number

    def note(self, case_id: str, text: str) -> None:
        """Write a note on a case, if the user may see it."""
        if self.case(case_id):
            self.casebook.note(case_id, text, self.user.login)

    def correct(self, case_id: str, item: int, label: str, why: str) -> None:
        """Say what an item of a case truly is, if the user may."""
        if self.user.may_correct and self.case(case_id):
            self.casebook.correct(case_id, item, label, why, self.user.login)


def _item_with(file: CaseFile, photos: Iterable[str]) -> int | None:
    """The number of the first item that has all these photos, by their sha256."""
    wanted = set(photos)
    return next((each.item.number for each in file.items if wanted <= {photo.sha256 for photo in each.photos}), None)
