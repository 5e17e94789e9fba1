"""The pages: nothing is missing, nothing is fetched, nothing that a stranger wrote runs, and a phone can read them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import Result

from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.evaluate.compare import compare
from training.evaluate.page import write_comparison_page
from training.evaluate.predictions import Predictions

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Command = Callable[..., Result]

SECTIONS = (
    "figures", "products", "fails", "sources", "gaps", "sure", "spoilt", "items", "classes", "how",
)  # fmt: skip
SCREENS = [{"width": 360, "height": 740}, {"width": 1280, "height": 800}]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(evaluated: tuple[Path, str]) -> Path:
    return evaluated[0] / "index.html"


@pytest.fixture(scope="module")
def comparison_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        Row(f"{n}.jpg", "", label, "test", f"g{n}", "s", "", "", 9, 9, "")
        for n, label in enumerate(["bone", "ivory"] * 20)
    ]
    old = Predictions(rows, ("amazona_viridigenalis", "bone", "ivory"), np.tile([0.1, 0.5, 0.4], (40, 1)))
    new = Predictions(rows, ("amazona_viridigenalis", "bone", "horn", "ivory"), np.tile([0.1, 0.1, 0.2, 0.6], (40, 1)))
    file = tmp_path_factory.mktemp("pages") / "compare.html"
    write_comparison_page(
        compare(("old@0123456789ab", "new@ba9876543210"), old, new, load_taxonomy(), resamples=20), "test", file
    )
    return file


def test_every_section_is_there_and_can_be_jumped_to(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r'<h2 id="(\w+)"', text) == list(SECTIONS)
    assert set(re.findall(r'href="#(\w+)"', text)) == set(SECTIONS)
    for said in ("all labels top-1", "macro-F1", "Sources left out", "price banner", "smaller sources", "Not measured"):
        assert (said in text) is (said != "Not measured")


def test_a_page_needs_no_other_and_no_network(page: Path, comparison_page: Path) -> None:
    for text in (page.read_text(), comparison_page.read_text()):
        assert not re.search(r"https?://|//\w+\.\w+/|@import|<script|<link", text)
        assert all(source.startswith("data:image/png;base64,") for source in re.findall(r'src="([^"]*)', text))


def test_what_is_named_lies_beside_the_page(page: Path) -> None:
    named = set(re.findall(r"\b[a-z_]+\.(?:csv|json)\b", page.read_text()))
    assert {"metrics.json", "classes.csv", "predictions.csv"} < named
    assert all((page.parent / name).is_file() for name in named)


def test_the_figures_on_the_page_are_those_of_the_file(page: Path) -> None:
    metrics = json.loads((page.parent / "metrics.json").read_text())
    text = page.read_text()
    shown = {name: figure for name, figure in metrics.items() if "(" not in name}
    assert len(shown) > 20
    for name, each in shown.items():
        interval = "–" if each["low"] is None else f"{each['low']:.3f}–{each['high']:.3f}"
        assert f"{each['value']:.3f}<small>{interval}</small>" in text, name


def test_without_what_was_not_asked_for_the_page_says_how_to_ask(
    schreger: Command, run: Path, toy: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "hostile.csv"
    manifest.write_text(
        (toy / "manifest.csv").read_text().replace(",bone,", f",{HOSTILE},").replace(",shop,", f",{HOSTILE},")
    )
    words = ("--manifest", manifest, "--data", toy, "--bundle", run / "bundle", "--out", tmp_path / "out", "--sheets")
    done = schreger("evaluate", *words, "--split", "test")
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "out" / "index.html").read_text()
    assert "<code>--robustness</code>" in text
    assert "<code>--leave-one-source-out</code>" in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("screen", SCREENS, ids=["phone", "desk"])
@pytest.mark.parametrize("which", ["page", "comparison_page"])
def test_a_page_fits_the_screen(
    browser: "Browser", screen: dict[str, int], which: str, request: pytest.FixtureRequest
) -> None:
    file: Path = request.getfixturevalue(which)
    with browser.new_context(viewport=screen) as context:  # type: ignore[arg-type]
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda made: errors.append(made.url) if made.url.startswith("http") else None)
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
        wide = "[...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth)"
        assert page.evaluate(f"{wide}.map(each => each.innerText.slice(0, 40))") == []
        assert page.evaluate("[...document.images].every(each => each.complete && each.naturalWidth > 0)")
        assert page.locator("img:not([alt])").count() == 0
        assert page.locator("h1").count() == 1
        assert errors == []
