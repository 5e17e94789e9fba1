"""The page's tab for adverts: the verdict of `vet`, in the words of each language."""

import json
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import pytest

from model.classifier import Classifier
from model.taxonomy import LANGUAGES
from serve.advert import Advert, Judge
from serve.advert.lexicon import load_lexicon
from serve.page import answer
from serve.page.advert import MAX_TEXT, MAX_TITLE, show_verdict, verdict_html
from serve.page.door import MAX_WORDS, is_plain
from serve.page.tray import Tray
from serve.words import Words

IVORY = {"title": "Carved ivory netsuke", "text": "<b>antique</b>, free shipping", "seller_text": ""}
Ask = Callable[..., str]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(Classifier.load())


@pytest.fixture
def ask(judge: Judge, tmp_path: Path) -> Ask:
    """Asks about an advert with pictures as the form does; gives the verdict's HTML."""
    tray = Tray(judge.classifier, tmp_path, {})

    def asked(*pictures: bytes, language: str = "en", **fields: Any) -> str:
        paths = [tmp_path / str(number) for number in range(len(pictures))]
        for path, content in zip(paths, pictures, strict=True):
            path.write_bytes(content)
        given = {**IVORY, "pictures": [*map(str, paths)], **fields}
        shown, form = show_verdict(tray, judge, Words(language, judge.classifier.taxonomy), json.dumps(given))
        assert json.loads(form) == {"done": True}
        assert not any(path.read_bytes() for path in paths)
        return shown

    return asked


def test_the_tab_says_what_vet_says(ask: Ask, judge: Judge, photos: list[Any]) -> None:
    pictures = [photos[0].content, b"no photo"]
    verdict = judge.vet(Advert("1", **IVORY, pictures=tuple(pictures)))
    words = Words("en", judge.classifier.taxonomy)
    shown = ask(*pictures)
    assert shown == verdict_html(verdict, pictures, words)
    assert escape(words.say(f"verdict_{verdict.verdict}")) in shown
    for reason in verdict.reasons:
        assert reason.sentence.partition("“")[0] in shown
        assert f"{reason.weight:+.1f}" in shown
    assert shown.count("<figure>") == 2
    assert escape(words.say("error_not_an_image")) in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_verdict_can_be_said(language: str, ask: Ask, judge: Judge, photos: list[Any]) -> None:
    words = Words(language, judge.classifier.taxonomy)
    every = ". ".join(entry.words for entry in load_lexicon() if entry.language in ("en", "zh"))[: 2 * MAX_TEXT]
    shown = ask(photos[0].content, language=language, text=every, seller_text="ivory")
    for kind in (
        "named",
        "has_picture",
        "object",
        "craft",
        "offer",
        "talk",
        "legal",
        "colour",
        "plastic",
        "seller_text",
    ):
        assert escape(words.say(f"reason_{kind}")) in shown
    assert not re.search(r"[{}]", shown)
    for level in ("clear", "review", "block"):
        assert words.say(f"verdict_{level}")


def test_what_a_seller_wrote_is_shown_as_text(ask: Ask) -> None:
    assert "<script" not in ask(title="ivory i<script>v</script>ory", text="i.v.o.r.y<script>")


@pytest.mark.parametrize("asked", ["", "[]", "{}", '{"pictures": 1}', '{"pictures": ["/etc/passwd"]}', "[" * 100_000])
def test_a_question_that_is_none_is_told_so(asked: str, judge: Judge, tmp_path: Path) -> None:
    words = Words("en", judge.classifier.taxonomy)
    shown, _ = show_verdict(Tray(judge.classifier, tmp_path, {}), judge, words, asked)
    assert shown == answer.problem(words.say("our_fault"))


def test_a_picture_outside_the_uploads_is_not_opened(ask: Ask) -> None:
    shown = ask(pictures=["/etc/passwd", "http://127.0.0.1:1/", "\0"])
    assert shown.count('class="wrong"') == 3


@pytest.mark.parametrize("letter", ["a", "ж", "象", "\n"])
def test_the_longest_advert_passes_the_door(letter: str) -> None:
    paths = [f"/tmp/schreger-abcdefgh/uploads/{'f' * 64}/{'9' * 40}"] * 10  # noqa: S108
    advert = {"title": letter * MAX_TITLE, "text": letter * MAX_TEXT, "seller_text": letter * MAX_TITLE}
    value = json.dumps({**advert, "pictures": paths}, ensure_ascii=False)
    event = json.dumps({"data": [value], "fn_index": 1, "session_hash": "x"}, ensure_ascii=False).encode()
    assert len(event) < MAX_WORDS
    assert is_plain(event)
