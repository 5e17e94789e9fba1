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

    Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Seen:
    """Rows whose photos could be opened, their logits (N, C), and their embeddings (N, d) of unit length."""

    rows: Sequence[Row]
    logits: Floats
    embeddings: Floats

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
    """Run the photos of these rows; those that cannot be opened are left out."""

    def of_batch(batch: Sequence[Row]) -> tuple[list[Row], Floats, Floats]:
        opened = [(row, classifier.open(locate(row))) for row in batch]
        good = [(row, photo.pixels) for row, photo in opened if isinstance(photo, Opened)]
        if not good:
            return [], np.empty((0, 0), np.float32), np.empty((0, 0), np.float32)
        output = classifier.engine.run(np.stack([pixels for _, pixels in good]))
        lengths = np.linalg.norm(output.embedding, axis=1, keepdims=True)
        return [row for row, _ in good], output.logits, output.embedding / lengths

    with ThreadPoolExecutor(CORES) as pool:
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        parts = [part for part in pool.map(of_batch, batches) if part[0]]
    if not parts:
        return Seen([], np.zeros((0, len(classifier.classes)), np.float32), np.zeros((0, 1), np.float32))
    return Seen(
        [row for part in parts for row in part[0]],
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )
