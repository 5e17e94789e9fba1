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
from contextlib import closing, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from threading import Event, Lock, Timer, get_ident
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from model.classifier import ahead
from model.photo import MAX_BYTES, PhotoError, too_many_bytes
from model.photo.kind import kind_of
from serve.faults import Attempts
from serve.scan.address import public_address
from serve.scan.error import ScanError
from serve.scanned import fetched_file

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
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
"""Seconds before the second and the third try."""

LONGEST_WAIT = 60.0
"""Seconds that a host may ask us to stay away, from all of its pictures."""

GIVE_UP = 5
"""Failures in a row to reach a host, or to be let in by one that asks us to wait: then this run asks it no more."""

REDIRECT = {301, 302, 303, 307, 308}
PASSING = {408, 425, 429, 500, 502, 503, 504}
KEEP_OUT = {"noai", "noimageai", "noindex", "noimageindex", "none"}


class LaterError(PhotoError):
    """It may go better in a later run."""

    def __init__(self, message: str) -> None:
        super().__init__("unreadable_file", f"{message}; try again with --retry.")


class SoonError(LaterError):
    """It may go better in this run, after `seconds`; `is_of_host`: the host's other pictures would fare the same."""

    def __init__(self, message: str, seconds: float = 0, is_of_host: bool = False) -> None:
        super().__init__(message)
        self.seconds, self.is_of_host = seconds, is_of_host


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
        self._stopped = Event()
        self._guard = Lock()
        self._hosts: dict[str, _Host] = {}
        self._fetching = Attempts()

    def rows(self, rows: Iterable[Row]) -> Generator[Row]:
        """The rows in their order, with their pictures that are addresses downloaded."""
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            yield from ahead(pool, self._pictures_of, rows, AHEAD)
        finally:
            self._stopped.set()
            pool.shutdown(cancel_futures=True)  # who stops early waits for what was asked already, and no more

    def _pictures_of(self, row: Row) -> Row:
        names = [name for name in map(str, row.advert.pictures) if is_address(name)]
        return replace(row, fetched={name: self._fetching(self.fetch, name) for name in names}) if names else row

    def fetch(self, url: str) -> Path | PhotoError:
        """The file of a picture, or why there is none."""
        file = fetched_file(self._folder, url)
        if file.exists():
            return file
        try:
            return self._try_thrice(url, file)
        except PhotoError as error:
            return PhotoError(error.code, str(error))  # a LaterError cannot cross to another process

    def _try_thrice(self, url: str, file: Path) -> Path:
        for wait in WAITS:
            try:
                return self._follow(url, file)
            except SoonError:
                _wait(self._stopped, wait)
        return self._follow(url, file)

    def _follow(self, url: str, file: Path) -> Path:
        for _ in range(REDIRECTS + 1):
            target = parse(url)
            address = public_address(target.host, target.port)
            with self._guard:
                host = self._hosts.setdefault(target.host, _Host(self._stopped))
            with host.lock:
                if file.exists():  # another advert with the same picture had its turn before
                    return file
                answer = host.ask(target, address)
                if isinstance(answer, bytes):
                    return _keep(answer, file)
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


class _Host:
    """Whoever holds its lock may ask it: one request at a time, with a pause after each, until it is given up."""

    def __init__(self, stopped: Event) -> None:
        self.lock = Lock()
        self._stopped = stopped
        self._free_at = 0.0
        self._failures = 0

    def ask(self, target: Target, address: str) -> bytes | str:
        """See `_ask`; raises LaterError where the host was given up."""
        if self._failures >= GIVE_UP:
            raise LaterError(f"{target.host[:80]!r} did not let us in {GIVE_UP} times in a row")
        _wait(self._stopped, self._free_at - time.monotonic())
        before, self._failures, pause = self._failures, 0, PAUSE
        try:
            return _ask(target, address)
        except SoonError as error:
            pause = max(pause, min(error.seconds, LONGEST_WAIT))
            self._failures = before + 1 if error.is_of_host else 0
            raise
        finally:
            self._free_at = time.monotonic() + pause


def _wait(stopped: Event, seconds: float) -> None:
    if stopped.wait(max(0.0, seconds)):
        raise LaterError("The scan was stopped")


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
            _reach(connection, host)
            agent = f"{AGENT}/{version('schreger')}"
            connection.request("GET", target.path, headers={"User-Agent": agent, "Accept": "image/*"})
            with connection.getresponse() as response:
                answer = _answer(response, host)
                cut_off = connection.late or bool(response.length)
        except PhotoError:
            raise
        except (OSError, HTTPException, ValueError) as error:
            raise SoonError(f"{host} does not answer as it should") from error
        finally:
            timer.cancel()
    if isinstance(answer, bytes):
        if cut_off:
            raise SoonError(f"The picture from {host} broke off")
        _check_is_picture(answer, host)
    return answer


def _reach(connection: _Connection, host: str) -> None:
    try:
        connection.connect()
    except OSError as error:
        raise SoonError(f"{host} cannot be reached", is_of_host=True) from error


def _check_is_picture(content: bytes, host: str) -> None:
    """Raises LaterError; what a host sends in a picture's place, as a page that asks who we are, is not kept."""
    try:
        kind_of(content)
    except PhotoError as error:
        raise LaterError(f"What {host} sent is no picture that can be opened") from error


def _answer(response: HTTPResponse, host: str) -> bytes | str:
    if response.status in REDIRECT and (location := response.headers.get("Location")):
        return location
    if response.status in PASSING:
        asked = response.headers.get("Retry-After", "")
        seconds = float(asked) if re.fullmatch(r"\d{1,6}", asked) else 0
        raise SoonError(f"{host} answers {response.status}", seconds, is_of_host=seconds > 0)
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
        agent = ""  # who the rules are for, until another is named; nobody's name is everyone
        for part in tag.lower().split(","):
            named = _NAMED.match(part)
            agent, rule = (named[1], part[named.end() :]) if named else (agent, part)
            if agent in ("", AGENT) and rule.strip() in KEEP_OUT:
                return True
    return False


_NAMED = re.compile(r"\s*(?!max-|unavailable_after)([^\s:]+)\s*:")
