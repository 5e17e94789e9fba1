"""The evidence map as a picture that lies over the photo; numpy alone."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINENESS = 16
"""Pixels of the overlay for each place of the evidence map, along each side; a browser stretches it over the photo."""

STRONG = 5.0
"""Logit from which a place speaks strongly: if none reaches it, the overlay stays faint all over."""

RAMP = np.array([(126, 3, 168), (204, 71, 120), (248, 149, 64), (240, 249, 33)], np.float32)
"""From little evidence to much: steps of the plasma colours, told apart with any kind of colour sight."""


def heat(evidence: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(h, w) logits at each place → (16 h, 16 w, 4) uint8 RGBA.

    A place that speaks against the answer is clear; the one that speaks most for it is solid, provided that it speaks
    strongly. Weak evidence must not look like more.
    """
    share = np.clip(np.nan_to_num(evidence, nan=0.0, posinf=0.0, neginf=0.0), 0, None)
    share = _smooth(share / max(float(share.max(initial=0)), STRONG))
    steps = np.linspace(0, 1, len(RAMP))
    colours = np.stack([np.interp(share, steps, RAMP[:, channel]) for channel in range(3)], axis=-1)
    return np.round(np.concatenate([colours, 255 * share[..., None]], axis=-1)).astype(np.uint8)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Finer by linear interpolation between the centres of the places, along one side and then the other."""
    for _ in range(2):
        places = np.arange(len(values))
        finer = (np.arange(len(values) * FINENESS) + 0.5) / FINENESS - 0.5
        values = np.stack([np.interp(finer, places, column) for column in values.T], axis=0)
    return np.asarray(values, np.float32)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels (H, W, 3 or 4) uint8 as a PNG file; each row is stored as its difference from the one above."""
    height, width, channels = pixels.shape
    differences = np.diff(pixels, axis=0, prepend=np.zeros_like(pixels[:1])).reshape(height, width * channels)
    rows = np.concatenate([np.full((height, 1), 2, np.uint8), differences], axis=1)
    header = struct.pack(">2I5B", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def data_uri(picture: bytes, kind: str) -> str:
    """A PNG, WebP or JPEG file as an address that holds the picture itself, so that no file of it is ever written."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
