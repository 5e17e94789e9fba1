"""Export: that the file says what the network says, for convolutions and transformers alike."""

import copy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from model.backbones import create_backbone
from model.network import Network
from training.export import export_network


@pytest.mark.parametrize(
    ("name", "size"), [("mobilenetv3_small_050", 64), ("resnet10t", 64), ("vit_tiny_patch16_224", 224)]
)
def test_the_file_says_what_the_network_says_of_a_photo(name: str, size: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Network(create_backbone(name, "none"), 5).eval()
    torch.nn.init.normal_(network.head.weight, std=0.01)
    export_network(network, size, tmp_path / "network.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]
    stored = onnx.load(tmp_path / "network.onnx")
    assert [value.name for value in stored.graph.input] == ["images"]
    assert [value.name for value in stored.graph.output] == ["logits", "embedding", "evidence"]
    assert {weight.data_type for weight in stored.graph.initializer if len(weight.dims) > 1} == {
        onnx.TensorProto.FLOAT16
    }
    weights = sum(parameter.numel() for parameter in network.parameters())
    assert (tmp_path / "network.onnx").stat().st_size == pytest.approx(2 * weights, rel=0.2)
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for image in torch.rand(3, 1, 3, size, size):
        said = session.run(None, {"images": image.numpy()})
        with torch.inference_mode():
            expected = network(image)
        for part, other in zip(said, expected, strict=True):
            assert part.shape == other.shape
            scale = max(1.0, float(other.abs().max()))
            assert np.abs(part - other.numpy()).max() < 2e-2 * scale  # what rounding to bfloat16 costs


def test_what_two_backbones_have_in_common_is_stored_and_run_once(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Network(create_backbone("mobilenetv3_small_050", "none"), 5).eval()
    alone, both, images = tmp_path / "alone.onnx", tmp_path / "both.onnx", torch.rand(1, 3, 64, 64)
    export_network(network, 64, alone)
    network.add_pretrained(copy.deepcopy(network.backbone))
    torch.nn.init.normal_(network.head.weight, std=0.01)
    with torch.no_grad():
        network.backbone.get_parameter("blocks.4.0.conv_pw.weight").mul_(1.1)
    export_network(network, 64, both)
    said = onnxruntime.InferenceSession(both, providers=["CPUExecutionProvider"]).run(None, {"images": images.numpy()})
    with torch.inference_mode():
        assert np.abs(said[0] - network(images).logits.numpy()).max() < 1e-2
    convolutions = [sum(node.op_type == "Conv" for node in onnx.load(file).graph.node) for file in (alone, both)]
    after_the_change = sum(
        isinstance(module, torch.nn.Conv2d) for module in list(network.backbone.blocks[4:].modules())
    )
    assert convolutions[1] <= convolutions[0] + after_the_change + 2
    assert both.stat().st_size < 2 * alone.stat().st_size
