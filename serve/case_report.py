"""`schreger casebook report`: the records of a case as the report room takes them, with their evidence anew."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer
from pydantic import TypeAdapter, ValidationError

from model.bundle import METRICS
from model.classifier import DECODE_SIDE, Classifier
from model.finding import Finding, Status
from model.photo import PhotoError, Quality, open_photo, thumbnail
from model.taxonomy import LANGUAGES
from serve import report
from serve.casebook import CasebookError, open_casebook, verify
from serve.casebook.keys import KEYS, write_whole
from serve.command import TAMPERED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serve.casebook import Casebook, CaseFile, ItemFile
    from serve.casebook.records import Photo, Result

STATUS: Final[TypeAdapter[Status]] = TypeAdapter(Status)
PROBABILITIES: Final = TypeAdapter(tuple[tuple[str, float], ...])
QUALITIES: Final = TypeAdapter(tuple[Quality, ...])


def command(case: str, out: Path, where: str, keys: Path | None, language: str, bundle: str) -> int:
    """Write the report; the exit status is 4 when the casebook is not as it was written, which the report says too."""
    if language not in LANGUAGES:
        raise CasebookError(f"There is no report in {language!r}; choose one of {', '.join(LANGUAGES)}.")
    if out.exists():
        raise CasebookError(f"{out} is there already; name another file.")
    casebook = open_casebook(where, keys or KEYS)
    pdf, faults = write(casebook, Classifier.load(bundle), casebook.case(case), language)
    try:
        write_whole(out, lambda partial: partial.write_bytes(pdf))
    except OSError as error:
        raise CasebookError(f"{out} cannot be written: {error.strerror}.") from error
    for fault in faults:
        typer.echo(fault, err=True)
    return TAMPERED if faults else 0


def write(casebook: Casebook, classifier: Classifier, file: CaseFile, language: str) -> tuple[bytes, tuple[str, ...]]:
    """The report of a case as a PDF file, and what a check of the whole casebook found.

    Raises:
        CasebookError: The case holds what this schreger does not know.
    """
    faults = verify(casebook.database.url, casebook.keys.folder)
    with _readable(file):
        return report.report(Reader(casebook, classifier).case(file, faults), language), faults


@contextmanager
def _readable(file: CaseFile) -> Iterator[None]:
    """What this schreger does not know, as another one may have written it."""
    try:
        yield
    except (KeyError, ValidationError) as error:
        raise CasebookError(
            f"Case {file.case.ref!r} holds a record that this schreger cannot read: update it, or check the casebook."
        ) from error


class Reader:
    """Reads a case as a report takes it; evidence is computed anew, by the bundle that judged."""

    def __init__(self, casebook: Casebook, classifier: Classifier) -> None:
        self.casebook, self.classifier = casebook, classifier

    def case(self, file: CaseFile, faults: tuple[str, ...]) -> report.Case:
        """The case, with what a check of the casebook found."""
        bundles = dict.fromkeys(result.bundle for item in file.items for result in item.results)
        head = self.casebook.head_of(file.entries[-1])
        return report.Case(
            ref=file.case.ref,
            title=file.case.title,
            by=file.case.by,
            at=file.case.at,
            digest=file.digest,
            items=tuple(self._item(item) for item in file.items),
            notes=tuple(report.Note(text=note.text, by=note.by, at=note.at) for note in file.notes),
            judges=tuple(self._judge(bundle) for bundle in bundles),
            entries=tuple(
                report.Entry(
                    number=entry.number, action=entry.body.action, hash=entry.hash, by=entry.body.by, at=entry.body.at
                )
                for entry in file.entries
            ),
            head=report.Head(**head.model_dump()),
            faults=faults,
        )

    def _item(self, file: ItemFile) -> report.Item:
        by_photo = {result.photo_id: result for result in file.results}  # the last of each
        photos = tuple(self._photo(photo, by_photo[photo.id]) for photo in file.photos)
        result = by_photo.get(None) or by_photo[file.photos[-1].id]
        return report.Item(
            number=file.item.number,
            title=file.item.title,
            by=file.item.by,
            at=file.item.at,
            photos=photos,
            finding=_finding(result, photos if result.photo_id is None else ()),
            found_at=result.at,
            software=result.software,
            corrections=tuple(
                report.Correction(label=each.label, why=each.why, by=each.by, at=each.at) for each in file.corrections
            ),
            notes=tuple(report.Note(text=note.text, by=note.by, at=note.at) for note in file.notes),
        )

    def _photo(self, photo: Photo, result: Result) -> report.Photo:
        shown, again = self._look(photo, result)
        return report.Photo(
            file=photo.file,
            sha256=photo.sha256,
            size=photo.size,
            by=photo.by,
            at=photo.at,
            finding=_finding(result),
            shown=shown,
            again=again,
        )

    def _look(self, photo: Photo, result: Result) -> tuple[report.Picture | PhotoError, Finding | None]:
        """The photo to show, and its finding again for the evidence, if that is by the same bundle."""
        try:
            opened = open_photo(self._content(photo.sha256), DECODE_SIDE)
        except PhotoError as error:
            return error, None
        height, width, _ = opened.pixels.shape
        shown = report.Picture(jpeg=thumbnail(opened.pixels, DECODE_SIDE, "JPEG"), width=width, height=height)
        is_at_hand = result.bundle == self.classifier.bundle.id and result.status != "unusable"
        return shown, self.classifier.classify([opened], evidence=True) if is_at_hand else None

    def _content(self, sha256: str) -> bytes:
        """The bytes of a photo, none where they are not those that were received."""
        content = self.casebook.original(sha256)
        return content if hashlib.sha256(content).hexdigest() == sha256 else b""

    def _judge(self, bundle: str) -> report.Judge:
        """A bundle with its errors on test photos, where it is the one at hand and they have an interval."""
        mine = self.classifier.bundle
        if bundle != mine.id or METRICS not in mine.description.files:
            return report.Judge(bundle=bundle)
        metrics = json.loads((mine.folder / METRICS).read_text(encoding="utf-8"))
        wrong = {split: metrics[split].get("answers, wrong") for split in metrics}
        figures = {
            split: report.Figure(**found) for split, found in wrong.items() if found and found["low"] is not None
        }
        return report.Judge(bundle=bundle, wrong_known=figures.get("test"), wrong_new=figures.get("source_test"))


def _finding(result: Result, photos: tuple[report.Photo, ...] = ()) -> Finding:
    """What a result says, as it was found."""
    return Finding(
        answer=result.answer,
        status=STATUS.validate_python(result.status),
        probability=result.probability,
        probabilities=PROBABILITIES.validate_json(result.probabilities),
        unfamiliarity=result.unfamiliarity,
        quality=QUALITIES.validate_json(result.quality),
        bundle=result.bundle,
        photos=tuple(photo.finding for photo in photos),
    )
