"""The queue: all cores, each request in turn, and what nobody waits for is not done."""

import threading
import time
from functools import partial

import pytest

from serve.api.error import ApiError
from serve.api.workers import Workers


def test_requests_take_turns() -> None:
    workers, done = Workers(spaces=100, count=1), list[str]()
    go = threading.Event()
    first = workers.submit([partial(go.wait, 60)])
    lengths = {"a": 5, "b": 1, "c": 2}
    requests = [workers.submit([partial(done.append, name)] * length) for name, length in lengths.items()]
    go.set()
    for future in [*first, *(future for request in requests for future in request)]:
        future.result(60)
    assert done == ["a", "b", "c", "a", "c", "a", "a", "a"]


def test_as_many_tasks_run_as_there_are_workers() -> None:
    together = threading.Barrier(3)
    for future in Workers(spaces=3, count=3).submit([partial(together.wait, 60)] * 3):
        future.result(60)


def test_requests_have_room_however_many_tasks_they_have_until_too_many_wait() -> None:
    workers, go = Workers(spaces=2, count=1), threading.Event()
    long = [future for _ in range(2) for future in workers.submit([partial(go.wait, 60)] * 10)]
    with pytest.raises(ApiError) as refused:
        workers.submit([int])
    assert (refused.value.status, refused.value.code) == (429, "busy")
    assert refused.value.retry_after
    go.set()
    assert all(future.result(60) for future in long)
    assert workers.submit([int])[0].result(60) == 0


def test_a_task_that_was_given_up_is_not_done_and_one_that_fails_says_so() -> None:
    workers, go, done = Workers(spaces=10, count=1), threading.Event(), list[int]()
    workers.submit([partial(go.wait, 60)])
    given_up, failing = workers.submit([partial(done.append, 1), partial(int, "x")])
    assert given_up.cancel()
    go.set()
    with pytest.raises(ValueError, match="invalid literal"):
        failing.result(60)
    assert done == []


def test_the_wait_that_is_told_grows_with_what_waits() -> None:
    workers, go = Workers(spaces=1000, count=1), threading.Event()
    for future in workers.submit([partial(time.sleep, 0.2)] * 8):
        future.result(60)
    workers.submit([partial(go.wait, 60)])
    workers.submit([int] * 200)
    assert workers.seconds_to_wait() > 5
    go.set()
