"""Where people decide: what still waits, and the file that decisions are added to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import TYPE_CHECKING
from zlib import crc32

from model.errors import reason
from serve.review.decisions import Choice, Decision, append_decision, read_decisions
from serve.review.queue import ReviewError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from serve.review.queue import Undecided


@dataclass(frozen=True)
class ReviewDesk:
    """Adverts under review. Safe to share between threads and, as decisions are only added, with other programs.

    Attributes:
        adverts: Those under review, by id.
        decisions: The file of decisions, read anew each time, so that others may add to it.
    """

    adverts: Mapping[str, Undecided]
    decisions: Path

    def __post_init__(self) -> None:
        """Raises ReviewError where decisions could not be read or kept, before anybody makes one."""
        if not self.decisions.absolute().parent.is_dir():
            raise ReviewError(f"There is no folder for {str(self.decisions)!r}: make it, or name another file.")
        read_decisions(self.decisions)
        try:
            if self.decisions.exists():
                self.decisions.open("ab").close()
            else:
                TemporaryFile(dir=self.decisions.absolute().parent).close()
        except OSError as error:
            raise ReviewError(
                f"{str(self.decisions)!r} cannot be written: {reason(error)}; name another file with --decisions."
            ) from error

    def waiting(self, by: str) -> list[Undecided]:
        """The adverts that nobody has decided on, in the order of the scan, from another place for each reviewer."""
        decided = {decision.id for decision in read_decisions(self.decisions)}
        adverts = list(self.adverts.values())
        start = crc32(by.encode()) % max(1, len(adverts))
        return [advert for advert in adverts[start:] + adverts[:start] if advert.id not in decided]

    def decide(self, own: str, choice: Choice, label: str, by: str, note: str) -> bool:
        """Keep a decision on an advert of this id, unless somebody else has decided on it; says whether it is kept."""
        if any(decision.id == own and decision.by != by for decision in read_decisions(self.decisions)):
            return False
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        append_decision(self.decisions, Decision(own, choice, label, by, at, note))
        return True
