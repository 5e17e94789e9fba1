"""The download stage: fetches pictures that are addresses, when the operator asks for it.

Only from public addresses, checked anew at every redirect; within limits of size and time; one request to a host at a
time; and not where the answer's headers say that machines shall not take it. What was fetched is kept as received.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from threading import Lock, Timer, get_ident
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from model.classifier import ahead
from model.photo import MAX_BYTES, PhotoError, too_many_bytes
from serve.scan.address import public_address
from serve.scan.error import ScanError
from serve.scan.faults import Attempts
from serve.scanned import fetched_file

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from http.client import HTTPResponse
    from pathlib import Path

    from serve.scan.read import Row

AGENT = "schreger"
ADDRESSES = ("http://", "https://")
PORTS = {"http": 80, "https": 443}
AT_ONCE, AHEAD = 32, 512
"""Adverts whose pictures are downloaded at a time, and those that are or wait for those that are looked at."""

REDIRECTS = 5
SECONDS, SECONDS_SILENT = 30.0, 10.0
"""What a picture may take in all, and how long the other side may say nothing."""

PAUSE = 0.25
"""Seconds between two requests to a host."""

WAITS = (2.0, 10.0)
"""Seconds before the second and the third try; a host may ask for more, up to LONGEST_WAIT."""

LONGEST_WAIT = 60.0
REDIRECT = {301, 302, 303, 307, 308}
PASSING = {408, 425, 429, 500, 502, 503, 504}
KEEP_OUT = {"noai", "noimageai", "noindex", "noimageindex", "none"}


class LaterError(PhotoError):
    """It may go better after `seconds`."""

    def __init__(self, message: str, seconds: float = 0) -> None:
        super().__init__("unreadable_file", f"{message}; try again with --retry.")
        self.seconds = seconds


class Target(NamedTuple):
    """The parts of an address that a request needs."""

    scheme: str
    host: str
    port: int
    path: str


class Fetcher:
    """Downloads into a folder, where what is there already is not asked for again. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turns = _Turns()
        self._fetching = Attempts()

    def rows(self, rows: Iterable[Row]) -> Generator[Row]:
        """The rows in their order, with their pictures that are addresses downloaded."""
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            yield from ahead(pool, self._pictures_of, rows, AHEAD)
        finally:
            pool.shutdown(cancel_futures=True)  # who stops early waits for the downloads in work alone

    def _pictures_of(self, row: Row) -> Row:
        names = [name for name in map(str, row.advert.pictures) if is_address(name)]
        return replace(row, fetched={name: self._fetching(self.fetch, name) for name in names}) if names else row

    def fetch(self, url: str) -> Path | PhotoError:
        """The file of a picture, or why there is none."""
        file = fetched_file(self._folder, url)
        if file.exists():
            return file
        try:
            content = self._try_thrice(url)
        except PhotoError as error:
            return PhotoError(error.code, str(error))  # a LaterError cannot cross to another process
        return _keep(content, file)

    def _try_thrice(self, url: str) -> bytes:
        for wait in WAITS:
            try:
                return self._follow(url)
            except LaterError as later:
                time.sleep(min(max(wait, later.seconds), LONGEST_WAIT))
        return self._follow(url)

    def _follow(self, url: str) -> bytes:
        for _ in range(REDIRECTS + 1):
            target = parse(url)
            address = public_address(target.host, target.port)
            with self._turns.of(target.host):
                answer = _ask(target, address)
            if isinstance(answer, bytes):
                return answer
            url = urljoin(url, answer)
        raise PhotoError("unreadable_file", f"This address leads on more than {REDIRECTS} times.")


def _keep(content: bytes, file: Path) -> Path:
    partial = file.with_name(f"{file.name}.{get_ident()}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        return partial.replace(file)
    except OSError as error:
        raise ScanError(
            f"{str(file)!r} cannot be written: {error.strerror or error}; what is done is kept, go on when it can."
        ) from error


def is_address(name: str) -> bool:
    """Whether a picture's name is an address of the network."""
    return name.lower().startswith(ADDRESSES)


def parse(url: str) -> Target:
    """Raises PhotoError where it is no address of a picture."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme.lower(), (parts.hostname or "").encode("idna").decode()
        port = parts.port or PORTS[scheme]
        path, query = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~"), quote(parts.query, safe=_IN_QUERY)
    except (KeyError, ValueError):  # UnicodeError is a ValueError
        raise PhotoError("unreadable_file", "This is no address that begins with http:// or https://.") from None
    if not host:
        raise PhotoError("unreadable_file", "This address names no host.")
    return Target(scheme, host, port, f"{path}?{query}" if query else path)


_IN_QUERY = "/%:@!$&'()*+,;=~?"


class _Turns:
    """One request to a host at a time, with a pause after each."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: dict[str, Lock] = {}
        self._last: dict[str, float] = {}

    @contextmanager
    def of(self, host: str) -> Iterator[None]:
        with self._guard:
            lock = self._locks.setdefault(host, Lock())
        with lock:
            time.sleep(max(0.0, self._last.get(host, 0.0) + PAUSE - time.monotonic()))
            try:
                yield
            finally:
                self._last[host] = time.monotonic()


class _Connection(HTTPConnection):
    """A connection to an address that was checked, whatever the host's name leads to by now."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=SECONDS_SILENT)
        self._scheme, self._address = target.scheme, address
        self.default_port = PORTS[target.scheme]
        self.late = False

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), SECONDS_SILENT)
        if self._scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)

    def end(self) -> None:
        """Called when time is up, from another thread: whoever reads finds the connection closed."""
        self.late = True
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def _ask(target: Target, address: str) -> bytes | str:
    """The bytes that a host answers with, or where it sends us. Raises PhotoError."""
    host = repr(target.host[:80])
    with closing(_Connection(target, address)) as connection:
        timer = Timer(SECONDS, connection.end)
        timer.start()
        try:
            agent = f"{AGENT}/{version('schreger')}"
            connection.request("GET", target.path, headers={"User-Agent": agent, "Accept": "image/*"})
            with connection.getresponse() as response:
                answer = _answer(response, host)
                cut_off = connection.late or bool(response.length)
        except PhotoError:
            raise
        except (OSError, HTTPException, ValueError) as error:
            raise LaterError(f"{host} does not answer as it should") from error
        finally:
            timer.cancel()
    if isinstance(answer, bytes) and cut_off:
        raise LaterError(f"The picture from {host} broke off")
    return answer


def _answer(response: HTTPResponse, host: str) -> bytes | str:
    if response.status in REDIRECT and (location := response.headers.get("Location")):
        return location
    if response.status in PASSING:
        asked = response.headers.get("Retry-After", "")
        raise LaterError(f"{host} answers {response.status}", float(asked) if re.fullmatch(r"\d{1,6}", asked) else 0)
    if response.status != 200:
        raise PhotoError("unreadable_file", f"{host} answers {response.status}, so there is no picture.")
    if keeps_out(response.headers.get_all("X-Robots-Tag") or []):
        raise PhotoError("unreadable_file", f"{host} asks machines not to take this picture (X-Robots-Tag).")
    if response.length is not None and response.length > MAX_BYTES:
        raise too_many_bytes(response.length)
    content = response.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise too_many_bytes(len(content))
    return content


def keeps_out(tags: list[str]) -> bool:
    """Whether X-Robots-Tag headers, for everyone or for us by name, say that machines shall not take a picture."""
    for tag in tags:
        agent, _, rules = tag.rpartition(":")
        if agent.strip().lower() in ("", AGENT) and KEEP_OUT & {rule.strip().lower() for rule in rules.split(",")}:
            return True
    return False
