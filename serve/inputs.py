"""Which files a command takes: those named, and below a folder every regular file that is not hidden."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import SchregerError
from model.hidden import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class InputsError(SchregerError):
    """There is nothing to take."""


def check_inputs(paths: Sequence[Path], out: Path | None = None) -> None:
    """Raises InputsError where all that is named are folders without a file; arguments as of `find_inputs`."""
    if next(find_inputs(paths, out), None) is None:
        named, whose = ", ".join(repr(str(path)) for path in paths), "its name" if len(paths) == 1 else "the names"
        raise InputsError(f"There are no files in {named}; check {whose}.")


def find_inputs(paths: Iterable[Path], out: Path | None = None) -> Iterator[Path]:
    """The files of the paths, in the order given; those below a folder are sorted by path.

    A path that does not exist is an input too, so that its row can say so. Links are followed to files, not to
    folders, which could lead in circles; pipes and devices below a folder are passed over. What the command itself
    writes, `out`, is no input, wherever it lies.
    """
    for path in paths:
        for found in _below(path) if os.path.isdir(path) else (path,):  # noqa: PTH112 - Path.is_dir raises for some
            if not _is_output(found, out):
                yield found


def _below(folder: Path) -> Iterator[Path]:
    """Files below a folder, however deep it goes: a stack, since calls within calls have a limit."""
    waiting = [(os.fspath(folder), True)]
    while waiting:
        path, is_folder = waiting.pop()
        if is_folder:
            waiting.extend(reversed(_listed(path)))
        else:
            yield Path(path)


def _listed(folder: str) -> list[tuple[str, bool]]:
    """What is in a folder, sorted, and whether it is a folder. One that cannot be listed is one unreadable input."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return [(folder, False)]
    shown = (entry for entry in entries if not is_hidden(entry.name))
    kinds = ((entry, entry.is_dir(follow_symlinks=False)) for entry in shown)
    return [(entry.path, is_folder) for entry, is_folder in kinds if is_folder or _is_input(entry)]


def _is_input(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a regular file, a link to one, or a link that leads nowhere, so that its row can say so."""
    if entry.is_symlink():
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)  # noqa: PTH110, PTH113 - as above
    return entry.is_file(follow_symlinks=False)


def _is_output(path: Path, out: Path | None) -> bool:
    if out is None or path.name not in (out.name, f"{out.name}.partial"):
        return False
    return os.path.realpath(path.parent) == os.path.realpath(out.parent)
