"""The network: one or two backbones, and a linear head that is applied at each place of their last feature map."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class NetworkOutput(NamedTuple):
    """What the network says of a batch of N photos, C classes, an embedding of d numbers and a map of h by w places.

    `logits` (N, C); `embedding` (N, d), unit length; `evidence` (N, C, h, w), whose mean over places is the logit.
    """

    logits: Tensor
    embedding: Tensor
    evidence: Tensor


class Network(nn.Module):
    """A backbone with a linear head.

    Args:
        backbone: Maps (N, 3, H, W) to a feature map; see `create_backbone`.
        classes: Number of classes.
        dropout: Share of pooled features dropped in training, 0..1.
    """

    def __init__(self, backbone: nn.Module, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.pretrained: nn.Module | None = None
        self.head = nn.Linear(width_of(backbone), classes)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def add_pretrained(self, backbone: nn.Module) -> None:
        """Let the head see the features of a second backbone too: the first as it was, before it was tuned.

        Tuning forgets some of what tells rare classes apart. The head answers as before until it is refitted.
        """
        self.pretrained = backbone
        added = torch.zeros(self.head.out_features, width_of(backbone))
        self.head.weight = nn.Parameter(torch.cat([self.head.weight.detach(), added], dim=1))
        self.head.in_features = self.head.weight.shape[1]

    def features(self, images: Tensor) -> Tensor:
        """The last feature map, (N, d, h, w), of images (N, 3, H, W), normalised as the backbone expects."""
        maps = [last_map(backbone, images) for backbone in (self.backbone, self.pretrained) if backbone is not None]
        return torch.cat(maps, dim=1)

    def logits(self, images: Tensor) -> Tensor:
        """Class logits (N, C): all that training needs."""
        pooled = self.features(images).mean(dim=(2, 3))
        logits: Tensor = self.head(self.dropout(pooled))
        return logits

    def forward(self, images: Tensor) -> NetworkOutput:
        """Logits, embedding and evidence of images (N, 3, H, W)."""
        features = self.features(images)
        pooled = features.mean(dim=(2, 3))
        evidence = functional.conv2d(features, self.head.weight[:, :, None, None], self.head.bias)
        return NetworkOutput(self.head(pooled), functional.normalize(pooled, dim=1), evidence)


def width_of(backbone: nn.Module) -> int:
    """Number of channels of a backbone's last feature map."""
    return int(getattr(backbone, "head_hidden_size", 0) or backbone.num_features)  # type: ignore[arg-type]


def last_map(backbone: nn.Module, images: Tensor) -> Tensor:
    """The last feature map (N, d, h, w) of one backbone."""
    return feature_map(backbone(images), width_of(backbone), int(getattr(backbone, "num_prefix_tokens", 0)))


def feature_map(features: Tensor, width: int, prefix_tokens: int) -> Tensor:
    """Bring what timm's families return to (N, d, h, w): NCHW as it is, NHWC turned, tokens laid out as a square.

    Raises:
        ValueError: The features are in none of these layouts.
    """
    if features.ndim == 4 and features.shape[1] == width:
        return features
    if features.ndim == 4 and features.shape[3] == width:
        return features.permute(0, 3, 1, 2)
    if features.ndim == 3 and features.shape[2] == width:
        tokens = features[:, prefix_tokens:]
        side = int(tokens.shape[1] ** 0.5)
        if side * side == tokens.shape[1]:
            return tokens.transpose(1, 2).reshape(-1, width, side, side)
    raise ValueError(f"The backbone's features of shape {tuple(features.shape)} hold no map of width {width}.")


def normalise(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Turn uint8 pixels (N, H, W, 3) into the float32 batch (N, 3, H, W) that the network takes."""
    scaled = pixels.permute(0, 3, 1, 2).float().div(255)
    shift, scale = (torch.tensor(each, device=pixels.device)[:, None, None] for each in (mean, std))
    return (scaled - shift) / scale
