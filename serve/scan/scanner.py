"""From rows to results: reads pictures, opens and classifies each once, and judges the adverts."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from model.classifier import Classifier, ahead, batches
from model.engine import CORES
from model.photo import PhotoError, read_file
from serve.advert.ocr import read_text
from serve.advert.vet import Judge
from serve.faults import Attempts
from serve.output import escaped
from serve.scan.disk import Findings, Seen
from serve.scan.fetch import is_address

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from serve.advert import Advert
    from serve.advert.policy import Policy
    from serve.scan.disk import Result
    from serve.scan.parts import Record
    from serve.scan.read import Row
    from serve.scan.store import Place

READERS = 4 * CORES
"""Pictures that are read at a time: so many cover the delay of an object store."""

BATCH = 8
"""Pictures that a core takes on at a time: few are held, and what is done for all at once is still worth it."""

NOT_FETCHED = PhotoError(
    "unreadable_file", "This picture is an address, which is not opened; --fetch downloads such pictures."
)
NO_PICTURE = PhotoError("empty", "This advert has no picture.")


class Task(NamedTuple):
    """A picture of a row, by its place among them; -1 stands for a row that has none."""

    row: Row
    picture: int


class Content(NamedTuple):
    """The bytes of a task's picture, or why they could not be read."""

    task: Task
    content: bytes | PhotoError


class Look(NamedTuple):
    """What a task's picture shows, or why it could not be opened."""

    task: Task
    sha256: str | None
    result: Result


@dataclass(frozen=True)
class Work:
    """What is scanned with: a bundle, a policy, where the input lies, and where the pictures that it names lie.

    `ocr`: whether text in pictures is read.
    """

    bundle: str
    policy: Policy
    inputs: Place
    root: Place
    ocr: bool = False


@dataclass(frozen=True)
class Scanner:
    """Does it; pictures that are addresses have been downloaded by then, or are not opened."""

    work: Work
    classifier: Classifier
    judge: Judge
    findings: Findings
    reading: Attempts = field(default_factory=Attempts)
    looking: Attempts = field(default_factory=Attempts)
    judging: Attempts = field(default_factory=Attempts)

    @classmethod
    def of(cls, work: Work) -> Scanner:
        """Load the bundle and make a scanner."""
        classifier = Classifier.load(work.bundle)
        judge = Judge(classifier, work.policy, read=False)
        return cls(work, classifier, judge, Findings(classifier.classes, classifier.bundle.id))

    def scan(self, rows: Iterable[Row]) -> Generator[Record]:
        """A record for each row, in order. Every stage has a bounded number of rows or pictures in work or waiting."""
        readers, cores = ThreadPoolExecutor(READERS), ThreadPoolExecutor(CORES)
        try:
            contents = ahead(readers, self._read, _tasks(rows), READERS)
            looks = ahead(cores, self._look, batches(contents, BATCH), 2 * CORES)
            for row, of_row in groupby(chain.from_iterable(looks), lambda look: look.task.row):
                yield self._record(row, [look for look in of_row if look.result is not NO_PICTURE])
        finally:
            for pool in (readers, cores):
                pool.shutdown(cancel_futures=True)  # who stops early waits for the pictures in work alone

    def _read(self, task: Task) -> Content:
        return Content(task, NO_PICTURE if task.picture < 0 else self.reading(self._bytes, task))

    def _bytes(self, task: Task) -> bytes | PhotoError:
        row, picture = task
        if row.spans:
            path, start, size = row.spans[picture]
            return self.work.inputs.at(path).read(start, size)
        name = str(row.advert.pictures[picture])
        if not is_address(name):
            return self.work.root.below(name).read()
        fetched = row.fetched.get(name, NOT_FETCHED)
        return fetched if isinstance(fetched, PhotoError) else read_file(fetched)

    def _look(self, batch: Sequence[Content]) -> list[Look]:
        keys = [None if isinstance(each, PhotoError) else hashlib.sha256(each).hexdigest() for _, each in batch]
        contents = {key: each for key, (_, each) in zip(keys, batch, strict=True) if key and isinstance(each, bytes)}
        results = self.findings.of(contents, self._classify)
        return [
            Look(task, key, content if isinstance(content, PhotoError) else results[str(key)])
            for key, (task, content) in zip(keys, batch, strict=True)
        ]

    def _classify(self, contents: list[bytes]) -> Sequence[Result]:
        """What pictures show; where that fails, each is looked at alone, so that the fault is with one of them."""
        results = self.looking(self._classify_together, contents)
        if not isinstance(results, PhotoError):
            return results
        return [results] if len(contents) == 1 else [self._classify([content])[0] for content in contents]

    def _classify_together(self, contents: list[bytes]) -> list[Result]:
        answers = self.classifier.classify_batch(contents)
        return [
            answer if isinstance(answer, PhotoError) else Seen(answer[1], read_text(content) if self.work.ocr else "")
            for content, answer in zip(contents, answers, strict=True)
        ]

    def _record(self, row: Row, looks: list[Look]) -> Record:
        advert = row.advert
        told = self.judging(self._judged, advert, looks)
        if isinstance(told, PhotoError):
            told = {"reasons": [], "error": escaped(f"{advert.error} {told}".strip())}
        return {
            "row": row.number,
            "id": advert.id,
            "platform": advert.platform,
            "seller": advert.seller,
            **told,
            "bundle": self.classifier.bundle.id,
            "policy": self.judge.version,
            "pictures": [_picture(look) for look in looks],
        }

    def _judged(self, advert: Advert, looks: list[Look]) -> dict[str, Any]:
        seen = [look.result for look in looks]
        findings = [each if isinstance(each, PhotoError) else each.finding for each in seen]
        verdict = self.judge(advert, findings, [each.text for each in seen if isinstance(each, Seen)])
        return {
            "verdict": verdict.verdict,
            "score": round(verdict.score, 4),
            "answer": verdict.answer,
            "reasons": [reason.sentence for reason in verdict.reasons],
            "error": escaped(verdict.error) or None,
        }


def _tasks(rows: Iterable[Row]) -> Iterator[Task]:
    for row in rows:
        for picture in range(len(row.advert.pictures)) or (-1,):
            yield Task(row, picture)


def _picture(look: Look) -> dict[str, Any]:
    """A picture's part of a record, written as `schreger classify` writes its columns."""
    name = str(look.task.row.advert.pictures[look.task.picture])
    told: dict[str, Any] = {"path": escaped(name), "sha256": look.sha256}
    if isinstance(look.result, PhotoError):
        return told | {"error": escaped(str(look.result))}
    finding = look.result.finding
    return told | {
        "status": finding.status,
        "answer": finding.answer,
        "probability": round(finding.probability, 4),
        "top": ";".join(f"{key}={probability:.4f}" for key, probability in finding.top),
        "unfamiliarity": round(finding.unfamiliarity, 4),
        "advice": ";".join(advice for quality in finding.quality for advice in quality.advice) or None,
    }
