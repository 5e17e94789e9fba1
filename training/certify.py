"""What a bundle carries to know how sure it is: its fitted certainty, and exemplars of its classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.exemplars import read_exemplars, write_exemplars
from model.network import width_of
from training.calibrate import fit_certainty
from training.herd import choose_exemplars
from training.seen import see
from training.shift import measure_shift

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.certainty import Certainty
    from model.classifier import Classifier
    from model.manifest import Row
    from model.network import Network
    from training.classes import Classes
    from training.seen import Seen


def certify(
    classifier: Classifier, rows: Sequence[Row], data: Path, classes: Classes, network: Network, target: float
) -> Certainty:
    """Write the exemplars into a bundle's folder, and fit its certainty on photos as its own engine sees them.

    `target` is the share of the answers that may be wrong, 0..1.
    """
    photos = see(classifier, [row for row in rows if row.split in ("train", "val")], lambda row: data / row.file)
    train = photos.of_split("train")
    learned = np.array([row.label in classes.class_of for row in train.rows])
    targets = classes.targets(row for row in train.rows if row.label in classes.class_of)
    norms = feature_norms(train, *(part.detach().numpy() for part in (network.head.weight, network.head.bias)))
    exemplars = choose_exemplars(train.embeddings[learned], norms[learned], np.array(targets))
    write_exemplars(exemplars, classifier.bundle.exemplars)
    pretrained_from = 0 if network.pretrained is None else width_of(network.backbone)
    shift = measure_shift(photos.embeddings[:, pretrained_from:], photos.rows, classes, classifier.taxonomy, target)
    kept = read_exemplars(classifier.bundle.exemplars, len(classes.keys)).embeddings
    return fit_certainty(photos.of_split("val"), classes.keys, classifier.taxonomy, shift, kept, target)


def feature_norms(photos: Seen, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> NDArray[np.float32]:
    """Norms (N,) of the features whose direction the embeddings are: what a head makes of these gives them away."""
    of_unit = photos.embeddings @ weight.T
    norms: NDArray[np.float32] = ((photos.logits - bias) * of_unit).sum(axis=1) / (of_unit**2).sum(axis=1)
    return norms
