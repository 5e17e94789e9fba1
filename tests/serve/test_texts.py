"""The page's texts in every language: none is missing, and each browser gets its own."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from model.finding import Finding
from model.photo import Quality
from model.taxonomy import LANGUAGES, load_taxonomy
from serve.texts import FOLDER, choose_language, load_texts
from serve.words import Words

OTHERS = [language for language in LANGUAGES if language != "en"]
ALIKE = {"is", "percent", "between", "direction", "photo_size"}
"""Texts that may be the same in two languages."""

SCRIPTS = {"ar": r"[\u0600-\u06ff]", "zh": r"[\u4e00-\u9fff]"}


def sentences(text: Any) -> list[str]:
    return text if isinstance(text, list) else [text]


def test_there_is_a_file_for_every_language_of_the_taxonomy() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_or_there_twice(language: str) -> None:
    lines = (FOLDER / f"{language}.yaml").read_text(encoding="utf-8")
    keys = re.findall(r"^(\w+):", lines, re.M)
    assert len(set(keys)) == len(keys)
    assert keys == list(load_texts("en"))
    assert all(
        isinstance(each, str) and each.strip() for text in yaml.safe_load(lines).values() for each in sentences(text)
    )


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_says_as_much_and_is_one(language: str) -> None:
    english, texts = load_texts("en"), load_texts(language)
    for key, text in texts.items():
        assert len(sentences(text)) == len(sentences(english[key])), key
        for translated, original in zip(sentences(text), sentences(english[key]), strict=True):
            assert sorted(re.findall(r"{\w+}", translated)) == sorted(re.findall(r"{\w+}", original)), key
            assert translated != original or key in ALIKE or len(original.split()) == 1, key
            if language in SCRIPTS and key not in ALIKE - {"photo_size"}:
                assert re.search(SCRIPTS[language], translated), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_can_be_said(language: str) -> None:
    """Whatever is answered, however it was decided: no text is missing and no brace is left."""
    taxonomy = load_taxonomy()
    words = Words(language, taxonomy)
    quality = Quality(0.5, 0.5, 0.5, 300, ("too_dark", "blurred"))
    known = (("ivory", 0.999), ("bone", 0.001))
    sure = Finding("ivory", "recognised", 0.999, known, 0.4, (quality,), "a@b")
    findings = [replace(sure, answer=None, status=status) for status in ("unfamiliar", "unusable", "rolled_up")]
    findings += [
        replace(sure, answer=key, status=status, probabilities=((key, 0.9),))
        for key in taxonomy
        for status in ("recognised", "rolled_up")
    ]
    for finding in findings:
        said = [
            words.headline(finding),
            *words.remarks(finding),
            *words.next_steps(finding),
            *words.look_alikes(finding),
        ]
        said += [words.evidence_caption(finding), words.no_listing(finding), words.problems(quality)]
        assert all(said)
        assert not any(re.search(r"[{}]", sentence) for sentence in said)


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", None, "fr"),
        ("de,en;q=0.5,sw;q=0.7", None, "sw"),
        ("zh-Hant-TW", None, "zh"),
        ("ar;q=0,vi", None, "vi"),
        ("", None, "en"),
        ("*", None, "en"),
        ("de;q=nonsense,,;", None, "en"),
        ("fr", "ar", "ar"),
        ("fr", "../etc", "fr"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(accepted: str, chosen: str | None, language: str) -> None:
    assert choose_language(accepted, chosen) == language
