"""What stands before every request: an id, a key, a rate, room for the body, and time limits."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from serve.api.error import ApiError, busy, to_response
from serve.api.limits import Rate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from serve.api.desk import Desk
    from serve.api.keys import Keys

LOG: Final = logging.getLogger(__name__)
REQUEST_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
LEFT: Final = 499
"""Status, in the metrics alone, of a client that left before its answer."""

HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Guard:
    """ASGI middleware around the API. `public` paths need no key; `paths` are those that the metrics know by name."""

    def __init__(
        self, app: ASGIApp, desk: Desk, keys: Keys | None, public: Collection[str], paths: Collection[str]
    ) -> None:
        self.app, self.desk, self.keys, self.public, self.paths = app, desk, keys, public, paths
        self.limits = desk.limits
        self._rate = Rate(desk.limits.a_minute)
        self._held = 0  # bytes of bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer here why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        status, began = LEFT, time.perf_counter()

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode()), *HEADERS]
            await send(message)

        try:
            self._check_caller(scope["path"], headers)
            with self._room(headers):
                await self._answer(scope, await self._receive(receive), receive, stamped)
        except ClientDisconnect:
            pass
        except ApiError as error:
            if status == LEFT:  # else the answer was on its way, and breaks off
                await to_response(error, request_id)(scope, receive, stamped)
        except Exception:  # it was answered as our fault
            LOG.exception("Request %s failed.", request_id)
        path = scope["path"] if scope["path"] in self.paths else "other"
        self.desk.metrics.requests.labels(path, status).observe(time.perf_counter() - began)

    def _check_caller(self, path: str, headers: Headers) -> None:
        if self.keys is None or path in self.public:
            return
        kind, _, key = headers.get("authorization", "").partition(" ")
        name = self.keys.name_of(key.strip()) if kind.lower() == "bearer" else None
        if name is None:
            raise ApiError(401, "unauthorized", "This needs a key that is known: send Authorization: Bearer KEY.")
        if wait := math.ceil(self._rate.take(name)):
            sentence = f"This key may ask {self.limits.a_minute} times a minute; try again in {wait} seconds."
            raise ApiError(429, "rate_limited", sentence, wait)

    @contextmanager
    def _room(self, headers: Headers) -> Iterator[None]:
        """Room for a body of the length that is announced; nothing of it was read yet."""
        if "transfer-encoding" in headers:
            raise ApiError(411, "length_required", "Say how long the body is: send Content-Length.")
        length = int(headers.get("content-length", "0"))
        if length > self.limits.body:
            limit = f"{self.limits.body / 2**20:.0f} MB"
            raise ApiError(413, "body_too_large", f"A request may have {limit}; send less at a time.")
        if length:
            self.desk.workers.check_room()
            if self._held + length > self.limits.bodies:
                raise busy(self.desk.workers.seconds_to_wait())
        self._held += length
        try:
            yield
        finally:
            self._held -= length

    async def _receive(self, receive: Receive) -> bytes:
        parts = []
        try:
            async with asyncio.timeout(self.limits.sending):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    parts.append(message.get("body", b""))
                    more = message.get("more_body", False)
        except TimeoutError:
            raise ApiError(408, "too_slow", f"The body did not arrive within {self.limits.sending:.0f} s.") from None
        return b"".join(parts)

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Let the app answer, unless it takes too long or the client leaves; then what waits for it is dropped."""
        read = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Message:
            return next(read, None) or await receive()

        answering = asyncio.ensure_future(self.app(scope, again, send))
        leaving = asyncio.ensure_future(receive())  # after the body, only that the client has left can come
        try:
            await asyncio.wait((answering, leaving), timeout=self.limits.answering, return_when="FIRST_COMPLETED")
            if answering.done():
                await answering
            elif leaving.done():
                raise ClientDisconnect
            else:
                sentence = f"There was no answer within {self.limits.answering:.0f} seconds; try again later."
                raise ApiError(503, "timeout", sentence, self.desk.workers.seconds_to_wait())
        finally:
            answering.cancel()
            leaving.cancel()


def _request_id(headers: Headers) -> str:
    """The client's own, or a new one."""
    given: str = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
