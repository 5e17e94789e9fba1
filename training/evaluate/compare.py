"""Whether one bundle may replace another, by what both say of the same photos."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binomtest

from training.evaluate.bootstrap import RESAMPLES
from training.evaluate.figures import ANSWERED, MAIN, WRONG
from training.evaluate.paired import Change, changes
from training.evaluate.predictions import Predictions, lineage
from training.evaluate.scores import ClassScore, score_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.taxonomy import Taxonomy

OTHER = ""
"""Stands for all classes that the other bundle lacks, as far as they are below none of the shared ones."""


@dataclass(frozen=True)
class McNemar:
    """Photos that one bundle alone gets right, and the chance of so uneven a split if both were equally good.

    The exact test of McNemar (1947). It takes photos for independent, which those of one object are not: the verdict
    rests on the bootstrap.
    """

    only_old_right: int
    only_new_right: int
    p: float


@dataclass(frozen=True)
class ClassChange:
    """How many photos of a class each bundle gets right."""

    key: str
    photos: int
    old_right: int
    new_right: int


@dataclass(frozen=True)
class Comparison:
    """Two bundles on the same photos.

    `changes` are of the old classes, and decide; `answers` are of what people are told, and do not. `unverified` are
    old classes without a photo here, `lost` those that the new bundle lacks, `added` the scores of its further ones,
    `gaps` what else is not shown.
    """

    old: str
    new: str
    photos: int
    changes: dict[str, Change]
    answers: dict[str, Change]
    mcnemar: McNemar
    classes: list[ClassChange]
    added: list[ClassScore]
    unverified: list[str]
    lost: list[str]
    accept_unverified: bool
    gaps: list[str]

    @property
    def objections(self) -> list[str]:
        """Why the new bundle may not replace the old one, each as a sentence; none when it may."""
        found = []
        if self.lost:
            found.append(f"It does not know what the old one knows: {', '.join(self.lost)}.")
        if self.unverified and not self.accept_unverified:
            found.append(
                f"No photo here shows whether it still knows {_listed(self.unverified)}; "
                "add photos of them, or accept that with --accept-unverified."
            )
        if not self.changes:
            found.append("No main figure can be computed from these photos.")
        verdicts = {name: change.verdict for name, change in self.changes.items()}
        found += [f"It is worse at {name}." for name, verdict in verdicts.items() if verdict == "worse"]
        lower = [name for name, change in self.changes.items() if change.is_lower]
        if not found and lower and "better" not in verdicts.values():
            found.append(f"It is surely better at nothing, and its value is worse at {_listed(lower)}.")
        return found

    @property
    def may_replace(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.objections

    @property
    def as_json(self) -> dict[str, Any]:
        """Everything, as it is written to compare.json."""
        content = asdict(self)
        for part in ("changes", "answers"):
            for name, change in getattr(self, part).items():
                content[part][name]["verdict"] = change.verdict
        return {"may_replace": self.may_replace, "objections": self.objections, **content}


def compare(
    ids: tuple[str, str],
    old: Predictions,
    new: Predictions,
    taxonomy: Taxonomy,
    accept_unverified: bool = False,
    gaps: Sequence[str] = (),
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare what two bundles, given by their ids, say of the same photos in the same order."""
    shared = [key for key in old.classes if key in new.classes]
    folded = onto(old, shared, taxonomy), onto(new, shared, taxonomy)
    shown = set(folded[0].labels.tolist())
    return Comparison(
        *ids,
        photos=len(old.rows),
        changes=changes(*folded, taxonomy, MAIN, resamples),
        answers=changes(old, new, taxonomy, (ANSWERED, WRONG), resamples),
        mcnemar=mcnemar_of_top_1(*folded),
        classes=_class_changes(*folded, shared),
        added=[score for score in score_classes(new, resamples) if score.key not in old.classes],
        unverified=[key for key in shared if key not in shown],
        lost=[key for key in old.classes if key not in shared],
        accept_unverified=accept_unverified,
        gaps=list(gaps),
    )


def onto(predictions: Predictions, shared: Sequence[str], taxonomy: Taxonomy) -> Predictions:
    """The same predictions in terms of the classes that two bundles share.

    A class that only one has counts for the nearest shared one above it, and so does a label; where there is none, the
    likeliest such class stands for all of them, so that it can still be mistaken for what is shown.
    """
    column = {key: number for number, key in enumerate(shared)}
    probabilities = np.zeros((len(predictions.rows), len(shared) + 1))
    for key, values in zip(predictions.classes, predictions.probabilities.T, strict=True):
        home = _home(key, column, taxonomy)
        if home in column:
            probabilities[:, column[home]] += values
        else:
            probabilities[:, -1] = np.maximum(probabilities[:, -1], values)
    rows = [replace(row, label=_home(row.label, column, taxonomy) or row.label) for row in predictions.rows]
    return Predictions(rows, (*shared, OTHER), probabilities)


def mcnemar_of_top_1(old: Predictions, new: Predictions) -> McNemar:
    """The exact McNemar test of the likeliest class, on photos whose label is a class."""
    only_old = int((old.right & ~new.right)[old.known].sum())
    only_new = int((new.right & ~old.right)[old.known].sum())
    uneven = only_old + only_new
    return McNemar(only_old, only_new, float(binomtest(only_old, uneven).pvalue) if uneven else 1.0)


def _class_changes(old: Predictions, new: Predictions, shared: Sequence[str]) -> list[ClassChange]:
    """Those that lose most first; classes with photos alone."""
    found = []
    for key in shared:
        chosen = old.labels == key
        if chosen.any():
            found.append(
                ClassChange(key, int(chosen.sum()), int(old.right[chosen].sum()), int(new.right[chosen].sum()))
            )
    return sorted(found, key=lambda change: change.new_right - change.old_right)


def _home(key: str, shared: dict[str, int], taxonomy: Taxonomy) -> str:
    return next((node for node in lineage(key, taxonomy) if node in shared), OTHER)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
