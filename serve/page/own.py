"""What is one user's is out of reach of all others: Gradio alone would give it to whoever knows its name."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from serve.page.door import ASK, UPLOAD

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from serve.casebook import User
    from serve.page.tray import Tray

NAMES: Final = ("session_hash", "upload_id")
"""What Gradio's browser side makes up to find its answers again."""

HEARTBEAT: Final = re.compile(r"(/gradio_api/heartbeat/)(\w+)")


def user_of(request: gr.Request) -> User | None:
    """Who is signed in and asks; None where nobody signs in."""
    user: User | None = request.request.scope.get("user") if request.request else None
    return user


def owner_of(request: gr.Request) -> str:
    """The owner of what somebody asks for, as the tray has noted it: empty where nobody signs in."""
    user = user_of(request)
    return user.login if user else ""


class Own:
    """ASGI middleware inside the door. Names that a browser made up are bound to its user: the same name of another
    user is another name. An upload is noted as its user's.
    """

    def __init__(self, app: ASGIApp, tray: Tray) -> None:
        self.app, self.tray = app, tray

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = scope.get("user")
        if scope["type"] != "http" or user is None:
            await self.app(scope, receive, send)
            return
        path = HEARTBEAT.sub(lambda found: found[1] + _bound(found[2], user), scope["path"])
        query = [
            (key, _bound(value, user) if key in NAMES else value)
            for key, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        ]
        own = {**scope, "path": path, "raw_path": path.encode(), "query_string": urlencode(query).encode()}
        if path == ASK:
            await self.app(own, _binding(user, receive), send)
        elif path == UPLOAD:
            await self.app(own, receive, self._noting(user, send))
        else:
            await self.app(own, receive, send)

    def _noting(self, user: User, send: Send) -> Send:
        """Passes an answer on, once the paths in it are noted."""
        body = b""

        async def noting(message: Message) -> None:
            nonlocal body
            body += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                with contextlib.suppress(ValueError):  # a refusal is no JSON
                    self.tray.note(json.loads(body), user.login)
            await send(message)

        return noting


def _binding(user: User, receive: Receive) -> Receive:
    """Receives an event, which the door has read as a whole, with its session bound to the user."""

    async def bound() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            event = json.loads(message["body"])
            event["session_hash"] = _bound(str(event.get("session_hash")), user)
            message = {**message, "body": json.dumps(event).encode()}
        return message

    return bound


def _bound(name: str, user: User) -> str:
    return hashlib.sha256(f"{user.login}\n{name}".encode()).hexdigest()
