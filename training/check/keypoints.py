"""Whether two photos show the same picture, or one a part of the other: SIFT keypoints that one shift, turn and scale
carries over (Lowe 2004). It tells a copy, cropped or scaled, from another photo of a similar thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from model.photo import PhotoError, open_photo
from training.check.hashes import LUMA

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE, KEYPOINTS = 320, 400
RATIO = 0.8
"""A keypoint counts as matched when its second-best partner is this much worse (Lowe's ratio test)."""
TOLERANCE = 4.0
"""Pixels by which a carried keypoint may miss its partner."""

LEAST_CARRIED, LEAST_SHARE, LEAST_AREA = 25, 0.7, 0.2
"""A copy needs so many carried keypoints, this share of those matched, over this share of the picture's area.

Chosen by eye on 10,000 pairs of embedding neighbours in different groups: fewer keypoints let in other objects of one
photo series, a lower share lets in price banners that adverts have in common, a smaller area lets in logos.
"""


class Keypoints(NamedTuple):
    """Places (N, 2) in pixels and descriptors (N, 128) of a photo, `size` pixels wide and high."""

    places: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    size: tuple[int, int]


def keypoints(file: Path) -> Keypoints | None:
    """The strongest keypoints of a photo; None where it has too few to compare, or cannot be opened."""
    try:
        pixels = open_photo(file, SIDE).pixels
    except PhotoError:
        return None
    found, descriptors = cv2.SIFT.create(KEYPOINTS).detectAndCompute((pixels @ LUMA).astype(np.uint8), None)
    if len(found) < LEAST_CARRIED:
        return None
    places = np.array([point.pt for point in found], np.float32)
    return Keypoints(places, descriptors.astype(np.uint8), (pixels.shape[1], pixels.shape[0]))


def same_picture(one: Keypoints, other: Keypoints) -> bool:
    """Whether one photo is the other or a part of it, shifted, turned or scaled."""
    here, there = _matches(one, other)
    if len(here) < LEAST_CARRIED:
        return False
    _, inliers = cv2.estimateAffinePartial2D(here, there, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE)
    carried = inliers.ravel().astype(bool)
    if carried.sum() < max(LEAST_CARRIED, LEAST_SHARE * len(here)):
        return False
    return max(_area(here[carried], one.size), _area(there[carried], other.size)) >= LEAST_AREA


def _matches(one: Keypoints, other: Keypoints) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places of the keypoints that are each other's clearly best partner, by the roots of their descriptors (RootSIFT).

    Without "each other's", many keypoints that share one partner would be carried over by a scale of zero.
    """
    products = _roots(one.descriptors) @ _roots(other.descriptors).T
    rows, best = np.arange(len(products)), products.argmax(axis=1)
    mutual = products.argmax(axis=0)[best] == rows
    first = products[rows, best].copy()
    products[rows, best] = -1
    clear = 1 - first < RATIO**2 * (1 - products.max(axis=1))  # squared distances of unit vectors, halved
    return one.places[mutual & clear], other.places[best[mutual & clear]]


def _roots(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    roots = np.sqrt(descriptors.astype(np.float32))
    lengths = np.linalg.norm(roots, axis=1, keepdims=True)
    unit: NDArray[np.float32] = roots / np.maximum(lengths, 1)
    return unit


def _area(places: NDArray[np.float32], size: tuple[int, int]) -> float:
    """Share of the photo that a box around the places covers."""
    return float(np.ptp(places, axis=0).prod() / (size[0] * size[1]))
