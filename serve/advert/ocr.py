"""Text inside pictures, where the extra `ocr` is installed."""

from __future__ import annotations

import importlib.util
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from model.errors import SchregerError
from model.photo import PhotoError, open_photo
from serve.extras import to_install

if TYPE_CHECKING:
    from serve.advert.advert import Picture

LIBRARY = "rapidocr_onnxruntime"
SIDE = 1280
"""Longest side in pixels at which text is looked for."""

LEAST_SURE = 0.6
"""Lines of text that the reader is less sure of are left out."""

_ONE_AT_A_TIME = threading.Lock()  # the reader keeps what it is at in itself, and uses every core anyway


class OcrError(SchregerError):
    """Text in pictures cannot be read here; the message says what to install."""


def can_read() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec(LIBRARY) is not None


def check_reader() -> None:
    """Raises OcrError where the extra is not installed, for who asks for it."""
    if not can_read():
        how = to_install("ocr")
        raise OcrError(f"What reads text in pictures is not installed: {how}, or leave out --ocr.")


def read_text(picture: Picture) -> str:
    """The text in a picture, a line each; nothing where there is none, or no picture."""
    try:
        pixels = open_photo(picture, max_side=SIDE).pixels
    except PhotoError:
        return ""
    with _ONE_AT_A_TIME:
        lines, _ = _reader()(pixels[:, :, ::-1])
    return "\n".join(text for _, text, sure in lines or () if float(sure) >= LEAST_SURE)


@cache
def _reader() -> Any:
    from rapidocr_onnxruntime import RapidOCR

    return RapidOCR()
