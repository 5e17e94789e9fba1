"""Backbones: that packaged weights are put where they belong, and that what cannot be had is refused by a sentence."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from model.backbones import PACKAGED, BackboneError, create_backbone, packaged_weights, timm_layout
from model.photo import open_photo, squash

NATIVE = {"tf_efficientnet_lite0": 224, "tf_efficientnet_lite1": 240, "tf_efficientnet_lite2": 260}
STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of the first block of each stage of an EfficientNet


def original_weights(name: str) -> dict[str, Tensor]:
    spec = find_spec(PACKAGED[name])
    assert spec is not None
    assert spec.origin is not None
    [file] = (Path(spec.origin).parent / "models").glob("*.pth")
    weights: dict[str, Tensor] = torch.load(file, weights_only=True)
    return weights


def images(files: list[Path], size: int) -> Tensor:
    pixels = np.stack([squash(open_photo(file).pixels, size) for file in files])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


class Reference:
    """EfficientNet-lite as its paper and its original weights have it, with nothing of ours or of timm's."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights

    def conv(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        """A convolution with TensorFlow's padding SAME."""
        weight = self.weights[f"{name}.weight"]
        groups = x.shape[1] if weight.shape[1] == 1 else 1
        total = [max((-(-side // stride) - 1) * stride + weight.shape[2] - side, 0) for side in x.shape[2:]]
        pads = [pad for both in reversed(total) for pad in (both // 2, both - both // 2)]
        return functional.conv2d(functional.pad(x, pads), weight, stride=stride, groups=groups)

    def norm(self, x: Tensor, name: str) -> Tensor:
        mean, var, weight, bias = (
            self.weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, var, weight, bias, eps=1e-3)

    def block(self, x: Tensor, name: str, stride: int) -> Tensor:
        inner = x
        if f"{name}._expand_conv.weight" in self.weights:
            inner = functional.relu6(self.norm(self.conv(x, f"{name}._expand_conv"), f"{name}._bn0"))
        inner = functional.relu6(self.norm(self.conv(inner, f"{name}._depthwise_conv", stride), f"{name}._bn1"))
        inner = self.norm(self.conv(inner, f"{name}._project_conv"), f"{name}._bn2")
        return inner + x if stride == 1 and inner.shape == x.shape else inner

    def __call__(self, x: Tensor) -> Tensor:
        x = functional.relu6(self.norm(self.conv(x, "_conv_stem", stride=2), "_bn0"))
        strides, number = iter(STRIDES), 0
        while (project := self.weights.get(f"_blocks.{number}._project_conv.weight")) is not None:
            starts_stage = number == 0 or project.shape[0] != x.shape[1]
            x = self.block(x, f"_blocks.{number}", next(strides) if starts_stage else 1)
            number += 1
        x = functional.relu6(self.norm(self.conv(x, "_conv_head"), "_bn1")).mean(dim=(2, 3))
        return functional.linear(x, self.weights["_fc.weight"], self.weights["_fc.bias"])


def timm_logits(name: str, batch: Tensor) -> Tensor:
    weights = packaged_weights(name)
    backbone = create_backbone(name).eval()
    pooled = backbone(batch).mean(dim=(2, 3))
    return functional.linear(pooled, weights["classifier.weight"], weights["classifier.bias"])


@pytest.mark.parametrize("name", NATIVE)
def test_packaged_weights_give_the_logits_of_an_independent_reference(
    name: str, shipped_photos: dict[str, Path]
) -> None:
    batch = images([shipped_photos[photo] for photo in ("lion", "coffee", "china")], NATIVE[name])
    with torch.inference_mode():
        expected = Reference(original_weights(name))(batch)
        assert (timm_logits(name, batch) - expected).abs().max() < 1e-3
    assert expected.abs().max() > 5  # not everything is zero


@pytest.mark.parametrize("name", NATIVE)
def test_packaged_weights_know_what_shipped_photos_show(name: str, shipped_photos: dict[str, Path]) -> None:
    shows = {"cheetah": {293}, "cheetah1": {293}, "lion": {291}, "chelsea": {281, 282, 285}, "coffee": {967}}
    with torch.inference_mode():
        top = timm_logits(name, images([shipped_photos[photo] for photo in shows], NATIVE[name])).argmax(dim=1)
    wrong = {photo: index for photo, index in zip(shows, top.tolist(), strict=True) if index not in shows[photo]}
    assert not wrong


def test_renaming_loses_and_doubles_nothing() -> None:
    for name in NATIVE:
        original = original_weights(name)
        renamed = timm_layout(original)
        assert len(renamed) == len(original)
        assert all(torch.equal(*both) for both in zip(original.values(), renamed.values(), strict=True))


def test_weights_come_back_from_a_safetensors_file(tmp_path: Path) -> None:
    backbone = create_backbone("mobilenetv3_small_050", "none").eval()
    save_file(backbone.state_dict(), tmp_path / "weights.safetensors")
    again = create_backbone("mobilenetv3_small_050", tmp_path / "weights.safetensors").eval()
    assert all(torch.equal(tensor, again.state_dict()[key]) for key, tensor in backbone.state_dict().items())


def test_a_classifier_in_the_file_is_left_over(tmp_path: Path) -> None:
    save_file(packaged_weights("tf_efficientnet_lite0"), tmp_path / "weights.safetensors")
    from_file = create_backbone("tf_efficientnet_lite0", tmp_path / "weights.safetensors").state_dict()
    assert all(
        torch.equal(tensor, from_file[key])
        for key, tensor in create_backbone("tf_efficientnet_lite0").state_dict().items()
    )


def test_the_hub_path_loads_a_model_that_lies_in_a_folder(tmp_path: Path) -> None:
    backbone = create_backbone("resnet10t", "none")
    save_file(backbone.state_dict(), tmp_path / "model.safetensors")
    config = {
        "architecture": "resnet10t",
        "num_classes": 0,
        "pretrained_cfg": {"num_classes": 0, "first_conv": "conv1.0"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    again = create_backbone(f"local-dir:{tmp_path}", "hub").state_dict()
    assert all(torch.equal(tensor, again[key]) for key, tensor in backbone.state_dict().items())


@pytest.mark.parametrize(
    ("name", "weights", "says"),
    [
        ("tf_efficientnet_lite9", "none", "knows no backbone named 'tf_efficientnet_lite9'."),
        ("resnet18", "package", "No package carries weights for resnet18; those with one are tf_efficientnet_lite0,"),
        ("efficientvit_b0", "none", "timm cannot create efficientvit_b0 (weights: none): Cannot disable pooling."),
        ("hf-hub:nobody/nothing", "hub", "timm cannot create hf-hub:nobody/nothing (weights: hub): "),
        ("resnet10t", Path("nowhere.safetensors"), "The weights file nowhere.safetensors cannot be read: "),
        ("resnet10t", Path(__file__), "cannot be read: "),
    ],
)
def test_what_cannot_be_had_is_one_sentence(name: str, weights: str | Path, says: str) -> None:
    with pytest.raises(BackboneError) as raised:
        create_backbone(name, weights)  # type: ignore[arg-type]
    message = str(raised.value)
    assert says in message
    assert message.endswith(".")
    assert "\n" not in message


def test_weights_that_do_not_fit_are_one_sentence_that_names_the_place(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    fitting = create_backbone("mobilenetv3_small_050", "none").state_dict()
    misfits = {
        "conv_stem.weight has no counterpart": {k: v for k, v in fitting.items() if k != "conv_stem.weight"},
        "extra.weight has no counterpart": {**fitting, "extra.weight": torch.zeros(1)},
        "conv_stem.weight has another shape": {**fitting, "conv_stem.weight": torch.zeros(16, 3, 5, 5)},
    }
    for says, weights in misfits.items():
        save_file(weights, file)
        with pytest.raises(BackboneError) as raised:
            create_backbone("mobilenetv3_small_050", file)
        assert str(raised.value) == f"The weights of {file} do not fit the backbone: {says}."


def test_a_package_that_is_not_installed_or_empty_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKAGED, "resnet10t", "a_package_that_nobody_has")
    with pytest.raises(
        BackboneError, match=r"^The weights of resnet10t are not installed: pip install a_package_tha.*\.$"
    ):
        create_backbone("resnet10t")
    (tmp_path / "an_empty_package").mkdir()
    (tmp_path / "an_empty_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGED, "resnet10t", "an_empty_package")
    with pytest.raises(BackboneError, match=r"^The package an_empty_package holds no weights: pip install .*\.$"):
        create_backbone("resnet10t")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_timm_imports_in_a_fresh_process_and_declaring_twice_is_harmless() -> None:
    code = """
import torch
from model.backbones import declare_torchvision_ops
declare_torchvision_ops()
import timm, torchvision
declare_torchvision_ops()
print(timm.is_model("resnet18"), torch.ops.torchvision.nms is not None)
"""
    done = python(code)
    assert (done.returncode, done.stdout) == (0, "True True\n"), done.stderr


def test_ops_that_exist_are_left_alone() -> None:
    code = """
import torch
library = torch.library.Library("torchvision", "DEF")
for op in ("nms", "qnms"):
    library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from model import backbones
backbones.declare_torchvision_ops()
print(backbones._libraries)
import timm
"""
    done = python(code)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
