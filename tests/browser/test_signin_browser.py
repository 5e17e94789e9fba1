"""An officer signs in, saves a photo to a case and signs out, in a real browser, on a phone and at a desk.

Screenshots are kept in the folder that SCHREGER_ARTEFACTS names, if it names one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from model.taxonomy import load_taxonomy
from serve.casebook import Casebook, Users, create_casebook, verify
from serve.words import Words

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 120_000
"""Milliseconds to wait for what should take one second, on a machine that does other things."""

CHOOSE = "#photo input[multiple]"
PASSWORD = "four plain words here"  # noqa: S105


class Office(NamedTuple):
    """A page in front of a casebook."""

    url: str
    casebook: Casebook


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("casebook")
    casebook = create_casebook(str(folder / "casebook.db"), folder / "keys", "Root")
    Users(casebook).add("Amina", "officer", PASSWORD, "Root")
    env = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("served"))}
    where, keys = str(folder / "casebook.db"), str(folder / "keys")
    program = (
        f"from pathlib import Path; from serve.app import serve; serve(port=0, casebook={where!r}, keys=Path({keys!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stderr
            said = process.stderr.readline()
            assert "is ready: " in said, said + process.stderr.read()
            yield Office(said.split()[-1], casebook)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def lion() -> bytes:
    spec = find_spec("gradio")
    assert spec
    assert spec.origin
    return (Path(spec.origin).parent / "media_assets/images/lion.jpg").read_bytes()


def keep_picture(page: "Page", name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    if folder := os.environ.get("SCHREGER_ARTEFACTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def sign_in(page: "Page", language: str) -> None:
    say = Words(language, load_taxonomy()).say
    page.get_by_label(say("signin_name")).fill("Amina")
    page.get_by_label(say("signin_password")).fill(PASSWORD)
    page.get_by_role("button", name=say("signin_enter")).click()
    page.locator(CHOOSE).wait_for(state="attached")


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ar", 360)])
def test_an_officer_saves_a_photo_to_a_case(
    language: str, width: int, browser: "Browser", office: Office, lion: bytes
) -> None:
    say, errors = Words(language, load_taxonomy()).say, list[str]()
    with browser.new_context(viewport={"width": width, "height": 760}, locale=language) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(office.url)
        assert page.evaluate("document.documentElement.dir") == say("direction")
        keep_picture(page, f"{language}-{width}-sign-in")
        sign_in(page, language)
        page.set_input_files(CHOOSE, [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": lion}])
        page.get_by_text(say("save_title")).click()
        answer = page.locator("#headline h2").inner_text()
        keep_picture(page, f"{language}-{width}-save")
        page.get_by_label(say("save_name")).fill(f"C-{language}")
        page.get_by_label(say("save_item")).fill("تمثال")
        page.get_by_role("button", name=say("save"), exact=True).click()

        page.get_by_role("heading", name=f"C-{language}").wait_for()
        assert page.get_by_text(answer).is_visible()
        photo = page.get_by_alt_text(say("photo_alt", number=1))
        photo.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=photo.element_handle())
        keep_picture(page, f"{language}-{width}-case")

        page.get_by_role("link", name=say("to_photos")).click()  # for the next item
        page.locator("#headline").get_by_text(say("waiting")).wait_for()
        page.locator("#account").get_by_role("link", name=say("cases")).click()
        page.get_by_role("link", name=f"C-{language}").wait_for()
        keep_picture(page, f"{language}-{width}-cases")
        page.get_by_role("button", name=say("sign_out")).click()
        page.get_by_label(say("signin_password")).wait_for()
        page.goto(f"{office.url}/cases")
        page.get_by_label(say("signin_password")).wait_for()
    assert errors == []
    (item,) = office.casebook.case(f"C-{language}").items
    assert office.casebook.original(item.photos[0].sha256) == lion
    assert (item.item.title, item.item.by) == ("تمثال", "Amina")
    assert verify(str(office.casebook.database.file), office.casebook.keys.folder) == ()


def test_a_page_whose_session_is_over_asks_to_sign_in_again(browser: "Browser", office: Office, lion: bytes) -> None:
    with browser.new_context(locale="en") as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(office.url)
        sign_in(page, "en")
        page.set_input_files(CHOOSE, [{"name": "a", "mimeType": "image/jpeg", "buffer": lion}])
        page.locator("figure").wait_for()
        context.clear_cookies()
        page.set_input_files(CHOOSE, [{"name": "b", "mimeType": "image/jpeg", "buffer": lion}])
        sign_in(page, "en")
        page.locator("figure").wait_for()  # what was sent before is still there
