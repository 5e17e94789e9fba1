"""What a scan must remember of everything that it met: on disk, so that memory does not grow with the input.

Each is a temporary SQLite database that ends with the process, however that ends. What is lost by a kill is looked at
again, with the same result.
"""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import Future
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from model.finding import Finding
from model.photo import PhotoError, Quality
from serve.scan.error import ScanError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Seen(NamedTuple):
    """What a picture shows, and what is written in it; empty where that is not read."""

    finding: Finding
    text: str = ""


Result = Seen | PhotoError


class Ids:
    """The ids of the adverts so far."""

    def __init__(self) -> None:
        self._row = _temporary("CREATE TABLE ids (id BLOB PRIMARY KEY) WITHOUT ROWID")

    def __contains__(self, own: str) -> bool:
        return self._row("SELECT 1 FROM ids WHERE id = ?", _key(own)) is not None

    def add(self, own: str) -> None:
        self._row("INSERT OR IGNORE INTO ids VALUES (?)", _key(own))


class Findings:
    """What pictures show by the sha256 of their bytes, so that each is looked at once. Safe to share between threads.

    On disk and not the latest in memory, since a picture is posted again at any time: about 600 bytes each,
    and what is written in them.
    """

    def __init__(self, classes: Sequence[str], bundle: str) -> None:
        self._classes, self._bundle = classes, bundle
        self._order = {key: number for number, key in enumerate(classes)}
        self._lock = Lock()
        self._looking: dict[str, Future[Result]] = {}
        self._row = _temporary(
            "CREATE TABLE findings (sha256 TEXT PRIMARY KEY, answer, status, probability, probabilities, unfamiliarity,"
            " quality, text) WITHOUT ROWID"
        )

    def of(self, contents: Mapping[str, bytes], look: Callable[[list[bytes]], Sequence[Result]]) -> dict[str, Result]:
        """What pictures show, or why they cannot be opened, by sha256.

        `look` is given those that are met for the first time. Whoever meets one while it is looked at waits, after its
        own, so that nobody waits for ever.

        Raises:
            ScanError: There is no room for them on disk.
        """
        with self._lock:
            found: dict[str, Result] = {key: known for key in contents if (known := self._known(key))}
            awaited = {key: self._looking[key] for key in contents if key in self._looking}
            own: dict[str, Future[Result]] = {key: Future() for key in contents.keys() - found.keys() - awaited.keys()}
            self._looking |= own
        try:
            looked = dict(zip(own, look([contents[key] for key in own]), strict=True)) if own else {}
            with self._lock:
                for key, result in looked.items():
                    if isinstance(result, Seen):
                        self._keep(key, result)
        except BaseException as error:
            for future in own.values():
                future.set_exception(error)
            raise
        with self._lock:
            for key, result in looked.items():
                own[key].set_result(result)
                del self._looking[key]
        return found | looked | {key: future.result() for key, future in awaited.items()}

    def _known(self, sha256: str) -> Seen | None:
        row = self._row("SELECT * FROM findings WHERE sha256 = ?", sha256)
        if row is None:
            return None
        _, answer, status, probability, blob, unfamiliarity, quality, text = row
        vector = np.frombuffer(blob, np.float32)
        ranked = np.argsort(-vector, kind="stable")
        finding = Finding(
            answer=answer,
            status=status,
            probability=probability,
            probabilities=tuple((self._classes[index], float(vector[index])) for index in ranked),
            unfamiliarity=unfamiliarity,
            quality=tuple(_quality(**each) for each in json.loads(quality)),
            bundle=self._bundle,
        )
        return Seen(finding, text)

    def _keep(self, sha256: str, seen: Seen) -> None:
        finding, text = seen
        vector = np.zeros(len(self._classes), np.float32)
        for key, probability in finding.probabilities:
            vector[self._order[key]] = probability
        quality = json.dumps([asdict(each) for each in finding.quality])
        values = (finding.answer, finding.status, finding.probability, vector.tobytes(), finding.unfamiliarity, quality)
        self._row("INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", sha256, *values, text)


def _quality(advice: Sequence[str], **numbers: Any) -> Quality:
    return Quality(**numbers, advice=tuple(advice))


def _temporary(table: str) -> Callable[..., Any]:
    """A function that gives what a statement finds in a database of one table: a row of it, or None."""
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)

    def row(statement: str, *values: object) -> Any:
        try:
            return database.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise ScanError(
                f"The temporary folder cannot be written ({error}): name one with room by SQLITE_TMPDIR or TMPDIR, "
                "and the same command goes on."
            ) from error

    for setting in ("journal_mode = OFF", "synchronous = OFF"):  # nothing of it outlives us
        row(f"PRAGMA {setting}")
    row(table)
    return row


def _key(own: str) -> bytes:
    return own.encode("utf-8", "surrogatepass")
