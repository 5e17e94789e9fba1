"""What all collectors share: candidates pass the gate, are fetched, opened and kept, one after the other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from model.photo import MAX_BYTES, PhotoError, open_photo
from training.collect.client import FetchError
from training.collect.found import CollectError, Found, Missing, Pending
from training.collect.keep import Collection, plain
from training.collect.licence import NotOpenError, needs_credit, open_licence

if TYPE_CHECKING:
    from training.collect.client import Client
    from training.collect.found import Candidates

SOME_MISSING = 3
SIDE = 256  # pixels; enough to see that a photo is whole
TAKEN, THERE, REFUSED, MISSING, UNREADABLE = "taken", "already there", "refused by licence", "missing", "unreadable"
OTHER = "not what was asked for"


class _LackingError(Exception):
    """Why a candidate is not kept, and under which head it counts."""

    def __init__(self, head: str, why: str) -> None:
        super().__init__(why)
        self.head = head


def collect(candidates: Candidates, out: Path, client: Client, limit: int | None) -> int:
    """Keep the candidates that are open, there and readable, until `limit` are in the folder; the exit status.

    Raises:
        CollectError: Nothing is found, or the folder or a server fails; what was kept until then stays.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
    collection = Collection(out)
    if collection.torn:
        console.print(f"{collection.manifest} ended in half a row, which is taken off: {collection.torn}")
    tally: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    total = limit or (len(candidates) if isinstance(candidates, Sized) else None)
    columns = (SpinnerColumn(), TextColumn("photos"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=total)
            for candidate in candidates:
                head, why = _try_to_take(candidate, collection, client)
                tally[head] += 1
                if head == REFUSED:
                    refusals[why] += 1
                elif why:
                    console.print(f"{plain(candidate.origin)}: {why}")
                had = tally[TAKEN] + tally[THERE]
                progress.update(task, completed=had if limit else tally.total())
                if had == limit:
                    break
    finally:
        if tally:
            console.print(_summary(tally, refusals))
    if not tally:
        raise CollectError("Nothing was found; check how what you asked for is spelled.")
    return SOME_MISSING if tally[MISSING] or tally[UNREADABLE] else 0


def _try_to_take(candidate: Found | Missing | Pending, collection: Collection, client: Client) -> tuple[str, str]:
    """Under which head a candidate counts, and why it is not kept; empty where it is, or was before."""
    try:
        return _take(candidate, collection, client), ""
    except _LackingError as lacking:
        return lacking.head, str(lacking)


def _take(candidate: Found | Missing | Pending, collection: Collection, client: Client) -> str:
    """Keep a candidate, or find it kept; under which head it counts.

    Raises:
        CollectError: Its source has another photo of this origin, so that two objects would be one group.
        _LackingError: It cannot be kept.
    """
    is_file = isinstance(candidate, Found) and isinstance(candidate.picture, Path)  # its bytes say whether it is there
    known = None if is_file else collection.label_of_origin(candidate.origin)
    if known is not None:
        return _there(known, candidate)
    found = candidate.look_up() if isinstance(candidate, Pending) else candidate
    if found is None:
        return OTHER
    if isinstance(found, Missing):
        raise _LackingError(MISSING, found.why)
    licence = _gate(found)
    content = _fetch(found.picture, client)
    known = collection.label_of_bytes(hashlib.sha256(content).hexdigest())
    if known is not None:
        return _there(known, found)
    try:
        photo = open_photo(content, SIDE)
    except PhotoError as error:
        raise _LackingError(UNREADABLE, str(error)) from error
    if collection.has(found.source, found.origin):
        raise CollectError(
            f"{plain(found.origin)} is there with other bytes: if it is another's, name that source by --source, "
            f"and if it was changed, take its row out of {collection.manifest}."
        )
    collection.add(found, licence, content, photo)
    return TAKEN


def _there(known: str, candidate: Found | Missing | Pending) -> str:
    """That a photo is there; where its label is another now, that is told."""
    if isinstance(candidate, Found) and candidate.label != known:
        raise _LackingError(THERE, f"is there already as {known}, not as {candidate.label}")
    return THERE


def _gate(found: Found) -> str:
    if found.own:
        return found.licence
    try:
        licence = open_licence(found.licence)
    except NotOpenError as error:
        raise _LackingError(REFUSED, str(error)) from error
    if needs_credit(licence) and not plain(found.attribution):
        raise _LackingError(REFUSED, "nobody to credit")
    return licence


def _fetch(picture: str | Path, client: Client) -> bytes:
    if isinstance(picture, str):
        try:
            return client.get(picture)
        except FetchError as error:
            raise _LackingError(MISSING, str(error)) from error
    try:
        if not picture.is_file():  # before opening: a pipe would wait, a device would act
            raise _LackingError(MISSING, "there is no such file")
        with picture.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _LackingError(MISSING, "the file cannot be read") from error


def _summary(tally: Counter[str], refusals: Counter[str]) -> str:
    counts = {head: f"{head} {tally[head]}" for head in (TAKEN, THERE, REFUSED, MISSING, UNREADABLE)}
    if tally[OTHER]:
        counts[OTHER] = f"{OTHER} {tally[OTHER]}"
    if refusals:
        counts[REFUSED] += f" ({', '.join(f'{why} {count}' for why, count in refusals.most_common())})"
    sentence = ", ".join(counts.values()).capitalize()
    return f"{sentence}." + (" New photos have no split yet: schreger dataset split." if tally[TAKEN] else "")
