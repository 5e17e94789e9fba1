"""Labels that the taxonomy lacks, and labels that the photos speak against."""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from model.certainty import softmax
from training.calibrate import fit_temperature
from training.check.folds import out_of_fold, spread_over_folds
from training.check.issue import Issue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.manifest import Row
    from model.taxonomy import Taxonomy
    from training.check.look import Looks

COMPONENTS, INVERSE_REGULARISATION = 256, 10
MOST_GIVEN, LEAST_SUGGESTED = 0.05, 0.5
"""Probabilities at which the given label counts as improbable and another one as probable.

Of 266 labels changed at random among 14,474 this names 218, with 453 others; confident learning (Northcutt et al. 2021)
on the same probabilities names 202, with 635 others.
"""


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

    A logistic regression that saw the embeddings of other groups finds the given label improbable and another one
    probable. Photos that the bundle itself was trained on lean towards their given label, so that some are missed.
    Labels of fewer groups than folds are left out, and so is a suggestion that is above or below the given label.
    """
    kept = spread_over_folds(looks.rows, groups)
    if not kept:
        return
    labels = np.array([looks.rows[number].label for number in kept])
    embeddings = looks.embeddings[kept]
    reduced = PCA(min(COMPONENTS, *embeddings.shape), random_state=0).fit_transform(embeddings)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=200, tol=1e-3)
    keys, probabilities = out_of_fold(model, reduced, labels, [groups[number] for number in kept])
    given = np.searchsorted(keys, labels)
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)).astype(np.float32)
    calibrated = softmax(logits, fit_temperature(logits, given))
    own = calibrated[np.arange(len(given)), given]
    for number in np.argsort(own, kind="stable"):
        row, best = looks.rows[kept[number]], float(calibrated[number].max())
        suggested = str(keys[calibrated[number].argmax()])
        if own[number] <= MOST_GIVEN and best >= LEAST_SUGGESTED and not _related(row.label, suggested, taxonomy):
            sentence = f"Labelled {row.label} ({own[number]:.1%}), this looks like {suggested} ({best:.0%})."
            yield Issue("likely_label_error", (row,), sentence, float(own[number]), suggested)


def _related(one: str, other: str, taxonomy: Taxonomy) -> bool:
    """Whether one label is, or is above, the other."""
    return any(low in taxonomy and high in taxonomy.lineage(low) for low, high in ((one, other), (other, one)))
