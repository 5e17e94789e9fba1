"""How pictures are linked: with each other, with those of earlier runs, and with hash lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from serve.links.clusters import MIN_COSINE, Link, cluster, strongest_first
from serve.links.neighbours import Embeddings, Hashes
from serve.links.pdq import mirrored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from serve.links.clusters import By
    from serve.links.hashlist import Listed
    from serve.links.index import Index
    from serve.links.neighbours import Near
    from serve.links.picture import Picture


class Match(NamedTuple):
    """What a picture is linked to.

    Attributes:
        cluster: The same number for linked pictures; None where the picture could not be opened.
        by, nearest, distance: The entry of a hash list that it matches, or else the nearest picture of its cluster, by
            its path, and how it is near: `identical` bytes, `pdq` or `mirrored` (in bits), or `embedding` (one
            minus the cosine).
    """

    picture: Picture
    cluster: int | None = None
    by: By | None = None
    nearest: str | None = None
    distance: float | None = None
    is_listed: bool = False


def match(pictures: Sequence[Picture], index: Index, listed: Sequence[Listed] = ()) -> list[Match]:
    """What each picture is linked to; the index holds these pictures, too, from now on."""
    before = len(index.pictures)
    numbers = [None if picture.error else index.add(picture) for picture in pictures]
    index.links |= _links(index.pictures, before)
    clusters = cluster(index.pictures, index.links)
    nearest = _nearest(index.links, clusters)
    known = _on_lists(pictures, listed)
    matches = []
    for position, (picture, number) in enumerate(zip(pictures, numbers, strict=True)):
        if number is None:
            matches.append(Match(picture))
        elif position in known:
            matches.append(Match(picture, clusters[number], "pdq", *known[position], is_listed=True))
        elif number in nearest:
            other, link = nearest[number]
            path = index.pictures[other].source.path
            matches.append(Match(picture, clusters[number], link.by, path, link.distance))
        else:
            matches.append(Match(picture, clusters[number]))
    return matches


def _links(pictures: Sequence[Picture], before: int) -> set[Link]:
    """Links of the pictures from number `before` on, with each other and with those before.

    Copies of equal bytes are linked to the first of them, and only that one is compared with others.
    """
    firsts: dict[str | None, int] = {}
    links = set()
    for number, picture in enumerate(pictures):
        first = firsts.setdefault(picture.sha256, number)
        if first < number >= before:
            links.add(Link(first, number, "identical", 0.0))
    links.update(_by_hash(pictures, list(firsts.values()), before))
    links.update(_by_embedding(pictures, list(firsts.values()), before))
    return links


def _by_hash(pictures: Sequence[Picture], numbers: Iterable[int], before: int) -> Iterator[Link]:
    good = [number for number in numbers if pictures[number].has_good_hash]
    hashes = [pdq for number in good if (pdq := pictures[number].pdq) is not None]
    new = [position for position, number in enumerate(good) if number >= before]
    queries, among = [hashes[position] for position in new], Hashes(hashes)
    near: dict[By, list[Near]] = {"pdq": among.near(queries), "mirrored": among.near(list(map(mirrored, queries)))}
    for by, pairs in near.items():
        for query, found, distance in pairs:
            if new[query] != found:  # a symmetrical picture is near itself mirrored
                one, other = sorted((good[new[query]], good[found]))
                yield Link(one, other, by, distance)


def _by_embedding(pictures: Sequence[Picture], numbers: Iterable[int], before: int) -> Iterator[Link]:
    """Embeddings of one bundle alone can be compared: that which looked at the newest picture."""
    bundle = pictures[-1].bundle if pictures else ""
    good = [number for number in numbers if pictures[number].bundle == bundle]
    embeddings = [each for number in good if (each := pictures[number].embedding) is not None]
    new = [position for position, number in enumerate(good) if number >= before]
    for query, found, distance in Embeddings(embeddings).near([embeddings[position] for position in new], MIN_COSINE):
        if new[query] != found:
            one, other = sorted((good[new[query]], good[found]))
            yield Link(one, other, "embedding", round(distance, 6))


def _nearest(links: Iterable[Link], clusters: Sequence[int]) -> dict[int, tuple[int, Link]]:
    """For each picture the other end of its strongest link inside its cluster."""
    nearest: dict[int, tuple[int, Link]] = {}
    for link in strongest_first(links):
        if clusters[link.one] == clusters[link.other]:
            nearest.setdefault(link.one, (link.other, link))
            nearest.setdefault(link.other, (link.one, link))
    return nearest


def _on_lists(pictures: Sequence[Picture], listed: Sequence[Listed]) -> dict[int, tuple[str, float]]:
    """For each picture that is on a list, by its position, the name of the nearest entry and its distance."""
    good = [position for position, picture in enumerate(pictures) if picture.has_good_hash]
    hashes = [pdq for position in good if (pdq := pictures[position].pdq) is not None]
    known: dict[int, tuple[str, float]] = {}
    for query, found, distance in Hashes([entry.pdq for entry in listed]).near(hashes):
        known.setdefault(good[query], (listed[found].name, distance))  # the nearest comes first
    return known
