"""What tests of training share: a small labelled folder that is drawn, and one run on it from the command line."""

import csv
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from model.manifest import REQUIRED, Row, read_manifest
from serve.cli import app

Command = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]

LOOKS = {
    "bone": ((235, 225, 200), 0), "ceramic": ((90, 120, 210), 9), "ivory": ((250, 235, 190), 18),
    "pangolin_scale": ((110, 80, 50), 14), "psittacus_erithacus": ((150, 150, 160), 4), "resin": ((220, 70, 60), 0),
}  # fmt: skip
"""Classes of the toy photos: colour, and stripes from edge to edge."""

SPLITS = ("train",) * 8 + ("val",) * 3 + ("test",) * 4 + ("source_test",) * 3

RECIPE = """\
name: toy
seed: 3
backbone: {name: tf_efficientnet_lite0, weights: package}
input_size: 64
augmentation:
  - HorizontalFlip: {p: 0.5}
  - ColorJitter: {brightness: [0.9, 1.1], p: 0.5}
stages:
  - {epochs: 1, frozen: ["*"], head_rate: 0.01, warmup_steps: 2}
  - {epochs: 3, frozen: [conv_stem, bn1, blocks.0, blocks.1], head_rate: 0.003, backbone_rate: 0.0005, warmup_steps: 2}
batch_size: 8
precision: float32
workers: 0
"""


def drawn(label: str, number: int) -> Image.Image:
    """A striped patch of the label's colour on a ground of any grey, 64 to 96 pixels a side, with noise."""
    (colour, stripes), generator = LOOKS[label], np.random.default_rng((number, *label.encode()))
    height, width = generator.integers(64, 97, 2)
    picture = np.full((height, width, 3), generator.integers(40, 255), float)
    across = 1 + 0.25 * np.sin(np.arange(width) * stripes * 2 * np.pi / width)
    top, left = generator.integers(2, 12, 2)
    picture[top:-top, left:-left] = (np.array(colour) * across[None, :, None])[:, left:-left]
    picture += generator.normal(0, 8, picture.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with manifest.csv and photos/: six labels, every split, two photos a group, several sources."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "photos").mkdir()
    rows = []
    for label in LOOKS:
        for number, split in enumerate(SPLITS):
            file = f"photos/{label}-{number}.{('jpg', 'png', 'webp')[number % 3]}"
            picture = drawn(label, number)
            picture.save(folder / file)
            source = "elsewhere" if split == "source_test" else ("rjpost20+toy", "shop", "market")[number % 3]
            content = (folder / file).read_bytes()
            rows.append((file, hashlib.sha256(content).hexdigest(), label, split, f"{label}-{split}-{number // 2}",
                         source, "CC0", "drawn", *picture.size, ""))  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([REQUIRED, *rows])
    return folder


@pytest.fixture(scope="session")
def toy_rows(toy: Path) -> list[Row]:
    return read_manifest(toy / "manifest.csv")


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that learns the toy photos in seconds."""
    file = tmp_path_factory.mktemp("recipes") / "toy.yaml"
    file.write_text(RECIPE)
    return file


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "SCHREGER_DATA"} | {
    "OMP_NUM_THREADS": "1"  # the same sums in the same order, run after run
}


@pytest.fixture(scope="session")
def schreger() -> Command:
    """Run our command line here, without the wait for imports that a process of its own has."""

    def run(*words: str | Path) -> Result:
        return CliRunner().invoke(app, list(map(str, words)), env={"SCHREGER_DATA": None})

    return run


@pytest.fixture(scope="session")
def start_schreger() -> Start:
    """Start our command line in a process of its own."""

    def start(*words: str | Path) -> subprocess.Popen[str]:
        command = [Path(sys.executable).with_name("schreger"), *map(str, words)]
        return subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, env=ENVIRONMENT)

    return start


@pytest.fixture(scope="session")
def torchrun() -> Start:
    """Start our command line in several processes that train together."""

    def start(processes: int, *words: str | Path) -> subprocess.Popen[str]:
        ours = Path(sys.executable).with_name("schreger")
        how = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", ours)
        return subprocess.Popen(
            [sys.executable, *how, *map(str, words)], stdout=PIPE, stderr=PIPE, text=True, env=ENVIRONMENT
        )

    return start


@pytest.fixture(scope="session")
def run(start_schreger: Start, toy: Path, recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole run on the toy photos, its bundle measured on every split."""
    out = tmp_path_factory.mktemp("runs") / "toy"
    process = start_schreger("train", "--recipe", recipe_file, "--out", out, "--data", toy, "--final")
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return out
