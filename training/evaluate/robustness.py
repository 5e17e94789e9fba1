"""What becomes of the figures when photos are spoilt as adverts spoil them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo
from training.evaluate.bootstrap import RESAMPLES
from training.evaluate.disturb import DISTURBANCES
from training.evaluate.figures import ANSWERED, MAIN, WRONG
from training.evaluate.measure import as_png, measure_photos
from training.evaluate.paired import Change, changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from model.classifier import Classifier
    from model.manifest import Row
    from training.evaluate.disturb import Pixels
    from training.evaluate.measure import Measured

    Locate = Callable[[Row], Path]

FOLLOWED = (*MAIN, ANSWERED, WRONG)


@dataclass(frozen=True)
class Robustness:
    """One disturbance: how many photos it could be done to, and how the figures change on those."""

    name: str
    photos: int
    changes: dict[str, Change]


def measure_robustness(
    classifier: Classifier, clean: Measured, locate: Locate, resamples: int = RESAMPLES
) -> Iterator[Robustness]:
    """Each disturbance in turn, as it is done."""
    before, place = clean.predictions(classifier.classes), {row: number for number, row in enumerate(clean.rows)}
    for name, disturb in DISTURBANCES.items():
        measured = measure_photos(classifier, _spoilt(clean.rows, locate, disturb))
        kept = [place[row] for row in measured.rows]
        after = measured.predictions(classifier.classes)
        found = changes(before.at(kept), after, classifier.taxonomy, FOLLOWED, resamples) if kept else {}
        yield Robustness(name, len(kept), found)


def _spoilt(
    rows: Sequence[Row], locate: Locate, disturb: Callable[[Pixels], Pixels | None]
) -> Iterator[tuple[Row, bytes]]:
    for row in rows:
        try:
            pixels = disturb(open_photo(locate(row), DECODE_SIDE).pixels)
        except PhotoError:  # it was there a moment ago
            continue
        if pixels is not None:
            yield row, as_png(pixels)
