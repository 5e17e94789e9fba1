"""The tab for Schreger angles: a photo in, taps measured, a record to keep; whatever a browser sends."""

import base64
import hashlib
import io
import json
import math
import re
from html import unescape
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import pytest
from PIL import Image

from model.schreger import measure
from model.taxonomy import LANGUAGES, load_taxonomy
from serve.page.angle import PREVIEW, Cuts, answer_marks
from serve.page.tray import Tray
from serve.words import Words

WORDS = Words("en", load_taxonomy())
WIDTH, HEIGHT = 4000, 3000
EXIF = Image.Exif()
EXIF[0x0112] = 6  # lies on its side


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A photo of 12 megapixels, upright WIDTH by HEIGHT."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((HEIGHT, WIDTH)).convert("RGB").save(file, "JPEG", exif=EXIF)
    return file.getvalue()


@pytest.fixture
def cuts(tmp_path: Path) -> Cuts:
    return Cuts(Tray(cast("Any", None), tmp_path, {}))  # nothing is classified here


@pytest.fixture
def path(photo: bytes, tmp_path: Path) -> str:
    """Where the photo was uploaded to."""
    (tmp_path / "upload").write_bytes(photo)
    return str(tmp_path / "upload")


def taps(angle: float, count: int, radius: float = 1000) -> list[list[float]]:
    """The middle and the edge of a section amid the photo, and so many crossings round it, as a browser sends them."""
    points = [(2000.0, 1500.0), (3300.0, 1500.0)]
    for number in range(count):
        turn = 2 * math.pi * number / count
        x, y = 2000 + radius * math.cos(turn), 1500 + radius * math.sin(turn)
        for side in (0.5, -0.5):
            line = turn + side * math.radians(angle)
            points += [(x + length * math.cos(line), y + length * math.sin(line)) for length in (-90, 90)]
    return [[x / WIDTH, y / HEIGHT] for x, y in points]


def ask(cuts: Cuts, photo: str, marks: Any = (), edge_seen: Any = True, words: Words = WORDS) -> dict[str, Any]:
    asked = json.dumps({"photo": photo, "marks": marks, "edge_seen": edge_seen})
    reply: dict[str, Any] = json.loads(answer_marks(cuts, words, asked))
    return reply


def saved(said: str) -> dict[str, Any]:
    found = re.search(r'href="data:application/json;charset=utf-8,([^"]+)" download="schreger-angle-\w{8}\.json"', said)
    assert found
    kept: dict[str, Any] = json.loads(unquote(unescape(found[1])))
    return kept


def test_a_photo_of_12_megapixels_is_shown_upright_and_not_kept_here(cuts: Cuts, path: str) -> None:
    shown = ask(cuts, path)["photo"]
    assert shown["size"] == [WIDTH, HEIGHT]
    picture = Image.open(io.BytesIO(base64.b64decode(shown["src"].partition(",")[2])))
    assert picture.size == (PREVIEW, PREVIEW * HEIGHT // WIDTH)
    assert Path(path).read_bytes() == b""
    assert ask(cuts, path)["photo"] is None  # the browser has it, and it is still known


@pytest.mark.parametrize(
    ("angle", "suggested"), [(124, "angle_elephant"), (74, "angle_mammoth"), (100, "angle_overlap")]
)
def test_taps_are_measured_and_what_they_suggest_is_said(angle: float, suggested: str, cuts: Cuts, path: str) -> None:
    reply = ask(cuts, path, taps(angle, 10))
    assert f"Mean {angle:.1f}°" in reply["said"]
    assert "n = 10" in reply["said"]
    assert WORDS.say(suggested) in reply["said"]
    assert 'class="wrong"><li>' not in reply["said"]
    for number in range(1, 11):
        assert f">{number}: {angle}°</text>" in reply["drawn"]


def test_a_pair_that_is_not_complete_waits(cuts: Cuts, path: str) -> None:
    marks = taps(124, 3)
    assert "n = 2" in ask(cuts, path, marks[:-1])["said"]
    assert ask(cuts, path, marks[:5])["said"] == ask(cuts, path)["said"]


@pytest.mark.parametrize(
    ("asked", "doubt"),
    [
        ({"marks": taps(124, 9)}, "few"),
        ({"marks": taps(124, 10), "edge_seen": False}, "no_edge"),
        ({"marks": taps(124, 10, radius=500)}, "inner"),
        ({"marks": taps(170, 10)}, "unusual"),
        ({"marks": [[x, y / 2] for x, y in taps(124, 12)]}, "skewed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_doubts_are_said(asked: dict[str, Any], doubt: str, cuts: Cuts, path: str) -> None:
    assert WORDS.say(f"angle_{doubt}", wanted=10, least=5) in ask(cuts, path, **asked)["said"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_record_measures_again_to_the_same(language: str, cuts: Cuts, path: str, photo: bytes) -> None:
    words = Words(language, WORDS.taxonomy)
    kept = saved(ask(cuts, path, taps(121, 6), words=words)["said"])
    assert kept["photo"] == {"sha256": hashlib.sha256(photo).hexdigest(), "width": WIDTH, "height": HEIGHT}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", kept["measured_at"])
    again = measure(kept["middle"], kept["edge"], kept["edge_seen"], [pair["points"] for pair in kept["pairs"]])
    assert kept["mean"] == pytest.approx(again.mean, abs=0.01)
    assert (kept["n"], kept["suggests"], kept["doubts"]) == (6, "elephant", ["few"])
    assert f"{again.mean:.1f}" in kept["text"]


@pytest.mark.parametrize(
    ("name", "sentence"), [("upload", "error_not_an_image"), ("none", "gone"), ("../outside", "gone"), ("", "gone")]
)
def test_what_is_no_photo_or_not_here_gets_one_sentence(name: str, sentence: str, cuts: Cuts, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(b"no photo")
    outside = tmp_path.with_name("outside")
    outside.write_bytes(b"kept")
    reply = ask(cuts, str(tmp_path / name), taps(124, 2))
    assert reply["said"] == f'<p class="problem">{WORDS.say(sentence)}</p>'
    assert outside.read_bytes() == b"kept"


@pytest.mark.parametrize(
    "asked",
    [
        "", "[]", "null", "{}", "[" * 100_000, '{"photo": 1, "marks": 2, "edge_seen": 3}',
        *(json.dumps({"photo": [], "marks": marks, "edge_seen": "yes"})
          for marks in ("x" * 9, {"a": 1}, [[0.5]] * 9, [["NaN", 0.5]] * 9, [[1e9, 0]] * 9, [[{}, 0]] * 9)),
        '{"photo": "", "marks": [[NaN, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]], "edge_seen": true}',
    ],
    ids=range(13),
)  # fmt: skip
def test_a_question_that_is_none_is_answered_as_before_the_first_tap(asked: str, cuts: Cuts) -> None:
    assert json.loads(answer_marks(cuts, WORDS, asked)) == ask(cuts, "")


def test_more_pairs_than_fit_are_not_measured(cuts: Cuts, path: str) -> None:
    assert "n = 50" in ask(cuts, path, taps(124, 500))["said"]


def test_two_taps_at_one_point_are_told_without_a_traceback(
    cuts: Cuts, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(cuts, path, [[0.5, 0.5]] * 6)["said"] == f'<p class="problem">{WORDS.say("our_fault")}</p>'
    assert "same point" in caplog.text
