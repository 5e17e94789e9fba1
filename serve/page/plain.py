"""Plain pages beside the one that Gradio shows: a form or a list, without a script. And what requests to them hold."""

from __future__ import annotations

from html import escape
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from serve.page.door import HEADERS
from serve.texts import choose_language, load_texts

if TYPE_CHECKING:
    from serve.page.door import Receive, Scope, Send

MAX_FORM: Final = 64 * 2**10
"""Bytes of a form; photos come by upload."""

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


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def cookies_of(headers: dict[str, str]) -> dict[str, str]:
    """The cookies among them."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def cookie(name: str, token: str, secure: bool) -> tuple[str, str]:
    """The header that gives a browser a token out of reach of scripts and other sites; an empty one takes it back."""
    until = "" if token else "; Max-Age=0"
    return "set-cookie", f"{name}={token}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}{until}"


def language_of(headers: dict[str, str]) -> str:
    """The language that a person chose, or that the browser wants."""
    return choose_language(headers.get("accept-language", ""), cookies_of(headers).get("language"))


async def form_of(receive: Receive) -> dict[str, list[str]]:
    """The fields of a form that was sent; none where it is too large."""
    body, more = b"", True
    while more and len(body) <= MAX_FORM:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return {} if len(body) > MAX_FORM else parse_qs(body.decode("latin-1"))


async def answer(send: Send, status: int, page: str, *headers: tuple[str, str]) -> None:
    """Send a page that nobody may keep."""
    own = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"), *headers]
    fields = [*((name.encode(), value.encode()) for name, value in own), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": page.encode()})
