"""The tabs for Schreger angles and for practice as a person meets them: a real browser of a phone's width, by touch."""

import csv
import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.test_page_browser import CONTRAST, PHONE, Visit, begin
from tests.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDTH, HEIGHT = 4000, 3000
MIDDLE, EDGE = (2000, 1500), (3300, 1500)


def section(file: Path, angle: float) -> None:
    """A drawn cross-section of 12 megapixels, whose lines are spirals that cross everywhere at the same angle."""
    y, x = np.mgrid[-150:150, -200:200]
    turn, depth = np.arctan2(y, x), math.tan(math.radians(angle / 2)) * np.log(np.hypot(x, y) + 1e-3)
    lines = np.maximum(np.cos(20 * (turn - depth)), np.cos(20 * (turn + depth)))
    grey = np.where(np.hypot(x, y) < 130, 210 + 30 * lines, 60).astype(np.uint8)
    Image.fromarray(grey).resize((WIDTH, HEIGHT)).convert("RGB").save(file)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trainer's folder of drawn photos."""
    folder = tmp_path_factory.mktemp("training")
    for number, label in enumerate(("bone", "ivory", "resin")):
        (folder / label).mkdir()
        image = Image.linear_gradient("L").convert("RGB")
        tinted = Image.blend(image, Image.new("RGB", image.size, (80 * number, 90, 200 - 80 * number)), 0.5)
        tinted.save(folder / label / f"secret {label}.jpg")
    return folder


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, training: Path) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("served"), practice=training) as page:
        yield page.url


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def visit(browser: "Browser", url: str, language: str) -> Iterator[Visit]:
    options: dict[str, Any] = {"viewport": PHONE, "locale": language, "has_touch": True, "is_mobile": True}
    with browser.new_context(**options) as context:
        yield begin(context, url, language)


def tap(visit: Visit, x: float, y: float) -> None:
    """Tap on a point of the section, given in its own pixels."""
    sheet = visit.page.locator(".sheet")
    box = sheet.bounding_box()
    assert box
    sheet.tap(position={"x": x / WIDTH * box["width"], "y": y / HEIGHT * box["height"]})


def cross(visit: Visit, place: float, angle: float) -> None:
    """Tap a pair of lines that cross at an angle, in the outer part of the section."""
    turn = math.radians(place)
    x, y = MIDDLE[0] + 1000 * math.cos(turn), MIDDLE[1] + 1000 * math.sin(turn)
    for side in (0.5, -0.5):
        line = turn + side * math.radians(angle)
        for length in (-240, 240):
            tap(visit, x + length * math.cos(line), y + length * math.sin(line))


def saved(visit: Visit, link: str) -> bytes:
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name=visit.words.say(link)).click()
    return Path(download.value.path()).read_bytes()


def check_looks(visit: Visit) -> None:
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert visit.page.evaluate(CONTRAST) == []
    assert visit.errors == []


def test_angles_are_tapped_measured_undone_and_kept(visit: Visit, tmp_path: Path) -> None:
    page, say = visit.page, visit.words.say
    photo = tmp_path / "section.png"
    section(photo, 124)
    page.get_by_role("tab", name=say("angle_tab")).tap()
    page.locator("#angle input:not([capture])").first.set_input_files(photo)
    state = page.locator("#angle .state")
    state.get_by_text(say("angle_middle")).wait_for()
    tap(visit, *MIDDLE)
    state.get_by_text(say("angle_edge")).wait_for()
    tap(visit, *EDGE)
    for place in range(0, 300, 60):
        cross(visit, place, 124)
    page.locator("#angle").get_by_text(say("angle_no_edge")).wait_for()
    page.get_by_label(say("angle_edge_seen")).check()
    page.locator("#angle").get_by_text(say("angle_elephant")).wait_for()
    assert page.locator(".angles text").count() == 5
    visit.keep_picture("en-360-angle")
    check_looks(visit)

    kept = json.loads(saved(visit, "angle_save"))
    assert kept["photo"]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert (kept["n"], kept["suggests"], kept["edge_seen"]) == (5, "elephant", True)
    assert kept["mean"] == pytest.approx(124, abs=3)  # a finger's pixel is eleven of the photo's
    assert kept["middle"] == pytest.approx(MIDDLE, abs=12)

    page.get_by_label(say("angle_enlarge")).fill("6")
    cross(visit, 0, 100)
    page.locator(".angles text").nth(5).wait_for()
    written = page.locator(".angles text").nth(5).text_content() or ""
    assert float(written.removeprefix("6: ").removesuffix("°")) == pytest.approx(100, abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name=say("angle_undo")).tap()
    page.locator(".angles text").nth(5).wait_for(state="detached")
    assert page.locator(".taps .dot").count() == 2 + 5 * 4 + 3
    page.get_by_role("tab", name=say("photos_tab"), exact=True).tap()
    page.get_by_role("tab", name=say("angle_tab")).tap()
    assert page.locator(".angles text").count() == 5  # it is still there
    page.get_by_role("button", name=say("angle_clear")).tap()
    page.locator("#angle").get_by_text(say("angle_how_to_title")).wait_for()
    state.get_by_text(say("angle_middle")).wait_for()
    assert page.locator(".taps .dot").count() == 0
    assert visit.errors == []


