"""Practice for officers: rounds of questions about photos that a trainer labelled, and what came of the answers."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING, Any, Final

from model.errors import SchregerError
from model.manifest import read_manifest
from model.photo import PhotoError
from model.photo.kind import kind_of
from serve.inputs import find_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from model.taxonomy import Taxonomy

ROUND: Final = 20
"""Photos of one round, where there are as many."""

CHOICES: Final = 5
"""Answers to choose from: the right one, up to LOOK_ALIKES that it is mistaken for, and others."""

LOOK_ALIKES: Final = 2

BEGINNING: Final = 1024
"""Bytes of a file that tell whether it is a photo."""


class PracticeError(SchregerError):
    """There is nothing to practise with; the message says in one sentence what is wrong and what to do."""


@dataclass(frozen=True)
class Question:
    """What does this photo show? `choices` are keys of the taxonomy, the right one, `label`, among them."""

    file: Path
    label: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a photo shows, what was answered, and the sha256 of the photo."""

    label: str
    given: str
    sha256: str

    @property
    def right(self) -> bool:
        """Whether the answer is the label."""
        return self.given == self.label


class Practice:
    """Photos by label, from which rounds are drawn."""

    def __init__(self, photos: Mapping[str, Sequence[Path]], taxonomy: Taxonomy) -> None:
        self.photos, self.taxonomy = photos, taxonomy

    def round(self, number: int) -> tuple[Question, ...]:
        """A round: its number alone decides on the photos and the choices. Labels come as evenly as they can."""
        random = Random(number)  # noqa: S311 - the same for everybody, not a secret
        waiting = {label: random.sample(files, len(files)) for label, files in self.photos.items()}
        labels = random.sample([*waiting], len(waiting))
        drawn = ((label, waiting[label].pop()) for label in cycle(labels) if waiting[label])
        size = min(ROUND, sum(map(len, waiting.values())))
        questions = [Question(file, label, self._choices(label, random)) for label, file in islice(drawn, size)]
        return tuple(random.sample(questions, size))

    def _choices(self, label: str, random: Random) -> tuple[str, ...]:
        """The label and what it is not: look-alikes, then other labels, then what is near it in the tree.

        To an animal all others are animals, to a thing things.
        """
        above = {*self.taxonomy.lineage(label)}
        others = random.sample([*self.taxonomy], len(self.taxonomy))
        others = [key for key in others if key in self.photos or not self.taxonomy.children(key)]
        others = [key for key in others if self._alive(key) == self._alive(label)]
        others.sort(key=lambda key: -len(above.intersection(self.taxonomy.lineage(key))))
        others.sort(key=lambda key: key not in self.photos)
        chosen = [label]
        for key in (*self.taxonomy.look_alikes(label)[:LOOK_ALIKES], *others):
            if len(chosen) < CHOICES and not any(self._overlap(key, each) for each in chosen):
                chosen.append(key)
        return tuple(random.sample(chosen, len(chosen)))

    def _alive(self, key: str) -> bool:
        return self.taxonomy[key].kind == "taxon"

    def _overlap(self, one: str, other: str) -> bool:
        """Whether two keys are the same or one is a kind of the other, so that both could be right."""
        return one in self.taxonomy.lineage(other) or other in self.taxonomy.lineage(one)


def open_practice(path: Path, taxonomy: Taxonomy) -> Practice:
    """The photos of a manifest, or of a folder with one folder for each label; labels are keys of the taxonomy.

    Files that are no photos are left out.

    Raises:
        PracticeError: There is no such folder or file, a label is unknown, or no photo is left.
        ManifestError: The manifest cannot be read.
    """
    if not path.exists():
        raise PracticeError(f"There is no {path} to practise with; name a folder of photos or a manifest.")
    photos: dict[str, list[Path]] = defaultdict(list)
    for label, file in _in_folders(path) if path.is_dir() else _in_manifest(path):
        if label not in taxonomy:
            raise PracticeError(f"{path} has the label {label!r}, which is no key of the taxonomy; ivory and bone are.")
        if _is_photo(file):
            photos[label].append(file)
    if not photos:
        wanted = "folders named after labels, such as ivory and bone" if path.is_dir() else "files beside it"
        raise PracticeError(f"{path} has no photos to practise with; it needs {wanted}.")
    return Practice(photos, taxonomy)


def _in_folders(path: Path) -> Iterator[tuple[str, Path]]:
    for folder in sorted(path.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            yield from ((folder.name, file) for file in find_inputs([folder]))


def _in_manifest(path: Path) -> Iterator[tuple[str, Path]]:
    return ((row.label, path.parent / row.file) for row in read_manifest(path, draft=True))


def _is_photo(file: Path) -> bool:
    try:
        if not file.is_file():  # a pipe would wait
            return False
        with file.open("rb") as beginning:
            kind_of(beginning.read(BEGINNING))
    except (OSError, ValueError, PhotoError):
        return False
    return True


def scores(answers: Iterable[Answer]) -> dict[str, Counter[str]]:
    """How often each answer was given to photos of each label."""
    given: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in answers:
        given[answer.label][answer.given] += 1
    return dict(sorted(given.items()))


def report(number: int, answers: Sequence[Answer], at: str) -> dict[str, Any]:
    """A round's results, ready for JSON. `confusion` holds, by label, how often each answer was given."""
    confusion = scores(answers)
    return {
        "kind": "practice",
        "round": number,
        "finished_at": at,
        "photos": len(answers),
        "right": sum(answer.right for answer in answers),
        "by_label": {
            label: {"photos": given.total(), "right": given[label]} for label, given in confusion.items()
        },
        "confusion": confusion,
        "answers": [_row(answer) for answer in answers],
    }  # fmt: skip


def to_csv(answers: Iterable[Answer]) -> str:
    """One row an answer: label, answer, right, sha256."""
    text = io.StringIO()
    rows = csv.DictWriter(text, ("label", "answer", "right", "sha256"), lineterminator="\n")
    rows.writeheader()
    rows.writerows(_row(answer) for answer in answers)
    return text.getvalue()


def _row(answer: Answer) -> dict[str, str | bool]:
    return {"label": answer.label, "answer": answer.given, "right": answer.right, "sha256": answer.sha256}
