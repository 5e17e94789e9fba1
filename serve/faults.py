"""Errors that nobody foresaw: each costs its own advert or picture, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from model.errors import SchregerError
from model.photo import PhotoError

if TYPE_CHECKING:
    from collections.abc import Callable

Given = ParamSpec("Given")
Result = TypeVar("Result")

IN_A_ROW = 256
"""Failures one after the other that are no longer laid at the adverts' door."""


class Attempts:
    """Does one kind of work, item by item, and gives why it failed as a result. Safe to share between threads.

    What a person can mend (other than a picture) and what is not installed has to do with no one item, and is raised;
    so is the last of IN_A_ROW failures with no success between.
    """

    def __init__(self) -> None:
        self._in_a_row = 0

    def __call__(self, work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result | PhotoError:
        """What the work makes of what it is given."""
        try:
            result = work(*given, **named)
        except PhotoError as error:
            return error
        except (SchregerError, ImportError):
            raise
        except Exception as error:
            self._in_a_row += 1
            if self._in_a_row >= IN_A_ROW:
                raise
            return unforeseen(error)
        self._in_a_row = 0
        return result


def unforeseen(error: Exception) -> PhotoError:
    """What to tell of a picture, or an advert, at which such an error came up."""
    said = f"{type(error).__name__}: {error}".strip().partition("\n")[0][:200]
    return PhotoError("unreadable_file", f"schreger failed here, which is our fault; please report it: {said}")
