"""Making a bundle: that what is made of it before it is whole is taken for nothing else."""

from pathlib import Path

import pytest
import torch

from model.bundle import DESCRIPTION, EXEMPLARS, NETWORK, BundleError, find_bundle
from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.classes import choose_classes
from training.fit import new_network
from training.make import make_bundle
from training.recipe import Backbone, Recipe, Stage


def test_a_bundle_that_was_stopped_on_the_way_is_no_bundle(
    toy: Path, toy_rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.make.measure", stop)
    backbone = Backbone(name="tf_efficientnet_lite0", weights="none")
    recipe = Recipe(name="a", backbone=backbone, input_size=64, stages=(Stage(epochs=1),), workers=0)
    classes = choose_classes(toy_rows, load_taxonomy())
    network = new_network(recipe, len(classes.keys))
    torch.nn.init.normal_(network.head.weight)
    with pytest.raises(KeyboardInterrupt):
        make_bundle(recipe, classes, toy_rows, toy, network, tmp_path / "bundle", final=False)
    made = {file.name for file in (tmp_path / "bundle").iterdir()}
    assert {NETWORK, EXEMPLARS} <= made
    assert DESCRIPTION not in made
    with pytest.raises(BundleError):
        find_bundle(str(tmp_path / "bundle"))
