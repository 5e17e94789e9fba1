"""What a bundle says of the photos of a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from model.photo import PhotoError
from training.evaluate.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.classifier import Classifier
    from model.finding import Finding
    from model.manifest import Row


@dataclass(frozen=True)
class Measured:
    """Findings of the photos that could be read, and the rows and reasons of those that could not.

    `items` are the objects that the photos show (one group, one label), each as the row of its first photo and the
    finding of all.
    """

    rows: list[Row]
    findings: list[Finding]
    unreadable: list[tuple[Row, PhotoError]]
    items: list[tuple[Row, Finding]]

    def predictions(self, classes: Sequence[str]) -> Predictions:
        """Class probabilities and findings as the figures take them."""
        items = _predictions([row for row, _ in self.items], [finding for _, finding in self.items], classes)
        return _predictions(self.rows, self.findings, classes, items)


def measure(classifier: Classifier, rows: Sequence[Row], locate: Callable[[Row], Path]) -> Measured:
    """Classify the photo of every row, as `schreger classify` would."""
    return measure_photos(classifier, ((row, locate(row)) for row in rows))


def measure_photos(classifier: Classifier, photos: Iterable[tuple[Row, Path | bytes]]) -> Measured:
    """Classify the photo that is given for each row: a file, or the bytes of one."""
    rows: list[Row] = []

    def sources() -> Iterator[Path | bytes]:
        for row, source in photos:
            rows.append(row)
            yield source

    read, findings, unreadable = [], [], []
    for number, result in enumerate(classifier.stream(sources())):
        if isinstance(result, PhotoError):
            unreadable.append((rows[number], result))
        else:
            read.append(rows[number])
            findings.append(result[1])
    return Measured(read, findings, unreadable, _items(classifier, read, findings))


def as_png(pixels: NDArray[np.uint8]) -> bytes:
    """Bytes of a PNG file, for pixels (H, W, 3) that are to be classified as a photo would."""
    return cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _items(classifier: Classifier, rows: Sequence[Row], findings: Sequence[Finding]) -> list[tuple[Row, Finding]]:
    photos: dict[tuple[str, str], list[tuple[Row, Finding]]] = {}
    for row, finding in zip(rows, findings, strict=True):
        photos.setdefault((row.group, row.label), []).append((row, finding))
    return [
        (of_item[0][0], of_item[0][1] if len(of_item) == 1 else classifier.combine([each for _, each in of_item]))
        for of_item in photos.values()
    ]


def _predictions(
    rows: Sequence[Row], findings: Sequence[Finding], classes: Sequence[str], items: Predictions | None = None
) -> Predictions:
    column = {key: number for number, key in enumerate(classes)}
    probabilities = np.zeros((len(findings), len(classes)))
    for number, finding in enumerate(findings):
        for key, probability in finding.probabilities:
            probabilities[number, column[key]] = probability
    return Predictions(rows, classes, probabilities, findings, items)
