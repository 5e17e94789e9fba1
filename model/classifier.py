"""How a photo becomes an answer."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from model import certainty
from model.bundle import DEFAULT, BundleError, find_bundle, load_bundle
from model.engine import CORES, load_engine
from model.exemplars import read_exemplars
from model.finding import Finding
from model.photo import PhotoError, open_photo, squash
from model.taxonomy import load_taxonomy

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from model.bundle import Bundle
    from model.engine import Engine, Output
    from model.photo import Photo, Quality
    from model.taxonomy import Taxonomy

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH = 16
"""Photos that a core takes on at a time."""

DECODE_SIDE = 640
"""Longest side in pixels at which photos are opened for the network alone: twice what it sees."""


@dataclass(frozen=True, eq=False)
class Opened:
    """What is kept of a photo once the network's input is made from it: `pixels` is (size, size, 3) uint8.

    `inside`: where the picture lies in the photo, in shares of its height (top, bottom) and width (left, right).
    """

    pixels: NDArray[np.uint8]
    sha256: str
    quality: Quality
    inside: tuple[float, float, float, float]

    @classmethod
    def of(cls, photo: Photo, size: int) -> Opened:
        """What the network is given of a photo: its picture, without a frame."""
        height, width, _ = photo.pixels.shape
        top, bottom, left, right = photo.inside
        inside = top / height, bottom / height, left / width, right / width
        return cls(squash(photo.picture, size), photo.sha256, photo.quality, inside)


class Classifier:
    """Classifies photos with one bundle. Safe to share between threads.

    Raises:
        BundleError: The bundle answers with a key that the taxonomy lacks, or its exemplars cannot be read.
    """

    def __init__(self, bundle: Bundle, engine: Engine, taxonomy: Taxonomy) -> None:
        unknown = [key for key in bundle.description.classes if key not in taxonomy]
        if unknown:
            raise BundleError(f"{bundle.folder} knows {unknown[0]!r}, which is not in the taxonomy: update schreger.")
        self.bundle, self.engine, self.taxonomy = bundle, engine, taxonomy
        self.classes = bundle.description.classes
        self.certainty = bundle.description.certainty
        self.size = bundle.description.input.size
        uses_distance = self.certainty.distance_weight > 0
        self.exemplars = read_exemplars(bundle.exemplars, len(self.classes)).embeddings if uses_distance else None

    @classmethod
    def load(cls, bundle: str = DEFAULT, engine: str | None = None, precision: str | None = None) -> Classifier:
        """Load a shipped bundle by name, or one by its folder.

        Raises:
            BundleError: The bundle is missing or damaged.
            EngineError: No engine can run it.
        """
        loaded = load_bundle(find_bundle(bundle))
        return cls(loaded, load_engine(loaded, engine, precision), load_taxonomy())

    def classify(self, photos: Sequence[Photo], evidence: bool = False, embedding: bool = False) -> Finding:
        """The finding of one item, from one or more photos of it, opened at DECODE_SIDE as a stream opens them."""
        opened = [Opened.of(photo, self.size) for photo in photos]
        findings = self._findings(opened, evidence, embedding)
        return findings[0] if len(findings) == 1 else self.combine(findings)

    def stream(self, sources: Iterable[bytes | str | os.PathLike[str]]) -> Iterator[tuple[str, Finding] | PhotoError]:
        """For each source in order, the sha256 of its bytes and its finding, or why it cannot be opened.

        Memory does not grow with the number of sources: each core has a batch in work and one to come.
        """
        pool = ThreadPoolExecutor(CORES)
        try:
            for batch in ahead(pool, self.classify_batch, batches(sources, BATCH), 2 * CORES):
                yield from batch
        finally:
            pool.shutdown(cancel_futures=True)  # who stops early waits for the batches in work alone

    def look(self, source: bytes | str | os.PathLike[str]) -> tuple[str, Finding] | PhotoError:
        """What `stream` says, of one source, found in this thread."""
        return self.classify_batch([source])[0]

    def classify_batch(
        self, sources: Sequence[bytes | str | os.PathLike[str]]
    ) -> list[tuple[str, Finding] | PhotoError]:
        """What `stream` says, of one batch, on one core: open the photos, then run the network on those that opened."""
        batch = [self.open(source) for source in sources]
        good = [opened for opened in batch if isinstance(opened, Opened)]
        findings = iter(self._findings(good) if good else [])
        return [(opened.sha256, next(findings)) if isinstance(opened, Opened) else opened for opened in batch]

    def open(self, source: bytes | str | os.PathLike[str]) -> Opened | PhotoError:
        """Open a photo and make the network's input from it; an error is a value here, since a stream goes on."""
        try:
            photo = open_photo(source, max_side=DECODE_SIDE)
        except PhotoError as error:
            return error
        return Opened.of(photo, self.size)

    def combine(self, findings: Sequence[Finding]) -> Finding:
        """The finding of an item from those of its photos; unusable photos count only where there is no other."""
        usable = [finding for finding in findings if finding.status != "unusable"] or findings
        order = {key: number for number, key in enumerate(self.classes)}
        vectors = np.zeros((len(usable), len(order)), np.float32)
        for row, finding in enumerate(usable):
            for key, probability in finding.probabilities:
                vectors[row, order[key]] = probability
        unfamiliarity = float(np.mean([finding.unfamiliarity for finding in usable]))
        embeddings = [finding.embedding for finding in usable if finding.embedding is not None]
        return self._finding(
            certainty.combine(vectors),
            unfamiliarity,
            tuple(quality for finding in findings for quality in finding.quality),
            evidence=tuple(evidence for finding in findings for evidence in finding.evidence),
            embedding=_unit(np.mean(embeddings, axis=0)) if embeddings else None,
            photos=tuple(findings),
        )

    def _findings(self, opened: Sequence[Opened], evidence: bool = False, embedding: bool = False) -> list[Finding]:
        output = self.engine.run(np.stack([each.pixels for each in opened]))
        probabilities = certainty.softmax(output.logits, self.certainty.temperature)
        unfamiliarity = self._unfamiliarity(output)
        findings = [
            self._finding(
                probabilities[row],
                float(unfamiliarity[row]),
                (each.quality,),
                embedding=_unit(output.embedding[row]) if embedding else None,
            )
            for row, each in enumerate(opened)
        ]
        if not evidence:
            return findings
        maps = (self._evidence(output, row, each) for row, each in enumerate(findings))
        return [
            replace(each, evidence=(in_photo(evidence, photo.inside),))
            for each, evidence, photo in zip(findings, maps, opened, strict=True)
        ]

    def _unfamiliarity(self, output: Output) -> NDArray[np.float32]:
        if self.exemplars is not None and self.exemplars.shape[1] != output.embedding.shape[1]:
            raise BundleError(f"{self.bundle.exemplars} is of another network than {self.bundle.network}.")
        familiar = certainty.familiarity(output.logits, output.embedding, self.exemplars, self.certainty)
        return certainty.unfamiliarity(familiar, self.certainty.familiarity)

    def _evidence(self, output: Output, row: int, finding: Finding) -> NDArray[np.float32]:
        """Evidence for the likeliest class that the answer covers, or for the likeliest of all where there is none."""
        covered = (key for key, _ in finding.probabilities if finding.answer in (None, *self.taxonomy.lineage(key)))
        of_likeliest: NDArray[np.float32] = output.evidence[row, self.classes.index(next(covered))]
        return of_likeliest

    def _finding(
        self,
        probabilities: NDArray[np.float32],
        unfamiliarity: float,
        quality: tuple[Quality, ...],
        embedding: NDArray[np.float32] | None,
        evidence: tuple[NDArray[np.float32], ...] = (),
        photos: tuple[Finding, ...] = (),
    ) -> Finding:
        decided = certainty.decide(probabilities, unfamiliarity, quality, self.classes, self.taxonomy, self.certainty)
        ranked = np.argsort(-probabilities, kind="stable")
        return Finding(
            answer=decided.node,
            status=decided.status,
            probability=decided.probability,
            probabilities=tuple((self.classes[index], float(probabilities[index])) for index in ranked),
            unfamiliarity=unfamiliarity,
            quality=quality,
            bundle=self.bundle.id,
            evidence=evidence,
            embedding=embedding,
            photos=photos,
        )


def in_photo(evidence: NDArray[np.float32], inside: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Evidence (h, w) at the places of a picture, put at as many places of the photo around it, which get none."""
    if inside == (0, 1, 0, 1):
        return evidence
    places = []
    for count, first, last in zip(evidence.shape, inside[::2], inside[1::2], strict=True):
        places.append(np.floor(((np.arange(count) + 0.5) / count - first) / (last - first) * count).astype(int))
    rows, columns = np.ix_(*places)
    height, width = evidence.shape
    around = (rows < 0) | (rows >= height) | (columns < 0) | (columns >= width)
    placed = evidence[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    return np.where(around, np.float32(0), placed)


def ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item], limit: int
) -> Iterator[Result]:
    """Results of a function over items, in order, with at most `limit` of them in work or waiting."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) == limit:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of that size; the last may be shorter."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector at unit length, which a low-precision engine only roughly gives."""
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
