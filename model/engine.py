"""Inference without torch: OpenVINO where it is installed, else onnxruntime, over the same ONNX file."""

from __future__ import annotations

import importlib.util
import os
import threading
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from xml.etree import ElementTree

import numpy as np

from model.bundle import DESCRIPTION
from model.errors import SchregerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from model.bundle import Bundle

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]

CORES = os.cpu_count() or 1

TRUNK = "trunk"
"""Name of the map that ends the first stages of a network, which run in float32 whatever the precision."""

TOLERANCE = 0.06
"""Largest difference of a calibrated logit between bfloat16 and float32 on the self-check that bfloat16 is used with.

No probability then differs by more than 0.03, since its slope by a logit is at most a quarter and two logits count.
Logits, not probabilities, are compared because drawn pictures have flat probabilities, which hide differences.
"""


class EngineError(SchregerError):
    """No engine can run the network; the message says what to install, in one sentence."""


class Output(NamedTuple):
    """What the network says of N photos: `logits` (N, C), `embedding` (N, d), `evidence` (N, C, h, w)."""

    logits: Floats
    embedding: Floats
    evidence: Floats


class Engine(Protocol):
    """Runs the network of a bundle, from any thread. `name` and `precision` say how, for the record."""

    name: str
    precision: str

    def run(self, pixels: Pixels) -> Output:
        """Run squashed photos (N, size, size, 3)."""
        ...


def load_engine(bundle: Bundle, name: str | None = None, precision: str | None = None) -> Engine:
    """The fastest engine that is installed, at the fastest precision that agrees with float32.

    Args:
        bundle: The bundle whose network is run.
        name: `openvino` or `onnxruntime`; by default the first that is installed.
        precision: `f32` or `bf16` (OpenVINO only); by default chosen by a self-check.

    Raises:
        EngineError: The engine is not installed, or the network cannot be run or is not that of the bundle's classes.
    """
    installed = [engine for engine in ENGINES if importlib.util.find_spec(engine)]
    chosen = name or next(iter(installed), None)
    if chosen not in installed:
        raise EngineError(f"{chosen or 'An inference engine'} is not installed: pip install openvino or onnxruntime.")
    try:
        engine: Engine = ENGINES[chosen](bundle, precision)
        side = bundle.description.input.size
        classes = engine.run(np.zeros((1, side, side, 3), np.uint8)).logits.shape[1]
    except EngineError:
        raise
    except Exception as error:  # onnxruntime's errors have no base of their own
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].rstrip(".")
        raise EngineError(f"{chosen} cannot run {bundle.network}: {reason}.") from error
    named = len(bundle.description.classes)
    if classes != named:
        raise EngineError(f"{bundle.network} has {classes} classes, {DESCRIPTION} names {named}: get the bundle anew.")
    return engine


class OpenVino:
    """OpenVINO on the CPU; scaling and layout of the pixels are compiled into the network.

    A photo at a time runs on one core: batches are slower, since their maps do not fit into a core's cache.
    """

    name = "openvino"

    def __init__(self, bundle: Bundle, precision: str | None = None) -> None:
        if precision not in (None, "f32", "bf16"):
            raise EngineError(f"openvino runs the network in f32 or bf16, not in {precision}.")
        self._core, self._own = _core(), threading.local()
        self._network = _with_exact_trunk(_with_pixels(self._core.read_model(bundle.network), bundle))
        self.precision = precision or "f32"
        if precision is None and "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            self.precision, self._compiled = self._fastest(bundle)
        else:
            self._compiled = self._compile(self.precision)

    def run(self, pixels: Pixels) -> Output:
        if not hasattr(self._own, "request"):  # a request holds one set of inputs and outputs, so one a thread
            self._own.request = self._compiled.create_infer_request()
        return _one_by_one(self._own.request.infer, pixels)

    def _fastest(self, bundle: Bundle) -> tuple[str, Any]:
        """In bfloat16 where that agrees with float32 on the self-check within TOLERANCE, else in float32."""
        photos = self_check_photos(bundle.description.input.size)
        faster = self._compile("bf16")
        kept = bundle.self_check
        exact = None if kept else self._compile("f32")
        said, expected = _logits(faster, photos), np.load(kept) if kept else _logits(exact, photos)
        largest = TOLERANCE * bundle.description.certainty.temperature
        if said.shape == expected.shape and np.abs(said - expected).max() <= largest:
            return "bf16", faster
        return "f32", self._compile("f32") if exact is None else exact

    def _compile(self, precision: str) -> Any:
        """One stream a core, each with a photo of its own: cores that share one wait for each other.

        Streams are not bound to cores, since one would then wait for its core while another is idle.
        """
        streams = {"NUM_STREAMS": CORES, "INFERENCE_NUM_THREADS": CORES, "ENABLE_CPU_PINNING": False}
        return self._core.compile_model(self._network, "CPU", {**streams, "INFERENCE_PRECISION_HINT": precision})


