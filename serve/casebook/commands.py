"""What `schreger casebook` does: each function is one command."""

from __future__ import annotations

import getpass
import json as json_text
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from serve.casebook.archive import export_case, import_case
from serve.casebook.casebook import Received
from serve.casebook.error import CasebookError, NoCaseError, SeveralCasesError
from serve.casebook.keys import KEYS, Head
from serve.casebook.opening import create_casebook, open_casebook, upgrade_casebook
from serve.casebook.verify import verify
from serve.command import TAMPERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from serve.casebook.casebook import Casebook
    from serve.casebook.casefile import CaseFile, ItemFile
    from serve.casebook.records import Note

MAX_PHOTOS = 100
"""Photos that are held in memory at a time."""


def init(where: str, keys: Path | None, by: str | None) -> None:
    """Make a casebook."""
    casebook = create_casebook(where, keys or KEYS, who(by))
    typer.echo(f"Casebook {casebook.id} is at {casebook.database.name}.")
    typer.echo(f"Its key is {casebook.keys.key_file(casebook.id)}: back it up, away from the casebook.")
    typer.echo(f"Its public key, for whoever checks it: {casebook.public_key}")


def upgrade(where: str, keys: Path | None, by: str | None) -> None:
    """Bring the tables up to date."""
    done = upgrade_casebook(where, keys or KEYS, who(by))
    typer.echo("The tables are up to date now." if done else "The tables were up to date.")


def list_cases(where: str, keys: Path | None) -> None:
    """One line a case."""
    for case in open_casebook(where, keys or KEYS).cases():
        typer.echo("  ".join(filter(None, (case.id[:12], case.at[:10], line(case.ref), line(case.title)))))


def add(
    case: str,
    paths: Sequence[Path],
    where: str,
    keys: Path | None,
    by: str | None,
    new: bool,
    title: str,
    item: int | None,
    bundle: str,
) -> None:
    """Classify photos of one item and add them."""
    from model.classifier import Classifier
    from model.photo import PhotoError
    from serve.inputs import find_inputs

    casebook, adder = open_casebook(where, keys or KEYS), who(by)
    files = list(find_inputs(paths))
    if not files:
        raise CasebookError(f"There is no photo in {', '.join(repr(str(path)) for path in paths)}. Nothing was added.")
    if not new:
        there = existing(casebook, case)
        old = [casebook.original(photo.sha256) for photo in there.item(item).photos] if item else []
    elif item:
        raise CasebookError("A new case has no items yet: leave out --item, or --new.")
    else:
        old = []
    if len(files) + len(old) > MAX_PHOTOS:
        raise CasebookError(f"These are {len(files) + len(old)} photos; an item has at most {MAX_PHOTOS}.")
    contents = [_read(file) for file in files]
    classifier = Classifier.load(bundle)
    findings = []
    for name, result in zip(
        (*("a photo of the item" for _ in old), *files), classifier.stream(old + contents), strict=True
    ):
        if isinstance(result, PhotoError):
            raise CasebookError(f"{name}: {result} Nothing was added.")
        findings.append(result[1])
    photos = [
        Received(*parts) for parts in zip((file.name for file in files), contents, findings[len(old) :], strict=True)
    ]
    together = classifier.combine(findings) if len(findings) > 1 else findings[0]
    if item:
        casebook.add_photos(case, item, photos, together, adder)
    else:
        item = casebook.add_item(case, photos, together, adder, title, new)
    added = casebook.case(case).item(item)
    typer.echo("\n".join(_item(added)))


def existing(casebook: Casebook, case: str) -> CaseFile:
    """The case to add to, for a command that can open one, too.

    Raises:
        CasebookError: There is none; the message says how to open it.
    """
    try:
        return casebook.case(case)
    except SeveralCasesError:
        raise
    except NoCaseError:
        raise CasebookError(
            f"There is no case {case!r}: open it with --new, or see `schreger casebook list`."
        ) from None


