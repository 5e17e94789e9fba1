"""PDQ, Meta's open perceptual hash: copies of a picture in other sizes and codecs have nearly the same 256 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pdqhash

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS = 256
MAX_DISTANCE = 31
"""Bits that may differ in a match, as all who exchange PDQ hashes have it."""

ODD_COLUMNS = 0b01010101
"""Of each byte of a hash, the bits that belong to odd columns of the 16 x 16 coefficients."""

MIN_QUALITY = 50
"""Hashes of a lower quality are not matched."""


def pdq(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """(H, W, 3) RGB → the hash as (32,) uint8, and its quality 0..100."""
    bits, quality = pdqhash.compute(pixels)
    return np.packbits(bits.astype(bool)), int(quality)


def mirrored(pdq: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hash of the picture mirrored left to right, but for some six bits.

    A bit says whether a coefficient of the cosine transform is above their median, which is near zero. Mirroring turns
    the sign of those in odd columns, so that their bits flip; the others stay.
    """
    return pdq ^ np.uint8(ODD_COLUMNS)


def to_hex(pdq: NDArray[np.uint8]) -> str:
    """64 hexadecimal digits, as hash lists write them."""
    return pdq.tobytes().hex()


def from_hex(digits: str) -> NDArray[np.uint8]:
    """The hash of 64 hexadecimal digits; anything else is a ValueError."""
    content = bytes.fromhex(digits)
    if len(digits) != BITS // 4 or len(content) != BITS // 8:
        raise ValueError(f"{digits!r} has not {BITS // 4} digits")
    return np.frombuffer(content, np.uint8)
