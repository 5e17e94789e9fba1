"""The one HTTP client: says who it is, takes its turn, waits when asked to, and never reads without end."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from pydantic import BaseModel, ValidationError, model_validator
from urllib3.exceptions import HTTPError, MaxRetryError, ProtocolError, ReadTimeoutError
from urllib3.util.retry import Retry

from training.collect.found import CollectError

MAX_BYTES = 50_000_000
MAX_SECONDS = 120  # for one body, however slowly it drips
MAX_WAIT = 600  # seconds that a server may ask us to wait; beyond, people come back later
TIMEOUT = (15, 30)  # seconds to connect, and between two pieces of a body
MAX_REDIRECTS = 5
TRY_AGAIN = (429, 500, 502, 503, 504)
TRIES = 5
FAILURES = 20  # servers in a row that are out of reach; then it is the network
LATER = "run the command again later, it goes on from here"

_CUT = (requests.ConnectionError, requests.Timeout, ProtocolError, ReadTimeoutError)
_WRONG = (requests.RequestException, HTTPError, UnicodeError)


class Shape(BaseModel):
    """What we use of an API's answer. Other fields are left aside, and null is as good as absent."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


Answer = TypeVar("Answer", bound=Shape)


class FetchError(CollectError):
    """Something cannot be had: the server says no, or what comes is too large, too slow, or not of the web."""


class UnreachableError(FetchError):
    """A server that cannot be reached, or that kept failing."""


class _PassingError(Exception):
    """What may be over when we try again, after `wait` seconds where the server names a time."""

    def __init__(self, fault: str, wait: float | None = None) -> None:
        super().__init__(fault)
        self.wait = wait


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed here: the whole body would be read first, though it may have no end."""


class Client:
    """GET requests with one User-Agent, each host's at least `pause` seconds apart.

    What may pass (429, 5xx, cut connections) is tried again, after as long as the server asks for (Retry-After) or
    ever longer waits that start from `pause`.
    """

    def __init__(self, contact: str | None = None, pause: float = 1.0) -> None:
        """`contact`: an e-mail address or page of whoever collects, for the people who run the servers.

        Raises:
            CollectError: The contact cannot be sent in a header.
        """
        if contact and not (contact.isascii() and contact.isprintable()):
            raise CollectError("The contact must be an e-mail address or a page, in plain ASCII.")
        self._pause = pause
        self._turns: dict[str, float] = {}
        self._failures = 0
        self._retry = Retry(total=TRIES - 1, backoff_factor=pause, backoff_max=60)
        self._session = _Session()
        contact = contact or "no contact given"
        self._session.headers["User-Agent"] = f"schreger/{version('schreger')} (dataset collect; {contact})"

    def ask(self, shape: type[Answer], address: str, **asked: str | int) -> Answer:
        """An API's answer to a question, checked against its shape.

        Raises:
            FetchError: As `get` does.
            CollectError: The answer has another shape.
        """
        content = self.get(address, **asked)
        try:
            return shape.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "JSON"
            form = f"{where}: {first['msg']}"
            raise CollectError(f"{host_of(address)} answers in a form that is not known here ({form}).") from error

    def get(self, address: str, **asked: str | int) -> bytes:
        """The body at an address, at most MAX_BYTES of it.

        Raises:
            FetchError: It is not there, too large, too slow, or not of the web.
            UnreachableError: The server does not answer, or kept failing.
            CollectError: So did all the servers before.
        """
        try:
            content = self._get_patiently(address, asked)
        except UnreachableError as error:
            self._failures += 1
            if self._failures == FAILURES:
                raise CollectError(f"{FAILURES} requests in a row have failed, at last: {error}") from error
            raise
        self._failures = 0
        return content

    def _get_patiently(self, address: str, asked: dict[str, str | int]) -> bytes:
        retry = self._retry
        while True:
            try:
                return self._get_once(address, asked)
            except _PassingError as fault:
                if (fault.wait or 0) > MAX_WAIT:
                    raise UnreachableError(f"{fault} and asks to wait {fault.wait:.0f} seconds; {LATER}.") from fault
                try:
                    retry = retry.increment("GET", address)
                except MaxRetryError:
                    raise UnreachableError(f"{fault}, {TRIES} times in a row; {LATER}.") from fault
                time.sleep(retry.get_backoff_time() if fault.wait is None else fault.wait)

    def _get_once(self, address: str, asked: dict[str, str | int]) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            host = host_of(address)
            self._take_turn(host)
            try:
                with self._session.get(address, params=asked, stream=True, timeout=TIMEOUT) as response:
                    if response.status_code in TRY_AGAIN:
                        raise _PassingError(f"{host} answers {response.status_code}", self._asked_wait(response))
                    if not response.is_redirect:
                        return _body(response, host)
                    address, asked = _next(address, response.headers["location"]), {}
            except _CUT as error:
                raise _PassingError(f"{host} {_in_words(error)}") from error
            except _WRONG as error:
                raise FetchError(f"{host} sends what cannot be used ({type(error).__name__}).") from error
        raise FetchError(f"{host} leads on and on.")

    def _take_turn(self, host: str) -> None:
        time.sleep(max(0.0, self._turns.get(host, 0.0) - time.monotonic()))
        self._turns[host] = time.monotonic() + self._pause

    def _asked_wait(self, response: requests.Response) -> float | None:
        """Seconds of Retry-After; None where there is none, or none that can be read."""
        try:
            return self._retry.get_retry_after(response.raw)
        except (HTTPError, ValueError, OverflowError):
            return None


def host_of(address: str) -> str:
    """The host of a web address.

    Raises:
        FetchError: It is not the address of something on the web.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(f"{address[:200]!r} is not an http or https address.")
    return parts.hostname


def _body(response: requests.Response, host: str) -> bytes:
    if response.status_code != requests.codes.ok:
        raise FetchError(f"{host} answers {response.status_code}.")
    deadline = time.monotonic() + MAX_SECONDS
    content = bytearray()
    while piece := response.raw.read1(1 << 16, decode_content=True):
        content += piece
        if len(content) > MAX_BYTES:
            raise FetchError(f"{host} sends more than {MAX_BYTES / 1e6:.0f} MB.")
        if time.monotonic() > deadline:
            raise FetchError(f"{host} takes more than {MAX_SECONDS} seconds.")
    return bytes(content)


def _next(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError:
        return location


def _in_words(error: Exception) -> str:
    """What went wrong with a connection, without the address, which may hold a key."""
    if isinstance(error, requests.exceptions.SSLError):
        return "has no certificate that is trusted"
    if isinstance(error, (requests.Timeout, ReadTimeoutError)):
        return "does not answer in time"
    if isinstance(error, (ProtocolError, requests.exceptions.ChunkedEncodingError)):
        return "cuts the connection"
    return "cannot be reached"
