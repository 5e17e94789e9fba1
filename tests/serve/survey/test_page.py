"""The page needs nothing else, and is read on a phone and on a desk."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LONG = "a_long_name_" * 12


@pytest.fixture
def out(files: Any, alarm: Callable[..., dict[str, Any]]) -> Any:
    cells = {"location": "Hà Nội 北京", "latitude": "21.0", "longitude": "105.8", "posted_at": "2025-03-03"}
    cells |= {"platform": LONG, "price": "€ 5", "text": LONG}
    adverts = [alarm(f"{LONG}{n}", seller=f"<b>{LONG}</b>", **cells) for n in range(30)]
    others = [{"id": f"c{n}", "platform": "<i>B</i>", "seller": "s"} for n in range(60)]
    files.write([*adverts, *others])
    rates = files.table("rates.csv", ["currency", "rate"], [{"currency": "EUR", "rate": "1"}])
    return files.survey(rates=rates)[1]


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_fits_its_screen_and_asks_for_nothing(out: Any, browser: "Browser", width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    for file in (out / "index.html", *(out / "logs").glob("*.html")):
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("td b, dd b, h1 b", has_text=LONG).count() == 0  # what a seller wrote is text
        assert page.evaluate("Math.max(...[...document.querySelectorAll('table')].map(t => t.scrollWidth))") < 2 * width
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert faults == []


def test_the_plots_are_in_the_page_and_beside_it(out: Any) -> None:
    page = (out / "index.html").read_text()
    for name in ("prevalence", "weeks", "map"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page.replace("http-equiv", "")
