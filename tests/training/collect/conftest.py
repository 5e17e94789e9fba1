"""What tests of the collectors share: a web of our own, with faults, and pictures that are drawn."""

import csv
import io
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

Collect = Callable[..., Result]


@dataclass(frozen=True)
class Reply:
    """What a server says. `cut`: it hangs up in the middle; `endless`: it never stops; `drip`: seconds a byte."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    endless: bool = False
    drip: float = 0


@dataclass(frozen=True)
class Asked:
    """What a server was asked, and when (seconds)."""

    path: str
    query: dict[str, str]
    headers: Message
    at: float


class Web:
    """A server on this computer: `pages` by path, before them `faults` by path, one a request; and who asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Reply | Callable[[dict[str, str]], Reply]] = {}
        self.faults: dict[str, list[Reply]] = defaultdict(list)
        self.asked: list[Asked] = []
        self.delay = 0.0
        self._server = Server(("127.0.0.1", 0), handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        if self.faults[path]:
            return self.faults[path].pop(0)
        page = self.pages.get(path, Reply(b"no such page", 404))
        return page(query) if callable(page) else page

    def picture(self, path: str, number: int = 0) -> str:
        """The address of a new picture, unlike those of other numbers."""
        self.pages[path] = Reply(drawn(number), headers={"Content-Type": "image/jpeg"})
        return self.url + path

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.asked]


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Nothing: whoever was killed in the middle of a question hangs up."""


def handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            web.asked.append(Asked(parts.path, query, self.headers, time.monotonic()))
            time.sleep(web.delay)
            try:
                self.answer(web.reply(parts.path, query))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked has heard enough

        def answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.endless:
                self.send_header("Connection", "close")
            else:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else b"")
            if reply.cut:
                self.close_connection = True
                return
            while reply.endless:
                self.wfile.write(bytes(1 << 20))
            for start in range(0, len(reply.body), 1 if reply.drip else 1 << 16):
                time.sleep(reply.drip)
                self.wfile.write(reply.body[start : start + (1 if reply.drip else 1 << 16)])

        def log_message(self, *_: Any) -> None:
            """Nothing: what was asked is in `web.asked`."""

    return Handler


@pytest.fixture
def web() -> Iterator[Web]:
    served = Web()
    yield served
    served.close()


def drawn(number: int, form: str = "JPEG", size: tuple[int, int] = (60, 40)) -> bytes:
    """A picture of coloured noise as a file; each number's is another."""
    noise = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(noise).save(content, form)
    return content.getvalue()


@pytest.fixture
def draw() -> Callable[..., bytes]:
    return drawn


def as_json(content: Any) -> Reply:
    return Reply(json.dumps(content).encode(), headers={"Content-Type": "application/json"})


@pytest.fixture
def answer() -> Callable[[Any], Reply]:
    """A server's answer in JSON."""
    return as_json


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def rows(out: Path) -> Callable[[], list[dict[str, str]]]:
    """The rows of the manifest that was collected."""

    def read() -> list[dict[str, str]]:
        with (out / "manifest.csv").open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    return read


@pytest.fixture
def collect(schreger: Collect, out: Path) -> Collect:
    """Collect into `out`, without a pause."""

    def run(collector: str, *words: str | Path) -> Result:
        online = () if collector in ("folder", "casebook") else ("--pause", "0")
        return schreger("dataset", "collect", collector, *words, "--out", out, *online)

    return run


@pytest.fixture
def refusal(collect: Collect, out: Path) -> Callable[..., str]:
    """The one sentence that a collector refuses with."""

    def run(collector: str, *words: str | Path) -> str:
        done = collect(collector, *words)
        assert done.exit_code == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stderr.endswith(".\n")
        assert not (out / "photos").exists() or not any((out / "photos").iterdir())
        return done.stderr.rstrip("\n")

    return run
