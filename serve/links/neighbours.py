"""The nearest of many hashes or embeddings, by exact search: faiss compares with all of them.

An approximate index would save little: comparing takes less than opening the pictures up to a million of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import faiss
import numpy as np

from serve.links.pdq import BITS, MAX_DISTANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Hashes = NDArray[np.uint8]
    Embeddings = NDArray[np.float16]

NEAREST = 11
"""Neighbours that are asked for, a picture itself among them. Those of a large set are linked by each other."""

BLOCK = 4096


class Near(NamedTuple):
    """Numbers of a query and of what is near it, and their distance: bits, or one minus the cosine."""

    query: int
    found: int
    distance: float


def near_hashes(queries: Sequence[Hashes], among: Sequence[Hashes]) -> list[Near]:
    """For each hash (32,) the nearest ones within MAX_DISTANCE."""
    if not (queries and among):
        return []
    index = faiss.IndexBinaryFlat(BITS)
    index.add(np.stack(among))
    distances, found = index.search(np.stack(queries), min(NEAREST, len(among)))
    return _pairs(distances, found, distances <= MAX_DISTANCE)


def near_embeddings(queries: Sequence[Embeddings], among: Sequence[Embeddings], least: float) -> list[Near]:
    """For each embedding (d,) the nearest ones whose cosine is at least so much."""
    if not (queries and among):
        return []
    index = faiss.IndexFlatIP(len(among[0]))
    for start in range(0, len(among), BLOCK):
        index.add(np.stack(among[start : start + BLOCK]).astype(np.float32))
    near: list[Near] = []
    for start in range(0, len(queries), BLOCK):
        block = np.stack(queries[start : start + BLOCK]).astype(np.float32)
        cosines, found = index.search(block, min(NEAREST, len(among)))
        pairs = _pairs(np.maximum(1 - cosines, 0), found, cosines >= least)
        near += [pair._replace(query=pair.query + start) for pair in pairs]
    return near


def _pairs(distances: NDArray[Any], found: NDArray[np.int64], is_near: NDArray[np.bool_]) -> list[Near]:
    rows, columns = np.nonzero(is_near)
    kept = rows.tolist(), found[rows, columns].tolist(), distances[rows, columns].tolist()
    return [Near(*pair) for pair in zip(*kept, strict=True)]
