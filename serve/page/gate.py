"""Who may come in from the network: devices that a code was entered on, once."""

from __future__ import annotations

import asyncio
import secrets
from html import escape
from typing import TYPE_CHECKING, Final

from serve.page.plain import alert, answer, cookie, cookies_of, form_of, headers_of, language_of, page
from serve.texts import load_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from serve.page.door import App, Receive, Scope, Send

PATH: Final = "/code"
COOKIE: Final = "schreger"

PAUSE: Final = 1.0
"""Seconds that a wrong code takes, for all devices together: eight digits cannot be tried through."""

FORM: Final = """<h1>{title}</h1><p>{help}</p>{wrong}<form method="post" action="{path}">
<label for="code">{label}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="12" required autofocus>
<button>{enter}</button></form>"""


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
            headers = headers_of(scope)
            if cookies_of(headers).get(COOKIE) in self._let_in:
                await self.app(scope, receive, send)
            elif scope["path"] == PATH and scope["method"] == "POST":
                await self._try((await form_of(receive)).get("code", [""])[0], language_of(headers), send)
            elif scope["path"] == PATH and scope["method"] == "GET":
                await answer(send, 200, _page(language_of(headers)))
            elif scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
                await answer(send, 303, "", ("location", PATH))
            else:
                await answer(send, 401, "")

    async def _try(self, code: str, language: str, send: Send) -> None:
        if self._trying.locked():
            await answer(send, 429, _page(language, "code_wait"))
            return
        async with self._trying:
            if not self.use("".join(code.split())):
                await asyncio.sleep(PAUSE)
                await answer(send, 403, _page(language, "code_wrong"))
                return
        token = secrets.token_urlsafe(32)
        self._let_in.add(token)
        await answer(send, 303, "", ("location", "/"), cookie(COOKIE, token, self.secure))


def _page(language: str, wrong: str = "") -> str:
    texts = load_texts(language)
    said = {part: escape(texts[f"code_{part}"]) for part in ("title", "help", "label", "enter")}
    return page(language, FORM.format(path=PATH, wrong=alert(texts[wrong] if wrong else ""), **said))
