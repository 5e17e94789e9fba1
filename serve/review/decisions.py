"""Decisions: a CSV file that is only added to, one line each; of several on one advert the latest counts."""

from __future__ import annotations

import csv
import errno
import io
import os
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Literal, get_args

from model.errors import reason
from serve.output import guarded, line_end, unguarded
from serve.review.queue import ReviewError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Choice = Literal["clear", "block"]
CHOICES: tuple[Choice, ...] = get_args(Choice)


@dataclass(frozen=True)
class Decision:
    """What a person decided on an advert.

    Attributes:
        label: Key of the taxonomy that all its pictures show; empty where nobody said so.
        by, at: Who decided, and when (UTC, ISO 8601).
    """

    id: str
    decision: Choice
    label: str
    by: str
    at: str
    note: str


COLUMNS = tuple(field.name for field in fields(Decision))


def as_choice(text: str) -> Choice | None:
    """The choice that a text names, if it names one."""
    return next((choice for choice in CHOICES if choice == text), None)


def one_line(text: str) -> str:
    """Text as a file of decisions holds it: a line end inside is a space."""
    return " ".join(text.splitlines())


def append_decision(file: Path, decision: Decision) -> None:
    """Add a decision. It is on the disk when this returns; a line that a crash cut off is ended before.

    Raises:
        ReviewError: The file cannot be written; it is then as it was.
    """
    try:
        with file.open("ab+", buffering=0) as stream:
            start = line_end(stream) if stream.seek(0, os.SEEK_END) else _line(COLUMNS)
            line = start + _line(astuple(decision))
            written = stream.write(line)
            if written < len(line):  # else a part of it might be read as a decision that was told to be lost
                stream.truncate(stream.tell() - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(stream.fileno())
    except OSError as error:
        raise ReviewError(f"{str(file)!r} cannot be written: {error.strerror or error}.") from error


def latest(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The decision that counts, by the id of the advert."""
    return {each.id: each for each in sorted(decisions, key=lambda each: each.at)}


def read_decisions(file: Path) -> list[Decision]:
    """Every decision in a file; none where there is no file. A line that was cut off is left out.

    Raises:
        ReviewError: The file is there and cannot be read, or holds something else.
    """
    try:
        header, *lines = file.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"{str(file)!r} cannot be read as a file of decisions: {reason(error)}.") from error
    if tuple(header.split(",")) != COLUMNS:
        raise ReviewError(f"{str(file)!r} is no file of decisions: its columns must be {','.join(COLUMNS)}.")
    rows = ([*map(unguarded, row)] for line in lines for row in csv.reader([line]) if len(row) == len(COLUMNS))
    return [Decision(own, choice, *rest) for own, chosen, *rest in rows if (choice := as_choice(chosen))]


def _line(cells: tuple[str, ...]) -> bytes:
    """One line, whatever the cells hold."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([guarded(one_line(cell)) for cell in cells])
    return line.getvalue().encode("utf-8", "backslashreplace")
