"""Labels that the taxonomy lacks, and labels that the photos speak against."""

from __future__ import annotations

from collections import Counter, defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from training.check.folds import FOLDS, out_of_fold
from training.check.issue import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.manifest import Row
    from model.taxonomy import Taxonomy
    from training.check.look import Looks

COMPONENTS, INVERSE_REGULARISATION = 256, 10
LEAST_SUGGESTED = 0.5
"""Probability from which on another label is suggested."""


def unknown_labels(rows: Sequence[Row], taxonomy: Taxonomy) -> Iterator[Issue]:
    """One issue a label."""
    by_label = defaultdict(list)
    for row in rows:
        if row.label not in taxonomy:
            by_label[row.label].append(row)
    for label, of_label in by_label.items():
        near = get_close_matches(label.strip().lower().replace(" ", "_"), taxonomy, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        sentence = f"{len(of_label)} photos are labelled {label!r}, which is no key of the taxonomy{hint}"
        yield Issue("unknown_label", tuple(of_label), sentence, suggested=near[0] if near else None)


def label_errors(looks: Looks, groups: Sequence[str], taxonomy: Taxonomy) -> Iterator[Issue]:
    """Photos whose label is likely wrong, the likeliest first, one issue each.

    Confident learning (Northcutt et al. 2021) on probabilities of a logistic regression that saw the embeddings of
    other groups. Photos that the bundle itself was trained on lean towards their given label, so that some are missed.
    Labels of fewer groups than folds are left out, and so is a suggestion that is above or below the given label.
    """
    counts = Counter(label for label, _ in {(row.label, group) for row, group in zip(looks.rows, groups, strict=True)})
    kept = np.array([number for number, row in enumerate(looks.rows) if counts[row.label] >= FOLDS], np.int64)
    labels = np.array([looks.rows[number].label for number in kept])
    if len(set(labels)) < 2:
        return
    embeddings = looks.embeddings[kept]
    reduced = PCA(min(COMPONENTS, *embeddings.shape), random_state=0).fit_transform(embeddings)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=200, tol=1e-3)
    keys, probabilities = out_of_fold(model, reduced, labels, [groups[number] for number in kept])
    given = np.searchsorted(keys, labels)
    for number in find_label_issues(
        given, probabilities, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
    ):
        row, of_photo = looks.rows[kept[number]], probabilities[number]
        suggested = str(keys[of_photo.argmax()])
        if of_photo.max() >= LEAST_SUGGESTED and not _related(row.label, suggested, taxonomy):
            own = float(of_photo[given[number]])
            sentence = f"Labelled {row.label} ({own:.1%}), this looks like {suggested} ({of_photo.max():.0%})."
            yield Issue("likely_label_error", (row,), sentence, own, suggested)


def _related(one: str, other: str, taxonomy: Taxonomy) -> bool:
    """Whether one label is, or is above, the other."""
    return any(low in taxonomy and high in taxonomy.lineage(low) for low, high in ((one, other), (other, one)))
