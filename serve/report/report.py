"""The report of a case: what it says, in a person's language, and the PDF file of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model.legal import legal_status
from model.photo import PhotoError
from model.taxonomy import load_taxonomy
from serve.report import pictures
from serve.report.typeset import typeset
from serve.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model.legal import LegalStatus
    from serve.report.case import Case, Correction, Figure, Item, Judge, Note, Photo, Written

    Told = dict[str, Any]

TEMPLATE: Final = Path(__file__).parent / "case.typ"
FOOTING: Final = 60
"""Letters of the case's name that fit at the foot of a page."""


def report(case: Case, language: str) -> bytes:
    """The report of a case in one of LANGUAGES, as a PDF file; the same case gives the same bytes."""
    files = {"qr.svg": pictures.qr(case.digest)}
    for item in case.items:
        for photo in item.photos:
            if not isinstance(photo.shown, PhotoError):
                files[_picture(photo)] = pictures.photo(photo.shown)
                if photo.again:
                    files[_evidence(photo)] = pictures.photo(photo.shown, photo.again.evidence[0])
    told = Telling(Words(language, load_taxonomy())).case(case)
    return typeset(TEMPLATE, told, files, datetime.fromisoformat(case.head.at).replace(microsecond=0))


def _picture(photo: Photo) -> str:
    return f"{photo.sha256}.svg"


def _evidence(photo: Photo) -> str:
    return f"{photo.sha256}-evidence.svg"


