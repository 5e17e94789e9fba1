"""One loose piece, drawn with the surface of a photo: a dry pangolin scale, or a chip, slice or leaf of anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.floating]

DRY = np.array(
    [(196, 164, 110), (164, 126, 80), (128, 98, 66), (96, 74, 54), (70, 58, 48), (118, 112, 104), (150, 138, 118)],
    np.float32,
)
"""What dried keratin looks like, from horn-yellow to near black and grey."""

WINDOW = (0.15, 0.4)
"""Side of the window of a photo that a piece takes its surface from, as a share of the photo's shorter side."""


class Piece(NamedTuple):
    """Colours (s, s, 3) of 0..255 as they are in even light, height (s, s) in pixels, and cover (s, s) of 0..1."""

    colours: Floats
    height: Floats
    cover: Floats


Cut = Callable[[Pixels, int, np.random.Generator], Piece]
"""Draws a piece, so many pixels a side, with the surface of a photo."""


def scale(photo: Pixels, side: int, generator: np.random.Generator) -> Piece:
    """A dry scale: a fan or rhomb about its base, growth lines along the free edge, fine ridges from the base.

    One in four lies with its dull inner face up.
    """
    across, along = _grid(side, base=True)
    radius, angle = np.hypot(across, along), np.arctan2(across, along)
    half = generator.uniform(0.6, 1.2)
    turn = np.clip(angle / half, -1, 1)
    edge = np.clip(np.cos(turn * np.pi / 2), 0, 1) ** generator.uniform(0.25, 0.65)
    edge *= 1 + generator.uniform(0, 0.25) * np.exp(-((angle / 0.25) ** 2))
    edge *= 1 + generator.choice([0, 0, 0.05]) * np.cos(3 * np.pi * turn)
    edge *= 0.8 * (1 - _worn(turn, generator))
    out = radius / np.maximum(edge, 1e-3)
    growth = np.sin(2 * np.pi * generator.uniform(4, 12) * (out**1.6 + 0.02 * _cloudy(side, generator)))
    ridges = np.sin(generator.uniform(20, 45) * turn + 3 * _cloudy(side, generator)) * np.clip(1.2 - out, 0, 1)
    inner = generator.random() < 0.25
    dome = generator.uniform(0.05, 0.2) * (1 - turn**2) * np.sin(np.pi * np.clip(out, 0, 1) ** 0.7)
    lines = 0.15 if inner else generator.uniform(0.5, 1.0)
    height = side * ((-dome if inner else dome) + lines * (0.005 * growth * out + 0.004 * ridges))
    tone = 1 + lines * (0.06 * growth * out + 0.05 * ridges) + 0.25 * np.clip(out - 0.75, 0, 0.25) - 0.15 * (out < 0.3)
    colours = _dried(_surface(photo, side, generator), generator) * tone[..., None]
    return Piece(*_floats(_dulled(colours) if inner else colours, height, _cover(out, edge, side)))


def chip(photo: Pixels, side: int, generator: np.random.Generator) -> Piece:
    """A piece of what the photo shows: broken, sliced, or long as a leaf or a bark; at times with rings or a rib."""
    across, along = _grid(side, base=False)
    slim = generator.choice([1.0, generator.uniform(1, 1.6), generator.uniform(1.6, 4)])
    radius, angle = np.hypot(across * slim, along), np.arctan2(across * slim, along)
    corners = int(generator.integers(3, 8))
    edge = 0.85 * (1 - generator.uniform(0, 0.35) * np.abs(np.sin(corners * angle / 2 + generator.uniform(0, 6))))
    edge *= 1 - _worn(angle / np.pi, generator)
    out = radius / edge
    rings = generator.choice([0, 0, 1]) * np.sin(2 * np.pi * generator.uniform(2, 7) * out)
    rib = generator.choice([0, 0, 1]) * np.exp(-((across / 0.05) ** 2))
    dome = generator.uniform(-0.15, 0.2) * (1 - np.clip(out, 0, 1) ** 2)
    height = side * (dome + 0.006 * rings + 0.02 * rib + 0.01 * _cloudy(side, generator))
    tone = 1 + 0.08 * rings - 0.15 * rib
    return Piece(*_floats(_surface(photo, side, generator) * tone[..., None], height, _cover(out, edge, side)))


def _grid(side: int, base: bool) -> tuple[Floats, Floats]:
    """Where each pixel lies across and along the piece, told from its base or its middle, in units of its length."""
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side
    across, along = np.meshgrid(steps - 0.5, 1 - steps)
    return (across, along) if base else (2 * across, 2 * along - 1)


def _worn(turn: Floats, generator: np.random.Generator) -> Floats:
    """What is broken off the edge, as a share of it, at each turn of -1..1: little waves, now and then a bite."""
    knots = np.linspace(-1, 1, int(generator.integers(8, 40)))
    lost = generator.uniform(0, generator.uniform(0.02, 0.15), len(knots))
    lost[generator.random(len(knots)) < 0.06] += generator.uniform(0.05, 0.25)
    lost[-1] = lost[0]
    return np.asarray(np.interp(turn, knots, lost), np.float32)


def _cloudy(side: int, generator: np.random.Generator) -> Floats:
    """Soft unevenness (side, side) of -1..1."""
    coarse = generator.uniform(-1, 1, (5, 5)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _surface(photo: Pixels, side: int, generator: np.random.Generator) -> Floats:
    """A window of the photo, from its middle rather than its border, turned at random, (side, side, 3)."""
    height, width = photo.shape[:2]
    size = max(1, round(min(height, width) * generator.uniform(*WINDOW)))
    top, left = (round((length - size) * generator.uniform(0.15, 0.85)) for length in (height, width))
    window = np.rot90(photo[top : top + size, left : left + size], int(generator.integers(4)))
    return np.asarray(cv2.resize(np.ascontiguousarray(window), (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _dried(surface: Floats, generator: np.random.Generator) -> Floats:
    """The surface with the colour of dry keratin in place of its own light: its detail stays, paler."""
    own = surface.mean(axis=(0, 1))
    dry = DRY[generator.integers(len(DRY))] * generator.uniform(0.75, 1.2)
    colour = own + generator.uniform(0.3, 0.9) * (dry - own)
    return np.asarray(colour + generator.uniform(0.3, 0.8) * (surface - own), np.float32)


def _dulled(colours: Floats) -> Floats:
    """Paler and greyer, as the inner face is."""
    return np.asarray(0.45 * colours + 0.35 * colours.mean(axis=2, keepdims=True) + 30, np.float32)


def _cover(out: Floats, edge: Floats, side: int) -> Floats:
    """1 within the edge, 0 beyond it, in between over about a pixel."""
    return np.clip((1 - out) * edge * side / 2, 0, 1) * (edge > 0.02)


def _floats(*parts: NDArray[np.floating]) -> tuple[Floats, ...]:
    return tuple(part.astype(np.float32) for part in parts)
