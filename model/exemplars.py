"""Exemplars: embeddings of a few train photos of each class, which a bundle carries in place of the photos.

They say where each class lies, and let others refit the head without forgetting classes whose photos they lack.
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

    def centres(self) -> Floats:
        """Unit-length mean embedding (C, d) of each class that has exemplars."""
        means = np.stack([self.embeddings[self.labels == label].mean(axis=0) for label in np.unique(self.labels)])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def write_exemplars(exemplars: Exemplars, file: Path) -> None:
    """Write compressed arrays: square roots of the features in LEVELS steps of the largest, which keeps small ones."""
    scale = np.abs(exemplars.embeddings).max(axis=0) + np.float32(1e-9)
    shares = exemplars.embeddings / scale
    steps = np.round(np.sign(shares) * np.sqrt(np.abs(shares)) * LEVELS)
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
        with np.load(file, allow_pickle=False) as arrays:
            steps, scale, norms, labels = (arrays[name] for name in ("steps", "scale", "norms", "labels"))
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(f"{file} holds no exemplars that can be read: get the bundle anew.") from error
    fits = steps.ndim == 2 and 0 < len(steps) == len(norms) == len(labels) and scale.shape == steps.shape[1:]
    if not fits or labels.max() >= classes:
        raise BundleError(f"The exemplars in {file} are not of the bundle's classes: get the bundle anew.")
    shares = steps.astype(np.float32) / LEVELS
    rough = np.sign(shares) * shares**2 * scale
    unit = rough / np.linalg.norm(rough, axis=1, keepdims=True)
    return Exemplars(unit.astype(np.float32), norms.astype(np.float32), labels.astype(np.int64))
