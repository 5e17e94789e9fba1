"""The queue before the classifier: bounded, fair, and wide enough to keep every core at work."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from model.engine import CORES
from serve.api.error import busy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")


class Workers:
    """Threads, one a core, that take one task of each request in turn, so that none waits behind a long one.

    The network runs a photo at a time on each core (see `model.engine`), so tasks of many requests together keep all
    cores at work; nothing would be won by joining them to batches. `spaces` counts requests that wait, since one with
    many tasks keeps no other from its turn; `waiting` counts tasks.
    """

    def __init__(self, spaces: int, count: int = CORES) -> None:
        self.spaces, self.count = spaces, count
        self.waiting = 0
        self._seconds = 0.05  # that a task took lately
        self._requests: deque[deque[tuple[Future[Any], Callable[[], Any]]]] = deque()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="worker")

    def submit(self, tasks: Sequence[Callable[[], Result]]) -> list[Future[Result]]:
        """Take on the tasks of one request, at least one; all of them or none.

        Raises:
            ApiError: As many requests wait as there are spaces.
        """
        futures: list[Future[Result]] = [Future() for _ in tasks]
        with self._lock:
            self.check_room()
            self.waiting += len(tasks)
            self._requests.append(deque(zip(futures, tasks, strict=True)))
        for _ in tasks:
            self._pool.submit(self._work)
        return futures

    def check_room(self) -> None:
        """Raises ApiError where no request would be taken on now."""
        if len(self._requests) >= self.spaces:
            raise busy(self.seconds_to_wait())

    def seconds_to_wait(self) -> int:
        """About how long it takes to do what waits, at least 1."""
        return max(1, math.ceil(self.waiting * self._seconds / self.count))

    def _work(self) -> None:
        """Do the task whose turn it is."""
        with self._lock:
            request = self._requests.popleft()
            future, task = request.popleft()
            if request:
                self._requests.append(request)
            self.waiting -= 1
        if not future.set_running_or_notify_cancel():  # whoever asked has left
            return
        began = time.perf_counter()
        try:
            future.set_result(task())
        except Exception as error:  # noqa: BLE001 - it is raised where the result is waited for
            future.set_exception(error)
        self._seconds += (time.perf_counter() - began - self._seconds) / 20
