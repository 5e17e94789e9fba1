"""What the page's server lets in and sends out: the requests that the page makes, and nothing else.

Gradio serves far more than one page needs. Among it are ways to have the server fetch an address that a stranger
wrote, as a file path that begins with http, or through its proxy; and ways to read back what others uploaded.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from model.taxonomy import LANGUAGES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CASES: Final = rf"/({'|'.join(LANGUAGES)})/cases"
READ: Final = re.compile(
    rf"/|/({'|'.join(LANGUAGES)})|"
    r"/(theme\.css|favicon\.ico|manifest\.json|robots\.txt|config)|/(assets|static|svelte)/.+"
    rf"|{CASES}(/[0-9a-f]{{64}}(/[0-9a-f]{{64}}|/report\.pdf)?)?"
    r"|/gradio_api/(app_id/?|startup-events|queue/data|upload_progress|heartbeat/\w+)"
)
WRITE: Final = re.compile(rf"/gradio_api/(upload|queue/join)|{CASES}(/[0-9a-f]{{64}}(/notes)?)?")
UPLOAD: Final = "/gradio_api/upload"
ASK: Final = "/gradio_api/queue/join"

MAX_BYTES: Final = 20_000_000
"""Largest photo that is taken; each comes by an upload of its own."""

MAX_WORDS: Final = 64 * 2**10
"""Bytes of an event, which carries words and paths, of a form, and of what an upload says beside its photo."""

OFTEN: Final = RateLimitItemPerMinute(120)
"""Photos that one user, or one address where nobody signs in, may send, and as often may ask about items. An item takes
two of these at least."""

POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""With these, a browser itself keeps the page from reaching any other address."""


class Door:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here with 400, 404, 413 or 429."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        wanted = WRITE if scope["method"] == "POST" else READ
        if not wanted.fullmatch(scope["path"]):
            await _refused(404)(scope, receive, guarded)
        elif scope["path"] in (UPLOAD, ASK) and not self._limiter.hit(OFTEN, scope["path"], _who(scope)):
            await _refused(429)(scope, receive, guarded)
        elif scope["path"] == UPLOAD and not _is_small(scope):
            await _refused(413)(scope, receive, guarded)
        elif scope["method"] == "POST" and scope["path"] != UPLOAD:
            await self._words(scope, receive, guarded)
        else:
            await self.app(scope, receive, guarded)

    async def _words(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole of what was sent before the app does, and pass it on if it is short; of events, only those
        that hold no file object.
        """
        body = await body_of(receive)
        if body is None:
            await _refused(413)(scope, receive, send)
            return
        if scope["path"] == ASK and not is_plain(body):
            await _refused(400)(scope, receive, send)
            return
        read = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Message:
            return next(read, None) or await receive()

        await self.app(scope, again, send)


async def body_of(receive: Receive) -> bytes | None:
    """The whole of what was sent; None where it is more than words, or cut off."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
        if message["type"] == "http.disconnect" or len(body) > MAX_WORDS:
            return None
    return body


def _is_small(scope: Scope) -> bool:
    """Whether an upload is one photo that is taken; the server sees to it that no more comes than is announced."""
    announced = Headers(scope=scope).get("content-length", "")
    return announced.isdecimal() and int(announced) <= MAX_BYTES + MAX_WORDS


def is_plain(body: bytes) -> bool:
    """Whether an event's data are words, numbers and lists of them; objects Gradio takes for files, and fetches."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and _holds_no_object(event.get("data"))


def _holds_no_object(data: object) -> bool:
    if isinstance(data, list):
        return all(_holds_no_object(each) for each in data)
    return not isinstance(data, dict)


def address_of(scope: Scope) -> str:
    """The address that a request comes from."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def _who(scope: Scope) -> str:
    user = scope.get("user")
    return f"user {user.login}" if user else f"address {address_of(scope)}"


def _refused(status: int) -> PlainTextResponse:
    return PlainTextResponse("Not here.\n", status)
