"""Adverts under review are decided on in a real browser, at a desk and on a phone.

Screenshots are kept in the folder that SCHREGER_ARTEFACTS names, if it names one.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow
import pyarrow.parquet
import pytest
import skimage.data
from PIL import Image

from serve.review import read_decisions
from serve.texts import load_texts
from tests.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 120_000
"""Milliseconds to wait for what should take one second, on a machine that does other things."""

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
LONG = "https://example.org/" + "never-broken" * 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two adverts under review with a picture each."""
    folder = tmp_path_factory.mktemp("review")
    (folder / "adverts.csv").write_text(f"id,title,text\na,Old ivory,{LONG}\nb,Carved tusk,\n", encoding="utf-8")
    rows: list[dict[str, Any]] = []
    for number, (own, name) in enumerate((("a", "coffee"), ("b", "chelsea"))):
        Image.open(Path(skimage.data.__file__).parent / f"{name}.png").save(folder / f"{name}.png")
        found = {"verdict": "review", "score": 0.7, "answer": "ivory", "reasons": ["It names ivory."]}
        pictures = [{"path": f"{name}.png", "answer": "ivory", "probability": 0.8}]
        rows.append({"row": number, "id": own, **found, "pictures": pictures, "bundle": "b", "policy": "p"})
    (folder / "scan").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "scan/part-00000.parquet")
    (folder / "scan/part-00000.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    files = {"adverts": folder / "adverts.csv", "decisions": folder / "decisions.csv"}
    with served(tmp_path_factory.mktemp("served"), review=folder / "scan", **files) as page:
        yield page.url


def keep_picture(page: "Page", name: str) -> None:
    if folder := os.environ.get("SCHREGER_ARTEFACTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_adverts_are_decided_on_one_after_the_other(browser: "Browser", url: str, folder: Path) -> None:
    say = load_texts("ar")
    with browser.new_context(viewport=DESK) as context:  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}/ar")
        page.get_by_role("tab", name=say["review_tab"]).click()
        page.get_by_label(say["review_name"]).fill("آمنة")
        page.get_by_role("button", name=say["practice_start"]).last.click()
        page.get_by_role("heading", name="Old ivory").wait_for()
        photo = page.get_by_alt_text(say["photo_alt"].format(number=1))
        assert photo.evaluate("image => image.complete && image.naturalWidth > 0")
        keep_picture(page, "ar-1280-review")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        keep_picture(page, "ar-360-review")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_label(say["review_label"]).select_option("bone")
        page.get_by_role("button", name=say["review_clear"], exact=True).click()
        page.get_by_role("heading", name="Carved tusk").wait_for()
        page.get_by_role("button", name=say["review_skip"], exact=True).click()
        page.get_by_role("button", name=say["review_again"]).click()
        page.get_by_label(say["review_note"]).fill("حبيبات")
        page.get_by_role("button", name=say["review_block"], exact=True).click()
        page.get_by_role("heading", name=say["review_done"].format(count=0)).wait_for()
        assert errors == []
    kept = read_decisions(folder / "decisions.csv")
    assert [(each.id, each.decision, each.label, each.by, each.note) for each in kept] == [
        ("a", "clear", "bone", "آمنة", ""),
        ("b", "block", "", "آمنة", "حبيبات"),
    ]
