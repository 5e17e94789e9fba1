"""A perceptual hash: photos that look the same, whatever their size and codec, have nearly the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import dctn

from model.photo import squash

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS = 256
LUMA = np.array((0.299, 0.587, 0.114), np.float32)
"""Shares of red, green and blue in grey (BT.601)."""


def perceptual_hash(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """256 bits in 32 bytes, as in PDQ: which of the 16 x 16 slowest waves of a 64 x 64 copy exceed their median."""
    waves = dctn(squash(pixels, 64) @ LUMA, norm="ortho")[1:17, 1:17]
    return np.packbits(waves > np.median(waves))


def as_vectors(hashes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Hashes (N, 32) as vectors (N, 256) of unit length, whose products are `product_of_distance`."""
    return (np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1) / np.float32(BITS**0.5)


def product_of_distance(bits: int) -> float:
    """The product of two hashes' vectors that differ in so many bits."""
    return 1 - 2 * bits / BITS
