"""The API as clients reach it: uvicorn in a thread, a real socket, and httpx."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from model.classifier import Classifier
from serve.api.api import build_api
from serve.api.guard import Guard


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@contextmanager
def serving(api: Guard, **headers: str) -> Iterator[httpx.Client]:
    """A client of the API, which answers on a port of this computer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(api, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=url, headers=headers, timeout=120) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def client(classifier: Classifier) -> Iterator[httpx.Client]:
    """A client of the API as it is with no options."""
    with serving(build_api(classifier)) as client:
        yield client


@pytest.fixture
def serve(classifier: Classifier) -> Iterator[Callable[..., httpx.Client]]:
    """Makes a client of an API with keys and limits of its own; headers are those of every request."""
    with ExitStack() as stack:

        def make(*, headers: dict[str, str] | None = None, **options: Any) -> httpx.Client:
            return stack.enter_context(serving(build_api(classifier, **options), **(headers or {})))

        yield make