def test_neither_a_reload_nor_a_file_that_is_no_photo_stops_the_measuring(visit: Visit, tmp_path: Path) -> None:
    page, say = visit.page, visit.words.say
    (tmp_path / "text.jpg").write_text("no photo")
    section(tmp_path / "section.png", 124)
    page.get_by_role("tab", name=say("angle_tab")).tap()
    choose = page.locator("#angle input:not([capture])").first
    choose.set_input_files(tmp_path / "text.jpg")
    page.locator("#angle").get_by_text(say("error_not_an_image")).wait_for()
    choose.set_input_files(tmp_path / "section.png")
    page.locator("#angle .state").get_by_text(say("angle_middle")).wait_for()
    tap(visit, *MIDDLE)
    tap(visit, *EDGE)
    page.get_by_label(say("angle_edge_seen")).check()
    page.route("**/queue/join*", lambda route: route.abort("connectionreset"), times=1)
    cross(visit, 90, 124)  # Gradio loads the page again once it finds that the question was lost
    page.locator("#angle").wait_for(state="detached")
    page.get_by_role("tab", name=say("angle_tab")).tap()
    page.locator(".angles text").wait_for()
    assert page.locator(".taps .dot").count() == 6
    assert page.get_by_label(say("angle_edge_seen")).is_checked()
    page.locator("#angle .state").get_by_text(say("angle_line", number=2)).wait_for()


@pytest.mark.parametrize("language", ["ar"])
def test_a_round_of_practice(visit: Visit, training: Path, language: str) -> None:
    page, say = visit.page, visit.words.say
    page.get_by_role("tab", name=say("practice_tab")).tap()
    page.get_by_label(say("practice_round")).fill("7")
    page.get_by_role("button", name=say("practice_start")).tap()
    for number in (1, 2, 3):
        page.get_by_role("heading", name=say("practice_question", number=number, count=3)).wait_for()
        photo = page.get_by_alt_text(say("photo_alt", number=number))
        assert photo.evaluate("image => image.complete && image.naturalWidth > 0")
        check_looks(visit)
        page.get_by_role("button", name=visit.words.name("bone")).first.tap()
        page.get_by_text(say("practice_model")).tap()
        check_looks(visit)
        visit.keep_picture(f"{language}-360-practice-{number}")
        assert "secret" not in page.content()
        page.get_by_role("button", name=say("practice_next" if number < 3 else "practice_results")).tap()
    page.get_by_role("heading", name=say("practice_score", right=1, count=3)).wait_for()
    check_looks(visit)
    rows = list(csv.DictReader(saved(visit, "practice_save_answers").decode().splitlines()))
    assert {(row["label"], row["answer"]) for row in rows} == {(label, "bone") for label in ("bone", "ivory", "resin")}
    assert json.loads(saved(visit, "practice_save_report"))["round"] == 7
    assert not any("secret" in address or training.name in address for address in visit.requests)
