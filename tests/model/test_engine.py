"""The engines: that they say what the network says, at any number of photos, and refuse by a sentence."""

import copy
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import openvino
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from model.backbones import create_backbone
from model.bundle import DEFAULT, NETWORK, SELF_CHECK, Bundle, find_bundle, load_bundle, write_description
from model.certainty import softmax
from model.classifier import Classifier
from model.engine import TOLERANCE, TRUNK, EngineError, Output, load_engine, self_check_photos, write_self_check
from model.manifest import read_manifest
from model.network import Network, normalise
from model.photo import open_photo, squash
from training.export import export_network

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

HAS_BF16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
needs_bf16 = pytest.mark.skipif(not HAS_BF16, reason="this processor has no bfloat16")
ENGINES = [("openvino", "f32"), ("onnxruntime", "f32"), pytest.param("openvino", "bf16", marks=needs_bf16)]


@pytest.fixture(scope="module")
def pixels(shipped_photos: dict[str, Path], cats: Bundle) -> Pixels:
    """Seventeen photos as the network takes them."""
    size = cats.description.input.size
    return np.stack([squash(open_photo(file).pixels, size) for file in shipped_photos.values()])


def by_torch(network: nn.Module, pixels: Pixels) -> Output:
    with torch.inference_mode():
        said = network(normalise(torch.from_numpy(pixels), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    return Output(*(part.numpy() for part in said))


def as_stored(network: Network) -> Network:
    """The network with its batch norms folded into the convolutions and the weights rounded, as they are stored."""
    folded = copy.deepcopy(network)
    pairs = {"conv_stem": "bn1", "conv_head": "bn2"}
    depthwise, inverted = {"conv_dw": "bn1", "conv_pw": "bn2"}, {"conv_pw": "bn1", "conv_dw": "bn2", "conv_pwl": "bn3"}
    for module in folded.modules():
        names = inverted if hasattr(module, "conv_pwl") else depthwise if hasattr(module, "conv_dw") else pairs
        for conv, norm in ((getattr(module, c, None), getattr(module, n, None)) for c, n in names.items()):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                fold(conv, norm)
    trunk = ("backbone.conv_stem", "backbone.blocks.0.", "backbone.blocks.1.", "backbone.blocks.2.")
    for name, layer in folded.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if isinstance(layer, nn.Conv2d) and not name.startswith(trunk):
                layer.weight.data = layer.weight.data.bfloat16().float()
            layer.weight.data = layer.weight.data.half().float()
            if layer.bias is not None:
                layer.bias.data = layer.bias.data.half().float()
    return folded


def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    scale = norm.weight.data / torch.sqrt(norm.running_var + norm.eps)
    conv.weight.data *= scale[:, None, None, None]
    conv.bias = nn.Parameter(norm.bias.data - norm.running_mean * scale)
    norm.weight.data.fill_(1)
    norm.bias.data.zero_()
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)


def test_the_stored_weights_take_two_bytes_each(cats: Bundle, cats_network: Network) -> None:
    weights = sum(parameter.numel() for parameter in cats_network.parameters())
    assert cats.network.stat().st_size == pytest.approx(2 * weights, rel=0.05)
    kinds = {weight.data_type for weight in onnx.load(cats.network).graph.initializer if len(weight.dims) > 1}
    assert kinds == {onnx.TensorProto.FLOAT16}


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_engines_agree_with_torch(name: str, cats: Bundle, cats_network: Network, pixels: Pixels) -> None:
    said = load_engine(cats, name, "f32").run(pixels)
    rounded = by_torch(as_stored(cats_network), pixels)
    for part, expected in zip(said, rounded, strict=True):
        assert part.dtype == np.float32
        assert part.shape == expected.shape
        assert np.abs(part - expected).max() < 1e-3
    exact = by_torch(cats_network, pixels).logits
    assert np.abs(softmax(said.logits, 1) - softmax(exact, 1)).max() < 0.03  # what rounding costs


@needs_bf16
def test_bfloat16_says_nearly_the_same(cats: Bundle, cats_network: Network, pixels: Pixels) -> None:
    said, expected = load_engine(cats, "openvino", "bf16").run(pixels).logits, by_torch(cats_network, pixels).logits
    sure = softmax(expected, 1).max(axis=1) > 0.6
    assert sure.sum() >= 3
    assert (said.argmax(axis=1) == expected.argmax(axis=1))[sure].all()
    assert np.abs(softmax(said, 1) - softmax(expected, 1)).max() < 0.05


@pytest.mark.parametrize(
    ("name", "size", "trunk"),
    [
        ("tf_efficientnet_lite0", 64, (40, 8, 8)),
        ("resnet10t", 64, (128, 8, 8)),
        ("vit_tiny_patch16_224", 224, None),  # its first map has a place for sixteen pixels
    ],
)
def test_the_first_stages_of_any_backbone_end_in_a_trunk(
    name: str, size: int, trunk: tuple[int, int, int] | None, tmp_path: Path
) -> None:
    network = Network(create_backbone(name, "none"), 3).eval()
    export_network(network, size, tmp_path / NETWORK)
    model = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / NETWORK))
    shapes = {value.name: value.type.tensor_type.shape.dim for value in model.graph.value_info}
    assert (tuple(dim.dim_value for dim in shapes[TRUNK])[1:] if TRUNK in shapes else None) == trunk
    assert not any(node.op_type == "Shape" for node in model.graph.node)


