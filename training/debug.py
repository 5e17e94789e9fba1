"""A run of a minute: a few photos of a few labels, one epoch a stage, to see that everything works."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.manifest import Row
    from training.recipe import Recipe

LABELS, PHOTOS, SIDE = 8, {"train": 10, "val": 4, "test": 4, "source_test": 4}, 96


def few_rows(rows: Sequence[Row], min_train_photos: int) -> list[Row]:
    """The first photos of each split, of the labels that have most."""
    most = Counter(row.label for row in rows if row.split == "train").most_common(LABELS)
    return list(_first(rows, {label for label, _ in most}, PHOTOS | {"train": max(PHOTOS["train"], min_train_photos)}))


def _first(rows: Sequence[Row], labels: set[str], photos: dict[str, int]) -> Iterator[Row]:
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows:
        seen[row.label, row.split] += 1
        if row.label in labels and seen[row.label, row.split] <= photos[row.split]:
            yield row


def short_recipe(recipe: Recipe) -> Recipe:
    """The recipe with small photos, nothing drawn and one epoch a stage; everything else is as it is."""
    side = min(recipe.input_size, SIDE)
    stages = tuple(stage.model_copy(update={"epochs": 1}) for stage in recipe.stages)
    return recipe.model_copy(
        update={"input_size": side, "train_size": None, "stages": stages, "workers": 0, "heaps": 0}
    )
