"""Photos that are there more than once: the same, nearly the same, or look-alikes; within and across splits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from model.engine import CORES
from training.check.hashes import as_vectors, product_of_distance
from training.check.issue import Issue, quoted
from training.check.keypoints import keypoints, same_picture
from training.check.look import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.manifest import Row
    from training.check.look import Looks

    Numbers = NDArray[np.int64]
    Pairs = NDArray[np.int64]

SAME_HASH = 20
"""Bits of 256 that may differ in photos that are the same for sure; other codecs and sizes change 0 to 10."""

MAYBE_HASH, MAYBE_COSINE = 64, 0.8
"""Pairs at least this near are compared by their keypoints."""

LOOK_ALIKE_COSINE = 0.92
"""From here on a person should look, whatever the keypoints say."""

BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Copies:
    """For each photo the number of its set (N,): the same photos, nearly the same ones, look-alikes.

    Each is at least as coarse as the one before.
    """

    same: Numbers
    near: Numbers
    alike: Numbers


def find_copies(looks: Looks, locate: Callable[[Row], Path]) -> Copies:
    """Find photos that are there more than once.

    The same: equal bytes or pixels. Nearly the same: equal hashes, or neighbours by hash or embedding whose keypoints
    show the same picture. Look-alikes: near in the embedding alone.
    """
    groups = np.unique([row.group for row in looks.rows], return_inverse=True)[1]
    same = np.unique(looks.table["pixels"], return_inverse=True)[1]
    hashes, embeddings = as_vectors(looks.table["hash"]), looks.embeddings
    sure = close_pairs(hashes, product_of_distance(SAME_HASH))
    maybe = np.concatenate(
        [close_pairs(hashes, product_of_distance(MAYBE_HASH)), close_pairs(embeddings, MAYBE_COSINE)]
    )
    maybe = np.unique(maybe[groups[maybe[:, 0]] != groups[maybe[:, 1]]], axis=0)
    near = _sets(same, np.concatenate([sure, _of_same_picture(maybe, [locate(row) for row in looks.rows])]))
    return Copies(same, near, _sets(near, close_pairs(embeddings, LOOK_ALIKE_COSINE)))


def close_pairs(vectors: NDArray[np.float32], least: float) -> Pairs:
    """Pairs (P, 2) of vectors (N, d) whose product is at least so much, the smaller number first."""
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(vectors), BLOCK):
        pairs = np.argwhere(vectors[start : start + BLOCK] @ vectors[start:].T >= least) + start
        found.append(pairs[pairs[:, 0] < pairs[:, 1]])
    return np.concatenate(found)


def copy_issues(looks: Looks, copies: Copies) -> Iterator[Issue]:
    """Sets of copies by what is wrong with them: across splits, under different labels, or merely more than one."""
    embeddings = looks.embeddings
    singles = np.arange(len(looks.rows))
    for kind, sets, finer, what in (
        ("copy", copies.same, singles, "are the same photo"),
        ("near_copy", copies.near, copies.same, "show the same picture, whole or in part"),
        ("look_alike", copies.alike, copies.near, "look alike"),
    ):
        for members in _members(sets, finer):
            rows = [looks.rows[number] for number in members]
            if kind != "copy" and len({row.group for row in rows}) == 1:
                continue  # a burst
            apart = finer[members][:, None] != finer[members][None, :]
            cosine = float((embeddings[members] @ embeddings[members].T)[apart].max())
            yield from _of_set(kind, rows, what, min(cosine, 1.0))


def join_groups(rows: Sequence[Row], sets: Numbers) -> dict[str, str]:
    """The new name of each group, once groups that have photos of one set are one: that of the first of its rows."""
    names = [row.group for row in rows]
    numbers = np.unique(names, return_inverse=True)[1]
    joined = _sets(numbers, np.stack([np.arange(len(rows)), _first_of(sets)], axis=1))
    return {name: names[first] for name, first in zip(names, _first_of(joined), strict=True)}


def _of_set(kind: str, rows: Sequence[Row], what: str, cosine: float) -> Iterator[Issue]:
    labels, splits = {row.label for row in rows}, {row.split for row in rows if row.split}
    figure = None if kind == "copy" else cosine
    end = "." if figure is None else f" (cosine of the embeddings {cosine:.3f})."
    if len(splits) > 1:
        sentence = f"{len(rows)} photos in {quoted(splits)} {what}{end}"
        yield Issue(f"{kind}_across_splits", tuple(rows), sentence, figure)
    if len(labels) > 1:
        sentence = f"{len(rows)} photos labelled {quoted(labels)} {what}{end}"
        yield Issue(f"{kind}_other_label", tuple(rows), sentence, figure)
    if len(splits) <= 1 and len(labels) == 1:
        yield Issue(kind, tuple(rows), f"{len(rows)} photos {what}{end}", figure)


def _members(sets: Numbers, finer: Numbers) -> Iterator[Numbers]:
    """The photos of each set that holds several of the finer sets."""
    order = np.argsort(sets, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(sets[order])) + 1):
        if len(set(finer[members])) > 1:
            yield members


def _sets(start: Numbers, pairs: Pairs) -> Numbers:
    """Numbers of the sets that come of joining sets by pairs of their members."""
    count = int(start.max()) + 1 if len(start) else 0
    one, other = start[pairs[:, 0]], start[pairs[:, 1]]
    graph = coo_array((np.ones(len(pairs), bool), (one, other)), shape=(count, count))
    joined: Numbers = connected_components(graph, directed=False)[1][start].astype(np.int64)
    return joined


def _first_of(sets: Numbers) -> Numbers:
    """For each photo the first photo of its set."""
    _, first, inverse = np.unique(sets, return_index=True, return_inverse=True)
    firsts: Numbers = first[inverse]
    return firsts


def _of_same_picture(pairs: Pairs, files: Sequence[Path]) -> Pairs:
    """Those of the pairs whose keypoints show the same picture."""
    numbers = np.unique(pairs).tolist()
    with ThreadPoolExecutor(CORES) as pool:
        found = pool.map(lambda number: keypoints(files[number]), numbers)
        of = dict(zip(numbers, progress(found, "Finding keypoints", len(numbers)), strict=True))

        def same(pair: list[int]) -> bool:
            one, other = of[pair[0]], of[pair[1]]
            return one is not None and other is not None and same_picture(one, other)

        decided = np.array(list(progress(pool.map(same, pairs.tolist()), "Comparing pairs", len(pairs))), bool)
    of_same: Pairs = pairs[decided]
    return of_same
