"""`schreger classify`: one row for every input."""

from __future__ import annotations

import os
import sys
from collections import defaultdict, deque
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from model.classifier import Classifier
from model.legal import legal_status
from model.photo import PhotoError
from serve.command import SOME_UNREADABLE
from serve.inputs import check_inputs, find_inputs
from serve.output import is_json, open_output

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from model.finding import Finding
    from serve.output import Row

COLUMNS = {
    "path": str, "item": str, "sha256": str, "status": str, "answer": str, "name": str, "probability": float,
    "top": str, "unfamiliarity": float, "advice": str, "cites": str, "bundle": str, "error": str,
}  # fmt: skip
JSON_COLUMNS = COLUMNS | {"rule": str}


@dataclass(frozen=True)
class Answer:
    """One input, and the sha256 of its bytes with its finding, or why it could not be opened.

    `item` names the item that it shows, `of_item` is the item's finding; both are empty when each photo is its own.
    """

    path: Path
    result: tuple[str, Finding] | PhotoError
    item: str | None = None
    of_item: Finding | None = None


def command(
    paths: Sequence[Path], out: Path | None, by_folder: bool, top: int, bundle: str, json: bool, quiet: bool
) -> int:
    """Classify files and folders; the exit status is 3 when some inputs could not be read."""
    check_inputs(paths, out)
    classifier = Classifier.load(bundle)
    console = Console(stderr=True, quiet=quiet)
    answers = classify(classifier, find_inputs(paths, out))
    if console.is_terminal and not (out is None and sys.stdout.isatty()):  # there, rows are progress enough
        answers = _watched(answers, sum(1 for _ in find_inputs(paths, out)), console)
    if by_folder:
        answers = combine_by_folder(classifier, answers)
    inputs = unreadable = 0
    columns = JSON_COLUMNS if is_json(out, json) else COLUMNS
    with closing(answers), open_output(out, columns, json) as write:
        for answer in answers:
            inputs += 1
            unreadable += isinstance(answer.result, PhotoError)
            write(to_row(answer, classifier, top))
    why = "; the column error says why the others could not be read" if unreadable else ""
    console.print(f"Classified {inputs - unreadable} of {inputs}{why}.", highlight=False, soft_wrap=True)
    return SOME_UNREADABLE if unreadable else 0


def classify(classifier: Classifier, inputs: Iterable[Path]) -> Generator[Answer]:
    """Answers in the order of the inputs."""
    ahead: deque[Path] = deque()

    def noted() -> Iterator[Path]:
        for path in inputs:
            ahead.append(path)
            yield path

    for result in classifier.stream(noted()):
        yield Answer(ahead.popleft(), result)


def combine_by_folder(classifier: Classifier, answers: Iterable[Answer]) -> Generator[Answer]:
    """The same answers, each with the finding of all photos in its folder. They come once all photos are read."""
    held = list(answers)
    photos: dict[Path, list[Finding]] = defaultdict(list)
    for answer in held:
        if not isinstance(answer.result, PhotoError):
            photos[answer.path.parent].append(answer.result[1])
    items = {folder: classifier.combine(findings) for folder, findings in photos.items()}
    for answer in held:
        folder = answer.path.parent
        yield Answer(answer.path, answer.result, os.fspath(folder), items.get(folder))


def to_row(answer: Answer, classifier: Classifier, top: int) -> Row:
    """One row of the output; cells that do not apply are empty."""
    row: Row = dict.fromkeys(JSON_COLUMNS)
    row |= {"path": os.fspath(answer.path), "item": answer.item, "bundle": classifier.bundle.id}
    if isinstance(answer.result, PhotoError):
        return row | {"sha256": answer.result.sha256, "error": str(answer.result)}
    sha256, photo = answer.result
    said = answer.of_item or photo
    if said.answer:
        appendices = dict.fromkeys(status.appendix for status in legal_status(said.answer, classifier.taxonomy))
        row |= {"name": classifier.taxonomy.name(said.answer), "cites": ";".join(appendices) or None}
    return row | {
        "sha256": sha256,
        "status": said.status,
        "rule": said.rule,
        "answer": said.answer,
        "probability": round(said.probability, 4),
        "top": ";".join(f"{key}={probability:.4f}" for key, probability in said.probabilities[: top or None]),
        "unfamiliarity": round(said.unfamiliarity, 4),
        "advice": ";".join(advice for quality in photo.quality for advice in quality.advice) or None,
    }


def _watched(answers: Iterable[Answer], total: int, console: Console) -> Generator[Answer]:
    """The answers as they come, with progress."""
    columns = (TextColumn("photos"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        yield from progress.track(answers, total=total)
