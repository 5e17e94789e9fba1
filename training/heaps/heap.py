"""Loose pieces in a heap: close up, on a ground, laid out, in a sack, under plastic; or a whole skin."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluate.drawn import ground, rounded
from training.heaps.piece import DRY, Cut, Piece

Pixels = NDArray[np.uint8]
Floats = NDArray[np.floating]

FORMS = ("heap", "heap", "close", "spread", "sack", "plastic")
GROUNDS = (
    ((105, 100, 95), (185, 180, 172)),  # concrete
    ((120, 95, 60), (205, 180, 135)),  # sacking
    ((205, 205, 210), (250, 250, 250)),  # white plastic, paper
    ((30, 70, 130), (90, 140, 190)),  # tarpaulin
    ((60, 40, 25), (170, 125, 85)),  # a table
    ((25, 25, 28), (70, 70, 74)),  # a dark cloth
)
STOCK = 14
"""Different pieces in one heap; each comes again, turned, tilted and of another size."""


def draw_heap(photo: Pixels, cut: Cut, generator: np.random.Generator) -> Pixels:
    """A heap (H, W, 3), 288 to 448 pixels a side, of pieces with the surface of a photo."""
    height, width = generator.integers(288, 449, 2).tolist()
    form = str(generator.choice(FORMS))
    size = round(min(height, width) * generator.uniform(0.13, 0.3))
    stock = [cut(photo, size, generator) for _ in range(STOCK)]
    canvas = _ground(height, width, generator)
    places = _places(form, height, width, size, generator)
    light = generator.uniform(0, 2 * np.pi)
    for place in places:
        _lay(canvas, stock[generator.integers(STOCK)], place, light, generator)
    if form == "sack":
        canvas = _in_sack(canvas, generator)
    if form == "plastic":
        canvas = _under_plastic(canvas, generator)
    if generator.random() < 0.15:
        _add_ruler(canvas, generator)
    return _photographed(canvas, generator)


def draw_skin(photo: Pixels, generator: np.random.Generator) -> Pixels:
    """A whole skin (H, W, 3) laid flat: the armour of a photo, dried, within a torn outline on a ground."""
    height, width = generator.integers(288, 449, 2).tolist()
    canvas = _ground(height, width, generator)
    tile = cv2.resize(photo, (round(0.6 * width),) * 2).astype(np.float32)
    tiled = cv2.copyMakeBorder(tile, height, height, width, width, cv2.BORDER_REFLECT)
    top, left = generator.integers(0, (height + len(tile), width + len(tile))).tolist()
    armour = tiled[top : top + height, left : left + width]
    grey = armour.mean(axis=2, keepdims=True)
    dry = DRY[generator.integers(len(DRY))] / DRY.mean()
    armour = (0.5 * armour + 0.5 * grey * dry) * generator.uniform(0.75, 1.1)
    rows, columns = np.mgrid[:height, :width]
    down, right = 2 * rows / height - 1, 2 * columns / width - 1
    angle = np.arctan2(down, right)
    knots = np.linspace(-np.pi, np.pi, 24)
    edge = generator.uniform(0.65, 0.95, 24)
    edge[-1] = edge[0]
    inside = np.hypot(down, right * generator.uniform(1, 2)) < np.interp(angle, knots, edge)
    cover = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0)
    _shade(canvas, cover, offset=(4, 4), blur=6.0)
    return _photographed(canvas + cover[..., None] * (armour - canvas), generator)


def _ground(height: int, width: int, generator: np.random.Generator) -> Floats:
    """A drawn ground in the colours that such photos have, (height, width, 3)."""
    grey = ground(height, width, int(generator.integers(1 << 31))).mean(axis=2, keepdims=True).astype(np.float32)
    dark, bright = np.array(GROUNDS[generator.integers(len(GROUNDS))], np.float32)
    levels = (grey - grey.min()) / max(1.0, float(np.ptp(grey)))
    rough = generator.normal(0, generator.uniform(0.02, 0.12), grey.shape)
    return np.asarray(dark + (bright - dark) * np.clip(levels + rough, 0, 1), np.float32)


def _places(form: str, height: int, width: int, size: int, generator: np.random.Generator) -> Floats:
    """Where the pieces lie, (N, 2) down and right, those below first."""
    middle, room = np.array([height, width]) * generator.uniform(0.42, 0.58, 2), np.array([height, width])
    if form == "spread":
        step = size * generator.uniform(0.9, 1.3)
        corners = np.mgrid[step / 2 : height : step, step / 2 : width : step].reshape(2, -1).T
        kept = corners[generator.random(len(corners)) < generator.uniform(0.5, 1)]
        return np.asarray(kept + generator.normal(0, size * generator.choice([0.04, 0.2]), kept.shape), np.float32)
    pieces = generator.uniform(6, 10) * height * width / size**2
    if form in ("close", "sack"):
        return np.asarray(generator.uniform(-0.05, 1.05, (round(1.6 * pieces), 2)) * room, np.float32)
    reach = generator.uniform(0.22, 0.4)
    around = np.clip(generator.normal(0, 0.5, (round(3 * pieces * reach**2), 2)), -1.2, 1.2)
    return np.asarray(middle + around[np.argsort(-np.hypot(*around.T))] * reach * room, np.float32)


def _lay(canvas: Floats, piece: Piece, place: Floats, light: float, generator: np.random.Generator) -> None:
    """Lay a piece, turned and tilted, with its shadow on what lies below."""
    side = len(piece.cover)
    reach = round(side * 0.8)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), generator.uniform(0, 360), generator.uniform(0.65, 1.05))
    tilt = np.array([[1, generator.uniform(-0.2, 0.2)], [0, generator.uniform(0.6, 1.0)]])
    if generator.random() < 0.5:
        tilt[:, 0] *= -1
    matrix = np.asarray(tilt @ turn, float)
    matrix[:, 2] += reach - matrix @ (side / 2, side / 2, 1)
    colours, height, cover = (np.asarray(cv2.warpAffine(part, matrix, (2 * reach, 2 * reach)), float) for part in piece)
    down, right = np.gradient(height)
    lit = 1 + 1.1 * (np.cos(light) * right + np.sin(light) * down) / (1 + np.abs(down) + np.abs(right))
    gloss = 60 * np.clip(lit - 1.35, 0, 1)
    colours = colours * np.clip(lit, 0.45, 1.5)[..., None] * generator.uniform(0.8, 1.1) + gloss[..., None]
    top, left = (int(where) - reach for where in place)
    low, high = np.maximum((top, left), 0), np.minimum((top + 2 * reach, left + 2 * reach), canvas.shape[:2])
    if (low >= high).any():
        return
    under = canvas[low[0] : high[0], low[1] : high[1]]
    seen = slice(low[0] - top, high[0] - top), slice(low[1] - left, high[1] - left)
    away = side * generator.uniform(0.03, 0.09)
    _shade(under, cover, (np.sin(light) * -away, np.cos(light) * -away), side * 0.05, seen)
    under += cover[seen][..., None] * (colours[seen] - under)


def _shade(
    canvas: Floats, cover: Floats, offset: tuple[float, float], blur: float, seen: tuple[slice, slice] = np.s_[:, :]
) -> None:
    """Darken a canvas where something casts its shadow."""
    move = np.array([[1, 0, offset[1]], [0, 1, offset[0]]], np.float32)
    moved = cv2.warpAffine(cover, move, cover.shape[::-1])
    canvas *= 1 - 0.6 * cv2.GaussianBlur(moved, (0, 0), max(0.8, blur))[seen][..., None]


def _in_sack(canvas: Floats, generator: np.random.Generator) -> Floats:
    """The heap in the mouth of a sack, whose cloth folds around it."""
    height, width = canvas.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    down, right = ((part - 0.5) / generator.uniform(0.36, 0.5) for part in (rows / height, columns / width))
    angle = np.arctan2(down, right)
    wave = 0.06 * np.sin(generator.integers(3, 8) * angle + generator.uniform(0, 6))
    out = np.hypot(down, right) + wave
    cloth = _ground(height, width, generator)
    folds = 1 + 0.18 * np.sin(generator.integers(9, 22) * angle + 3 * out) * np.clip(out - 0.9, 0, 1)
    rim = 1 - 0.45 * np.exp(-(((out - 0.97) / 0.05) ** 2)) + 0.2 * np.exp(-(((out - 1.08) / 0.06) ** 2))
    outside = np.clip((out - 1) * 40, 0, 1)[..., None]
    inside = canvas * np.clip(1.25 - out**4 * 0.7, 0.4, 1)[..., None]
    return np.asarray(inside * (1 - outside) + cloth * (folds * rim)[..., None] * outside, np.float32)


def _under_plastic(canvas: Floats, generator: np.random.Generator) -> Floats:
    """The heap behind clear plastic: a haze, and the bright creases of the film."""
    height, width = canvas.shape[:2]
    film = np.zeros((height, width), np.float32)
    for _ in range(generator.integers(3, 14)):
        start, way = generator.uniform(0, (width, height)), generator.normal(0, 60, 2)
        crease = start + np.linspace(0, 1, 6)[:, None] * way + generator.normal(0, 5, (6, 2))
        cv2.polylines(
            film, [crease.astype(np.int32)], False, generator.uniform(0.3, 1.0), int(generator.integers(1, 4))
        )
    creases = cv2.GaussianBlur(film, (0, 0), generator.uniform(0.6, 2.0))
    haze = generator.uniform(0.05, 0.2) + 0.7 * creases
    return np.asarray(canvas + haze[..., None] * (245 - canvas), np.float32)


def _add_ruler(canvas: Floats, generator: np.random.Generator) -> None:
    """A ruler along the bottom, as on photos of evidence."""
    height, width = canvas.shape[:2]
    top, thick = round(height * generator.uniform(0.84, 0.92)), max(6, height // 16)
    canvas[top : top + thick] = generator.choice([235, 215, 60])
    step = width / generator.uniform(15, 40)
    for number, left in enumerate(np.arange(0, width, step).astype(int)):
        canvas[top : top + (thick if number % 5 == 0 else thick // 2), left : left + 1] = 20


def _photographed(canvas: Floats, generator: np.random.Generator) -> Pixels:
    """Uneven light, a colour cast, the blur of a lens and the noise of a sensor."""
    height, width = canvas.shape[:2]
    corners = cv2.resize(generator.uniform(0.75, 1.1, (2, 2)).astype(np.float32), (width, height))
    cast = generator.normal(1, 0.04, 3)
    lit = cv2.GaussianBlur(canvas * corners[..., None] * cast, (0, 0), generator.uniform(0.4, 1.2))
    return rounded(lit + generator.normal(0, generator.uniform(1, 6), lit.shape))
