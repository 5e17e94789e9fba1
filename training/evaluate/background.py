"""Another ground for an object that was photographed on a plain one."""

from __future__ import annotations

import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluate.drawn import ground

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]

BORDER = 0.03
"""Width of the border that shows the ground, as a share of the shorter side."""

PLAIN = 0.9
"""Share of the border that must be of one colour for the ground to be plain."""

NEAR, FAR = 12.0, 25.0
"""Distance in Lab colours up to which a pixel is of the ground's colour, and that of a typical pixel of the object."""

OBJECT = (0.05, 0.85)
"""Share of the photo that an object takes up; anything else was not told from its ground."""

WORK_SIDE = 256
KERNEL = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))


def swap_background(pixels: Pixels) -> Pixels | None:
    """The object on a drawn ground; None where the ground is not plain or the object cannot be told from it."""
    mask = object_mask(pixels)
    return None if mask is None else on_ground(pixels, mask, zlib.crc32(pixels.tobytes()))


def on_ground(pixels: Pixels, mask: Mask, number: int) -> Pixels:
    """The object of a mask (H, W) on the drawn ground of this number."""
    height, width = pixels.shape[:2]
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(height, width) / 400)[..., None]
    other = ground(height, width, number)
    return np.asarray((pixels * soft + other * (1 - soft)).round(), np.uint8)


def object_mask(pixels: Pixels) -> Mask | None:
    """Where the object is, (H, W) of 0 and 1: what cannot be reached from the border over the border's colour.

    GrabCut (Rother et al. 2004) then finds the object's edge. None where there is no plain ground or no one object.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    rough = _unlike_border(small)
    if rough is None:
        return None
    exact = _to_its_edge(small, rough)
    if not OBJECT[0] <= exact.mean() <= OBJECT[1]:
        return None
    return np.asarray(cv2.resize(exact, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def _unlike_border(pixels: Pixels) -> Mask | None:
    """The object, (H, W) of 0 and 1, where the border is nearly all of one colour and the object of quite another."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    border = np.ones(pixels.shape[:2], dtype=bool)
    edge = max(2, round(BORDER * min(border.shape)))
    border[edge:-edge, edge:-edge] = False
    distance = np.linalg.norm(lab - np.median(lab[border], axis=0), axis=-1)
    near = distance <= NEAR
    if near[border].mean() < PLAIN:
        return None
    _, parts = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    unreached = (~np.isin(parts, np.unique(parts[border & near]))).astype(np.uint8)
    thing = cv2.morphologyEx(unreached, cv2.MORPH_OPEN, KERNEL)
    told_apart = OBJECT[0] <= thing.mean() <= OBJECT[1] and np.median(distance[thing > 0]) >= FAR
    return np.asarray(thing, np.uint8) if told_apart else None


def _to_its_edge(pixels: Pixels, thing: Mask) -> Mask:
    """The object, (H, W) of 0 and 1, up to the edge that its colours have."""
    sure_object, sure_ground = cv2.erode(thing, KERNEL, iterations=2), cv2.erode(1 - thing, KERNEL, iterations=2)
    marks = np.where(thing, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[sure_object > 0], marks[sure_ground > 0] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(pixels, marks, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    return np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
