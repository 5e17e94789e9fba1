"""The precision of training: bfloat16 where it is faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from training.recipe import Recipe


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The precision that a recipe asks for."""
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")


def depthwise_in_float32(network: nn.Module) -> None:
    """Leave depthwise convolutions out of autocast: on CPUs their bfloat16 gradients take up to 14 times as long.

    A training step of EfficientNet-lite2 then takes two thirds of the time (docs/experiments.md).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels:
            module.__class__ = type("Float32Conv2d", (_InFloat32, type(module)), {})


class _InFloat32(nn.Module):
    weight: Tensor

    def forward(self, images: Tensor) -> Tensor:
        done: Tensor
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            done = super().forward(images)
            return done
        with torch.autocast("cpu", enabled=False):
            done = super().forward(images.float())
        return done.to(images.dtype)
