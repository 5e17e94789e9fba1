"""`schreger casebook add-adverts`: adverts that people decided to block, as items of a case."""

from __future__ import annotations

import hashlib
import itertools
import posixpath
from typing import TYPE_CHECKING, Any

import typer

from model.classifier import Classifier
from model.photo import PhotoError
from serve.casebook import CasebookError, Received, open_casebook
from serve.casebook.commands import existing, who
from serve.casebook.keys import KEYS
from serve.command import SOME_UNREADABLE
from serve.pictured import read_scanned
from serve.review import latest, one_line, read_decisions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serve.casebook import Casebook, ItemFile
    from serve.pictured import Located
    from serve.review import Decision

COLUMNS = ("platform", "seller", "score", "reasons", "policy")
NAMED = 5
"""Adverts that are named when they are not in the scan."""


def command(
    case: str,
    decisions: Path,
    scan: Path,
    adverts: Path,
    pictures_root: Path | None,
    where: str,
    keys: Path | None,
    by: str | None,
    new: bool,
    bundle: str,
) -> int:
    """Add the adverts that are not in the case yet; the exit status is 3 when some are left out."""
    casebook, adder = open_casebook(where, keys or KEYS), who(by)
    there = {} if new else {item.item.title: item for item in existing(casebook, case).items}
    blocked = {own: each for own, each in latest(read_decisions(decisions)).items() if each.decision == "block"}
    if not blocked:
        raise CasebookError(f"{str(decisions)!r} blocks no advert, so there is nothing to add.")
    classifier = Classifier.load(bundle)
    added = left_out = 0
    for decision, row, pictures in _rows(scan, adverts, pictures_root, blocked):
        item = there.get(_title(row))
        if item is None:
            photos = list(_photos(row, pictures, classifier))
            if not photos:
                left_out += 1
                typer.echo(f"Advert {row['id']!r} has no picture that can be kept.", err=True)
                continue
            findings = [photo.finding for photo in photos]
            together = classifier.combine(findings) if len(findings) > 1 else findings[0]
            number = casebook.add_item(case, photos, together, adder, _title(row), new and not added)
            item = casebook.case(case).item(number)
            added += 1
        _write_down(casebook, case, item, row, decision, adder)
    if blocked:
        named = ", ".join(map(repr, itertools.islice(blocked, NAMED)))
        more = " and others" if len(blocked) > NAMED else ""
        typer.echo(f"{str(scan)!r} lacks {len(blocked)} adverts that are blocked: {named}{more}.", err=True)
    typer.echo(f"Added {added} adverts to {case}.", err=True)
    return SOME_UNREADABLE if left_out or blocked else 0


def _rows(
    scan: Path, adverts: Path, root: Path | None, blocked: dict[str, Decision]
) -> Iterator[tuple[Decision, dict[str, Any], list[Located]]]:
    """Those of the scan that are blocked, with their pictures; each is taken out of `blocked`."""
    for row, _, pictures in read_scanned(scan, COLUMNS, adverts, root):
        if decision := blocked.pop(one_line(row["id"] or ""), None):
            yield decision, row, pictures


def _title(row: dict[str, Any]) -> str:
    return f"Advert {row['id']}"


def _photos(row: dict[str, Any], pictures: list[Located], classifier: Classifier) -> Iterator[Received]:
    """The pictures of an advert, each once, that still are what was scanned."""
    located = {seen["sha256"]: place for seen, place in zip(row["pictures"] or (), pictures, strict=True)}
    for sha256, place in located.items():
        if not sha256:
            continue
        try:
            content = place.read()
            looked = classifier.look(content)
        except PhotoError as error:
            looked = error
        if isinstance(looked, PhotoError):
            typer.echo(f"{place.path}: {looked}", err=True)
        elif hashlib.sha256(content).hexdigest() != sha256:
            typer.echo(f"{place.path}: This is no longer the picture that was scanned.", err=True)
        else:
            yield Received(posixpath.basename(place.path), content, looked[1])


def _write_down(
    casebook: Casebook, case: str, item: ItemFile, row: dict[str, Any], decision: Decision, by: str
) -> None:
    """Write down what was decided on an advert, as far as it is not there: the command may have been cut off."""
    decided = " ".join(filter(None, (f"{decision.by or 'Somebody'} decided so on {decision.at}.", decision.note)))
    if decision.label and not item.corrections:
        casebook.correct(case, item.item.number, decision.label, decided, by)
    if not item.notes:
        whose = " on ".join(filter(None, (row["seller"], row["platform"])))
        said = (
            f"Advert {row['id']}{f' of {whose}' if whose else ''}.",
            f"To be blocked: {decided}",
            f"It was under review, with score {row['score']:.2f} by policy {row['policy']}.",
            *(row["reasons"] or ()),
        )
        casebook.note(case, "\n".join(said), by, item.item.number)