@pytest.mark.parametrize(("name", "precision"), ENGINES)
def test_the_number_of_photos_changes_no_answer(name: str, precision: str, cats: Bundle, pixels: Pixels) -> None:
    engine = load_engine(cats, name, precision)
    many = np.concatenate([pixels, pixels])[:33]
    alone = [engine.run(many[row : row + 1]) for row in range(17)]
    for count in (1, 2, 16, 17, 33):
        said = engine.run(many[:count])
        assert [len(part) for part in said] == [count] * 3
        for row in range(count):
            for part, expected in zip(said, alone[row % 17], strict=True):
                assert np.array_equal(part[row], expected[0])


@pytest.mark.parametrize(("name", "precision"), ENGINES)
def test_threads_may_share_an_engine(name: str, precision: str, cats: Bundle, pixels: Pixels) -> None:
    engine = load_engine(cats, name, precision)
    turns = [row % len(pixels) for row in range(3 * len(pixels))]
    one_by_one = [engine.run(pixels[row : row + 1]).logits for row in turns]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda row: engine.run(pixels[row : row + 1]).logits, turns))
    assert all(np.array_equal(a, b) for a, b in zip(one_by_one, together, strict=True))


def largest_difference(bundle: Bundle) -> float:
    """Of a calibrated logit between the precisions, on the photos of the self-check."""
    photos = self_check_photos(bundle.description.input.size)
    exact, faster = (load_engine(bundle, "openvino", precision).run(photos).logits for precision in ("f32", "bf16"))
    return float(np.abs(exact - faster).max() / bundle.description.certainty.temperature)


@needs_bf16
def test_the_self_check_chooses_bfloat16_only_where_it_agrees(
    cats: Bundle, cats_network: Network, tmp_path: Path
) -> None:
    calm, shrill = (resealed(cats, tmp_path / name) for name in ("calm", "shrill"))
    for bundle, factor in ((calm, 0.01), (shrill, 4)):  # logits that lie far apart magnify every difference
        network = copy.deepcopy(cats_network)
        network.head.weight.data *= factor
        export_network(network, bundle.description.input.size, bundle.network)
        write_description(bundle.folder, bundle.description)
    assert largest_difference(calm) <= TOLERANCE < largest_difference(shrill)
    assert load_engine(calm, "openvino").precision == "bf16"
    assert load_engine(shrill, "openvino").precision == "f32"


@needs_bf16
@pytest.mark.parametrize(("moved", "precision"), [(0.0, "bf16"), (1.0, "f32")])
def test_a_bundle_may_bring_what_float32_says_of_the_self_check(
    moved: float, precision: str, cats: Bundle, cats_network: Network, tmp_path: Path
) -> None:
    calm = resealed(cats, tmp_path / "calm")
    network = copy.deepcopy(cats_network)
    network.head.weight.data *= 0.01
    export_network(network, calm.description.input.size, calm.network)
    kept = calm.folder / SELF_CHECK
    write_self_check(calm, kept)
    np.save(kept, np.load(kept) + np.float32(moved))
    write_description(calm.folder, calm.description)
    assert load_engine(load_bundle(calm.folder), "openvino").precision == precision


@needs_bf16
def test_the_shipped_network_runs_in_bfloat16_since_its_trunk_is_kept_exact() -> None:
    assert load_engine(load_bundle(find_bundle(DEFAULT))).precision == "bf16"


