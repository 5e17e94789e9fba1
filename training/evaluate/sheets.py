"""Contact sheets of the photos that a bundle gets wrong, one picture a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from model.photo import open_photo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from model.manifest import Row
    from training.evaluate.predictions import Predictions

SHEETS = "sheets"
THUMBNAIL, CAPTION, ACROSS, MOST = 160, 22, 8, 64
"""Pixels of a thumbnail's side and of the line below it; thumbnails in a row, and at most on a sheet."""


def write_sheets(predictions: Predictions, locate: Callable[[Row], Path], out: Path) -> dict[str, str]:
    """Write a sheet for each label with mistakes, the surest of them first; give their paths below OUT by label."""
    (out / SHEETS).mkdir(exist_ok=True)
    sheets = {}
    for label in np.unique(predictions.labels[predictions.known & ~predictions.right]).tolist():
        wrong = np.flatnonzero((predictions.labels == label) & ~predictions.right)
        surest = wrong[np.argsort(-predictions.confidence[wrong], kind="stable")][:MOST]
        tiles = [
            _tile(locate(predictions.rows[place]), f"{predictions.best[place]} {predictions.confidence[place]:.2f}")
            for place in surest
        ]
        sheets[label] = f"{SHEETS}/{label}.jpg"
        (out / sheets[label]).write_bytes(_as_jpeg(_together(tiles)))
    return sheets


def _tile(file: Path, caption: str) -> NDArray[np.uint8]:
    pixels = open_photo(file, THUMBNAIL).pixels
    height, width = pixels.shape[:2]
    tile = np.full((THUMBNAIL + CAPTION, THUMBNAIL, 3), 255, np.uint8)
    top, left = (THUMBNAIL - height) // 2, (THUMBNAIL - width) // 2
    tile[top : top + height, left : left + width] = pixels
    cv2.putText(tile, caption, (3, THUMBNAIL + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (20, 20, 20), 1, cv2.LINE_AA)
    return tile


def _together(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    blank = np.full_like(tiles[0], 255)
    across = min(ACROSS, len(tiles))
    padded = tiles + [blank] * (-len(tiles) % across)
    rows = [np.concatenate(padded[start : start + across], axis=1) for start in range(0, len(padded), across)]
    return np.concatenate(rows)


def _as_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes()
