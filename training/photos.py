"""Photos of a manifest as batches of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from model.classifier import DECODE_SIDE
from model.errors import SchregerError
from model.photo import PhotoError, open_photo, squash

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from model.manifest import Row
    from training.augment import Augmenter
    from training.classes import Classes
    from training.decoded import Decoded
    from training.recipe import Sampling

Batch = tuple[Tensor, Tensor]
"""Pixels uint8 (N, size, size, 3), and class indices int64 (N,)."""


class PhotosError(SchregerError):
    """A photo of the manifest is missing or cannot be opened; the message names it, in one sentence."""


class Photos(Dataset[tuple[Tensor, int] | PhotosError]):
    """Photos and class indices; augmented when an augmenter is given, else as the classifier would see them.

    An item is asked for as (seed, index): the seed decides the augmentation. A photo that cannot be opened is an item
    too, an error as a value, since what a worker process raises reaches us as a traceback.

    Raises:
        PhotosError: A photo is missing.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        folder: Path,
        classes: Classes,
        size: int,
        augmenter: Augmenter | None = None,
        decoded: Decoded | None = None,
    ) -> None:
        self.rows, self.folder, self.size, self.augmenter, self.decoded = rows, folder, size, augmenter, decoded
        self.targets = classes.targets(rows)
        check_there(rows, folder)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, draw: tuple[int, int]) -> tuple[Tensor, int] | PhotosError:
        seed, index = draw
        file = self.folder / self.rows[index].file
        try:
            pixels = self.decoded.open(file) if self.decoded else open_photo(file, DECODE_SIDE).picture
        except PhotoError as error:
            return PhotosError(f"{file} cannot be learned from: {error}")
        seen = squash(pixels, self.size) if self.augmenter is None else self.augmenter(pixels, seed)
        return torch.from_numpy(np.array(seen)), self.targets[index]


def check_there(rows: Sequence[Row], folder: Path) -> None:
    """Check that every row has its photo.

    Raises:
        PhotosError: One is missing.
    """
    missing = next((row.file for row in rows if not (folder / row.file).is_file()), None)
    if missing:
        raise PhotosError(f"{folder / missing} is in the manifest and not in the folder.")


class InOrder(Sampler[tuple[int, int]]):
    """Every photo once, in order."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((0, index) for index in range(self.count))


class Balanced(Sampler[tuple[int, int]]):
    """Photos drawn with replacement so that large classes, and large sources within a class, do not drown others.

    The draws of an epoch depend on the seed and the epoch alone, so that a resumed run repeats them; of several
    processes, each takes every n-th, as many as the others.
    """

    def __init__(
        self, rows: Sequence[Row], targets: Sequence[int], sampling: Sampling, seed: int, process: int = 0, of: int = 1
    ) -> None:
        self.weights = draw_weights([row.source for row in rows], targets, sampling)
        self.seed, self.epoch, self.process, self.of = seed, 0, process, of

    def __len__(self) -> int:
        return len(self.weights) // self.of

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = np.random.default_rng((self.seed, self.epoch))
        draws = generator.choice(len(self.weights), size=len(self.weights), p=self.weights)
        seeds = generator.integers(2**32, size=len(draws))
        every = list(zip(seeds.tolist(), draws.tolist(), strict=True))
        return iter(every[self.process :: self.of][: len(self)])


def draw_weights(sources: Sequence[str], targets: Sequence[int], sampling: Sampling) -> np.ndarray:
    """Probability of drawing each photo, summing to 1."""
    _, class_index, class_count = np.unique(np.asarray(targets), return_inverse=True, return_counts=True)
    pairs = np.array([f"{target}|{source}" for target, source in zip(targets, sources, strict=True)])
    _, pair_index, pair_count = np.unique(pairs, return_inverse=True, return_counts=True)
    by_source = pair_count[pair_index] ** -sampling.source_power
    total_of_class = np.bincount(class_index, by_source)
    share_of_class = class_count ** (1 - sampling.class_power)
    weights = by_source / total_of_class[class_index] * share_of_class[class_index]
    normalised: np.ndarray = weights / weights.sum()
    return normalised


class Batches(DataLoader[Any]):
    """Batches of photos in the order given, decoded in worker processes.

    Raises:
        PhotosError: A photo of the next batch cannot be opened.
    """

    def __init__(self, photos: Photos, order: Sampler[tuple[int, int]], batch_size: int, workers: int) -> None:
        ahead = 4 if workers else None
        super().__init__(
            photos,
            batch_size,
            sampler=order,
            num_workers=workers,
            prefetch_factor=ahead,
            collate_fn=_together,
            pin_memory=torch.cuda.is_available(),
        )

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        for batch in super().__iter__():
            if isinstance(batch, PhotosError):
                raise batch
            yield batch


def _together(items: list[tuple[Tensor, int] | PhotosError]) -> Any:
    return next((item for item in items if isinstance(item, PhotosError)), None) or default_collate(items)
