"""How far a scan is: adverts, photos a second, errors, time left."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from serve.scan.parts import Record

EVERY_ON_TERMINAL, EVERY_IN_LOG = 1.0, 60.0
"""Seconds between two lines."""


class Progress:
    """Says now and then how far we are: on a terminal in one line that changes, in a log as a line of its own.

    `todo` adverts are to be done, whose rate and time left do not count what an earlier run did.
    """

    def __init__(self, console: Console, todo: int) -> None:
        self._console, self._todo = console, todo
        self._done = self._pictures = self._failed = 0
        self._begin = self._said = time.monotonic()
        self._status = console.status("") if console.is_terminal and not console.quiet else None

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records; each that passes is an advert more."""
        for record in records:
            self._add(record)
            yield record

    def _add(self, record: Record) -> None:
        self._done += 1
        self._pictures += len(record["pictures"])
        self._failed += bool(record["error"])
        if time.monotonic() - self._said < (EVERY_ON_TERMINAL if self._status else EVERY_IN_LOG):
            return
        self._said = time.monotonic()
        if self._status:
            self._status.update(str(self))
        else:
            self._console.print(str(self), highlight=False, soft_wrap=True)

    def __str__(self) -> str:
        seconds = max(time.monotonic() - self._begin, 1e-6)
        left = timedelta(seconds=round(max(0, self._todo - self._done) * seconds / max(self._done, 1)))
        return (
            f"{self._done:,} of {self._todo:,} adverts, {self._pictures / seconds:.0f} photos a second, "
            f"{self._failed:,} with errors, {left} left"
        )
