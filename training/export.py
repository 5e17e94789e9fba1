"""From trained weights to the bundle's network.onnx, its weights stored as float16."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

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
    from pathlib import Path

    from model.network import Network

OPSET = 18


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
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype("float16"), f"{weight.name}.float16")
        casts.append(helper.make_node("Cast", [half.name], [weight.name], to=TensorProto.FLOAT))
        graph.initializer.remove(weight)
        graph.initializer.append(half)
    for cast in reversed(casts):
        graph.node.insert(0, cast)
