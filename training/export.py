"""From trained weights to the bundle's network.onnx, its weights stored as float16."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnx_ir
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_ir.passes.common import (
    CommonSubexpressionEliminationPass,
    DeduplicateInitializersPass,
    IdentityEliminationPass,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from model.network import Network

OPSET = 18
STORED = ".float16"
"""Ends the name of a weight that is stored as float16."""


def export_network(network: Network, size: int, file: Path) -> None:
    """Write the network as ONNX: images (N, 3, size, size) to logits, embedding and evidence."""
    network = network.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    inputs, outputs = ["images"], ["logits", "embedding", "evidence"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns of its own future
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, size, size),),
            file,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in inputs + outputs},
            opset_version=OPSET,
            dynamo=False,
        )
    model = share_equal_parts(onnx.load(file))
    store_as_float16(model)
    onnx.checker.check_model(model)
    onnx.save(model, file)


def share_equal_parts(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model without what it holds or does twice: the first stages of a backbone tuned only further on."""
    parsed = onnx_ir.serde.deserialize_model(model)
    for simplify in (
        IdentityEliminationPass(),
        DeduplicateInitializersPass(sys.maxsize),
        CommonSubexpressionEliminationPass(),
    ):
        simplify(parsed)
    shared: onnx.ModelProto = onnx_ir.serde.serialize_model(parsed)
    return shared


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
