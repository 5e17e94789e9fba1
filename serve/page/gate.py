"""Who may come in from the network: devices that a code was entered on, once."""

from __future__ import annotations

import asyncio
import secrets
from html import escape
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from serve.page.plain import alert, answer, form_of, go_to, language_of, page, token_of, turned_away, with_token
from serve.texts import load_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH: Final = "/code"

PAUSE: Final = 1.0
"""Seconds that a wrong code takes, for all devices together: eight digits cannot be tried through."""

FORM: Final = """<h1>{title}</h1><p>{help}</p>{wrong}<form method="post" action="{path}">
<label for="code">{label}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="12" required autofocus>
<button>{enter}</button></form>"""


class Gate:
    """ASGI middleware around the door; `use` says whether a code is right and uses it up."""

    def __init__(self, app: ASGIApp, use: Callable[[str], bool], secure: bool) -> None:
        self.app, self.use, self.secure = app, use, secure
        self._let_in: set[str] = set()
        self._trying = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what a device sends that was let in; ask any other for the code."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            request = Request(scope, receive)
            if token_of(request) in self._let_in:
                await self.app(scope, receive, send)
            else:
                response = await self._met(request)
                await response(scope, receive, send)

    async def _met(self, request: Request) -> Response:
        """The answer to a device that was not let in."""
        if request.scope["path"] != PATH or request.method not in ("GET", "POST"):
            return turned_away(request, PATH)
        language = language_of(request)
        if request.method == "GET":
            return answer(200, _page(language))
        code = (await form_of(request)).get("code", [""])[0]
        if self._trying.locked():
            return answer(429, _page(language, "code_wait"))
        async with self._trying:
            if not self.use("".join(code.split())):
                await asyncio.sleep(PAUSE)
                return answer(403, _page(language, "code_wrong"))
        token = secrets.token_urlsafe(32)
        self._let_in.add(token)
        return with_token(go_to("/"), token, self.secure)


def _page(language: str, wrong: str = "") -> str:
    texts = load_texts(language)
    said = {part: escape(texts[f"code_{part}"]) for part in ("title", "help", "label", "enter")}
    return page(language, FORM.format(path=PATH, wrong=alert(texts[wrong] if wrong else ""), **said))
