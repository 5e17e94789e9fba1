"""Optimizing: that rates fall towards the first layers, and that norms are not decayed."""

import pytest
import torch

from model.backbones import create_backbone
from model.network import Network
from training.optimize import is_frozen, layer_depths, new_optimizer, set_rates
from training.recipe import Stage

STAGE = Stage(
    epochs=1, frozen=("conv_stem", "blocks.0"), head_rate=0.1, backbone_rate=0.01, layer_decay=0.5, warmup_steps=4
)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(create_backbone("tf_efficientnet_lite0", "none"), 3)


def test_a_prefix_freezes_whole_name_parts_only() -> None:
    assert is_frozen("blocks.1.0.weight", ["blocks.1"])
    assert is_frozen("bn1.weight", ["*"])
    assert is_frozen("bn1.weight", ["bn1.weight"])
    assert not is_frozen("blocks.10.0.weight", ["blocks.1"])
    assert not is_frozen("bn1.weight", [])


def test_depths_count_the_blocks_up_to_the_head() -> None:
    names = ("stem.weight", "blocks.0.0.conv.weight", "blocks.0.1.conv.weight", "blocks.0.1.bn.bias", "last.weight")
    assert list(layer_depths(names).values()) == [4 - 1, 2, 1, 1, 0]
    assert layer_depths(["cls_token", "blocks.0.mlp.fc1.weight", "norm.bias"])["cls_token"] == 2


def test_rates_fall_with_the_distance_from_the_head_and_frozen_parts_have_none(network: Network) -> None:
    optimizer = new_optimizer(network, STAGE, 0.05)
    rate_of = {id(each): group["rate"] for group in optimizer.param_groups for each in group["params"]}
    named = dict(network.named_parameters())
    assert rate_of[id(named["head.weight"])] == 0.1
    assert rate_of[id(named["backbone.bn2.weight"])] == 0.01
    assert rate_of[id(named["backbone.conv_head.weight"])] == 0.005
    blocks = [rate_of[id(named[f"backbone.blocks.{n}.0.bn1.weight"])] for n in (1, 3, 6)]
    assert blocks == sorted(blocks)
    assert blocks[0] < blocks[1] < 0.005
    assert id(named["backbone.conv_stem.weight"]) not in rate_of
    assert id(named["backbone.blocks.0.0.bn1.weight"]) not in rate_of


def test_only_what_has_more_than_one_dimension_is_decayed(network: Network) -> None:
    for group in new_optimizer(network, STAGE, 0.05).param_groups:
        assert {each.ndim > 1 for each in group["params"]} == {group["weight_decay"] > 0}


def test_the_rate_warms_up_and_falls_to_a_hundredth() -> None:
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "rate": 2.0}], lr=1)
    rates = []
    for step in range(101):
        set_rates(optimizer, STAGE, step, 100)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(0.4)
    assert max(rates) == pytest.approx(2.0, rel=0.01)
    assert rates[-1] == pytest.approx(0.02)
    assert rates[5:] == sorted(rates[5:], reverse=True)
