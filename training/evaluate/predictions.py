"""What a bundle says of labelled photos, as the figures take it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.finding import Finding
    from model.manifest import Row
    from model.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Strings = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities (N, C) of labelled photos.

    `findings` are what a person would be told of each photo, and `items` the predictions for the objects that the
    photos show; both are missing where nothing but probabilities is known.
    """

    rows: Sequence[Row]
    classes: Sequence[str]
    probabilities: Floats
    findings: Sequence[Finding] = ()
    items: Predictions | None = None

    @cached_property
    def labels(self) -> Strings:
        """Label of every photo, (N,)."""
        return np.array([row.label for row in self.rows], dtype=str)

    @cached_property
    def groups(self) -> Strings:
        """Group of every photo, (N,)."""
        return np.array([row.group for row in self.rows], dtype=str)

    @cached_property
    def column(self) -> dict[str, int]:
        """Column of each class in the probabilities."""
        return {key: number for number, key in enumerate(self.classes)}

    @cached_property
    def known(self) -> Bools:
        """Whether the label of each photo is a class, (N,)."""
        return np.isin(self.labels, self.classes)

    @cached_property
    def best(self) -> Strings:
        """The likeliest class of every photo, (N,)."""
        return self.best_of(self.classes)

    @cached_property
    def right(self) -> Bools:
        """Whether the likeliest class is the label, (N,)."""
        return np.asarray(self.best == self.labels)

    @cached_property
    def confidence(self) -> Floats:
        """Probability of the likeliest class, (N,)."""
        return self.probabilities.max(axis=1) if self.rows else np.zeros(0)

    @cached_property
    def statuses(self) -> Strings:
        """Status of every finding, (N,)."""
        return np.array([finding.status for finding in self.findings], dtype=str)

    @cached_property
    def unfamiliarity(self) -> Floats:
        """Unfamiliarity of every finding, (N,)."""
        return np.array([finding.unfamiliarity for finding in self.findings], dtype=float)

    def of(self, key: str) -> Floats:
        """Probability of one class for every photo, (N,); zero when it is no class."""
        zero: Floats = np.zeros(len(self.rows))
        return self.probabilities[:, self.column[key]] if key in self.column else zero

    def below(self, key: str, taxonomy: Taxonomy) -> Floats:
        """Probability of a node of the tree for every photo, (N,): its own plus its descendants'."""
        columns = [number for number, each in enumerate(self.classes) if key in lineage(each, taxonomy)]
        summed: Floats = self.probabilities[:, columns].sum(axis=1)
        return summed

    def best_of(self, keys: Sequence[str]) -> Strings:
        """The likeliest of some classes for every photo, (N,)."""
        best: Strings = np.array(keys)[self.probabilities[:, [self.column[key] for key in keys]].argmax(axis=1)]
        return best

    def only(self, chosen: Bools) -> Predictions:
        """The photos that are chosen, without the items."""
        return self.at(np.flatnonzero(chosen).tolist())

    def at(self, places: Sequence[int]) -> Predictions:
        """The photos at these places, in their order, without the items."""
        findings = [self.findings[place] for place in places] if self.findings else ()
        rows = [self.rows[place] for place in places]
        return Predictions(rows, self.classes, self.probabilities[list(places)], findings)


def lineage(key: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    """A key and the nodes above it; a label that the tree lacks stands alone."""
    return taxonomy.lineage(key) if key in taxonomy else (key,)


def under(keys: Sequence[str] | Strings, node: str, taxonomy: Taxonomy) -> Bools:
    """Whether each key is a node of the tree or below it, (N,)."""
    return np.array([node in lineage(str(key), taxonomy) for key in keys], dtype=bool)
