"""The refitted head: that it treats a rare class like a common one, and sees pretrained features where it may."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.backbones import create_backbone
from model.manifest import Row
from model.network import Network
from model.taxonomy import load_taxonomy
from training.classes import choose_classes
from training.photos import Photos
from training.recipe import Backbone, Recipe, Stage
from training.refit import pooled_features, refit_head

RECIPE = Recipe(
    name="a",
    backbone=Backbone(name="tf_efficientnet_lite0"),
    input_size=64,
    stages=(Stage(epochs=1),),
    precision="float32",
    workers=0,
    refit=1.0,
)


@pytest.fixture(scope="module")
def photos(toy: Path, toy_rows: list[Row]) -> Photos:
    train = [row for row in toy_rows if row.split == "train"]
    return Photos(train, toy, choose_classes(train, load_taxonomy()), 64)


def answers(network: Network, photos: Photos) -> np.ndarray:
    features = torch.from_numpy(pooled_features(network, photos, RECIPE))
    with torch.inference_mode():
        found: np.ndarray = network.head(features).argmax(dim=1).numpy()
    return found


def test_it_learns_the_train_photos_with_and_without_pretrained_features(photos: Photos) -> None:
    targets = np.array(photos.targets)
    for pretrained in (False, True):
        network = Network(create_backbone("tf_efficientnet_lite0"), 6)
        if pretrained:
            network.add_pretrained(create_backbone("tf_efficientnet_lite0"))
        refit_head(network, photos, RECIPE)
        assert (answers(network, photos) == targets).mean() > 0.9  # chance is 1/6


def test_the_share_is_that_of_the_new_head_in_the_mean_of_both(photos: Photos) -> None:
    heads = []
    for share in (0.0, 0.25, 1.0):
        network = Network(create_backbone("tf_efficientnet_lite0"), 6)
        torch.nn.init.ones_(network.head.weight)
        refit_head(network, photos, RECIPE.model_copy(update={"refit": share}))
        heads.append(network.head.weight.detach())
    assert (heads[0] == 1).all()
    torch.testing.assert_close(heads[1], 0.75 * heads[0] + 0.25 * heads[2])
    assert not torch.allclose(heads[2], heads[0])
