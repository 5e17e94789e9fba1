"""What a bundle says of the photos of a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.photo import PhotoError
from training.figures import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model.classifier import Classifier
    from model.finding import Finding
    from model.manifest import Row


@dataclass(frozen=True)
class Measured:
    """Findings of the photos that could be read, and the rows and reasons of those that could not."""

    rows: list[Row]
    findings: list[Finding]
    unreadable: list[tuple[Row, PhotoError]]

    def predictions(self, classes: Sequence[str]) -> Predictions:
        """Class probabilities as the figures take them."""
        column = {key: number for number, key in enumerate(classes)}
        probabilities = np.zeros((len(self.findings), len(classes)))
        for number, finding in enumerate(self.findings):
            for key, probability in finding.probabilities:
                probabilities[number, column[key]] = probability
        return Predictions(self.rows, classes, probabilities)


def measure(classifier: Classifier, rows: Sequence[Row], locate: Callable[[Row], Path]) -> Measured:
    """Classify the photo of every row, as `schreger classify` would."""
    measured = Measured([], [], [])
    for row, result in zip(rows, classifier.stream(locate(row) for row in rows), strict=True):
        if isinstance(result, PhotoError):
            measured.unreadable.append((row, result))
        else:
            measured.rows.append(row)
            measured.findings.append(result[1])
    return measured
