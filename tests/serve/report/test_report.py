"""The report of a case, as a person reads it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import pypdfium2 as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.legal import read_legal_table
from model.photo import PhotoError
from model.taxonomy import LANGUAGES, load_taxonomy
from serve.report import Case, typeset
from serve.report.report import report
from serve.report.typeset import FONTS, legible
from serve.texts import load_texts
from tests.markup import MARKUP

Read = Callable[[bytes], str]
Draw = Callable[[bytes], list[Any]]

HOSTILE = (
    *MARKUP,
    "]}) <script>alert(1)</script>",
    "{number} {name} %s",
)


def test_it_holds_all_that_the_case_does(case: Case, text_of: Read) -> None:
    text = text_of(report(case, "en"))
    for said in (
        "Report of a case", "C-17", "Parcel from Lagos", "2026-11-26 10:59:44 UTC · Amina Yusuf",  # whose, what, when
        "ab" * 16, "everything is as it was written",
        "Carved figure", "Suspected elephant or mammoth ivory, 93%", "A suspicion, not proof",
        "Photos taken together: 2",
        "IMG_1.jpg", "48213", f"{1:064x}", f"{2:064x}", "On its own: Suspected", "blurred",  # the photos
        "Where this photo speaks for “elephant or mammoth ivory”",
        "hippopotamus ivory", "under 1%", "Often mistaken for", "Hold still", "Schreger lines",  # the answer
        "Loxodonta africana", "Appendix I", "Species+", "2026-10-08", "CITES listing · bone",  # the law
        "An expert says: bone", "Haversian canals", "Dr. Ndiaye", "Sent to the laboratory", "Seized at the port",
        "lite2@0123456789ab", "31% were wrong (28% to 34%, 995 answers)", "5% were wrong",  # the model
        "does not show the species of worked ivory, its age, where it came from, or whether it is legal",
        "add item", "cd" * 16, "34" * 32, "12" * 32, "0f" * 8,  # the log
    ):  # fmt: skip
        assert said in text, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_report(language: str, case: Case, text_of: Read) -> None:
    text = text_of(report(case, language))
    texts = load_texts(language)
    assert f"{1:064x}" in text
    assert "{" not in text
    assert "U+" not in text
    if language != "ar":  # which is copied letter by letter in the order of sight
        assert all(texts[key] in text for key in ("report_title", "report_model", "report_head", "limits_title"))


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_people_wrote_is_text_and_never_code(language: str, case: Case, text_of: Read) -> None:
    item, note = case.items[0], case.notes[0]
    for words in HOSTILE:
        wrote = replace(note, text=words, by=words)
        photo = replace(item.photos[0], file=words, by=words)
        correction = replace(item.corrections[0], why=words, by=words)
        attacked = replace(item, title=words, photos=(photo,), corrections=(correction,), notes=(wrote,), by=words)
        entry = replace(case.entries[0], action=words, by=words)
        hostile = replace(case, ref=words, title=words, items=(attacked,), notes=(wrote,), entries=(entry,), by=words)
        text = text_of(report(hostile, language))
        if language == "en":
            assert text.count(words) >= 15, words


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(min_size=1, max_size=60))
def test_any_words_can_be_printed(words: str, case: Case) -> None:
    note = replace(case.notes[0], text=words, by=words)
    assert report(replace(case, title=words, items=(), notes=(note,)), "en").startswith(b"%PDF")


def test_letters_without_a_picture_do_not_vanish(case: Case, text_of: Read) -> None:
    note = replace(case.notes[0], text="王龑 🐘 pay\u202egpj.exe a\u0301e\u0301")
    text = text_of(report(replace(case, notes=(note,)), "en"))
    assert "王‹U+9F91› ‹U+1F418› pay‹U+202E›gpj.exe áé" in text
    assert "Letters that this report cannot print" in text
    assert "Letters that this report cannot print" not in text_of(report(case, "en"))


def test_all_that_we_say_can_be_printed() -> None:
    taxonomy = load_taxonomy()
    ours: list[Any] = [row.annotation + row.uncertain + row.source + row.scientific for row in read_legal_table()]
    for language in LANGUAGES:
        ours += [*load_texts(language).values()]
        ours += [taxonomy.name(key, language) for key in taxonomy]
        ours += [sentence for key in taxonomy for sentence in taxonomy.checks(key, language)]
    assert legible(ours) == ours


def test_every_letter_of_the_fonts_prints_in_every_style(text_of: Read, tmp_path: Any) -> None:
    letters = "".join(letter for letter in map(chr, range(0x21, 0x10000)) if legible(letter) == letter)
    assert len(letters) > 4500
    template = tmp_path / "all.typ"
    template.write_text(
        '#import "type.typ": page-of-report\n'
        '#let (told, replaced) = json("data.json")\n'
        '#show: page-of-report.with("en", "ltr", "All letters", [])\n'
        '#told.join(" ") *#told.join(" ")* _#told.join(" ")_'
    )
    chinese = [letter for letter in letters if "\u4e00" <= letter <= "\u9fff"]
    text = text_of(typeset(template, list(letters), {}, datetime(2026, 11, 26, tzinfo=UTC)))  # type: ignore[arg-type]
    assert all(text.count(letter) == 3 for letter in chinese)


def test_long_words_stay_on_the_page(case: Case, pages_of: Draw) -> None:
    endless = "https://example.org/" + "very" * 100
    entry = replace(case.entries[0], by=endless, action="x" * 300)
    photo = replace(case.items[0].photos[0], file="w" * 500)
    item = replace(case.items[0], title=endless, photos=(photo,))
    long = replace(case, ref="r" * 900, title=endless, items=(item,), entries=(entry,))
    for page in pages_of(report(long, "en")):
        assert page[:, -60:].min() > 200  # the margin is white


def test_the_evidence_lies_over_its_half_of_the_photo(case: Case, pages_of: Draw) -> None:
    item = replace(case.items[0], photos=case.items[0].photos[:1])
    pages = pages_of(report(replace(case, items=(item,)), "en"))
    page = next(page for page in pages if is_grey(page).sum() > 10_000)
    yellow = (page[..., 0] > 160) & (page[..., 1] > 160) & (page[..., 2] < 110)
    columns = np.flatnonzero(yellow.any(axis=0))
    photo, mapped = np.flatnonzero(is_grey(page).any(axis=0)), slice(columns.min(), columns.max())
    assert photo.min() < page.shape[1] / 2 < columns.min()  # the photo as it is, and the map beside it
    assert is_grey(page)[:, mapped.stop + 20 :].sum() > 5000  # its other half is clear


def is_grey(page: Any) -> Any:
    return (np.abs(page.astype(int) - 120) < 4).all(axis=-1)


def test_without_the_bundle_it_says_that_there_is_no_map(case: Case, text_of: Read) -> None:
    photo = replace(case.items[0].photos[0], again=None)
    judged = replace(case, items=(replace(case.items[0], photos=(photo,)),), judges=(replace(
        case.judges[0], wrong_known=None, wrong_new=None),))  # fmt: skip
    text = text_of(report(judged, "en"))
    assert "The evidence map cannot be shown: the model that judged this photo is not at hand" in text
    assert "Its errors were not measured, or this model is not at hand." in text


def test_a_photo_that_cannot_be_opened_is_listed_with_its_hash(case: Case, text_of: Read, unopened: PhotoError) -> None:
    photo = replace(case.items[0].photos[0], shown=unopened, again=None)
    text = text_of(report(replace(case, items=(replace(case.items[0], photos=(photo,)),)), "en"))
    assert "This file is cut off or damaged" in text
    assert photo.sha256 in text


def test_what_was_altered_stands_on_the_first_page(case: Case) -> None:
    faults = ("The bytes of photo 7 were altered.",)
    with pdfium.PdfDocument(report(replace(case, faults=faults), "en")) as document:
        first = document[0].get_textpage().get_text_range()
    assert "NOT as it was written" in first
    assert faults[0] in first


def test_the_same_case_gives_the_same_bytes_of_the_date_of_its_last_entry(case: Case) -> None:
    pdf = report(case, "zh")
    assert pdf == report(case, "zh")
    with pdfium.PdfDocument(pdf) as document:
        assert document.get_metadata_dict()["CreationDate"].startswith("D:20261126105944")


def test_the_qr_code_holds_the_hash_of_the_case(case: Case, pages_of: Draw) -> None:
    found, *_ = cv2.QRCodeDetector().detectAndDecode(pages_of(report(case, "en"))[0])
    assert found == case.digest


def test_the_fonts_are_small_and_their_licence_is_with_them() -> None:
    assert sum(file.stat().st_size for file in FONTS.iterdir()) < 2_000_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text()
