"""Which labels become classes of a bundle, and which class each label is trained as."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.errors import SchregerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from model.manifest import Row
    from model.taxonomy import Taxonomy

MIN_TRAIN_PHOTOS = 5
"""Fewer photos than this show a network one animal or object, not a class: the parent answers for it instead."""

FEW_SOURCES = 3
"""A class of fewer sources may have learned the source instead."""


class ClassesError(SchregerError):
    """The labels cannot become classes; the message says why in one sentence."""


@dataclass(frozen=True)
class Classes:
    """Classes in the order of the network's logits, and the class each label of the manifest is trained as.

    A label with too few photos is trained as its nearest ancestor that is a class; without one it has no entry.
    """

    keys: tuple[str, ...]
    class_of: Mapping[str, str]

    def targets(self, rows: Iterable[Row]) -> list[int]:
        """Number of the class that each row, whose label has one, is trained as."""
        number_of = {key: number for number, key in enumerate(self.keys)}
        return [number_of[self.class_of[row.label]] for row in rows]


def choose_classes(rows: Iterable[Row], taxonomy: Taxonomy, min_train_photos: int = MIN_TRAIN_PHOTOS) -> Classes:
    """Choose the classes by counting train photos; a label short of them hands its photos to its parent, repeatedly.

    Raises:
        ClassesError: A label is not in the taxonomy.
    """
    rows = list(rows)
    _check_labels(rows, taxonomy)
    counts = Counter(row.label for row in rows if row.split == "train")
    deepest_first = sorted(taxonomy, key=lambda key: -len(taxonomy.ancestors(key)))
    for key in deepest_first:
        parent = taxonomy[key].parent
        if 0 < counts[key] < min_train_photos and parent is not None:
            counts[parent] += counts.pop(key)
    keys = tuple(sorted(key for key, count in counts.items() if count >= min_train_photos))
    return Classes(keys, _class_of(keys, rows, taxonomy))


def extend_classes(known: Sequence[str], rows: Sequence[Row], taxonomy: Taxonomy, min_train_photos: int) -> Classes:
    """The known classes in their order, and behind them the labels that have train photos enough to become one.

    Raises:
        ClassesError: A label is not in the taxonomy.
    """
    _check_labels(rows, taxonomy)
    counts = Counter(row.label for row in rows if row.split == "train" and row.label not in known)
    keys = (*known, *sorted(label for label, count in counts.items() if count >= min_train_photos))
    return Classes(keys, _class_of(keys, rows, taxonomy))


def left_out(rows: Iterable[Row], classes: Classes) -> str:
    """The sentence on train photos whose label is trained as no class, with how many of each; empty without any."""
    counts = Counter(row.label for row in rows if row.split == "train" and row.label not in classes.class_of)
    named = ", ".join(f"{label} ({count})" for label, count in sorted(counts.items()))
    return f"Photos of {named} are left out: too few for a class, and there is no class above." if named else ""


def _check_labels(rows: Sequence[Row], taxonomy: Taxonomy) -> None:
    strange = next((row for row in rows if row.label not in taxonomy), None)
    if strange:
        raise ClassesError(f"{strange.file} is labelled {strange.label!r}, which is no key of the taxonomy.")


def _class_of(keys: Sequence[str], rows: Sequence[Row], taxonomy: Taxonomy) -> dict[str, str]:
    """The nearest class at or above each label; a label without one is left out."""
    labels = {row.label for row in rows}
    trained_as = {label: next((key for key in taxonomy.lineage(label) if key in keys), None) for label in labels}
    return {label: key for label, key in trained_as.items() if key is not None}
