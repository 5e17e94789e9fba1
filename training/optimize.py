"""What moves in a stage of training, and how fast."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import torch
from torch import nn

from training.recipe import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.network import Network
    from training.recipe import Stage


def check_frozen(network: Network, stages: Sequence[Stage]) -> None:
    """A misspelt prefix would freeze nothing, and nobody would notice.

    Raises:
        RecipeError: A stage freezes what the backbone does not have.
    """
    names = [name for name, _ in network.backbone.named_parameters()]
    for number, stage in enumerate(stages):
        for prefix in stage.frozen:
            if not any(is_frozen(name, (prefix,)) for name in names):
                raise RecipeError(f"The recipe is wrong at stages.{number}.frozen: the backbone has no {prefix!r}.")


def is_frozen(name: str, frozen: Sequence[str]) -> bool:
    """Whether a parameter of the backbone is frozen: "*" freezes all, a prefix ends where a name part ends."""
    return any(prefix == "*" or name == prefix or name.startswith(f"{prefix}.") for prefix in frozen)


def set_training(network: Network, stage: Stage) -> None:
    """Put the network in training mode with the stage's parts frozen; batch-norm statistics never move.

    Statistics of a few dozen photos of few sources would say more of the sources than of the classes.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
    for name, parameter in network.backbone.named_parameters():
        parameter.requires_grad_(not is_frozen(name, stage.frozen))


def new_optimizer(network: Network, stage: Stage, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW; a part's rate falls with its distance from the head, and biases and norms are not decayed."""
    named = [(parameter, stage.head_rate) for parameter in network.head.parameters()]
    depths = layer_depths([name for name, _ in network.backbone.named_parameters()])
    for name, parameter in network.backbone.named_parameters():
        if not is_frozen(name, stage.frozen):
            named.append((parameter, stage.backbone_rate * stage.layer_decay ** depths[name]))
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter, rate in named:
        groups.setdefault((rate, weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "rate": rate, "lr": rate, "weight_decay": decay}
            for (rate, decay), parameters in groups.items()
        ]
    )


def layer_depths(names: Sequence[str]) -> dict[str, int]:
    """How many blocks lie between each parameter and the head; a block's name ends with its last number."""
    blocks = [(re.match(r"(?:.*?\.\d+)+(?=\.)", name) or re.match(r"[^.]+", name) or [name])[0] for name in names]
    order = list(dict.fromkeys(blocks))
    return {name: len(order) - 1 - order.index(block) for name, block in zip(names, blocks, strict=True)}


def set_rates(optimizer: torch.optim.Optimizer, stage: Stage, step: int, steps: int) -> None:
    """Linear warm-up, then a cosine to a hundredth over the `steps` of the stage."""
    factor = min(1.0, (step + 1) / (stage.warmup_steps + 1)) * (0.505 + 0.495 * math.cos(math.pi * step / steps))
    for group in optimizer.param_groups:
        group["lr"] = group["rate"] * factor
