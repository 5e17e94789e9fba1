"""How usable a photo is, in numbers measured on a small grey copy, and what would make it better."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_GREY_SIDE = 256  # pixels; sharpness is judged at about the size at which a network looks

# Fitted on 8,855 training photos: how many of them fire, and how many of the same photos made worse.
_TOO_DARK = 0.33  # even the brightest 2 %; 0.05 %, all at a third of the light
_TOO_BRIGHT = 0.75  # even the darkest 2 %; 0.8 %, 17 % at three times the light (many have a white ground)
_LOW_CONTRAST = 0.2  # 0.9 %, all at a sixth of the contrast
_BLURRED = 0.2  # 0.9 %, 99.99 % blurred with a radius of 4 pixels (of 384), 98 % of 2, 96 % shaken by 12
_TOO_SMALL = 100  # 0.01 %


@dataclass(frozen=True)
class Quality:
    """Numbers about one photo; `advice` holds the keys of what to do better, none when all is well.

    `sharpness` 0..1: energy of the second differences over that of the first ones, of the worse axis, so that shake
    shows too; independent of contrast. `brightness` 0..1: mean luminance. `contrast` 0..1: from the darkest 2 % to the
    brightest 2 %. `usable_side`: pixels of the shorter side of the picture as received, before it is scaled down.
    `advice`: any of too_dark, too_bright, low_contrast, blurred, too_small.
    """

    sharpness: float
    brightness: float
    contrast: float
    usable_side: int
    advice: tuple[str, ...]


def grey_copy(image: Image.Image) -> Image.Image:
    """A grey copy of an RGB image, at most _GREY_SIDE pixels long: `reduction` times smaller."""
    return image.convert("L").reduce(reduction(image))


def reduction(image: Image.Image) -> int:
    """How many times smaller the grey copy of an image is, each way."""
    return math.ceil(max(image.size) / _GREY_SIDE)


def measure(grey: Image.Image, usable_side: int) -> Quality:
    """Quality of a picture, from its grey copy; about 0.1 ms."""
    counts = np.cumsum(grey.histogram())
    dark, bright = np.searchsorted(counts, (0.02 * counts[-1], 0.98 * counts[-1])) / 255
    levels = np.asarray(grey, np.float32)
    sharpness = min(_fineness(levels), _fineness(levels.T))
    contrast = float(bright - dark)
    fires = {
        "too_dark": bright < _TOO_DARK,
        "too_bright": dark > _TOO_BRIGHT,
        "low_contrast": contrast < _LOW_CONTRAST,
        "blurred": sharpness < _BLURRED and contrast >= _LOW_CONTRAST,  # nothing is sharp on an empty wall
        "too_small": usable_side < _TOO_SMALL,
    }
    advice = tuple(key for key, fired in fires.items() if fired)
    return Quality(sharpness, float(levels.mean()) / 255, contrast, usable_side, advice)


def _fineness(levels: NDArray[np.float32]) -> float:
    """Energy of the second differences along axis 0 over four times that of the first: 0 on a slow slope, at most 1."""
    first = np.diff(levels, axis=0)
    second = np.diff(first, axis=0)
    if not second.size:
        return 0.0
    return float(np.square(second).mean() / (4 * np.square(first).mean() + 1))  # 1: the noise of rounding
