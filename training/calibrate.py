"""Fitting `model.certainty` on validation photos."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from model.certainty import Certainty, distance, energy, familiarity, softmax, way_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.taxonomy import Taxonomy
    from training.seen import Seen
    from training.shift import Shift

    Floats = NDArray[np.float32]
    Way = list[tuple[str, float]]

TARGET_ERROR = 0.05
"""Share of the answers that may be wrong on photos of sources that were learned from."""

CONFIDENCE = 0.9
"""How sure to be of that, given how few validation photos there are."""

UNFAMILIAR_FROM = 0.99
"""One validation photo in a hundred is called unfamiliar."""

QUANTILES = 101
THRESHOLDS = np.linspace(0.5, 0.99, 50)
STRICTEST = float(THRESHOLDS[-1])


def fit_certainty(
    val: Seen,
    classes: Sequence[str],
    taxonomy: Taxonomy,
    shift: Shift,
    exemplars: Floats | None = None,
    target: float = TARGET_ERROR,
) -> Certainty:
    """Fit on photos with known labels; a label that is no class counts for its roll-up alone.

    Without exemplars (n, d), energy alone says what is familiar.
    """
    index = {key: number for number, key in enumerate(classes)}
    known = np.array([label in index for label in val.labels])
    targets = np.array([index.get(label, 0) for label in val.labels])
    cool = fit_temperature(val.logits[known], targets[known]) if known.any() else 1.0
    temperature = cool * shift.heat
    groups = [row.group for row in val.rows]
    threshold = fit_threshold(softmax(val.logits, temperature), val.labels, groups, classes, taxonomy, target)
    unfitted = Certainty(
        temperature=temperature,
        threshold=threshold or STRICTEST,
        target_error=target if threshold else None,
        unseen_error=shift.error,
        familiarity=(0, 1),
        distance_weight=0.0 if exemplars is None else distance_weight(val, exemplars),
        unfamiliar_from=UNFAMILIAR_FROM,
    )
    quantiles = np.quantile(familiarity(val.logits, val.embeddings, exemplars, unfitted), np.linspace(0, 1, QUANTILES))
    return unfitted.model_copy(update={"familiarity": tuple(quantiles.tolist())})


def distance_weight(photos: Seen, exemplars: Floats) -> float:
    """The weight at which energy and distance vary alike over known photos, so that neither drowns the other."""
    spread = float(distance(photos.embeddings, exemplars).std())
    return float(energy(photos.logits).std()) / spread if spread else 0.0


def fit_temperature(logits: Floats, targets: NDArray[np.int64]) -> float:
    """The temperature that makes the labels (N,) likeliest given the logits (N, C)."""

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(-np.log(probabilities[np.arange(len(targets)), targets] + 1e-12).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def fit_threshold(
    probabilities: Floats,
    labels: Sequence[str],
    groups: Sequence[str],
    classes: Sequence[str],
    taxonomy: Taxonomy,
    target: float,
) -> float | None:
    """The lowest threshold at which a share of at most `target` of the answers is wrong, CONFIDENCE sure of it.

    From the strictest down, each threshold is tested on the photos that it lets answer, up to the first that fails: in
    this fixed order many tests need no correction (Angelopoulos et al. 2021, "Learn then test"). Those at which too few
    answer for any test to pass are passed over. Photos of one group err together and count as one. None where no test
    passes: nothing can be promised then.
    """
    photos = Counter(groups)
    weights = np.array([1 / photos[group] for group in groups])
    ways = [way_down(row, classes, taxonomy) for row in probabilities]
    fitted = None
    for threshold in map(float, THRESHOLDS[::-1]):
        answers = [deepest(way, threshold) for way in ways]
        given = np.array([answer is not None for answer in answers])
        wrong = given & ~right(answers, labels, taxonomy)
        count, errors = weights[given].sum(), weights[wrong].sum()
        if upper_bound(0, count) > target:
            continue
        if upper_bound(errors, count) > target:
            break
        fitted = threshold
    return fitted


def upper_bound(errors: float, count: float) -> float:
    """What the error rate does not exceed, CONFIDENCE sure, after so many errors (Clopper and Pearson 1934)."""
    return 1.0 if errors >= count else float(beta.ppf(CONFIDENCE, errors + 1, count - errors))


def deepest(way: Way, threshold: float) -> str | None:
    """The deepest node on the way down whose probability reaches the threshold."""
    return next((node for node, probability in reversed(way) if probability >= threshold), None)


def right(answers: Sequence[str | None], labels: Sequence[str], taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Which answers are true of a photo with this label (N,): the label itself, or a node above it.

    Nothing is true of a label that the tree lacks.
    """
    pairs = zip(answers, labels, strict=True)
    return np.array([label in taxonomy and answer in taxonomy.lineage(label) for answer, label in pairs], bool)
