"""Pages that need no other file and no network: that of a survey, and those of its information logs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from model.taxonomy import load_taxonomy
from serve.overlay import data_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES = Path(__file__).parent / "pages"
LOG_TEMPLATE = PAGES / "log.typ"
"""How a PDF file of an information log looks."""

TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of writing, with which a seller could disguise a name and what stands behind it."""

LETTERS = 80
"""Of a name in a table on the page."""

IMAGES = {b"\x89PNG\r\n": "png", b"\xff\xd8\xff": "jpeg"}

SHOWN = 20
"""Lines of the tables on the page; the CSV files have them all."""


def write_page(content: Mapping[str, Any], plots: Mapping[str, Path], file: Path) -> None:
    """Write the page of a survey; the plots go into it."""
    pictures = {name: data_uri(plot.read_bytes(), "png") for name, plot in plots.items()}
    _write("survey.html", {**content, "plots": pictures, "SHOWN": SHOWN}, file)


def write_log_page(log: Mapping[str, Any], screenshots: Mapping[str, bytes], file: Path) -> None:
    """Write one information log; screenshots (PNG and JPEG files by name) go into it."""
    pictures = {name: data_uri(content, kind_of_image(content)) for name, content in screenshots.items()}
    _write("log.html", {"log": log, "screenshots": pictures}, file)


def kind_of_image(content: bytes) -> str:
    """Of a PNG or JPEG file; empty for any other."""
    return next((kind for start, kind in IMAGES.items() if content.startswith(start)), "")


def _write(template: str, content: Mapping[str, Any], file: Path) -> None:
    page = _environment().get_template(template).render(content)
    file.write_bytes(page.encode("utf-8", "backslashreplace"))


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_legible,
    )
    found.filters |= {"percent": _percent, "number": _number, "named": named, "moment": _moment, "short": _short}
    return found


def _legible(value: object) -> object:
    """Text whose signs that turn it are given by their Unicode number, as in the PDF files."""
    return TURNING.sub(lambda sign: f"‹U+{ord(sign[0]):04X}›", value) if type(value) is str else value


def named(key: str) -> str:
    """The name of a class, where it has one."""
    taxonomy = load_taxonomy()
    return taxonomy.name(key) if key in taxonomy else key


def _moment(time: str) -> str:
    """An ISO 8601 time in UTC, for people."""
    return time.replace("T", " ").replace("+00:00", " UTC")


def _short(text: str) -> str:
    """What a row of a table has room for on a phone; the CSV files have all of it."""
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def _percent(share: float | None) -> str:
    """Two significant digits: 12%, 1.2%, 0.12%."""
    return "–" if share is None else f"{100 * share:.{_decimals(100 * share)}f}%"


def _number(value: float | None) -> str:
    """Whole and grouped where it is whole or large, else with two significant digits."""
    return "–" if value is None else f"{value:,.{_decimals(value)}f}"


def _decimals(value: float) -> int:
    return 0 if value >= 10 or value == int(value) else 1 if value >= 1 else 2
