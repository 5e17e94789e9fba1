"""How well labels are predicted from what is not the object: the photo's border, its size, its quality.

A network that can learn such a shortcut (Geirhos et al. 2020) looks good on photos of the same sources and fails on
others.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from model.engine import CORES
from training.check.folds import out_of_fold, spread_over_folds
from training.check.issue import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from model.manifest import Row
    from training.check.look import Looks

LEAST_PHOTOS = 20
"""A label of fewer photos has no AUC to speak of."""

GIVEN_AWAY = 0.9
"""AUC from which on a label counts as given away; 0.5 is chance."""

TREES, LEAST_LEAF = 100, 5

CUES = {
    "border": "the outermost 5% of the photo",
    "size": "width, height and aspect",
    "quality": "sharpness, brightness and contrast",
}


def shortcut_issues(looks: Looks, groups: Sequence[str]) -> Iterator[Issue]:
    """For each cue one issue for all labels together, and one for each label that it gives away."""
    kept = spread_over_folds(looks.rows, groups)
    if not kept:
        return
    rows, folded = [looks.rows[number] for number in kept], [groups[number] for number in kept]
    labels = np.array([row.label for row in rows])
    for cue, features in _cues(looks).items():
        forest = ExtraTreesClassifier(
            TREES, min_samples_leaf=LEAST_LEAF, class_weight="balanced", n_jobs=CORES, random_state=0
        )
        keys, probabilities = out_of_fold(forest, features[kept], labels, folded)
        right = float(balanced_accuracy_score(labels, keys[probabilities.argmax(axis=1)]))
        chance = f"chance is {1 / len(keys):.3f} for {len(keys)} labels"
        sentence = f"From {CUES[cue]} alone labels are predicted with a balanced accuracy of {right:.3f}; {chance}."
        yield Issue("shortcuts", (), sentence, right)
        yield from _of_labels(cue, rows, labels, keys, probabilities)


def _cues(looks: Looks) -> dict[str, NDArray[np.float32]]:
    width, height = looks.table["size"].T.astype(np.float32)
    size = np.stack([width, height, width / height], axis=1)
    return {"border": looks.table["border"], "size": size, "quality": looks.table["quality"]}


def _of_labels(
    cue: str, rows: Sequence[Row], labels: NDArray[np.str_], keys: NDArray[np.str_], probabilities: NDArray[np.float64]
) -> Iterator[Issue]:
    """Labels that the cue gives away, the clearest first."""
    issues = []
    for column, key in enumerate(keys):
        own, score = labels == key, probabilities[:, column]
        if own.sum() < LEAST_PHOTOS:
            continue
        auc = float(roc_auc_score(own, score))
        if auc >= GIVEN_AWAY:
            members = sorted(np.flatnonzero(own).tolist(), key=lambda number: -score[number])
            sentence = f"{key} is told from {CUES[cue]} alone with an AUC of {auc:.2f}{_by_source(rows, own, score)}."
            issues.append(Issue(f"shortcut_{cue}", tuple(rows[number] for number in members), sentence, auc))
    yield from sorted(issues, key=lambda issue: -(issue.figure or 0))


def _by_source(rows: Sequence[Row], own: NDArray[np.bool_], score: NDArray[np.float64]) -> str:
    """How much of it stems from the label's largest source: the AUC of its photos, and of those of all others."""
    sources = np.array([row.source for row in rows])
    (source, count), *others = Counter(sources[own].tolist()).most_common()
    share = count / own.sum()
    if not others:
        return f"; all of it is {source}"
    within, without = (
        float(roc_auc_score(own[part], score[part]))
        for part in (~own | (sources == source), ~own | (sources != source))
    )
    return f": {within:.2f} for {source} ({share:.0%} of it), {without:.2f} for the rest"
