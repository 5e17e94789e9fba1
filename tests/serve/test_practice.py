"""Practice: rounds from a trainer's photos, answers and what came of them, and nothing that gives a label away."""

import csv
import io
import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model.classifier import Classifier
from model.errors import SchregerError
from model.manifest import REQUIRED
from model.taxonomy import load_taxonomy
from serve.page.practice import Turn, take_turn
from serve.practice import CHOICES, ROUND, Answer, Practice, Question, open_practice, report, to_csv
from serve.words import Words

TAXONOMY = load_taxonomy()
WORDS = Words("en", TAXONOMY)
LABELS = ("bone", "ivory", "pangolin_scale", "psittacus_erithacus")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos for each label, in folders named after them, with files that are none."""
    folder = tmp_path_factory.mktemp("training")
    for number, label in enumerate(LABELS):
        (folder / label / "more").mkdir(parents=True)
        for place in ("", "more"):
            colour = (60 * number, 200 - 50 * number, 90 if place else 160)
            image = Image.linear_gradient("L").convert("RGB")
            Image.blend(image, Image.new("RGB", image.size, colour), 0.5).save(
                folder / label / place / f"a {label}.png"
            )
        (folder / label / "notes.txt").write_text("not a photo")
    (folder / ".hidden").mkdir()
    (folder / "read me.txt").write_text("not a photo")
    return folder


@pytest.fixture(scope="module")
def practice(folder: Path) -> Practice:
    return open_practice(folder, TAXONOMY)


def manifest(path: Path, files: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, REQUIRED)
        rows.writeheader()
        for name, label in files.items():
            rows.writerow(
                dict.fromkeys(REQUIRED, "") | {"file": name, "label": label, "group": name, "width": 9, "height": 9}
            )
    return path


# What the trainer names


def test_a_folder_gives_the_photos_in_folders_named_after_labels(practice: Practice, folder: Path) -> None:
    assert {label: len(files) for label, files in practice.photos.items()} == dict.fromkeys(LABELS, 2)
    assert all(file.is_relative_to(folder / label) for label, files in practice.photos.items() for file in files)


def test_a_manifest_gives_its_photos_though_it_has_no_splits_yet(folder: Path) -> None:
    path = manifest(
        folder / "manifest.csv", {f"{label}/a {label}.png": label for label in LABELS} | {"gone.png": "bone"}
    )
    practice = open_practice(path, TAXONOMY)
    assert {label: len(files) for label, files in practice.photos.items()} == dict.fromkeys(LABELS, 1)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("nowhere", "There is no .*nowhere"),
        ("empty", "has no photos"),
        ("text", "has no photos"),
        ("loose", "has no photos"),
        ("strange", "the label 'tusk', which is no key"),
        ("strange.csv", "the label 'tusk', which is no key"),
        ("columns.csv", "lacks the column"),
        ("none.csv", "has no photos"),
    ],
)
def test_what_cannot_be_practised_with_is_one_sentence(
    named: str, said: str, tmp_path: Path, folder: Path, schreger: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    photo = (folder / "bone" / "a bone.png").read_bytes()
    for file, content in (
        ("text/bone/a.jpg", b"text"), ("loose/a.png", photo), ("strange/tusk/a.png", photo), ("columns.csv", b"file\n"),
    ):  # fmt: skip
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(content)
    (tmp_path / "empty").mkdir()
    manifest(tmp_path / "strange.csv", {"loose/a.png": "tusk"})
    manifest(tmp_path / "none.csv", {"gone.png": "bone"})
    with pytest.raises(SchregerError, match=said) as raised:
        open_practice(tmp_path / named, TAXONOMY)
    assert re.fullmatch(r"[^\n]+\.", str(raised.value))
    if named == "strange":
        done = schreger("serve", "--port", "1", "--host", "127.0.0.1", "--practice", tmp_path / named)
        assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")


# Rounds


@given(st.lists(st.sampled_from([*TAXONOMY]), min_size=1, max_size=30, unique=True), st.integers(1, 999))
def test_a_round_asks_plausible_questions(labels: list[str], number: int) -> None:
    practice = Practice({label: [Path(label, str(photo)) for photo in range(3)] for label in labels}, TAXONOMY)
    questions = practice.round(number)
    assert questions == practice.round(number)
    assert len(questions) == min(ROUND, 3 * len(labels))
    assert len({question.file for question in questions}) == len(questions)
    asked = Counter(question.label for question in questions)
    assert max(asked.values()) - min(asked.get(label, 0) for label in labels) <= 1
    for question in questions:
        assert question.file.parent == Path(question.label)
        assert question.label in question.choices
        assert 2 <= len(question.choices) <= CHOICES
        for choice in question.choices:
            assert not {*question.choices} & {*TAXONOMY.ancestors(choice)}, "two answers could be right"


def test_look_alikes_are_among_the_choices(practice: Practice) -> None:
    for question in practice.round(1):
        alike = [key for key in TAXONOMY.look_alikes(question.label) if key not in TAXONOMY.lineage(question.label)]
        assert not alike or {*alike} & {*question.choices}


def test_rounds_differ(practice: Practice) -> None:
    assert len({practice.round(number) for number in range(1, 6)}) == 5


# A person's turn


class Sitting:
    """One session at the tab."""

    def __init__(self, practice: Practice, classifier: Classifier) -> None:
        self.practice, self.classifier = practice, classifier
        self.turn: Turn | None = None
        self.shown: list[str] = []

    def send(self, **form: str) -> str:
        self.turn, shown = take_turn(self.practice, self.classifier, WORDS, self.turn, form)
        self.shown.append(shown)
        return shown

    @property
    def question(self) -> Question:
        assert self.turn
        return self.turn.questions[0]

    def answer(self, key: str) -> str:
        assert self.turn
        return self.send(answer=key, number=str(len(self.turn.answers)))


@pytest.fixture
def sitting(practice: Practice, classifier: Classifier) -> Sitting:
    return Sitting(practice, classifier)


def wrong(question: Question) -> str:
    return next(choice for choice in question.choices if choice != question.label)


def test_a_whole_round_is_scored_by_class_with_what_was_confused(sitting: Sitting) -> None:
    asked = sitting.send(round="3")
    given = []
    while 'name="answer"' in asked:
        question = sitting.question
        assert f"Photo {len(given) + 1} of 8" in asked
        assert all(f'value="{choice}"' in asked for choice in question.choices)
        key = wrong(question) if question.label == "ivory" else question.label
        given.append((question.label, key))
        said = sitting.answer(key)
        label = WORDS.name(question.label)
        assert (
            f"Right: {label}" in said
            if key == question.label
            else f"It is: {label}. You said: {WORDS.name(key)}" in said
        )
        for check in (*TAXONOMY.checks(question.label), *map(WORDS.name, TAXONOMY.look_alikes(question.label))):
            assert check in unescape(said)
        assert WORDS.say("practice_model") in said
        asked = sitting.send()
    assert "6 of 8 right" in asked
    assert re.search(r"<td>elephant or mammoth ivory</td><td>0 / 2</td><td>.+ × [12]", asked)
    assert "<td>bone</td><td>2 / 2</td><td></td>" in asked

    kept = {
        ending: unquote(unescape(text))
        for text, ending in re.findall(r'href="data:[^,]+,([^"]+)" download="schreger-practice-3\.(csv|json)"', asked)
    }
    rows = list(csv.DictReader(io.StringIO(kept["csv"])))
    assert [(row["label"], row["answer"]) for row in rows] == given
    assert all(re.fullmatch("[0-9a-f]{64}", row["sha256"]) for row in rows)
    told = json.loads(kept["json"])
    assert (told["round"], told["photos"], told["right"]) == (3, 8, 6)
    assert told["by_label"]["ivory"] == {"photos": 2, "right": 0}
    assert told["confusion"]["ivory"] == dict(Counter(key for label, key in given if label == "ivory"))


def test_neither_name_nor_path_of_a_file_reaches_the_browser(sitting: Sitting, folder: Path) -> None:
    sitting.send(round="1")
    while sitting.turn and sitting.turn.questions:
        sitting.answer(sitting.question.label)
        sitting.send()
    everything = unquote("".join(sitting.shown))
    assert sitting.turn
    assert len(sitting.turn.answers) == 8
    for told in (".png", folder.name, "more/", *(f"a {label}" for label in LABELS)):
        assert told not in everything


def test_an_answer_that_is_sent_twice_counts_once(sitting: Sitting) -> None:
    sitting.send(round="1")
    key = wrong(sitting.question)
    sitting.answer(key)
    before = sitting.turn
    sitting.send(answer=key, number="0")
    assert sitting.turn == before


@pytest.mark.parametrize(
    "form",
    [
        {"answer": "no such key", "number": "0"},
        {"answer": "<script>", "number": "x"},
        {"answer": "bone"},
        {"number": "0"},
    ],
)
def test_what_is_no_answer_asks_again(form: dict[str, str], sitting: Sitting) -> None:
    asked = sitting.send(round="2")
    assert sitting.send(**form) == asked
    assert sitting.turn
    assert sitting.turn.answers == ()


@pytest.mark.parametrize(
    ("given", "number"), [("", 1), ("0", 1), ("-3", 1), ("x", 1), ("9" * 5000, 1), ("12345", 999), ("٣", 1)]
)
def test_a_round_that_is_none_is_one_that_is(given: str, number: int, sitting: Sitting) -> None:
    sitting.send(round=given)
    assert sitting.turn
    assert sitting.turn.round == number


def test_two_sessions_do_not_meet(practice: Practice, classifier: Classifier) -> None:
    one, other = Sitting(practice, classifier), Sitting(practice, classifier)
    one.send(round="1")
    other.send(round="1")
    one.answer(one.question.label)
    assert other.turn
    assert other.turn.answers == ()


def test_a_photo_that_cannot_be_opened_is_passed_over(
    folder: Path, classifier: Classifier, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, cut = folder / "bone" / "a bone.png", tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:60])
    sitting = Sitting(Practice({"bone": [whole, cut]}, TAXONOMY), classifier)
    sitting.send(round="1")
    sitting.answer("bone")
    assert "1 of 1 right" in sitting.send()
    assert "cut.png" in caplog.text
    nothing = Sitting(Practice({"bone": [cut]}, TAXONOMY), classifier).send(round="1")
    assert WORDS.say("practice_unreadable") in nothing


def test_a_fault_of_ours_is_told_without_its_traceback(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the inside of the machine")

    sitting.send(round="1")
    monkeypatch.setattr(sitting.classifier, "classify", fail)
    before = sitting.turn
    assert WORDS.say("our_fault") in sitting.answer(sitting.question.label)
    assert sitting.turn == before
    assert "inside of the machine" in caplog.text


# Results


@given(st.lists(st.builds(Answer, st.sampled_from(LABELS), st.sampled_from(LABELS), st.just("ab")), min_size=1))
def test_the_report_adds_up(answers: list[Answer]) -> None:
    told: dict[str, Any] = json.loads(json.dumps(report(1, answers, "2026-11-24T10:00:00+00:00")))
    assert told["photos"] == len(answers) == sum(label["photos"] for label in told["by_label"].values())
    assert told["right"] == sum(label["right"] for label in told["by_label"].values())
    assert sum(count for given in told["confusion"].values() for count in given.values()) == len(answers)
    assert all(told["by_label"][label]["right"] == given.get(label, 0) for label, given in told["confusion"].items())
    assert len(list(csv.DictReader(io.StringIO(to_csv(answers))))) == len(answers)
