"""Photos blended in pairs, with their labels: mixup and cutmix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from training.recipe import Mix


def mixed(images: Tensor, targets: Tensor, mix: Mix, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Blend each photo of a batch (N, 3, H, W) with the one at the other end, and their label distributions (N, C).

    Mixup (Zhang et al. 2018) lays one over the other, cutmix (Yun et al. 2019) puts a piece of one into the other;
    where a recipe has both, each batch gets one of them, as likely as the other.
    """
    kinds = [name for name in ("mixup", "cutmix") if getattr(mix, name)]
    if not kinds or generator.random() >= mix.share:
        return images, targets
    kind = kinds[generator.integers(len(kinds))]
    alpha = getattr(mix, kind)
    share = float(generator.beta(alpha, alpha))
    if kind == "mixup":
        blended = images.lerp(images.flip(0), 1 - share)
    else:
        blended = images.clone()
        (top, bottom), (left, right) = (_stretch(side, (1 - share) ** 0.5, generator) for side in images.shape[2:])
        blended[:, :, top:bottom, left:right] = images.flip(0)[:, :, top:bottom, left:right]
        share = 1 - (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
    return blended, targets.lerp(targets.flip(0), 1 - share)


def _stretch(side: int, share: float, generator: np.random.Generator) -> tuple[int, int]:
    """Start and end of a piece of a side around a random centre, cut off at the edges."""
    centre, half = generator.integers(side), round(side * share / 2)
    return max(0, int(centre) - half), min(side, int(centre) + half)
