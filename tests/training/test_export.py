"""Export: that the file says what the network says, for convolutions and transformers alike."""

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
def test_the_file_says_what_the_network_says_at_any_batch_size(name: str, size: int, tmp_path: Path) -> None:
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
    for count in (1, 3):
        images = torch.rand(count, 3, size, size)
        said = session.run(None, {"images": images.numpy()})
        with torch.inference_mode():
            expected = network(images)
        for part, other in zip(said, expected, strict=True):
            scale = max(1.0, float(other.abs().max()))
            assert np.abs(part - other.numpy()).max() < 1e-2 * scale
