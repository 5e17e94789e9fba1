"""What adverts do to photos, at random: transforms that a recipe's augmentation may name beside albumentations' own.

They are drawn otherwise than what `evaluate.disturb` judges by, so that a network cannot learn the one by the other.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from albumentations import ImageOnlyTransform
from numpy.typing import NDArray

from training.evaluate.background import object_mask, on_ground
from training.evaluate.drawn import rounded, turned, write_line

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

FONTS = (cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
SIGNS = "abcdefghijklmnoprstuvwyz ABCDEFGHIKLMNOPRSTUVW 0123456789 .-$@/"


class _Drawn(ImageOnlyTransform):  # type: ignore[misc]  # albumentations has no types
    """Draws with a random generator that the seed of the whole augmentation decides."""

    def get_params(self) -> dict[str, Any]:
        return {"number": self.py_random.getrandbits(32)}

    def apply(self, img: Pixels, number: int = 0, **_: Any) -> Pixels:
        return self.draw(img, np.random.default_rng(number))

    def draw(self, pixels: Pixels, generator: np.random.Generator) -> Pixels:
        """The photo (H, W, 3) as an advert shows it."""
        raise NotImplementedError


class Watermark(_Drawn):
    """Half-transparent text over the photo, once or again and again, aslant."""

    def draw(self, pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        side = 2 * max(height, width)
        scale = side / 1000 * generator.uniform(0.5, 2.5)
        step = side if generator.random() < 0.3 else round(max(20, 60 * scale * generator.uniform(1, 3)))
        sheet, font, text = np.zeros((side, side), np.uint8), _font(generator), _text(generator)
        for base in range(side // 2 % step + round(20 * scale), side, step):
            start = -int(generator.integers(0, 100))
            cv2.putText(sheet, (text + "   ") * 8, (start, base), font, scale, 255, max(1, round(2 * scale)))
        angle = generator.choice([0, generator.uniform(-50, 50)])
        strength = generator.uniform(0.15, 0.7) * (turned(sheet, angle, height, width)[..., None] / 255)
        return rounded(pixels * (1 - strength) + np.array(_shade(generator)) * strength)


class Banner(_Drawn):
    """A bar of one colour with a line of text over the top or the bottom."""

    def draw(self, pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, result = len(pixels), pixels.copy()
        bar = max(4, round(height * generator.uniform(0.07, 0.25)))
        top = generator.choice([0, height - bar])
        result[top : top + bar] = _colour(generator)
        write_line(result, _text(generator), (top, top + bar), _colour(generator), _font(generator))
        return result


class Screen(_Drawn):
    """The photo within a page: even margins, some with lines of text or a button in them."""

    def draw(self, pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        above, below = (round(height * generator.uniform(0, 0.6) * (generator.random() < 0.8)) for _ in range(2))
        left, right = (round(width * generator.uniform(0, 0.3) * (generator.random() < 0.3)) for _ in range(2))
        paper, ink = _shade(generator), _colour(generator)
        page = np.full((above + height + below, left + width + right, 3), paper, np.uint8)
        page[above : above + height, left : left + width] = pixels
        for start, end in ((0, above), (above + height, len(page))):
            for line in range(start, end - 8, max(8, round(height * generator.uniform(0.05, 0.12)))):
                self._write(page, (line, min(end, line + round(height * generator.uniform(0.03, 0.1)))), ink, generator)
        return page

    def _write(self, page: Pixels, rows: tuple[int, int], ink: Colour, generator: np.random.Generator) -> None:
        """A line of text, a button, or nothing."""
        kind = generator.random()
        if kind < 0.15:
            margin = page.shape[1] // int(generator.integers(6, 30))
            page[rows[0] : rows[1], margin : page.shape[1] - margin] = _colour(generator)
        if kind < 0.75 and rows[1] - rows[0] > 3:
            write_line(page, _text(generator), rows, ink, _font(generator))


class OtherGround(_Drawn):
    """The object on a drawn ground, where it lies on a plain one; any other photo stays as it is."""

    def draw(self, pixels: Pixels, generator: np.random.Generator) -> Pixels:
        mask = object_mask(pixels)
        return pixels if mask is None else on_ground(pixels, mask, int(generator.integers(1 << 31)))


TRANSFORMS = {kind.__name__: kind for kind in (Watermark, Banner, Screen, OtherGround)}
"""By the names that recipes use."""


def _text(generator: np.random.Generator) -> str:
    return "".join(generator.choice(list(SIGNS), int(generator.integers(4, 30))))


def _font(generator: np.random.Generator) -> int:
    return int(generator.choice(FONTS))


def _colour(generator: np.random.Generator) -> Colour:
    red, green, blue = generator.integers(0, 256, 3).tolist()
    return red, green, blue


def _shade(generator: np.random.Generator) -> Colour:
    """Mostly near white, sometimes near black or any grey, as pages and watermarks are."""
    lowest, highest = ((235, 256), (235, 256), (235, 256), (0, 40), (0, 256))[generator.integers(5)]
    level = int(generator.integers(lowest, highest))
    return level, level, level