def test_the_photos_of_the_self_check_are_always_the_same() -> None:
    first, second = self_check_photos(40), self_check_photos(40)
    assert first.shape == (8, 40, 40, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert len({photo.tobytes() for photo in first}) == 8


def resealed(bundle: Bundle, folder: Path, network: bytes | None = None) -> Bundle:
    """A copy of a bundle, perhaps with another network in it, whose digests are right."""
    shutil.copytree(bundle.folder, folder)
    if network is not None:
        (folder / NETWORK).write_bytes(network)
    write_description(folder, bundle.description)
    return load_bundle(folder)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "text"])
def test_a_damaged_network_is_one_sentence(name: str, damage: str, cats: Bundle, tmp_path: Path) -> None:
    whole = cats.network.read_bytes()
    noise = np.random.default_rng(0).bytes(1000)
    content = {"cut": whole[: len(whole) // 2], "empty": b"", "noise": noise, "text": b"not a network\n"}[damage]
    with pytest.raises(EngineError) as raised:
        load_engine(resealed(cats, tmp_path / "damaged", content), name)
    message = str(raised.value)
    assert message.startswith(f"{name} cannot run {tmp_path / 'damaged' / NETWORK}: ")
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_network_of_other_classes_or_another_size_is_one_sentence(name: str, cats: Bundle, tmp_path: Path) -> None:
    more = cats.description.model_copy(update={"classes": (*cats.description.classes, "bone")})
    with pytest.raises(EngineError) as raised:
        load_engine(resealed(replace(cats, description=more), tmp_path / "more"), name)
    file, known = tmp_path / "more" / NETWORK, len(cats.description.classes)
    says = f"{file} has {known} classes, bundle.json names {known + 1}: get the bundle anew."
    assert str(raised.value) == says
    size = cats.description.input.model_copy(update={"size": 32})
    other = cats.description.model_copy(update={"input": size})
    with pytest.raises(EngineError, match=f"^{name} cannot run .*\\.$"):
        load_engine(resealed(replace(cats, description=other), tmp_path / "other"), name)


def test_an_engine_that_fails_without_a_word_is_one_sentence(cats: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("model.engine.ENGINES", {"onnxruntime": fails})
    with pytest.raises(EngineError, match=r"^onnxruntime cannot run .*: MemoryError\.$"):
        load_engine(cats, "onnxruntime")


def test_an_engine_or_precision_that_there_is_not_is_one_sentence(cats: Bundle) -> None:
    for name, precision, says in (
        ("abacus", None, "abacus is not installed: pip install openvino or onnxruntime."),
        ("onnxruntime", "bf16", "onnxruntime runs the network in f32, not in bf16."),
        ("openvino", "int4", "openvino runs the network in f32 or bf16, not in int4."),
    ):
        with pytest.raises(EngineError) as raised:
            load_engine(cats, name, precision)
        assert str(raised.value) == says


def test_a_signal_after_engines_have_gone_kills_nobody(cats: Bundle) -> None:
    """Training's worker processes, for one, send a signal when they end."""
    script = """
import signal, subprocess, sys
from pathlib import Path
from model.bundle import load_bundle
from model.engine import load_engine
signal.signal(signal.SIGCHLD, lambda *_: None)
bundle = load_bundle(Path(sys.argv[1]))
first, second = load_engine(bundle), load_engine(bundle)
del first, second
subprocess.run([sys.executable, "-c", ""], check=True)
"""
    assert subprocess.run([sys.executable, "-c", script, cats.folder], timeout=120, check=False).returncode == 0


def test_by_default_openvino_runs(cats: Bundle) -> None:
    engine = load_engine(cats)
    assert engine.name == "openvino"
    assert engine.precision in ("f32", "bf16")


def test_the_shipped_bundle_agrees_with_float32_on_500_photos(data_dir: Path) -> None:
    rows = [row for row in read_manifest(data_dir / "manifest.csv") if row.split == "train"]
    chosen = rows[:: len(rows) // 500][:500]
    default = Classifier.load()
    with ThreadPoolExecutor(2) as pool:
        files = [data_dir / row.file for row in chosen]
        pixels = np.stack(list(pool.map(lambda file: squash(open_photo(file).pixels, default.size), files)))
    temperature = default.certainty.temperature
    exact = softmax(load_engine(default.bundle, "onnxruntime").run(pixels).logits, temperature)
    said = softmax(default.engine.run(pixels).logits, temperature)
    assert len(pixels) == 500
    assert (said.argmax(axis=1) == exact.argmax(axis=1)).mean() >= 0.995
    assert np.abs(said - exact).max() <= 0.03