@cache
def _core() -> Any:
    """OpenVINO's core, one for as long as the process lives.

    The last to leave a core takes along the stack that it had set for signals and puts back the one that it had found,
    which may be long gone where there were several: the next signal, such as that a child has ended, then kills us.
    """
    import openvino

    return openvino.Core()


class OnnxRuntime:
    """onnxruntime on the CPU, for machines that OpenVINO has no wheel for."""

    name = "onnxruntime"
    precision = "f32"

    def __init__(self, bundle: Bundle, precision: str | None = None) -> None:
        import onnxruntime

        if precision not in (None, "f32"):
            raise EngineError(f"onnxruntime runs the network in f32, not in {precision}.")
        self._session = onnxruntime.InferenceSession(bundle.network, providers=["CPUExecutionProvider"])
        given = bundle.description.input
        self._mean, self._std = 255 * np.array(given.mean, np.float32), 255 * np.array(given.std, np.float32)

    def run(self, pixels: Pixels) -> Output:
        return _one_by_one(self._run, pixels)

    def _run(self, pixels: Pixels) -> Sequence[Floats]:
        images = ((pixels - self._mean) / self._std).transpose(0, 3, 1, 2)
        outputs: Sequence[Floats] = self._session.run(None, {"images": np.ascontiguousarray(images)})
        return outputs


ENGINES: dict[str, Any] = {"openvino": OpenVino, "onnxruntime": OnnxRuntime}


def write_self_check(bundle: Bundle, file: Path) -> None:
    """Keep what the network says of the pictures of the self-check in float32, so that no start has to ask it again."""
    exact = load_engine(bundle, precision="f32")
    np.save(file, exact.run(self_check_photos(bundle.description.input.size)).logits)


def self_check_photos(size: int) -> Pixels:
    """Eight drawn pictures (8, size, size, 3), smooth to rough, the same on every machine."""
    generator = np.random.default_rng(0)
    coarse = [generator.random((2**power, 2**power, 3)) for power in range(1, 9)]
    nearest = [grid[np.ix_(*[np.arange(size) * len(grid) // size] * 2)] for grid in coarse]
    return np.stack([(picture * 255).astype(np.uint8) for picture in nearest])


def _one_by_one(network: Callable[[Pixels], Any], pixels: Pixels) -> Output:
    """Run N photos, one at a time."""
    results = (network(pixels[place : place + 1]) for place in range(len(pixels)))
    photos = [[np.array(result[number], np.float32) for number in range(3)] for result in results]
    return Output(*(np.concatenate(parts) for parts in zip(*photos, strict=True)))


def _logits(compiled: Any, pixels: Pixels) -> Floats:
    """Logits (N, C) of N photos by a compiled network."""
    return _one_by_one(compiled.create_infer_request().infer, pixels).logits


def _with_pixels(network: Any, bundle: Bundle) -> Any:
    """The network of one photo, with uint8 pixels (1, H, W, 3) as its input in place of an image (1, 3, H, W)."""
    from openvino import Layout, Type
    from openvino.preprocess import PrePostProcessor

    given = bundle.description.input
    one = network.input().partial_shape
    one[0] = 1
    network.reshape(one)
    processor = PrePostProcessor(network)
    processor.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    processor.input().model().set_layout(Layout("NCHW"))
    steps = processor.input().preprocess().convert_element_type(Type.f32)
    steps.mean([255 * value for value in given.mean]).scale([255 * value for value in given.std])
    return processor.build()


def _with_exact_trunk(network: Any) -> Any:
    """The network with every operation up to its trunk marked to stay in float32, if it names a trunk.

    The mark is written into OpenVINO's own file format, since Python cannot set it on a network in memory. A version
    that did not heed it would run all in bfloat16, and the self-check then choose float32.
    """
    import openvino

    end = next((output for node in network.get_ops() for output in node.outputs() if TRUNK in output.names), None)
    if end is None:
        return network
    exact, following = set(), [end.get_node()]
    while following:
        node = following.pop()
        if node.get_friendly_name() not in exact:
            exact.add(node.get_friendly_name())
            following += [given.get_source_output().get_node() for given in node.inputs()]
    with TemporaryDirectory() as folder:
        file = Path(folder, "network.xml")
        openvino.serialize(network, file)
        tree, weights = ElementTree.parse(file), file.with_suffix(".bin").read_bytes()  # noqa: S314 - just written
    for layer in tree.iter("layer"):
        if layer.get("name") in exact and layer.find("input") is not None:
            marks = ElementTree.Element("rt_info")
            ElementTree.SubElement(marks, "attribute", {"name": "precise", "version": "0"})
            layer.insert([part.tag for part in layer].index("input"), marks)
    return _core().read_model(ElementTree.tostring(tree.getroot()), weights)
