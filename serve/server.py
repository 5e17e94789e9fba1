"""The socket that the app is reached at, and the server that runs it."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from model.errors import SchregerError, reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

GRACE = 1
"""Seconds that open connections have left when the server stops."""

IDLE = 75
"""Seconds that a connection is kept for the next request: longer than clients keep theirs, so that none is closed while
the next request is on its way."""


class ServeError(SchregerError):
    """The page cannot be served; `str(error)` says in one sentence why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 takes a free one.

    Raises:
        ServeError: The address or the port cannot be used.
    """
    if not 0 <= port <= 65_535:  # getaddrinfo would take the remainder
        raise ServeError(f"There is no port {port}; ports go up to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise ServeError(f"There is no address {host!r} on this computer; 127.0.0.1 is this computer alone.") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        mend = "address with --host" if error.errno == errno.EADDRNOTAVAIL else "with --port"
        raise ServeError(
            f"Port {port} of {host} cannot be used ({reason(error).lower()}); name another {mend}."
        ) from None
    return listener


def run(
    app: ASGIApp, listener: socket.socket, announce: Callable[[], None], certificate: tuple[Path, Path, str] | None
) -> None:
    """Serve an app until Ctrl-C; `announce` is called once it answers. A certificate comes with its key."""
    import uvicorn

    files: dict[str, Any] = {}
    if certificate:
        files = {"ssl_certfile": certificate[0], "ssl_keyfile": certificate[1]}

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                announce()

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=IDLE,
        **files,
    )
    try:
        Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # Ctrl-C is how it is meant to end
        return


def url_of(address: str, port: int, tls: bool) -> str:
    """What to type into a browser."""
    host = f"[{address}]" if ":" in address else address
    return f"{'https' if tls else 'http'}://{host}:{port}"
