"""What a bundle's own engine sees in the photos that it is fitted on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.classifier import BATCH, Opened
from model.engine import CORES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.classifier import Classifier
    from model.manifest import Row
    from model.photo import PhotoError

    Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Seen:
    """Rows whose photos could be opened, their logits (N, C), their embeddings (N, d) of unit length; the others."""

    rows: Sequence[Row]
    logits: Floats
    embeddings: Floats
    unreadable: Sequence[tuple[Row, PhotoError]] = ()

    @property
    def labels(self) -> list[str]:
        """Label of every photo."""
        return [row.label for row in self.rows]

    def of_split(self, split: str) -> Seen:
        """The photos of one split."""
        chosen = np.array([row.split == split for row in self.rows], bool)
        rows = [row for row in self.rows if row.split == split]
        return Seen(rows, self.logits[chosen], self.embeddings[chosen])


def see(classifier: Classifier, rows: Sequence[Row], locate: Callable[[Row], Path]) -> Seen:
    """Run the photos of these rows; those that cannot be opened are set apart."""

    def of_batch(batch: Sequence[Row]) -> Seen:
        opened = [(row, classifier.open(locate(row))) for row in batch]
        good = [(row, photo.pixels) for row, photo in opened if isinstance(photo, Opened)]
        bad = [(row, photo) for row, photo in opened if not isinstance(photo, Opened)]
        if not good:
            return Seen([], np.empty((0, 0), np.float32), np.empty((0, 0), np.float32), bad)
        output = classifier.engine.run(np.stack([pixels for _, pixels in good]))
        lengths = np.linalg.norm(output.embedding, axis=1, keepdims=True)
        return Seen([row for row, _ in good], output.logits, output.embedding / lengths, bad)

    with ThreadPoolExecutor(CORES) as pool:
        parts = list(pool.map(of_batch, [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]))
    unreadable = [each for part in parts for each in part.unreadable]
    parts = [part for part in parts if part.rows]
    if not parts:
        nothing = np.zeros((0, len(classifier.classes)), np.float32), np.zeros((0, 1), np.float32)
        return Seen([], *nothing, unreadable)
    return Seen(
        [row for part in parts for row in part.rows],
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.embeddings for part in parts]),
        unreadable,
    )
