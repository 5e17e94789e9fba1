"""From trained weights to the bundle's network.onnx, its weights stored as float16."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnx_ir
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_ir.passes.common import DeduplicateInitializersPass

from model.engine import TRUNK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from model.network import Network

OPSET = 18
STORED = ".float16"
"""Ends the name of a weight that is stored as float16."""

TRUNK_STRIDE = 8
"""Pixels of the image per place of the last map that the trunk may end at."""


def export_network(network: Network, size: int, file: Path) -> None:
    """Write the network as ONNX: an image (1, 3, size, size) to logits, embedding and evidence."""
    network = network.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns of its own future
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, size, size),),
            file,
            input_names=["images"],
            output_names=["logits", "embedding", "evidence"],
            opset_version=OPSET,
            dynamo=False,
        )
    model = simplified(onnx.load(file))
    name_trunk(model, size)
    round_to_bfloat16(model)
    store_as_float16(model)
    onnx.checker.check_model(model)
    onnx.save(model, file)


def simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model without what it holds or does twice, or can do now.

    The first stages of a backbone tuned only further on are those of the pretrained one, and padding follows from the
    size of the photo, which is known.
    """
    parsed = onnx_ir.serde.deserialize_model(model)
    DeduplicateInitializersPass(sys.maxsize)(parsed)
    with TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder, "simplified.onnx"))
        shared = onnx_ir.serde.serialize_model(parsed).SerializeToString()
        onnxruntime.InferenceSession(shared, options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def name_trunk(model: onnx.ModelProto, size: int) -> None:
    """Name the end of the network's first stages, which an engine runs more exactly than the rest.

    bfloat16 errs most there: maps have few channels, and on an even ground each place errs alike, so that no mean
    evens it out. The end is the smallest map, at TRUNK_STRIDE at most, that all else is computed from; a network that
    has none, such as one of patches, is left as it is.
    """
    shapes = _maps(model)
    ends = [name for name in _alone(model) if name in shapes and shapes[name][-1] * TRUNK_STRIDE >= size]
    if not ends:
        return
    end = min(reversed(ends), key=lambda name: np.prod(shapes[name]))
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = TRUNK if name == end else name


def _maps(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Shape (1, channels, side, side) of each map in the network, by name."""
    values = onnx.shape_inference.infer_shapes(model).graph.value_info
    shapes = {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values}
    return {name: shape for name, shape in shapes.items() if len(shape) == 4 and shape[2] == shape[3]}


def _alone(model: onnx.ModelProto) -> Iterator[str]:
    """What is, at some point on the way, all that anything later is computed from."""
    nodes = model.graph.node
    last_use = {name: place for place, node in enumerate(nodes) for name in node.input}
    alive: set[str] = set()
    for place, node in enumerate(nodes):
        alive = {name for name in alive.union(node.output) if last_use.get(name, place) > place}
        if len(alive) == 1:
            yield from alive


def round_to_bfloat16(model: onnx.ModelProto) -> None:
    """Round the convolutions after the trunk to what bfloat16 holds, so that running in it rounds no weight.

    Of the errors of bfloat16, those of the weights are the same at every place, so that no mean evens them out.
    """
    nodes = list(model.graph.node)
    start = next((place for place, node in enumerate(nodes) if TRUNK in node.output), len(nodes))
    kernels = {node.input[1] for node in nodes[start + 1 :] if node.op_type == "Conv" and "evidence" not in node.output}
    for weight in model.graph.initializer:
        if weight.name in kernels:
            rounded = torch.from_numpy(numpy_helper.to_array(weight).copy()).bfloat16().float()
            weight.CopyFrom(numpy_helper.from_array(rounded.numpy(), weight.name))


def store_as_float16(model: onnx.ModelProto) -> None:
    """Store each float32 weight as float16 followed by a cast: half the file, the same float32 arithmetic."""
    graph = model.graph
    casts = []
    for weight in [weight for weight in graph.initializer if weight.data_type == TensorProto.FLOAT and weight.dims]:
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype("float16"), f"{weight.name}{STORED}")
        casts.append(helper.make_node("Cast", [half.name], [weight.name], to=TensorProto.FLOAT))
        graph.initializer.remove(weight)
        graph.initializer.append(half)
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def read_head(model: onnx.ModelProto) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight (C, d) and bias (C,) of an exported network's head."""
    stored = {part.name.removesuffix(STORED): part for part in model.graph.initializer}
    weight, bias = (numpy_helper.to_array(stored[name]).astype(np.float32) for name in _head(model).input[1:])
    return weight, bias


def replace_head(model: onnx.ModelProto, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    """Give an exported network another head, (C, d) and (C,), for its logits and its evidence; C may differ."""
    head = _head(model)
    evidence = next(node for node in model.graph.node if node.output[0] == "evidence")
    new = {
        head.input[1]: weight,
        head.input[2]: bias,
        evidence.input[1]: weight[:, :, None, None],
        evidence.input[2]: bias,
    }
    for part in model.graph.initializer:
        if (name := part.name.removesuffix(STORED)) in new:
            part.CopyFrom(numpy_helper.from_array(new[name].astype(np.float16), part.name))
    for output in model.graph.output:
        if output.name in ("logits", "evidence"):
            output.type.tensor_type.shape.dim[1].dim_value = len(bias)


def _head(model: onnx.ModelProto) -> onnx.NodeProto:
    nodes: Iterable[onnx.NodeProto] = model.graph.node
    return next(node for node in nodes if node.output[0] == "logits")
