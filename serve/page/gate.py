"""Who may come in from the network: devices that a code was entered on, once."""

from __future__ import annotations

import asyncio
import secrets
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from serve.page.door import HEADERS
from serve.texts import choose_language, load_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from serve.page.door import App, Receive, Scope, Send

PATH: Final = "/code"
COOKIE: Final = "schreger"
MAX_BODY: Final = 1024

PAUSE: Final = 1.0
"""Seconds that a wrong code takes, for all devices together: eight digits cannot be tried through."""

PAGE: Final = """<!doctype html>
<html lang="{language}" dir="{direction}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>schreger</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 0 auto; padding: 1rem; }}
label, input, button {{ display: block; width: 100%; box-sizing: border-box; font: inherit; }}
input {{ font-size: 1.6rem; letter-spacing: .15em; padding: .5rem; margin: .25rem 0 1rem; direction: ltr; }}
button {{ padding: .75rem; border: 0; border-radius: .5rem; font-weight: 600; color: #fff; background: #0f766e; }}
</style></head><body><h1>{title}</h1><p>{help}</p>{wrong}<form method="post" action="{path}">
<label for="code">{label}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="12" required autofocus>
<button>{enter}</button></form></body></html>"""


class Gate:
    """ASGI middleware around the door; `use` says whether a code is right and uses it up."""

    def __init__(self, app: App, use: Callable[[str], bool], secure: bool) -> None:
        self.app, self.use, self.secure = app, use, secure
        self._let_in: set[str] = set()
        self._trying = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what a device sends that was let in; ask any other for the code."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            cookies = _cookies(headers.get("cookie", ""))
            language = choose_language(headers.get("accept-language", ""), cookies.get("language"))
            if cookies.get(COOKIE) in self._let_in:
                await self.app(scope, receive, send)
            elif scope["path"] == PATH and scope["method"] == "POST":
                await self._try(await _form(receive), language, send)
            elif scope["path"] == PATH and scope["method"] == "GET":
                await _answer(send, 200, _page(language))
            elif scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
                await _answer(send, 303, "", ("location", PATH))
            else:
                await _answer(send, 401, "")

    async def _try(self, code: str, language: str, send: Send) -> None:
        if self._trying.locked():
            await _answer(send, 429, _page(language, "code_wait"))
            return
        async with self._trying:
            if not self.use("".join(code.split())):
                await asyncio.sleep(PAUSE)
                await _answer(send, 403, _page(language, "code_wrong"))
                return
        token = secrets.token_urlsafe(32)
        self._let_in.add(token)
        cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self.secure else "")
        await _answer(send, 303, "", ("location", "/"), ("set-cookie", cookie))


def _page(language: str, wrong: str = "") -> str:
    texts = load_texts(language)
    return PAGE.format(
        language=language,
        direction=texts["direction"],
        path=PATH,
        wrong=f'<p role="alert"><strong>{escape(texts[wrong])}</strong></p>' if wrong else "",
        **{part: escape(texts[f"code_{part}"]) for part in ("title", "help", "label", "enter")},
    )


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


async def _form(receive: Receive) -> str:
    """The code in the body of a form; empty where there is none."""
    body, more = b"", True
    while more and len(body) <= MAX_BODY:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return parse_qs(body[:MAX_BODY].decode("latin-1")).get("code", [""])[0]


async def _answer(send: Send, status: int, page: str, *headers: tuple[str, str]) -> None:
    own = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"), *headers]
    fields = [*((name.encode(), value.encode()) for name, value in own), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": page.encode()})
