"""How sure an answer is: calibration, rolling up the taxonomy, unfamiliarity. Pure functions over fitted parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.finding import Status
    from model.photo import Quality
    from model.taxonomy import Taxonomy

    Floats = NDArray[np.float32]

MIN_SIDE, MIN_CONTRAST = 32, 0.02
"""Below these, the shorter side in pixels and the contrast, even a person sees nothing in a photo."""

SMALLEST = 1e-12
"""A probability below this counts as this, so that no photo of an item can rule a class out alone."""


class Certainty(BaseModel):
    """Parameters fitted in training and stored in the bundle.

    `temperature` divides the logits (Guo et al. 2017); it is fitted on validation photos, then raised by what photos of
    sources that were not learned from call for. A node answers when its probability reaches `threshold`, fitted so
    that of the answers given on photos of known sources at most a share of `target_error` is wrong; None where too few
    answers were right for any promise. `unseen_error` is the share that was wrong at such a threshold on sources left
    out; None where that was not measured.

    `familiarity` holds evenly spaced quantiles (0..1) of the validation photos' familiarity, in which the distance from
    the exemplars counts `distance_weight` times; with a weight of 0 the bundle needs none. A photo whose unfamiliarity
    reaches `unfamiliar_from` is unlike those learned from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(gt=0)
    threshold: float = Field(ge=0, le=1)
    target_error: float | None = Field(default=None, gt=0, lt=1)
    unseen_error: float | None = Field(default=None, ge=0, le=1)
    familiarity: tuple[float, ...] = Field(min_length=2)
    distance_weight: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    unfamiliar_from: float = Field(gt=0, le=1)


class Answer(NamedTuple):
    """The node that answers (None when none is sure enough), its probability, and what kind of answer it is."""

    node: str | None
    probability: float
    status: Status


def softmax(logits: Floats, temperature: float) -> Floats:
    """Calibrated class probabilities (..., C) of logits (..., C)."""
    scaled = logits / temperature
    exponential = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    probabilities: Floats = exponential / exponential.sum(axis=-1, keepdims=True)
    return probabilities


def energy(logits: Floats) -> Floats:
    """Log-sum-exp of logits (N, C), shape (N,): high for photos like those learned from (Liu et al. 2020)."""
    top = logits.max(axis=-1)
    summed: Floats = top + np.log(np.exp(logits - top[..., None]).sum(axis=-1))
    return summed


def distance(embeddings: Floats, exemplars: Floats) -> Floats:
    """Cosine distance (N,), 0..2, of embeddings (N, d) from the nearest of the exemplars (n, d, unit length)."""
    # einsum, since a product of so few rows by @ wakes threads of its own, which cost the cores more than the network.
    products = np.einsum("nd,ed->ne", embeddings, exemplars)
    nearest = products.max(axis=1) / np.linalg.norm(embeddings, axis=1)
    return np.asarray(1 - nearest, np.float32)


def familiarity(logits: Floats, embeddings: Floats, exemplars: Floats | None, fitted: Certainty) -> Floats:
    """How like those learned from photos are, (N,), on no scale of its own.

    Two signs are added, as in ViM (Wang et al. 2022): weak logits betray what lies between classes, a distant embedding
    what lies far from all. Each misses what the other sees.
    """
    if not fitted.distance_weight or exemplars is None:
        return energy(logits)
    both: Floats = energy(logits) - np.float32(fitted.distance_weight) * distance(embeddings, exemplars)
    return both


def unfamiliarity(familiar: Floats, quantiles: Sequence[float]) -> Floats:
    """Share of validation photos that are more familiar, (N,), 0..1, from the quantiles of their familiarity."""
    shares = np.linspace(0, 1, len(quantiles))
    return np.asarray(1 - np.interp(familiar, quantiles, shares), np.float32)


def combine(probabilities: Floats) -> Floats:
    """Class probabilities (C,) of an item from those of its photos (N, C): their geometric mean, summing to 1.

    Photos of one item err together, so their product, as if each were new evidence, would claim too much. The
    arithmetic mean hardly hears a photo that speaks against a class.
    """
    logarithms: Floats = np.log(np.maximum(probabilities, SMALLEST)).mean(axis=0)
    return softmax(logarithms, 1)


def node_probabilities(probabilities: Floats, classes: Sequence[str], taxonomy: Taxonomy) -> dict[str, float]:
    """Probability of every node that is a class or above one: its own plus its descendants'."""
    nodes: dict[str, float] = {}
    for key, probability in zip(classes, probabilities.tolist(), strict=True):
        for node in taxonomy.lineage(key):
            nodes[node] = nodes.get(node, 0.0) + probability
    return nodes


def decide(
    probabilities: Floats,
    unfamiliarity: float,
    quality: Sequence[Quality],
    classes: Sequence[str],
    taxonomy: Taxonomy,
    fitted: Certainty,
) -> Answer:
    """What a photo, or an item of several, is answered with; probabilities are calibrated, (C,).

    In this order: nothing to see in any photo; unlike the photos learned from; the deepest node that is sure enough.
    """
    likeliest = float(probabilities.max())
    if not any(is_usable(each) for each in quality):
        return Answer(None, likeliest, "unusable")
    if unfamiliarity >= fitted.unfamiliar_from:
        return Answer(None, likeliest, "unfamiliar")
    return roll_up(probabilities, classes, taxonomy, fitted.threshold)


def is_usable(quality: Quality) -> bool:
    """Whether a photo shows anything at all: it is not a thumbnail of a few pixels, nor blank."""
    return quality.usable_side >= MIN_SIDE and quality.contrast >= MIN_CONTRAST


def way_down(probabilities: Floats, classes: Sequence[str], taxonomy: Taxonomy) -> list[tuple[str, float]]:
    """From a top of the tree to its deepest node, the likeliest node at each fork with its probability, which falls."""
    nodes = node_probabilities(probabilities, classes, taxonomy)
    way, below = [], [node for node in nodes if taxonomy[node].parent is None]
    while below:
        best = max(below, key=nodes.__getitem__)
        way.append((best, min(1.0, nodes[best])))
        below = [node for node in taxonomy.children(best) if node in nodes]
    return way


def roll_up(probabilities: Floats, classes: Sequence[str], taxonomy: Taxonomy, threshold: float) -> Answer:
    """The deepest node whose probability reaches the threshold, on the way down that is the likeliest at each fork."""
    sure = [step for step in way_down(probabilities, classes, taxonomy) if step[1] >= threshold]
    if not sure:
        return Answer(None, float(probabilities.max()), "rolled_up")
    answer, probability = sure[-1]
    likeliest = classes[int(probabilities.argmax())]
    return Answer(answer, probability, "recognised" if answer == likeliest else "rolled_up")
