"""Data becomes a PDF file by a Typst template, with the fonts beside this file and nothing else from anywhere."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typst
from fontTools.ttLib import TTFont

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FONTS: Final = Path(__file__).parent / "fonts"
TYPE: Final = Path(__file__).parent / "type.typ"
UNSEEN: Final = frozenset("\n\u200c\u200d\u200e\u200f")
"""Invisible, but they shape and order what is beside them; all else that is invisible could hide something."""


def typeset(template: Path, told: Mapping[str, Any], files: Mapping[str, bytes], at: datetime) -> bytes:
    """A PDF/A file of the date `at`; the same arguments give the same bytes.

    The template finds `told` in data.json, beside whether any letter of it had to be replaced by its number, and the
    pictures of `files` by their names. All of `told` is text to it, never code; it can read and fetch nothing else.
    """
    text = legible(told)
    data = json.dumps({"told": text, "replaced": text != told}).encode()
    sources = {"main.typ": template.read_bytes(), "type.typ": TYPE.read_bytes(), "data.json": data, **files}
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
    return typst.compile(  # type: ignore[no-any-return, call-overload] # files in a dict: documented, not typed
        sources, font_paths=fonts, timestamp=at, pdf_standards=["a-2a"]
    )


def legible(told: Any) -> Any:
    """Data whose strings hold only letters that the fonts have: others are given by their Unicode number."""
    if isinstance(told, str):
        letters = unicodedata.normalize("NFC", told.replace("\r\n", "\n").replace("\t", " "))
        return "".join(letter if ord(letter) in _printed() else f"‹U+{ord(letter):04X}›" for letter in letters)
    if isinstance(told, dict):
        return {key: legible(value) for key, value in told.items()}
    return [legible(value) for value in told] if isinstance(told, list) else told


@cache
def _printed() -> frozenset[int]:
    """Code points that print as they should."""
    points: set[int] = set()
    for file in FONTS.glob("*-Regular.*"):
        with TTFont(file, lazy=True) as font:
            points.update(font.getBestCmap())
    visible = {point for point in points if unicodedata.category(chr(point)) not in ("Cc", "Cf")}
    return frozenset(visible | set(map(ord, UNSEEN)))
