"""Photos a second of `schreger classify` against a plain loop over the same photos with timm, torch and Pillow.

Both run as their own process and are timed from start to end, several times in turn; medians are compared. The loop
is written as people write it, with batches of 1 and of 32; the faster of the two is the peer.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from model.bundle import DEFAULT, RECIPE, find_bundle, load_bundle
from model.classifier import DECODE_SIDE
from model.manifest import read_manifest
from model.photo import open_photo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnx import NodeProto
    from torch import Tensor
    from torch.nn import Module

    from model.bundle import Bundle
    from model.network import Network

BATCHES = (1, 32)
PACKAGE_PHOTOS = {"gradio": "media_assets/images/*.jp*g", "sklearn": "datasets/images/*.jpg"}


def main() -> None:
    """Compare and print, or be the peer (`--peer`)."""
    options = parse()
    if options.peer:
        loop(options.photos, options.bundle, options.peer, options.probabilities)
        return
    with TemporaryDirectory() as name:
        folder = Path(name, "photos")
        folder.mkdir()
        files = find_photos(options.photos, options.n)
        for number, file in enumerate(files):
            (folder / f"{number:06d}{file.suffix}").symlink_to(file.resolve())
        compare(folder, len(files), options)


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photos; by default the train rows of SCHREGER_DATA")
    parser.add_argument("--bundle", default=DEFAULT, help="shipped name or folder (default: %(default)s)")
    parser.add_argument("-n", type=int, default=1000, help="photos at most (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side runs (default: %(default)s)")
    parser.add_argument("--peer", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--probabilities", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def find_photos(folder: Path | None, n: int) -> list[Path]:
    """At most n photos, spread evenly over what there is; package photos are repeated."""
    data = os.environ.get("SCHREGER_DATA")
    if folder is not None:
        files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    elif data:
        files = [Path(data, row.file) for row in read_manifest(Path(data, "manifest.csv")) if row.split == "train"]
    else:
        folders = {name: Path(find_spec(name).origin).parent for name in PACKAGE_PHOTOS}  # type: ignore[union-attr, arg-type]
        shipped = [file for name, pattern in PACKAGE_PHOTOS.items() for file in sorted(folders[name].glob(pattern))]
        files = list(islice(cycle(shipped), n))
    return files[:: max(1, len(files) // n)][:n]


def compare(folder: Path, n: int, options: argparse.Namespace) -> None:
    """Run both sides in turn and print what came of it."""
    ours, theirs = folder.with_name("ours.csv"), folder.with_name("theirs.npy")
    schreger = Path(sys.executable).with_name("schreger")
    ask = [schreger, "classify", folder, "--quiet", "--top", 0, "--out", ours, "--bundle", options.bundle]
    commands = {"schreger classify": ask}
    peer = [sys.executable, __file__, "--photos", folder, "--bundle", options.bundle, "--probabilities", theirs]
    commands |= {f"timm + torch + Pillow, batch {batch}": [*peer, "--peer", batch] for batch in BATCHES}

    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            seconds[name].append(timed(command))
    speed = {name: n / median(times) for name, times in seconds.items()}
    print(f"{n} photos, {os.cpu_count()} cores, median of {options.rounds}, start-up included")
    for name, photos_a_second in speed.items():
        print(f"{name:32} {photos_a_second:8.1f} photos/s  {n / photos_a_second:7.1f} s")
    first, *peers = speed.values()
    print(f"{'ratio to the faster loop':32} {first / max(peers):8.1f}")
    print_agreement(ours, np.load(theirs), options.bundle, frameless(sorted(folder.iterdir())))


def timed(command: Sequence[object]) -> float:
    """Seconds that a command takes from start to end."""
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True)
    return time.perf_counter() - start


def frameless(files: Sequence[Path]) -> NDArray[np.bool_]:
    """Which photos have no frame that schreger takes off and the loop does not, (N,)."""
    opened = [open_photo(file, max_side=DECODE_SIDE) for file in files]
    return np.array([photo.picture.shape == photo.pixels.shape for photo in opened])


def print_agreement(ours: Path, theirs: NDArray[np.float32], bundle: str, alike: NDArray[np.bool_]) -> None:
    """How far the answers of both sides are the same, on the photos of which both see the same."""
    order = {key: number for number, key in enumerate(load_bundle(find_bundle(bundle)).description.classes)}
    found = np.zeros_like(theirs)
    with ours.open(encoding="utf-8", newline="") as lines:
        for place, row in enumerate(csv.DictReader(lines)):
            for key, share in (pair.split("=") for pair in row["top"].split(";")):
                found[place, order[key]] = float(share)
    agree, apart = (found.argmax(axis=1) == theirs.argmax(axis=1))[alike].mean(), np.abs(found - theirs)[alike].max()
    print(
        f"{alike.sum()} photos without a frame: top-1 agreement {agree:.2%}, largest probability difference {apart:.4f}"
    )


def loop(folder: Path, bundle: str, batch: int, out: Path) -> None:
    """The peer: class probabilities of every photo of a folder, by name."""
    import torch
    from PIL import Image

    from model.backbones import declare_torchvision_ops

    declare_torchvision_ops()
    from torchvision import transforms

    loaded = load_bundle(find_bundle(bundle))
    given = loaded.description.input
    network = network_of(loaded)
    transform = transforms.Compose(
        [
            transforms.Resize((given.size, given.size), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize(given.mean, given.std),
        ]
    )
    files = sorted(folder.iterdir())
    found = []
    torch.set_num_threads(os.cpu_count() or 1)
    with torch.inference_mode():
        for start in range(0, len(files), batch):
            images = [transform(Image.open(file).convert("RGB")) for file in files[start : start + batch]]
            logits = network.logits(torch.stack(images)) / loaded.description.certainty.temperature
            found.append(logits.softmax(dim=1).numpy())
    np.save(out, np.concatenate(found))


def network_of(bundle: Bundle) -> Network:
    """The bundle's network in torch. Its batch norms were folded into the convolutions before them when exported."""
    import onnx
    import torch
    from onnx.numpy_helper import to_array

    from training.fit import new_backbone, new_network
    from training.recipe_file import read_recipe

    recipe = read_recipe(bundle.folder / RECIPE)
    untrained = recipe.model_copy(update={"backbone": recipe.backbone.model_copy(update={"weights": "none"})})
    network = new_network(untrained, len(bundle.description.classes)).eval()
    if recipe.keep_pretrained:
        network.add_pretrained(new_backbone(untrained).eval())
    graph = onnx.load(bundle.network).graph
    stored = {weight.name.removesuffix(".float16"): torch.tensor(to_array(weight)) for weight in graph.initializer}
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    for name, backbone in network.named_children():
        if name in ("backbone", "pretrained"):
            fill(backbone, [[stored[part] for part in node.input[1:]] for node in of_backbone(name, nodes)])
    network.head.load_state_dict({name: stored[f"head.{name}"] for name in ("weight", "bias")})
    return network


def of_backbone(name: str, nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """The convolutions of one backbone; what both have in common is stored once, as either's."""
    own, names = f"/{name}/", {node.name for node in nodes}
    other = {"/backbone/": "/pretrained/", "/pretrained/": "/backbone/"}[own]
    return [
        node
        for node in nodes
        if node.name.startswith(own) or (node.name.startswith(other) and node.name.replace(other, own) not in names)
    ]


def fill(backbone: Module, folded: Sequence[Sequence[Tensor]]) -> None:
    """Give a backbone's convolutions and norms weights and biases in which the norms are folded."""
    import torch

    layers = [module for module in backbone.modules() if isinstance(module, torch.nn.Conv2d)]
    norms = [module for module in backbone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for (weight, bias), layer, norm in zip(folded, layers, norms, strict=True):
            layer.weight.copy_(weight)
            norm.weight.fill_(1)
            norm.bias.copy_(bias)
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)


if __name__ == "__main__":
    main()