def correct(case: str, item: int, label: str, where: str, why: str, keys: Path | None, by: str | None) -> None:
    """Say what an item truly is."""
    open_casebook(where, keys or KEYS).correct(case, item, label, why, who(by))


def note(case: str, text: str, where: str, item: int | None, keys: Path | None, by: str | None) -> None:
    """Write a note."""
    open_casebook(where, keys or KEYS).note(case, text, who(by), item)


def show(case: str, where: str, keys: Path | None, json: bool) -> None:
    """Print a case."""
    file = open_casebook(where, keys or KEYS).case(case)
    if json:
        typer.echo(json_text.dumps({"digest": file.digest, **asdict(file)}, ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(_case(file)))


def verify_all(where: str, keys: Path | None, head: Path | None) -> int:
    """Name what is not as it was written; the exit status is 4 when there is something."""
    faults = verify(where, keys or KEYS, Head.read(head) if head else None)
    for fault in faults:
        typer.echo(line(fault))
    if not faults:
        typer.echo("Everything is as it was written.")
    return TAMPERED if faults else 0


def head(where: str, keys: Path | None) -> None:
    """Print where the audit log ends."""
    typer.echo(open_casebook(where, keys or KEYS).head().text(), nl=False)


def export(case: str, out: Path, where: str, keys: Path | None, by: str | None) -> None:
    """Hand over a case."""
    casebook = open_casebook(where, keys or KEYS)
    file = export_case(casebook, case, out, who(by))
    typer.echo(f"Case {line(file.case.ref)}, {file.digest}, is in {out}.")
    typer.echo(f"Tell whoever gets it the public key by another way: {casebook.public_key}")


def import_zip(file: Path, where: str, sender: str | None, keys: Path | None, by: str | None) -> None:
    """Take in a case."""
    manifest = import_case(open_casebook(where, keys or KEYS), file, who(by), sender).manifest
    typer.echo(f"Case {line(manifest.ref)} is in, {manifest.case[:12]}, from casebook {line(manifest.casebook)}.")
    if not sender:
        typer.echo(f"Ask whoever sent it whether this is their public key: {manifest.public_key}")


def who(by: str | None) -> str:
    """Who writes: the name given, or else that of whoever is at this computer."""
    try:
        return by or getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise CasebookError("This computer does not know your name: say who you are with --by.") from None


def _read(file: Path) -> bytes:
    from model.photo import MAX_BYTES

    if not os.path.isfile(file):  # noqa: PTH113 - Path.is_file raises for some; before opening, since a pipe would wait
        raise CasebookError(f"{file} is no file. Nothing was added.")
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise CasebookError(f"{file} cannot be read. Nothing was added.") from error


def _case(file: CaseFile) -> Iterator[str]:
    case = file.case
    yield f"case {line(case.ref)}  {line(case.title)}".rstrip()
    yield f"  opened {case.at} by {line(case.by)}, id {case.id[:12]}"
    yield f"  hash {file.digest}"
    yield from (_noted(note) for note in file.notes)
    for item in file.items:
        yield from _item(item)
    yield "log"
    for entry in file.entries:
        yield f"  {entry.number}  {entry.body.at}  {line(entry.body.by)}: {line(entry.body.action)}"


def _item(file: ItemFile) -> Iterator[str]:
    yield f"item {file.item.number}  {line(file.item.title)}".rstrip()
    for photo in file.photos:
        yield f"  photo {line(photo.file)}  {photo.size} bytes  {photo.sha256}"
    if result := file.result:
        answer = f"{line(result.answer)} {result.probability:.2f}" if result.answer else "no answer"
        yield f"  found {answer} ({line(result.rule)}) by {line(result.bundle)}, {result.at}"
    for correction in file.corrections:
        label, why = line(correction.label), line(correction.why)
        yield f"  corrected to {label} by {line(correction.by)}, {correction.at}: {why}"
    yield from (_noted(note) for note in file.notes)


def _noted(note: Note) -> str:
    return f"  note by {line(note.by)}, {note.at}: {line(note.text)}"


def line(text: str) -> str:
    """Text on one line, without what a terminal would obey."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
