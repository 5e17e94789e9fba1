"""`schreger vet`: one verdict for every advert."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from model.classifier import Classifier
from model.errors import SchregerError
from serve.advert.advert import Advert
from serve.advert.ocr import check_reader
from serve.advert.policy import load_policy
from serve.advert.read import check_root, read_adverts
from serve.advert.vet import vet_all
from serve.command import SOME_UNREADABLE
from serve.output import open_output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from serve.advert.advert import Reason, Verdict
    from serve.output import Row

COLUMNS = {
    "id": str, "verdict": str, "score": float, "answer": str, "reasons": str, "error": str,
    "bundle": str, "policy": str,
}  # fmt: skip

ADDRESS = re.compile(r"(?:^|[/\\])https?:[/\\]")
"""An address as a path has it, in which two slashes are one."""


class VetError(SchregerError):
    """It is not said what to vet."""


def command(
    inputs: Sequence[Path] | None,
    title: str | None,
    text: str | None,
    pictures_root: Path | None,
    out: Path | None,
    policy: Path | None,
    bundle: str,
    ocr: bool | None,
    json: bool,
    quiet: bool,
) -> int:
    """Vet an advert file, or one advert; the exit status is 3 when something of them could not be read.

    Text in pictures is read with `ocr`, and where it is None if that is installed.
    """
    if ocr:
        check_reader()
    if title is None and text is None:
        if inputs is None or len(inputs) != 1:
            raise VetError("Name one advert file, or describe one advert by --title or --text and its pictures.")
        check_root(pictures_root)
        adverts = read_adverts(inputs[0], pictures_root, partial(typer.echo, err=True))
    else:
        adverts = [Advert("1", title=title or "", text=text or "", pictures=tuple(inputs or ()))]
    adverts = list(map(_with_addresses_named, adverts))
    classifier = Classifier.load(bundle)
    chosen = load_policy(policy, classifier.taxonomy)
    kept = dict.fromkeys(name for advert in adverts for name in advert.other if name not in COLUMNS)
    counts = {"clear": 0, "review": 0, "block": 0}
    faulty = 0
    with open_output(out, COLUMNS | dict.fromkeys(kept, str), json) as write:
        for advert, verdict in zip(adverts, vet_all(adverts, classifier, chosen, ocr is not False), strict=True):
            counts[verdict.verdict] += 1
            faulty += bool(verdict.error)
            write(dict.fromkeys(kept) | dict(advert.other) | to_row(verdict))
    said = ", ".join(f"{number} {name}" for name, number in counts.items())
    why = f"; {faulty} with faults that the column error names" if faulty else ""
    Console(stderr=True, quiet=quiet).print(f"Vetted {len(adverts)}: {said}{why}.", highlight=False, soft_wrap=True)
    return SOME_UNREADABLE if faulty else 0


def to_row(verdict: Verdict) -> Row:
    """One row of the output; cells that do not apply are empty."""
    return {
        "id": verdict.id,
        "verdict": verdict.verdict,
        "score": round(verdict.score, 4),
        "answer": verdict.answer,
        "reasons": ";".join(map(_sentence, verdict.reasons)) or None,
        "error": verdict.error or None,
        "bundle": verdict.bundle,
        "policy": verdict.policy,
    }


def _with_addresses_named(advert: Advert) -> Advert:
    if not any(ADDRESS.search(str(picture)) for picture in advert.pictures):
        return advert
    said = "Pictures that are addresses are not opened; `schreger scan --fetch` downloads them."
    return replace(advert, error=f"{advert.error} {said}".lstrip())


def _sentence(reason: Reason) -> str:
    """The reason with what it adds, without the sign that separates reasons."""
    weight = f" ({reason.weight:+.1f})" if reason.weight else ""
    return f"{reason.sentence}{weight}".replace(";", ",")
