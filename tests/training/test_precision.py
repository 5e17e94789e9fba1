"""Precision: that depthwise convolutions learn in float32 and everything else in bfloat16."""

import copy

import torch
from torch import nn

from training.precision import autocast, depthwise_in_float32
from training.recipe import Recipe, Stage

BFLOAT16 = Recipe(name="a", stages=(Stage(epochs=1),), precision="bfloat16")


def convolutions() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 4, 1))


def gradients(network: nn.Module, recipe: Recipe) -> list[torch.Tensor]:
    with autocast(recipe, torch.device("cpu")):
        loss = network(torch.linspace(-1, 1, 2 * 3 * 16 * 16).reshape(2, 3, 16, 16)).square().mean()
    loss.backward()
    return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]


def test_a_depthwise_convolution_learns_as_in_float32() -> None:
    plain, ours = nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(3, 3, 3, groups=3)
    ours.load_state_dict(plain.state_dict())
    depthwise_in_float32(ours)
    expected = gradients(plain, BFLOAT16.model_copy(update={"precision": "float32"}))
    for found, exact in zip(gradients(ours, BFLOAT16), expected, strict=True):
        torch.testing.assert_close(found, exact)
    plain.zero_grad()
    rounded = gradients(plain, BFLOAT16)
    assert not torch.allclose(rounded[0], expected[0], rtol=1e-4)


def test_autocast_goes_on_after_them() -> None:
    network = convolutions()
    depthwise_in_float32(network)
    seen = []
    for layer in network:
        layer.register_forward_hook(lambda layer, given, done: seen.append(done.dtype))
    gradients(network, BFLOAT16)
    with torch.inference_mode(), autocast(BFLOAT16, torch.device("cpu")):
        network(torch.zeros(1, 3, 16, 16))
    assert seen == [torch.bfloat16] * 6


def test_a_copy_has_weights_of_its_own_under_the_same_names() -> None:
    network = convolutions()
    names = list(network.state_dict())
    depthwise_in_float32(network)
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[1].weight.zero_()
        other[1].bias.fill_(3)
    assert list(other.state_dict()) == names
    assert (other[:2](torch.ones(1, 3, 16, 16)) == 3).all()
    assert not (network[:2](torch.ones(1, 3, 16, 16)) == 3).all()
