"""Who may ask, how much and how fast; what happens under pressure."""

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from model.classifier import Classifier
from model.engine import CORES
from serve.api.keys import Keys, digest_of
from serve.api.limits import Limits, Rate

Serve = Callable[..., httpx.Client]


KEYS = Keys({digest_of("one"): "first", digest_of("another"): "second"})


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every photo takes until this is set."""
    gate = threading.Event()
    look = Classifier.look

    def wait(self: Classifier, source: Any) -> Any:
        gate.wait(60)
        return look(self, source)

    monkeypatch.setattr(Classifier, "look", wait)
    yield gate
    gate.set()


def error_code(answered: httpx.Response) -> str:
    return str(answered.json()["error"]["code"])


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def value(client: httpx.Client, metric: str) -> float:
    lines = client.get("/v1/metrics").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(metric)), 0.0)


# Keys and rates


def test_only_a_known_key_lets_in(serve: Serve) -> None:
    client = serve(keys=KEYS)
    assert client.get("/v1/health").status_code == 200
    assert client.get("/v1/openapi.json").status_code == 200
    for wrong in (None, "", "Bearer", "Bearer wrong", "Basic another", "Bearer anotherx", "Bearer \u00e9"):
        headers = {} if wrong is None else {"authorization": wrong.encode("latin-1")}
        for refused in (
            client.get("/v1/model", headers=headers),
            client.get("/v1/metrics", headers=headers),
            client.post("/v1/vet", json={}, headers=headers),
            client.get("/v1/anything", headers=headers),
        ):
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert error_code(refused) == "unauthorized"
    assert client.post("/v1/vet", json={}, headers={"authorization": "bearer another"}).status_code == 200


def test_a_key_that_asks_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    client = serve(keys=KEYS, limits=Limits(a_minute=3), headers={"Authorization": "Bearer another"})
    answers = [client.get("/v1/model") for _ in range(4)]
    assert [answered.status_code for answered in answers] == [200, 200, 200, 429]
    assert error_code(answers[-1]) == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20


def test_a_rate_refills_and_is_counted_by_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    rate = Rate(60)
    assert [rate.take("a") for _ in range(61)] == [0.0] * 60 + [pytest.approx(1)]
    assert rate.take("b") == 0.0
    now += 1
    assert [rate.take("a"), rate.take("a")] == [0.0, pytest.approx(1)]


# Size and time


def test_a_request_that_is_too_large_or_of_unknown_length_is_not_read(serve: Serve) -> None:
    client = serve(limits=Limits(body=1000))
    large = client.post("/v1/vet", content=bytes(1001))
    assert (large.status_code, error_code(large)) == (413, "body_too_large")
    unknown = client.post("/v1/vet", content=iter([b"{}"]))
    assert (unknown.status_code, error_code(unknown)) == (411, "length_required")
    assert client.post("/v1/vet", json={}).status_code == 200


def test_a_body_that_drips_is_given_up(serve: Serve) -> None:
    client = serve(limits=Limits(sending=0.2))
    url = client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=60) as dripping:
        dripping.sendall(b"POST /v1/vet HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert dripping.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert client.post("/v1/vet", json={}).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(serve: Serve, gate: threading.Event) -> None:
    client = serve(limits=Limits(answering=0.3))
    late = client.post("/v1/classify", files={"pictures": b"x"})
    assert (late.status_code, error_code(late)) == (503, "timeout")
    assert int(late.headers["retry-after"]) >= 1


def test_what_a_client_that_left_had_asked_for_is_dropped(serve: Serve, gate: threading.Event) -> None:
    client = serve()
    pictures = [base64.b64encode(b"x").decode()]
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/vet/batch", json={"adverts": [{"pictures": pictures}] * 50}, timeout=0.5)
    wait_until(lambda: value(client, 'schreger_request_seconds_count{path="/v1/vet/batch",status="499"}') == 1)
    gate.set()
    wait_until(lambda: value(client, "schreger_waiting") == 0)
    assert value(client, 'schreger_verdicts_total{verdict="clear"}') < 50


# Pressure


def test_beyond_what_may_wait_a_request_is_told_when_to_come_back(serve: Serve, gate: threading.Event) -> None:
    client = serve(limits=Limits(waiting=2))

    def ask(_: int) -> httpx.Response:
        return client.post("/v1/classify", files={"pictures": b"x"})

    with ThreadPoolExecutor(20) as pool:
        asked = pool.map(ask, range(20))
        wait_until(lambda: value(client, 'schreger_request_seconds_count{path="/v1/classify",status="429"}') >= 10)
        assert client.get("/v1/health").status_code == 200
        gate.set()
        answers = list(asked)
    refused = [answered for answered in answers if answered.status_code == 429]
    assert {answered.status_code for answered in answers} == {200, 429}
    assert {error_code(answered) for answered in refused} == {"busy"}
    assert all(int(answered.headers["retry-after"]) >= 1 for answered in refused)
    assert ask(0).status_code == 200


def test_a_batch_keeps_no_single_advert_out(serve: Serve, gate: threading.Event) -> None:
    client = serve(limits=Limits(waiting=2))
    adverts = [{"pictures": [base64.b64encode(b"x").decode()]}] * 20
    with ThreadPoolExecutor(2) as pool:
        batch = pool.submit(client.post, "/v1/vet/batch", json={"adverts": adverts})
        wait_until(lambda: value(client, "schreger_waiting") >= 20 - CORES)
        waiting = value(client, "schreger_waiting")
        single = pool.submit(client.post, "/v1/vet", json={})
        wait_until(lambda: single.done() or value(client, "schreger_waiting") > waiting)
        gate.set()
        assert (single.result().status_code, batch.result().status_code) == (200, 200)


def test_bodies_in_memory_are_limited_together(serve: Serve) -> None:
    client = serve(limits=Limits(body=1000, bodies=1500))
    url = client.base_url
    with socket.create_connection((url.host, url.port or 80)) as sending:
        sending.sendall(b"POST /v1/vet HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
        wait_until(lambda: client.post("/v1/vet", content=bytes(900)).status_code == 429)
        assert client.post("/v1/vet", json={}).status_code == 200
    wait_until(lambda: client.post("/v1/vet", content=bytes(900)).status_code == 415)
