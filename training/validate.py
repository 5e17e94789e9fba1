"""What a network says of photos as the classifier would see them, and how right that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from model.network import normalise
from training.calibrate import fit_temperature
from training.photos import Batches, InOrder
from training.precision import autocast

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.network import Network
    from training.photos import Photos
    from training.recipe import Recipe


class Validation(NamedTuple):
    """Mean cross-entropy, accuracy, and mean recall over the classes that have photos.

    The loss chooses the epoch: unlike the other two it does not jump with the one photo that some classes have. It is
    that at the best temperature, which the bundle gets too; else the least confident epoch would win, not the best.
    """

    loss: float
    accuracy: float
    recall: float


def validate(network: Network, photos: Photos, recipe: Recipe) -> Validation:
    """Judge the network on photos as the classifier would see them."""
    said, targets = run_in_order(network, network.logits, photos, recipe), torch.tensor(photos.targets)
    right = (said.argmax(dim=1) == targets).double()
    recalls = torch.stack([right[targets == target].mean() for target in targets.unique()])
    calibrated = said / fit_temperature(said.numpy(), targets.numpy())
    return Validation(float(functional.cross_entropy(calibrated, targets)), float(right.mean()), float(recalls.mean()))


def run_in_order(network: Network, part: Callable[[Tensor], Tensor], photos: Photos, recipe: Recipe) -> Tensor:
    """What a part of the network makes of every photo, (N, ...) float32 on the CPU, once it has learned."""
    network.eval()
    device = network.head.weight.device
    done: list[Tensor] = []
    with torch.inference_mode(), autocast(recipe, device):
        for pixels, _ in Batches(photos, InOrder(len(photos)), recipe.batch_size, recipe.workers):
            done.append(part(images_of(pixels, recipe, device)).float().cpu())
    return torch.cat(done)


def images_of(pixels: Tensor, recipe: Recipe, device: torch.device) -> Tensor:
    """Images (N, 3, H, W) as the network takes them, on a device, of uint8 pixels (N, H, W, 3)."""
    on_device = pixels.to(device, non_blocking=True)
    return normalise(on_device, recipe.mean, recipe.std).to(memory_format=torch.channels_last)
