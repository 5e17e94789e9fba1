"""The page as a person meets it: a real browser, a phone's width and a desk's."""

import hashlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest
from PIL import Image
from pillow_heif import from_pillow

from serve.page import words

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 120_000
"""Milliseconds to wait for what should take one second, on a machine that does other things."""

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
CHOOSE, TAKE = "#photo input[type=file]:not([capture])", "#photo input[capture]"


class Visit(NamedTuple):
    """A page that is open, the addresses that it asked for, and what went wrong in it."""

    page: "Page"
    requests: list[str]
    errors: list[str]

    def send(self, *, name: str, content: bytes) -> None:
        self.page.wait_for_function("document.querySelector('.state').textContent === ''")
        self.page.set_input_files(CHOOSE, {"name": name, "mimeType": "image/jpeg", "buffer": content})

    def answered(self, content: bytes) -> None:
        """Wait for the answer to these bytes."""
        self.page.locator("#details", has_text=hashlib.sha256(content).hexdigest()).wait_for()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = "from serve.app import serve; serve(port=0)"
    env = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("served"))}
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stderr
            said = process.stderr.readline()
            assert "is ready: " in said, said + process.stderr.read()
            yield said.split()[-1]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def lion() -> bytes:
    spec = find_spec("gradio")
    assert spec
    assert spec.origin
    return (Path(spec.origin).parent / "media_assets/images/lion.jpg").read_bytes()


@pytest.fixture
def screen() -> dict[str, int]:
    return PHONE


@pytest.fixture
def visit(browser: "Browser", url: str, screen: dict[str, int]) -> Iterator[Visit]:
    with browser.new_context(viewport=screen) as context:  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        visit = Visit(page, [], [])
        page.on("request", lambda request: visit.requests.append(request.url))
        page.on("console", lambda message: visit.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.goto(url)
        page.locator(CHOOSE).wait_for(state="attached")
        yield visit


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_a_photo_is_answered(visit: Visit, screen: dict[str, int], lion: bytes, tmp_path: Path) -> None:
    page = visit.page
    visit.send(name="lion.jpg", content=lion)
    visit.answered(lion)

    assert page.locator("#headline h2").inner_text()
    assert page.locator(".likeliest li").count() == 5
    assert re.search(r"\d%", page.locator(".likeliest").inner_text())
    assert page.get_by_role("heading", name=words.LEGAL_TITLE).is_visible()
    assert page.locator(".legal").inner_text().count("\n") >= 1
    assert page.get_by_text(words.IS_NOT).last.is_visible()
    assert page.locator(".state").inner_text() == ""

    photo = page.get_by_alt_text(words.PHOTO_ALT)
    assert photo.evaluate("image => image.complete && image.naturalWidth > 0")
    assert page.locator(".heat").evaluate("image => image.complete && image.naturalWidth > 0")
    slider = page.get_by_role("slider", name=words.STRENGTH)
    for strength in ("0", "100", "35"):
        slider.fill(strength)
        assert float(page.locator(".heat").evaluate("heat => getComputedStyle(heat).opacity")) * 100 == int(strength)

    page.screenshot(path=tmp_path / "answer.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
    assert {urlsplit(address).hostname for address in visit.requests if not address.startswith(("data:", "blob:"))} == {
        "127.0.0.1"
    }
    assert visit.errors == []


def test_a_file_that_is_no_photo_gets_one_sentence_and_the_next_photo_an_answer(visit: Visit, lion: bytes) -> None:
    for name, content in (("text.jpg", b"no photo"), ("empty.jpg", b""), ("cut off.jpg", lion[: len(lion) // 2])):
        visit.page.evaluate("document.querySelector('#headline .problem')?.remove()")
        visit.send(name=name, content=content)
        problem = visit.page.locator("#headline .problem")
        problem.wait_for()
        assert re.fullmatch(r"[^.\n]+\.", problem.inner_text()), name
        assert visit.page.locator("#headline").get_by_text("Traceback").count() == 0
    visit.send(name="lion.jpg", content=lion)
    visit.answered(lion)
    assert visit.page.locator("#headline h2").is_visible()


def test_a_heic_photo_is_shown_though_the_browser_cannot_read_it(visit: Visit) -> None:
    file = io.BytesIO()
    from_pillow(Image.linear_gradient("L").convert("RGB")).save(file)
    visit.send(name="IMG_0001.HEIC", content=file.getvalue())
    visit.answered(file.getvalue())
    assert visit.page.get_by_alt_text(words.PHOTO_ALT).evaluate("image => image.naturalWidth > 0")


def test_a_photo_can_be_pasted_or_dropped(visit: Visit) -> None:
    act = """([kind, content]) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(content)], 'x.png', { type: 'image/png' }));
        const event = kind === 'paste'
            ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
            : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
    }"""
    for kind, colour in (("paste", "teal"), ("drop", "tomato")):
        file = io.BytesIO()
        Image.new("RGB", (64, 64), colour).save(file, "PNG")
        visit.page.wait_for_function("document.querySelector('.state').textContent === ''")
        visit.page.evaluate(act, [kind, list(file.getvalue())])
        visit.answered(file.getvalue())


def test_a_file_that_is_too_large_is_not_sent(visit: Visit) -> None:
    asked = len(visit.requests)
    visit.send(name="large.jpg", content=bytes(20_000_001))
    visit.page.get_by_text(words.UPLOADING["too_large"]).wait_for()
    assert not [address for address in visit.requests[asked:] if "upload" in address]


def test_a_desk_without_a_camera_says_so(visit: Visit) -> None:
    visit.page.locator(TAKE).click()
    visit.page.get_by_text(words.UPLOADING["no_camera"]).wait_for()


def test_an_example_is_answered(visit: Visit) -> None:
    label = next(iter(words.EXAMPLES.values()))
    visit.page.get_by_role("button", name=label).click()
    visit.page.locator("#headline h2").wait_for()


def test_everything_that_can_be_used_has_a_name(visit: Visit, lion: bytes) -> None:
    visit.send(name="lion.jpg", content=lion)
    visit.answered(lion)
    page = visit.page
    assert page.get_by_label(words.CHOOSE).count() == page.get_by_label(words.TAKE).count() == 1
    assert page.get_by_role("status").count() >= 1
    nameless = (
        "controls => controls.filter(e => !(e.labels?.length || e.innerText || e.ariaLabel)).map(e => e.outerHTML)"
    )
    assert page.locator("input:visible, button:visible").evaluate_all(nameless) == []
    assert page.locator("h1").count() == 1
    assert page.locator("img:not([alt])").count() == 0
