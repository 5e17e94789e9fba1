"""Known pictures, of hash lists and of an index, to look for one picture among: nothing is added to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from serve.links.clusters import MIN_COSINE, STRENGTH
from serve.links.hashlist import read_hashes
from serve.links.index import Index
from serve.links.neighbours import Embeddings, Hashes
from serve.links.pdq import mirrored
from serve.links.picture import LinksError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from serve.links.clusters import By
    from serve.links.hashlist import Listed
    from serve.links.picture import Picture, Source


class Found(NamedTuple):
    """A known picture that another is linked to.

    Attributes:
        known: The entry of a hash list, by its name, or the place of a picture of the index.
        by, distance: How it is near: `identical` bytes, `pdq` or, of the index alone, `mirrored` (in bits), or
            `embedding` (one minus the cosine).
    """

    known: str | Source
    by: By
    distance: float


class Known:
    """Safe to share between threads. Embeddings of another bundle than the one named cannot be compared."""

    def __init__(self, listed: Sequence[Listed], pictures: Sequence[Picture], bundle: str) -> None:
        hashed = [each for each in pictures if each.has_good_hash]
        embedded = [each for each in pictures if each.bundle == bundle and each.embedding is not None]
        self._by_sha256: dict[str | None, list[Source]] = {}
        for picture in pictures:
            self._by_sha256.setdefault(picture.sha256, []).append(picture.source)
        self._listed, self._listed_hashes = [each.name for each in listed], Hashes([each.pdq for each in listed])
        self._indexed = [each.source for each in hashed]
        self._indexed_hashes = Hashes([each.pdq for each in hashed if each.pdq is not None])
        self._with_embedding = [each.source for each in embedded]
        self._embeddings = Embeddings([each.embedding for each in embedded if each.embedding is not None])

    def find(self, picture: Picture) -> list[Found]:
        """What the picture is linked to, each once, the strongest link first."""
        strongest: dict[str | Source, Found] = {}
        for found in sorted(self._links(picture), key=lambda found: (STRENGTH.index(found.by), found.distance)):
            strongest.setdefault(found.known, found)
        return list(strongest.values())

    def _links(self, picture: Picture) -> Iterator[Found]:
        yield from (Found(source, "identical", 0.0) for source in self._by_sha256.get(picture.sha256, ()))
        if picture.pdq is not None and picture.has_good_hash:
            for near in self._listed_hashes.near([picture.pdq]):
                yield Found(self._listed[near.found], "pdq", near.distance)
            for near in self._indexed_hashes.near([picture.pdq]):
                yield Found(self._indexed[near.found], "pdq", near.distance)
            for near in self._indexed_hashes.near([mirrored(picture.pdq)]):
                yield Found(self._indexed[near.found], "mirrored", near.distance)
        if picture.embedding is not None:
            for near in self._embeddings.near([picture.embedding], MIN_COSINE):
                yield Found(self._with_embedding[near.found], "embedding", near.distance)


def read_known(hashes: Iterable[Path], index: Path | None, bundle: str) -> Known:
    """What hash lists and the folder of an index hold.

    Raises:
        LinksError: One of them is not there, or cannot be read.
    """
    if index and not index.is_dir():
        raise LinksError(f"There is no index {str(index)!r}: `schreger match --index` makes one.")
    listed = [entry for file in hashes for entry in read_hashes(file)]
    return Known(listed, Index(index).pictures, bundle)
