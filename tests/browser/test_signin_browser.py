"""Who is signed in saves photos and angles to a case, corrects, writes a note and takes the report along, in a real
browser, on a phone and at a desk.

Screenshots are kept in the folder that SCHREGER_ARTEFACTS names, if it names one.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model.taxonomy import load_taxonomy
from serve.casebook import verify
from serve.words import Words
from tests.browser.test_page_browser import CHOOSE, CONTRAST, PATIENCE
from tests.browser.test_tabs_browser import section
from tests.photos import shipped
from tests.serve.office import MARKS, PASSWORD, Office

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXPERT = "Dr. 王"


@pytest.fixture(scope="module")
def tusk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of a drawn section."""
    file = tmp_path_factory.mktemp("tusk") / "section.png"
    section(file, 90)
    return file


def files(*names: str) -> list[dict[str, object]]:
    return [{"name": name, "mimeType": "image/jpeg", "buffer": shipped(name)} for name in names]


def keep_picture(page: "Page", name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    if folder := os.environ.get("SCHREGER_ARTEFACTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def sign_in(page: "Page", language: str, name: str = EXPERT) -> None:
    say = Words(language, load_taxonomy()).say
    page.get_by_label(say("signin_name")).fill(name)
    page.get_by_label(say("signin_password")).fill(PASSWORD)
    page.get_by_role("button", name=say("signin_enter")).click()
    page.locator(CHOOSE).wait_for(state="attached")


def tap_lines(page: "Page") -> None:
    for x, y in MARKS:
        box = page.locator(".sheet").bounding_box()
        assert box
        page.locator(".sheet").click(position={"x": x * box["width"], "y": y * box["height"]})
    page.locator(".angles text").nth(1).wait_for()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_walk_of_who_is_signed_in(
    language: str, width: int, browser: "Browser", office: Office, tusk: Path
) -> None:
    words, errors, name, ref = (
        Words(language, load_taxonomy()),
        list[str](),
        f"{language}-{width}",
        f"C-{language}{width}",
    )
    say = words.say
    # The browser wants French; the language of the page's address is what counts.
    with browser.new_context(viewport={"width": width, "height": 760}, locale="fr") as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(office.url)
        sign_in(page, "fr")
        page.goto(f"{office.url}/{language}")
        page.locator(CHOOSE).wait_for(state="attached")
        keep_picture(page, f"{name}-1-photos")
        page.set_input_files(CHOOSE, files("lion.jpg", "cheetah1.jpg"))  # type: ignore[arg-type]
        page.locator("#details").get_by_text(say("save_title")).click()
        answer = page.locator("#headline h2").inner_text()
        keep_picture(page, f"{name}-2-answer")
        page.get_by_label(say("save_name")).fill(ref)
        page.get_by_label(say("save_item")).fill("تمثال")
        page.get_by_role("button", name=say("save"), exact=True).click()

        page.get_by_role("heading", name=ref).wait_for()
        assert page.evaluate("document.documentElement.dir") == say("direction")
        assert page.get_by_text(answer).is_visible()
        page.get_by_text(say("correct_title")).click()
        page.get_by_label(say("correct_label")).select_option(label=words.name("bone"))
        page.get_by_label(say("correct_why")).fill("Haversian canals")
        keep_picture(page, f"{name}-3-correct")
        page.get_by_role("button", name=say("correct_save")).click()
        page.get_by_text("Haversian canals").wait_for()
        page.get_by_text(say("note_title")).click()
        page.get_by_label(say("note_text"), exact=True).fill("حجز في الميناء\nParcel 7")
        page.get_by_role("button", name=say("note_save")).click()
        page.locator(".note", has_text="Parcel 7").wait_for()

        page.get_by_role("link", name=say("to_photos")).click()  # for the next item
        page.locator("#headline").get_by_text(say("waiting")).wait_for()
        page.get_by_role("tab", name=say("angle_tab")).click()
        page.locator("#angle input:not([capture])").first.set_input_files(tusk)
        page.locator("#angle .state").get_by_text(say("angle_middle")).wait_for()
        tap_lines(page)
        page.locator("#angle").get_by_text(say("save_title")).click()
        page.locator("#angle select").select_option(label=ref)
        keep_picture(page, f"{name}-4-angle")
        page.locator("#angle").get_by_role("button", name=say("save"), exact=True).click()

        page.get_by_role("heading", name=say("item", number=2)).wait_for()
        for photo in page.get_by_role("img").all():
            photo.scroll_into_view_if_needed()
            page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=photo.element_handle())
        keep_picture(page, f"{name}-5-case")
        assert page.evaluate(CONTRAST) == []
        with page.expect_download() as download:
            page.get_by_role("link", name=say("report_get")).click()
        assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
        page.get_by_role("link", name=say("cases"), exact=True).click()
        page.get_by_role("link", name=ref).wait_for()
        keep_picture(page, f"{name}-6-cases")
        page.get_by_role("button", name=say("sign_out")).click()
        page.goto(f"{office.url}/{language}/cases")
        page.get_by_label(Words("fr", words.taxonomy).say("signin_password")).wait_for()
    assert errors == []
    file = office.casebook.case(ref)
    item, cut = file.items
    assert [office.casebook.original(photo.sha256) for photo in item.photos] == [
        shipped("lion.jpg"), shipped("cheetah1.jpg"),
    ]  # fmt: skip
    assert (item.item.title, item.item.by, item.corrections[0].label) == ("تمثال", EXPERT, "bone")
    assert [note.text for note in file.notes] == ["حجز في الميناء\nParcel 7"]
    assert office.casebook.original(cut.photos[0].sha256) == tusk.read_bytes()
    assert json.loads(cut.notes[0].text.partition("\n")[2])["n"] == 2
    assert verify(office.casebook.database.url, office.casebook.keys.folder) == ()


def test_who_signs_in_next_in_a_tab_does_not_find_the_photo_that_was_measured_there(
    browser: "Browser", office: Office, tusk: Path
) -> None:
    say = Words("en", load_taxonomy()).say
    with browser.new_context(locale="en", viewport={"width": 360, "height": 760}) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(office.url)
        sign_in(page, "en")
        page.get_by_role("tab", name=say("angle_tab")).click()
        page.locator("#angle input:not([capture])").first.set_input_files(tusk)
        page.locator("#angle .state").get_by_text(say("angle_middle")).wait_for()
        context.clear_cookies()
        page.locator("#angle .edge").click()  # a question, which is answered by asking who it is
        sign_in(page, "en", "Benoît")
        page.get_by_role("tab", name=say("angle_tab")).click()
        page.locator("#angle .measured").wait_for()
        assert page.locator("#angle .tools").is_hidden()


def test_a_page_whose_session_is_over_asks_to_sign_in_again(browser: "Browser", office: Office) -> None:
    with browser.new_context(locale="ar", viewport={"width": 360, "height": 760}) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(office.url)
        keep_picture(page, "ar-360-sign-in")
        sign_in(page, "ar")
        page.set_input_files(CHOOSE, files("lion.jpg"))  # type: ignore[arg-type]
        page.locator("figure").wait_for()
        context.clear_cookies()
        page.set_input_files(CHOOSE, files("cheetah1.jpg"))  # type: ignore[arg-type]
        sign_in(page, "ar")
        page.locator("figure").first.wait_for()  # what was sent before is still there
