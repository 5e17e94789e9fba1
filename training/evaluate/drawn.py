"""Pictures that are drawn, always the same for the same number: grounds to lay objects on, and nonsense."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Levels = NDArray[np.float32]
Brush = Callable[[int, int, np.random.Generator], Levels]

NONSENSE_SIDE = 256
FONT = cv2.FONT_HERSHEY_SIMPLEX


def ground(height: int, width: int, number: int) -> Pixels:
    """A ground (height, width, 3) as adverts have them: cloth, wood, marble or tiles, by the number."""
    grounds: tuple[tuple[Brush, tuple[Sequence[float], Sequence[float]]], ...] = (
        (_planks, ((70, 40, 20), (190, 140, 95))),
        (_cloth, ((110, 15, 30), (190, 60, 60))),
        (_marble, ((90, 90, 95), (235, 232, 225))),
        (_cloth, ((25, 40, 80), (90, 120, 170))),
        (_tiles, ((150, 145, 135), (205, 200, 190))),
        (_cloth, ((120, 100, 70), (225, 210, 180))),
    )
    brush, colours = grounds[number % len(grounds)]
    return _coloured(brush(height, width, np.random.default_rng(number)), *colours)


def nonsense(number: int) -> Pixels:
    """A picture (256, 256, 3) that shows nothing: noise, blots, stripes, scribbles or letters, by the number."""
    generator = np.random.default_rng(number)
    brushes: tuple[Brush, ...] = (_noise, _marble, _stripes, _scribble, _letters, _tiles)
    levels = brushes[number % len(brushes)](NONSENSE_SIDE, NONSENSE_SIDE, generator)
    return _coloured(levels, tuple(generator.uniform(0, 140, 3)), tuple(generator.uniform(120, 255, 3)))


def write_line(
    pixels: Pixels, text: str, rows: tuple[int, int], colour: tuple[int, int, int], font: int = FONT
) -> None:
    """Write one line of text into a band of rows, as large as fits."""
    (width, height), _ = cv2.getTextSize(text, font, 1, 2)
    band = rows[1] - rows[0]
    scale = min(0.6 * band / height, 0.9 * pixels.shape[1] / width)
    left, base = round((pixels.shape[1] - width * scale) / 2), round(rows[0] + (band + height * scale) / 2)
    cv2.putText(pixels, text, (left, base), font, scale, colour, max(1, round(2 * scale)), cv2.LINE_AA)


def turned(sheet: Pixels, angle: float, height: int, width: int) -> Pixels:
    """The middle (height, width) of a square sheet that is turned about it by an angle in degrees."""
    side = len(sheet)
    whole = cv2.warpAffine(sheet, cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1), (side, side))
    top, left = (side - height) // 2, (side - width) // 2
    return np.asarray(whole[top : top + height, left : left + width], np.uint8)


def rounded(values: NDArray[np.floating]) -> Pixels:
    """Levels as the bytes nearest to them."""
    return np.asarray(values.round().clip(0, 255), np.uint8)


def _coloured(levels: Levels, dark: Sequence[float], bright: Sequence[float]) -> Pixels:
    """Levels (H, W) of 0..1 as shades between two colours."""
    shades = np.array(dark) + np.subtract(bright, dark) * levels.clip(0, 1)[..., None]
    return np.asarray(shades.round(), np.uint8)


def _noise(height: int, width: int, generator: np.random.Generator) -> Levels:
    return generator.random((height, width), np.float32)


def _marble(height: int, width: int, generator: np.random.Generator) -> Levels:
    """Blots of every size, the large ones strongest."""
    levels = np.zeros((height, width), np.float32)
    for power in range(1, 7):
        coarse = generator.random((2**power, 2**power), np.float32)
        levels += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / 2**power
    return levels


def _cloth(height: int, width: int, generator: np.random.Generator) -> Levels:
    """Threads across and along, over soft folds."""
    pitch = generator.uniform(3, 7)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    weave = 0.25 * (np.sin(rows * 2 * np.pi / pitch) + np.sin(columns * 2 * np.pi / pitch))
    return np.asarray(0.2 + weave * 0.4 + 0.6 * _marble(height, width, generator), np.float32)


def _planks(height: int, width: int, generator: np.random.Generator) -> Levels:
    """Grain that is long in one direction, with a dark joint between planks."""
    grain = cv2.resize(generator.random((height, 6), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    joints = np.arange(height) % max(8, height // int(generator.integers(3, 7))) < 2
    return np.where(joints[:, None], 0, 0.2 + 0.7 * grain).astype(np.float32)


def _tiles(height: int, width: int, generator: np.random.Generator) -> Levels:
    size = int(generator.integers(12, 64))
    rows, columns = np.mgrid[:height, :width] // size
    return np.asarray((rows + columns) % 2, np.float32)


def _stripes(height: int, width: int, generator: np.random.Generator) -> Levels:
    angle, pitch = generator.uniform(0, np.pi), generator.uniform(6, 50)
    rows, columns = np.mgrid[:height, :width]
    across = rows * np.sin(angle) + columns * np.cos(angle)
    return np.asarray(0.5 + 0.5 * np.sin(across * 2 * np.pi / pitch), np.float32)


def _scribble(height: int, width: int, generator: np.random.Generator) -> Levels:
    paper = np.full((height, width), 255, np.uint8)
    points = generator.integers(0, (width, height), (40, 2), dtype=np.int32)
    cv2.polylines(paper, [points], isClosed=False, color=0, thickness=int(generator.integers(1, 5)))
    return np.asarray(paper / 255, np.float32)


def _letters(height: int, width: int, generator: np.random.Generator) -> Levels:
    paper = np.full((height, width), 255, np.uint8)
    for line in range(20, height, 24):
        text = "".join(map(chr, generator.integers(65, 91, 18)))
        cv2.putText(paper, text, (4, line), FONT, 0.6, 0, 2)
    return np.asarray(paper / 255, np.float32)
