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


class Certainty(BaseModel):
    """Parameters fitted on validation photos and stored in the bundle.

    `temperature` divides the logits (Guo et al. 2017). A node answers when its probability reaches `threshold`, fitted
    so that of the answers given on validation photos a share of `target_error` was wrong. `familiarity` holds evenly
    spaced quantiles (0..1) of the validation photos' energy (Liu et al. 2020: log-sum-exp of the logits); a photo
    whose unfamiliarity reaches `unfamiliar_from` is unlike them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(gt=0)
    threshold: float = Field(ge=0, le=1)
    target_error: float = Field(gt=0, lt=1)
    familiarity: tuple[float, ...] = Field(min_length=2)
    unfamiliar_from: float = Field(gt=0, le=1)


class Answer(NamedTuple):
    """The node that answers (None when none is sure enough), its probability, and what kind of answer it is."""

    node: str | None
    probability: float
    status: Status


def softmax(logits: Floats, temperature: float) -> Floats:
    """Calibrated class probabilities (N, C) of logits (N, C)."""
    scaled = logits / temperature
    exponential = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    probabilities: Floats = exponential / exponential.sum(axis=-1, keepdims=True)
    return probabilities


def energy(logits: Floats) -> Floats:
    """Log-sum-exp of logits (N, C), shape (N,): high for photos like those learned from."""
    top = logits.max(axis=-1)
    summed: Floats = top + np.log(np.exp(logits - top[..., None]).sum(axis=-1))
    return summed


def unfamiliarity(logits: Floats, familiarity: Sequence[float]) -> Floats:
    """Share of validation photos with a higher energy, (N,), 0..1."""
    quantiles = np.linspace(0, 1, len(familiarity))
    return np.asarray(1 - np.interp(energy(logits), familiarity, quantiles), np.float32)


def combine(probabilities: Floats) -> Floats:
    """Class probabilities (C,) of an item from those of its photos (N, C): their mean.

    Photos of one item err together, so multiplying them, as if each were new evidence, would claim too much.
    """
    mean: Floats = probabilities.mean(axis=0)
    return mean


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


def roll_up(probabilities: Floats, classes: Sequence[str], taxonomy: Taxonomy, threshold: float) -> Answer:
    """The deepest node whose probability reaches the threshold, on the way down that is the likeliest at each fork."""
    likeliest = classes[int(probabilities.argmax())]
    nodes = node_probabilities(probabilities, classes, taxonomy)
    answer, below = None, [node for node in nodes if taxonomy[node].parent is None]
    while below and nodes[best := max(below, key=nodes.__getitem__)] >= threshold:
        answer, below = best, [node for node in taxonomy.children(best) if node in nodes]
    if answer is None:
        return Answer(None, float(probabilities.max()), "rolled_up")
    return Answer(answer, min(1.0, nodes[answer]), "recognised" if answer == likeliest else "rolled_up")
