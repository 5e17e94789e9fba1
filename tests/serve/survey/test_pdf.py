"""Information logs as PDF files, as a person reads them."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from PIL import Image

from serve.surveying import command
from tests.markup import MARKUP

Alarm = Callable[..., dict[str, Any]]

HOSTILE = (
    *MARKUP,
    "{{ 7 * 7 }} {% raw %} <script>alert(1)</script>",
)


def survey(files: Any, **options: Any) -> Path:
    """Make the survey as the command does; the folder of its logs."""
    given: Mapping[str, Any] = dict.fromkeys(("labels", "rates", "links")) | {"quiet": False} | options
    command(scan=files.folder / "scan", adverts=files.folder / "adverts.csv", out=files.folder / "out", **given)
    return Path(files.folder / "out/logs")


def words_of(pdf: Path) -> str:
    with pdfium.PdfDocument(pdf) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    return "".join("".join(pages).replace("\u200b", "").split())


def test_what_sellers_write_is_printed_and_does_nothing(files: Any, alarm: Alarm) -> None:
    adverts = [
        alarm(words, seller=words, title=words, text=f"{words}\n象牙 تمثال", url=words, screenshot=words)
        for words in HOSTILE
    ]
    files.write(adverts, parts=1)
    logs = survey(files)
    told = [words_of(file) for file in logs.glob("*.pdf")]
    assert len(told) == len(HOSTILE)
    for words in HOSTILE:
        (log,) = [each for each in told if "".join(words.split()) in each]
        assert log.count("".join(words.split())) >= 5, words
        assert "象牙" in log
    assert not any("root:" in log for log in told)


def test_a_log_shows_its_screenshot_its_hashes_and_letters_that_cannot_be_printed(files: Any, alarm: Alarm) -> None:
    Image.effect_noise((300, 200), 50).save(files.folder / "shot.png")
    (files.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    files.write([alarm("a", title="ivory 𓃰", screenshot="shot.png"), alarm("b", screenshot="broken.png")], parts=1)
    (file,) = survey(files).glob("*.pdf")
    told = words_of(file)
    assert "ivory‹U+130F0›" in told
    assert "Unicodenumber" in told
    assert told.count("ab" * 32) == 2
    assert "Tobefilledin" in told
    with pdfium.PdfDocument(file) as document:
        images = [each for page in document for each in page.get_objects(max_depth=5) if each.type == 3]
    assert len(images) == 1


def test_without_the_extra_there_are_no_pdf_files_and_one_sentence(
    files: Any, alarm: Alarm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write([alarm("a")], parts=1)
    survey(files)
    monkeypatch.setitem(sys.modules, "serve.report", None)
    logs = survey(files)
    assert [file.suffix for file in sorted(logs.iterdir())] == [".html", ".json"]
    assert "[report]'." in capsys.readouterr().err
