"""Clusters of linked pictures that do not grow into chains.

Where A is like B, B like C, and so on, joining whatever is linked would put into one cluster what is no longer alike.
So a link joins two clusters only if their pictures are alike on average (average linkage), the nearest links first.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from serve.links.pdq import BITS, MAX_DISTANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from serve.links.picture import Picture

    Vector = NDArray[np.float32]

By = Literal["identical", "pdq", "mirrored", "embedding"]
STRENGTH: tuple[By, ...] = ("identical", "pdq", "mirrored", "embedding")

MIN_COSINE = 0.96
"""Embeddings from here on are of the same item: on validation photos the lowest hundredth that links no two objects."""


class Link(NamedTuple):
    """Two pictures, by number, that are copies or show the same; `distance` in bits, or one minus the cosine."""

    one: int
    other: int
    by: By
    distance: float


def strongest_first(links: Iterable[Link]) -> list[Link]:
    """Identical ones, then copies, then mirrored copies, then those of the same item, each by their distance."""
    return sorted(links, key=lambda link: (STRENGTH.index(link.by), link.distance, link.one, link.other))


def cluster(pictures: Sequence[Picture], links: Iterable[Link]) -> list[int]:
    """For each picture the number of its cluster: that of the cluster's first picture, counted from 1."""
    clusters, ordered = _Clusters(len(pictures)), strongest_first(links)
    vectors = {"identical": _bits, "pdq": _bits, "mirrored": _bits_that_stay}
    for by in STRENGTH[:3]:
        clusters.join([link for link in ordered if link.by == by], partial(vectors[by], pictures), MEAN_COSINE[by])
    for bundle in dict.fromkeys(picture.bundle for picture in pictures):
        of_bundle = [link for link in ordered if link.by == "embedding" and pictures[link.one].bundle == bundle]
        clusters.join(of_bundle, partial(_embedding, pictures, bundle), MEAN_COSINE["embedding"])
    return [clusters.first(number) + 1 for number in range(len(pictures))]


def _twice(cosine: float) -> float:
    """The cosine of twice the angle."""
    return 2 * cosine**2 - 1


MEAN_COSINE: dict[By, float] = {
    "identical": -1.0,  # joins in any case
    "pdq": 1 - 2 * (2 * MAX_DISTANCE) / BITS,
    "mirrored": 1 - 2 * (2 * MAX_DISTANCE) / BITS,
    "embedding": _twice(MIN_COSINE),
}
"""How alike the pictures of two clusters must be on average to be joined: as at twice the distance of a link."""


def _bits(pictures: Sequence[Picture], number: int) -> Vector | None:
    """A hash as a vector of unit length; the cosine of two falls with the number of bits that differ."""
    pdq = pictures[number].pdq
    return None if pdq is None else (np.unpackbits(pdq).astype(np.float32) * 2 - 1) / np.float32(BITS**0.5)


def _bits_that_stay(pictures: Sequence[Picture], number: int) -> Vector | None:
    """Likewise of the bits that are the same when a picture is mirrored."""
    bits = _bits(pictures, number)
    return None if bits is None else bits[::2] * np.float32(2**0.5)


def _embedding(pictures: Sequence[Picture], bundle: str, number: int) -> Vector | None:
    """An embedding by this bundle, with which alone others of it can be compared."""
    picture = pictures[number]
    return None if picture.embedding is None or picture.bundle != bundle else picture.embedding.astype(np.float32)


class _Clusters:
    """Disjoint sets, each known by its first member."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))
        self._members = {number: [number] for number in range(count)}

    def first(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, links: Iterable[Link], vector: Callable[[int], Vector | None], least: float) -> None:
        """Join clusters along links, in their order, where the mean cosine between their pictures is at least this."""
        sums: dict[int, tuple[Vector, int]] = {}

        def total(first: int) -> tuple[Vector, int]:
            if first not in sums:
                vectors = [each for each in map(vector, self._members[first]) if each is not None]
                sums[first] = np.sum(vectors, axis=0), len(vectors)
            return sums[first]

        for link in links:
            one, other = sorted((self.first(link.one), self.first(link.other)))
            if one == other:
                continue
            (sum_one, count_one), (sum_other, count_other) = total(one), total(other)
            if float(sum_one @ sum_other) >= least * count_one * count_other:
                self._parent[other] = one
                self._members[one] += self._members.pop(other)
                sums[one] = sum_one + sum_other, count_one + count_other
