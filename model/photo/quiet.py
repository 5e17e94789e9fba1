"""Keeps Pillow's warnings about a file from reaching anyone, without touching the warnings of other threads."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast


class _ThisThread(threading.local):
    """Stands where a warning filter has its pattern of module names; matches Pillow's while this thread is quiet."""

    quiet = False
    pattern = "(?!)"  # scikit-learn copies filters to its threads by their patterns; this one matches nothing there

    def match(self, module: str) -> bool:
        return self.quiet and module.startswith("PIL.")


_this_thread = _ThisThread()
_FILTER: object = ("ignore", None, Warning, _this_thread, 0)


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, Pillow warns of nothing in this thread.

    `warnings.catch_warnings` swaps the one list of filters that all threads share, and so cannot be used by several.
    """
    filters = cast("list[object]", warnings.filters)
    if _FILTER not in filters:  # whoever resets the filters, as pytest does, removes it
        filters.insert(0, _FILTER)
    _this_thread.quiet = True
    try:
        yield
    finally:
        _this_thread.quiet = False
