"""Exemplars: embeddings of a few train photos of each class, which a bundle carries in place of the photos.

What lies far from all of them is unfamiliar, and others can refit the head on them without forgetting classes whose
photos they lack.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.bundle import BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LEVELS = 7
"""Steps between nothing and the largest value of a feature; a head learned from finer ones is no better."""

UNREADABLE = (
    OSError, ValueError, LookupError, EOFError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy and zipfile raise for a file that is none of theirs, or damaged."""


@dataclass(frozen=True, eq=False)
class Exemplars:
    """Embeddings (n, d) of unit length, the norm (n,) of the features before that, and the number of the class (n,)."""

    embeddings: Floats
    norms: Floats
    labels: NDArray[np.int64]

    @property
    def features(self) -> Floats:
        """Pooled features (n, d), as a head takes them."""
        return self.embeddings * self.norms[:, None]


def write_exemplars(exemplars: Exemplars, file: Path) -> None:
    """Write compressed arrays; an embedding is its steps, squared with their sign kept, times the scale.

    Steps of the square root keep small features, which are most, better than steps of the features would.
    """
    scale = (np.abs(exemplars.embeddings).max(axis=0) + np.float32(1e-9)) / LEVELS**2
    steps = np.round(np.sign(exemplars.embeddings) * np.sqrt(np.abs(exemplars.embeddings) / scale))
    np.savez_compressed(
        file,
        steps=steps.astype(np.int8),
        scale=scale.astype(np.float32),
        norms=exemplars.norms.astype(np.float32),
        labels=exemplars.labels.astype(np.uint16),
    )


def read_exemplars(file: Path, classes: int) -> Exemplars:
    """Read what `write_exemplars` wrote.

    Raises:
        BundleError: The file is missing, is not one of ours, or names other classes than the bundle's.
    """
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
            steps, scale, norms = (arrays[name].astype(np.float32) for name in ("steps", "scale", "norms"))
            labels = arrays["labels"].astype(np.int64)
    except UNREADABLE as error:
        raise BundleError(f"{file} holds no exemplars that can be read: get the bundle anew.") from error
    photos = (len(steps),) if steps.ndim else ()
    fits = steps.ndim == 2 and steps.size and scale.shape == steps.shape[1:] and norms.shape == labels.shape == photos
    if not fits or labels.min() < 0 or labels.max() >= classes:
        raise BundleError(f"The exemplars in {file} are not of the bundle's classes: get the bundle anew.")
    rough = steps * np.abs(steps) * scale
    return Exemplars(rough / np.linalg.norm(rough, axis=1, keepdims=True), norms, labels)
