"""A page in front of a casebook, with people who sign in and ask of it what a browser does."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from serve.casebook import Casebook, Users, create_casebook
from tests.served import served

PASSWORD = "four plain words here"  # noqa: S105
PEOPLE = {"Amina": "officer", "Benoît": "officer", "Dr. 王": "expert", "Root": "admin"}

PHOTOS, ADVERT, ANGLE = 0, 2, 4
"""Numbers of the questions of tabs, in English; one for what fails follows each."""

MARKS = [
    [0.5, 0.5], [0.9, 0.5],
    [0.80, 0.52], [0.84, 0.48], [0.80, 0.48], [0.84, 0.52],
    [0.48, 0.86], [0.52, 0.90], [0.52, 0.86], [0.48, 0.90],
]  # fmt: skip
"""The middle and the edge of a section, and two pairs of lines, in shares of the photo's sides."""


class Office(NamedTuple):
    """A page in front of a casebook, and where it may write temporary files."""

    url: str
    casebook: Casebook
    temporary: Path

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120)

    @contextmanager
    def signed_in(self, name: str) -> Iterator[httpx.Client]:
        with self.client() as client:
            answered = client.post("/signin", data={"name": name, "password": PASSWORD})
            assert (answered.status_code, answered.headers["location"]) == (303, "/")
            yield client


@contextmanager
def open_to_users(folder: Path, temporary: Path) -> Iterator[Office]:
    """Serve in a process of its own, since Gradio leaves event loops open; nothing is left when it stops."""
    casebook = create_casebook(str(folder / "casebook.db"), folder / "keys", "Root")
    for name, role in PEOPLE.items():
        Users(casebook).add(name, role, PASSWORD, "Root")  # type: ignore[arg-type]
    with served(temporary, casebook=str(folder / "casebook.db"), keys=folder / "keys") as (url, process):
        yield Office(url, casebook, temporary)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert not list(temporary.iterdir())


def upload(client: httpx.Client, *photos: bytes) -> list[str]:
    sent = client.post("/gradio_api/upload", files=[("files", (f"{time.time_ns()}", photo)) for photo in photos])
    paths: list[str] = sent.json()
    return paths


def ask(client: httpx.Client, photos: list[str], removed: list[str] | None = None, session: str = "page") -> list[str]:
    """What the page shows of these photos: headline, pictures, details, door."""
    return put(client, PHOTOS, {"photos": photos, "removed": removed or []}, session)


def put(client: httpx.Client, tab: int, asked: dict[str, Any], session: str = "page") -> list[str]:
    """What a tab answers."""
    event = {"data": [json.dumps(asked)], "fn_index": tab, "session_hash": session}
    assert client.post("/gradio_api/queue/join", json=event).status_code == 200
    return next(listen(client, session))


def listen(client: httpx.Client, session: str) -> Iterator[list[str]]:
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if message.get("msg") == "process_completed":
                yield message["output"]["data"]


def save(client: httpx.Client, photos: list[str], **fields: str) -> httpx.Response:
    return client.post("/en/cases", data={"photo": photos, **fields})
