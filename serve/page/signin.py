"""Who may come in where there is a casebook: its users, by name and password."""

from __future__ import annotations

import asyncio
import logging
from html import escape
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from serve.casebook import CasebookError
from serve.casebook.users import LONGEST_NAME
from serve.page.door import address_of
from serve.page.plain import alert, answer, form_of, go_to, language_of, page, token_of, turned_away, with_token
from serve.page.sessions import Sessions
from serve.texts import load_texts

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serve.casebook import Users

IN: Final = "/signin"
OUT: Final = "/signout"

PAUSE: Final = 1.0
"""Seconds that a wrong password takes, besides its check."""

OF_A_NAME: Final = RateLimitItemPerMinute(5, 15)
"""Wrong passwords for one name; a right one sets the count back."""

OF_AN_ADDRESS: Final = RateLimitItemPerMinute(50, 15)
"""Tries from one address, right or wrong."""

AT_ONCE: Final = 2
"""Passwords that are checked at the same time; each takes 32 MB."""

FORM: Final = """<h1>{title}</h1>{wrong}<form method="post" action="{path}" onsubmit="{forget}">
<label for="name">{name}</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" maxlength="100" required autofocus>
<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="200" required>
<button>{enter}</button></form>"""

FORGET_ANOTHERS: Final = (
    "const name = this.elements.name.value; if (sessionStorage.user !== name) sessionStorage.clear();"
    " sessionStorage.user = name"
)
"""What the page keeps in a tab, a photo to measure among it, is for whoever was signed in there."""

LOG: Final = logging.getLogger(__name__)


class SignIn:
    """ASGI middleware around the door: passes on what users send, with `scope["user"]`; others it asks to sign in."""

    def __init__(self, app: ASGIApp, users: Users) -> None:
        self.app, self.users = app, users
        self._sessions = Sessions(users)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._checking = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as a door does where somebody may come in; 303 to the form or 401 otherwise."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._http(scope, receive, send)
            except CasebookError:
                LOG.exception("The casebook cannot be used.")
                response = answer(503, _fault(language_of(Request(scope))))
                await response(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        what = request.method, scope["path"]
        if request.method == "POST" and not _is_own(request):
            response = answer(403)
        elif what == ("POST", IN):
            response = await self._try(request)
        elif what == ("GET", IN):
            response = answer(200, _page(language_of(request)))
        elif what == ("POST", OUT):
            self._sessions.end(token_of(request))
            response = with_token(go_to(IN), "", _is_encrypted(request))
        elif user := await asyncio.to_thread(self._sessions.user, token_of(request)):
            await self.app({**scope, "user": user}, receive, send)
            return
        else:
            response = turned_away(request, IN)
        await response(scope, receive, send)

    async def _try(self, request: Request) -> Response:
        language, form = language_of(request), await form_of(request)
        name, password = (form.get(field, [""])[0] for field in ("name", "password"))
        of_name = name.strip()[:LONGEST_NAME].casefold()
        # Counted before the password is checked, so that many tries at once are no way around.
        address_may = self._limiter.hit(OF_AN_ADDRESS, address_of(request.scope))
        if not (address_may and self._limiter.hit(OF_A_NAME, of_name)):
            response = answer(429, _page(language, "signin_wait"))
            response.headers["retry-after"] = str(OF_A_NAME.get_expiry())
            return response
        async with self._checking:
            user = await asyncio.to_thread(self.users.check, name, password)
        if user is None:
            await asyncio.sleep(PAUSE)
            return answer(403, _page(language, "signin_wrong"))
        self._limiter.clear(OF_A_NAME, of_name)
        self._sessions.end(token_of(request))
        return with_token(go_to("/"), self._sessions.start(user), _is_encrypted(request))


def _is_encrypted(request: Request) -> bool:
    """Whether it came by TLS, our own or that of a proxy on this computer."""
    return str(request.scope["scheme"]) == "https"


def _is_own(request: Request) -> bool:
    """Whether a page of ours sent it, or no page at all: browsers name the origin of whatever is posted."""
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def _fault(language: str) -> str:
    texts = load_texts(language)
    return page(language, f'{alert(texts["our_fault"])}<p><a href="/">{escape(texts["to_photos"])}</a></p>')


def _page(language: str, wrong: str = "") -> str:
    texts = load_texts(language)
    said = {part: escape(texts[f"signin_{part}"]) for part in ("title", "name", "password", "enter")}
    form = FORM.format(path=IN, forget=FORGET_ANOTHERS, wrong=alert(texts[wrong] if wrong else ""), **said)
    return page(language, form)