class Telling:
    """Turns the parts of a case into what the template shows, all of it strings in one language."""

    def __init__(self, words: Words) -> None:
        self.words, self.say, self.several = words, words.say, words.several

    def case(self, case: Case) -> Told:
        """The whole report."""
        said = (case.ref, case.title, _written(case), _when(case.head.at), str(len(case.items)))
        head = case.head
        of_head = (head.casebook, str(head.number), _when(head.at), head.hash, head.signature, head.public_key)
        return {
            "language": self.words.language,
            "direction": self.say("direction"),
            "name": f"{self.say('report_title')} · {case.ref}",
            "footing": case.ref if len(case.ref) <= FOOTING else f"{case.ref[:FOOTING]}…",
            "title": self.say("report_title"),
            "facts": _pairs(self.several("report_facts"), said),
            "hash_title": self.say("report_hash"),
            "hash": case.digest,
            "hash_note": self.say("report_hash_note"),
            "check": self.say("report_faults" if case.faults else "report_whole"),
            "faults": list(case.faults),
            "limits_title": self.say("limits_title"),
            "limits": list(self.several("limits")),
            "replaced_note": self.say("report_replaced"),
            "between": self.say("between"),
            "notes_title": self.say("report_notes"),
            "notes": [self._note(note) for note in case.notes],
            "items": [self._item(item) for item in case.items],
            "model_title": self.say("report_model"),
            "judges": [self._judge(judge) for judge in case.judges],
            "log_title": self.say("report_log"),
            "log_note": self.say("report_log_note"),
            "log_columns": list(self.several("report_log_columns")),
            "entries": [
                {"number": entry.number, **_written(entry), "action": entry.action, "hash": entry.hash}
                for entry in case.entries
            ],
            "head_title": self.say("report_head"),
            "head": _pairs(self.several("report_head_facts"), of_head),
            "head_note": self.say("report_head_note"),
        }

    def _item(self, item: Item) -> Told:
        finding, words = item.finding, self.words
        usable = finding.status != "unusable"
        has_maps = any(photo.again for photo in item.photos)
        facts = (self.say(f"rule_{finding.rule}"), finding.bundle, _when(item.found_at), item.software)
        titles = (self.say("about_rule"), self.say("about_bundle"), *self.several("report_found"))
        return {
            **_written(item),
            "title": self.say("report_item", number=item.number),
            "subject": item.title,
            "suspected": bool(finding.answer and words.of_concern(finding.answer)),
            "headline": words.headline(finding),
            "scientific": words.taxonomy[finding.answer].scientific if finding.answer else None,
            "remarks": list(words.remarks(finding)),
            "facts": _pairs(titles, facts),
            "corrections": [self._correction(correction) for correction in item.corrections],
            "photos_title": self.say("photos_title"),
            "photos": [self._photo(number, photo, len(item.photos) > 1) for number, photo in enumerate(item.photos, 1)],
            "evidence_note": self.say("evidence_note") if has_maps else None,
            "likeliest_title": words.likeliest_title(finding),
            "likeliest": [[words.name(key), words.percent(p), p] for key, p in finding.top] if usable else [],
            "mistaken_title": self.say("mistaken_title"),
            "mistaken": list(words.look_alikes(finding)),
            "next_title": self.say("next_title"),
            "next": list(words.next_steps(finding)),
            "legal": [self._legal(key) for key in _named(item)] or [self._unlisted(words.no_listing(finding))],
            "notes": [self._note(note) for note in item.notes],
        }

    def _photo(self, number: int, photo: Photo, of_several: bool) -> Told:
        is_shown = not isinstance(photo.shown, PhotoError)
        facts = (photo.file, str(photo.size), _written(photo))
        return {
            "title": self.say("report_photo", number=number),
            "alt": self.say("photo_alt", number=number),
            "picture": _picture(photo) if is_shown else None,
            "evidence": _evidence(photo) if is_shown and photo.again else None,
            "caption": self.words.evidence_caption(photo.again) if photo.again else "",
            "remarks": list(self._photo_remarks(photo, of_several)),
            "facts": _pairs(self.several("report_photo_facts"), facts),
            "hash_title": self.say("about_sha256"),
            "hash": photo.sha256,
        }

    def _photo_remarks(self, photo: Photo, of_several: bool) -> Iterator[str]:
        if of_several:
            yield self.say("alone", headline=self.words.headline(photo.finding))
        if problems := self.words.problems(*photo.finding.quality):
            yield problems
        if isinstance(photo.shown, PhotoError):
            yield self.words.photo_error(photo.shown)
        elif photo.again is None and photo.finding.status != "unusable":
            yield self.say("report_no_map", bundle=photo.finding.bundle)

    def _legal(self, key: str) -> Told:
        rows = legal_status(key)
        name = self.words.name(key)
        if not rows:
            return self._unlisted(self.say("no_listing", name=name))
        note = self.say("legal_note") + ("" if self.words.language == "en" else f" {self.say('legal_english')}")
        return {
            "title": f"{self.say('legal_title')} · {name}",
            "columns": list(self.several("legal_columns")),
            "rows": [self._listing(row, name) for row in rows],
            "note": note,
        }

    def _listing(self, row: LegalStatus, name: str) -> Told:
        doubt = (self.say("uncertain"), row.uncertain) if row.uncertain else ()
        return {
            "name": row.scientific or name,
            "is_scientific": bool(row.scientific),
            "listing": self.words.appendix(row),
            "remarks": [remark for remark in (row.annotation, *doubt) if remark],
            "source": row.source,
            "as_of": row.as_of,
        }

    def _unlisted(self, why: str) -> Told:
        return {"title": self.say("legal_title"), "rows": [], "note": why}

    def _correction(self, correction: Correction) -> Told:
        says = self.say("report_expert", name=self.words.name(correction.label))
        return {**_written(correction), "says": says, "why": correction.why}

    def _note(self, note: Note) -> Told:
        return {**_written(note), "text": note.text}

    def _judge(self, judge: Judge) -> Told:
        figures = {"report_errors_known": judge.wrong_known, "report_errors_new": judge.wrong_new}
        errors = [self._error(text, figure) for text, figure in figures.items() if figure]
        return {"bundle": judge.bundle, "errors": errors or [self.say("report_no_figures")]}

    def _error(self, text: str, figure: Figure) -> str:
        share, low, high = map(self.words.percent, (figure.value, figure.low, figure.high))
        return self.say(text, share=share, low=low, high=high, count=figure.n)


def _named(item: Item) -> tuple[str, ...]:
    """What the model answered and what an expert said last; the law of both is told."""
    said = [item.corrections[-1].label] if item.corrections else []
    return tuple(dict.fromkeys(filter(None, (item.finding.answer, *said))))


def _pairs(titles: Iterable[str], facts: Iterable[str | Told]) -> list[list[str | Told]]:
    """Facts with what stands before them, but for empty ones."""
    return [[title, fact] for title, fact in zip(titles, facts, strict=True) if fact]


def _written(part: Written) -> Told:
    return {"by": part.by, "at": _when(part.at)}


def _when(at: str) -> str:
    """A time to the second, as a person reads it."""
    return f"{at[:19].replace('T', ' ')} UTC"
