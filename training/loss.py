"""What training minimises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.taxonomy import Taxonomy
    from training.recipe import Loss


class Criterion:
    """The loss of a recipe over classes that stand in a taxonomy."""

    def __init__(self, loss: Loss, classes: Sequence[str], taxonomy: Taxonomy) -> None:
        self.loss = loss
        self.below = nodes_above(classes, taxonomy)

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of logits (N, C) against label distributions (N, C), whose rows sum to 1."""
        log_probabilities = logits.log_softmax(dim=1)
        smoothing = self.loss.label_smoothing
        smoothed = targets * (1 - smoothing) + smoothing / targets.shape[1]
        if self.loss.kind == "focal":
            smoothed = smoothed * (1 - log_probabilities.exp()) ** self.loss.gamma
        total = -(smoothed * log_probabilities).sum(dim=1).mean()
        if self.loss.tree and len(self.below):
            total = total + self.loss.tree * self._at_nodes(log_probabilities, targets)
        return total

    def _at_nodes(self, log_probabilities: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy at the nodes above the labels: a parrot taken for another parrot is right at "parrot"."""
        below = self.below.to(log_probabilities.device)
        at_node = log_probabilities.exp() @ below.T
        return -((targets @ below.T) * at_node.clamp_min(1e-6).log()).sum(dim=1).mean()


def nodes_above(classes: Sequence[str], taxonomy: Taxonomy) -> Tensor:
    """Which classes (C) lie at or below each inner node (M) that is above some but not all of them: (M, C), 0 or 1."""
    inner = sorted({node for key in classes for node in taxonomy.ancestors(key)})
    rows = [[float(node in taxonomy.lineage(key)) for key in classes] for node in inner]
    return torch.tensor([row for row in rows if 1 < sum(row) < len(classes)]).reshape(-1, len(classes))
