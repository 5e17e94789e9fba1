"""Plain pages beside the one that Gradio shows: a form or a list, without a script. And what requests to them hold."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse

from serve.page.door import HEADERS, body_of
from serve.texts import choose_language, load_texts

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE: Final = "schreger"

STYLE: Final = Path(__file__).with_name("plain.css").read_text(encoding="utf-8")

PAGE: Final = """<!doctype html>
<html lang="{language}" dir="{direction}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>schreger</title>
<link rel="icon" href="data:,"><style>{style}</style></head><body>{body}</body></html>"""


def page(language: str, body: str) -> str:
    """A whole page in one language."""
    return PAGE.format(language=language, direction=load_texts(language)["direction"], style=STYLE, body=body)


def alert(sentence: str) -> str:
    """What went wrong, as HTML; nothing where nothing did."""
    return f'<p role="alert"><strong>{escape(sentence)}</strong></p>' if sentence else ""


def printable(text: str) -> str:
    """A text without what nobody can see."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


def language_of(request: Request) -> str:
    """The language that a person chose, or that the browser wants."""
    return choose_language(request.headers.get("accept-language", ""), request.cookies.get("language"))


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a form that was sent; none where it is too large, or cut off."""
    body = await body_of(request.receive)
    return parse_qs((body or b"").decode("latin-1"))


def answer(status: int, page: str = "") -> Response:
    """A page that nobody may keep."""
    return HTMLResponse(page, status, {"cache-control": "no-store", **HEADERS})


def go_to(address: str) -> Response:
    """What leads a browser to another page."""
    response = answer(303)
    response.headers["location"] = address
    return response


def turned_away(request: Request, address: str) -> Response:
    """The answer to who is not let in: a browser that wants a page, or sends a form, is led to another page."""
    return go_to(address) if "text/html" in request.headers.get("accept", "") else answer(401)


def token_of(request: Request) -> str:
    """The token that a browser was given."""
    return request.cookies.get(COOKIE, "")


def with_token(response: Response, token: str, secure: bool) -> Response:
    """The answer, which gives a browser a token out of reach of scripts and other sites; an empty one takes it back."""
    response.set_cookie(COOKIE, token, None if token else 0, httponly=True, samesite="strict", secure=secure)
    return response
