"""The nearest of many hashes or embeddings, by exact search: faiss compares with all of them.

An approximate index would save little: comparing takes less than opening the pictures up to a million of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import faiss
import numpy as np

from serve.links.pdq import BITS, MAX_DISTANCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Hash = NDArray[np.uint8]
    Embedding = NDArray[np.float16]

NEAREST = 11
"""Neighbours that are asked for, a picture itself among them. Those of a large set are linked by each other."""

BLOCK = 1024
"""Vectors that are searched for at once, so that memory is bounded."""


class Near(NamedTuple):
    """Numbers of a query and of what is near it, and their distance: bits, or one minus the cosine."""

    query: int
    found: int
    distance: float


class Hashes:
    """PDQ hashes, (32,) uint8 each, to search among. Safe to share between threads."""

    def __init__(self, among: Sequence[Hash]) -> None:
        self._index = faiss.IndexBinaryFlat(BITS)
        if among:
            self._index.add(np.stack(among))

    def near(self, queries: Sequence[Hash]) -> list[Near]:
        """For each hash the nearest ones within MAX_DISTANCE, the nearest first."""
        return list(_search(self._index, queries, np.uint8, MAX_DISTANCE + 1)) if self._index.ntotal else []


class Embeddings:
    """Embeddings, (d,) each, to search among. Safe to share between threads."""

    def __init__(self, among: Sequence[Embedding]) -> None:
        self._index = faiss.IndexFlatIP(len(among[0]) if among else 1)
        for block in _blocks(among):
            self._index.add(np.stack(block).astype(np.float32))

    def near(self, queries: Sequence[Embedding], least: float) -> list[Near]:
        """For each embedding the nearest ones whose cosine is above `least`, the nearest first."""
        found = _search(self._index, queries, np.float32, least) if self._index.ntotal else ()
        return [near._replace(distance=max(1 - near.distance, 0.0)) for near in found]


def _search(index: Any, queries: Sequence[NDArray[Any]], kind: type[np.generic], limit: float) -> Iterator[Near]:
    """The nearest of what lies within the limit: below it in bits, or above it in products, the larger the nearer."""
    for number, block in enumerate(_blocks(queries)):
        distances, found = index.search(np.stack(block).astype(kind), NEAREST)
        within = distances > limit if kind is np.float32 else distances < limit
        for query, place in np.argwhere(within).tolist():
            yield Near(number * BLOCK + query, int(found[query, place]), float(distances[query, place]))


def _blocks(vectors: Sequence[NDArray[Any]]) -> Iterator[Sequence[NDArray[Any]]]:
    return (vectors[start : start + BLOCK] for start in range(0, len(vectors), BLOCK))
