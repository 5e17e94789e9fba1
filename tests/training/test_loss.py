"""The loss: that each kind is what its paper says, and that the tree makes a near miss cheaper than a far one."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.taxonomy import load_taxonomy
from training.loss import Criterion, nodes_above
from training.recipe import Loss

CLASSES = ("ara_macao", "ara_militaris", "bone", "psittacus_erithacus")
LOGITS = torch.tensor([[2.0, 0.5, -1.0, 0.0], [0.1, 0.2, 0.3, 0.4], [-3.0, 1.0, 2.0, 0.0]])
LABELS = torch.tensor([0, 2, 1])
ONE_HOT = functional.one_hot(LABELS, 4).float()


def loss(logits: Tensor, targets: Tensor, **fields: object) -> float:
    return float(Criterion(Loss.model_validate(fields), CLASSES, load_taxonomy())(logits, targets))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_that_of_torch(smoothing: float) -> None:
    expected = functional.cross_entropy(LOGITS, LABELS, label_smoothing=smoothing)
    assert loss(LOGITS, ONE_HOT, label_smoothing=smoothing) == pytest.approx(float(expected), abs=1e-6)


def test_focal_loss_weighs_each_photo_by_how_wrong_it_is() -> None:
    right = LOGITS.softmax(dim=1).gather(1, LABELS[:, None])[:, 0]
    expected = -((1 - right) ** 2 * right.log()).mean()
    assert loss(LOGITS, ONE_HOT, kind="focal", gamma=2, label_smoothing=0) == pytest.approx(float(expected), abs=1e-6)
    plain = loss(LOGITS, ONE_HOT, label_smoothing=0)
    assert loss(LOGITS, ONE_HOT, kind="focal", gamma=0, label_smoothing=0) == pytest.approx(plain, abs=1e-6)


def test_with_the_tree_a_parrot_taken_for_its_sister_costs_less_than_one_taken_for_bone() -> None:
    macaw = functional.one_hot(torch.tensor([0]), 4).float()
    sister, bone = torch.tensor([[0.0, 4, 0, 0]]), torch.tensor([[0.0, 0, 4, 0]])
    assert loss(sister, macaw) == pytest.approx(loss(bone, macaw))
    assert loss(sister, macaw, tree=0.5) < loss(bone, macaw, tree=0.5) - 0.5


def test_the_nodes_are_those_that_tell_something() -> None:
    below = nodes_above(CLASSES, load_taxonomy())
    assert sorted({tuple(row) for row in below.tolist()}) == [(1, 1, 0, 0), (1, 1, 0, 1)]  # ara; parrots
    assert nodes_above(("bone", "ivory"), load_taxonomy()).shape == (0, 2)
    two = Criterion(Loss(tree=1), ("bone", "ivory"), load_taxonomy())
    assert torch.isfinite(two(torch.zeros(1, 2), torch.tensor([[1.0, 0]])))
