"""What tests of the check share: a drawn folder without a fault, a real one, and what a check says of a folder."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from model.manifest import REQUIRED

Cells = dict[str, str]

COLOURS = {
    "bone": (235, 225, 200), "ceramic": (60, 100, 220), "food": (200, 60, 60),
    "ivory": (250, 200, 90), "metal": (120, 120, 130), "wood": (90, 60, 30),
}  # fmt: skip
SPLITS = ("train",) * 20 + ("val",) * 4 + ("test",) * 4


class Folder:
    """A folder of labelled photos that can be changed: `rows` are the cells of its manifest."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, list[Cells]()
        (path / "photos").mkdir(parents=True, exist_ok=True)

    def add(self, picture: Image.Image, file: str, **cells: str) -> Cells:
        """Save a photo, and a row that tells the truth about it."""
        picture.save(self.path / file)
        row = dict.fromkeys(REQUIRED, "") | {"group": file, "licence": "CC0", "file": file} | cells
        self.rows.append(row)
        self.redraw(row, lambda picture: picture)
        return row

    def redraw(self, row: Cells, how: Callable[[Image.Image], Image.Image]) -> None:
        """Change a photo and what its row says of the file."""
        file = self.path / row["file"]
        with Image.open(file) as old:
            new = how(old.convert("RGB"))
        if new is not old:
            new.save(file)
        row["width"], row["height"] = map(str, new.size)
        row["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()

    def picture(self, row: Cells) -> Image.Image:
        with Image.open(self.path / row["file"]) as picture:
            return picture.convert("RGB")

    def of(self, label: str, split: str | None = None) -> Iterator[Cells]:
        return iter([row for row in self.rows if row["label"] == label and split in (None, row["split"])])

    def write(self) -> Path:
        with (self.path / "manifest.csv").open("w", newline="") as lines:
            writer = csv.DictWriter(lines, REQUIRED)
            writer.writeheader()
            writer.writerows(self.rows)
        return self.path


def drawn(label: str, number: int) -> Image.Image:
    """A disc of blocks of the label's colour, each as bright as it likes, on any grey; 220 to 300 pixels a side."""
    generator = np.random.default_rng((number, *label.encode()))
    height, width = generator.integers(220, 301, 2)
    blocks = np.kron(generator.uniform(0.5, 1.1, (20, 20)), np.ones((15, 15)))[:height, :width, None]
    picture = np.full((height, width, 3), generator.integers(40, 255), float)
    top, left = generator.integers(16, 50, 2)
    down, across = np.linspace(-1, 1, height) * height / (height - 2 * top), np.linspace(-1, 1, width)
    disc = np.hypot(down[:, None], across * width / (width - 2 * left)) < 1
    picture[disc] = (np.array(COLOURS[label]) * blocks)[disc]
    picture += generator.normal(0, 4, picture.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def draw() -> Callable[[str, int], Image.Image]:
    return drawn


@pytest.fixture(scope="session")
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = Folder(tmp_path_factory.mktemp("drawn"))
    for label in COLOURS:
        for number, split in enumerate(SPLITS):
            file = f"photos/{label}-{number}.{('jpg', 'png', 'webp')[number % 3]}"
            source = ("museum", "shop", "market", "press")[number % 4]
            folder.add(drawn(label, number), file, label=label, split=split, source=source)
    return folder


@pytest.fixture
def clean(drawn_once: Folder, tmp_path: Path) -> Folder:
    """A folder without a fault: six labels of 28 photos, each a group of its own, from four sources."""
    folder = Folder(Path(shutil.copytree(drawn_once.path, tmp_path / "clean")))
    folder.rows = deepcopy(drawn_once.rows)
    return folder


@pytest.fixture
def real(data_dir: Path, tmp_path: Path) -> Folder:
    """Some 300 real photos of the same labels, which may have faults of their own."""
    folder = Folder(tmp_path / "real")
    with (data_dir / "manifest.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == "train"]
    for label in COLOURS:
        of_label = {row["group"]: row for row in rows if row["label"] == label}
        for number, row in enumerate(list(of_label.values())[:50]):
            kept = {name: row[name] for name in ("label", "group", "source")}
            with Image.open(data_dir / row["file"]) as picture:
                file = f"photos/{label}-{number}.jpg"
                folder.add(
                    picture.convert("RGB"), file, split=("train", "train", "train", "val", "test")[number % 5], **kept
                )
    return folder


class Report:
    """What a check wrote and how it ended."""

    def __init__(self, done: Result, out: Path) -> None:
        self.done, self.out = done, out
        self.told: dict[str, Any] = json.loads((out / "report.json").read_text())
        with (out / "report.csv").open(newline="") as lines:
            self.lines = list(csv.DictReader(lines))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The issues of a kind."""
        return [issue for issue in self.told["issues"] if issue["kind"] == kind]

    def files(self, kind: str) -> set[str]:
        """The files that issues of a kind concern."""
        return {row["file"] for issue in self.of(kind) for row in issue["rows"]}


@pytest.fixture(scope="session")
def check(schreger: Callable[..., Result]) -> Callable[[Path, Path], Report]:
    """Check a folder from the command line."""

    def run(folder: Path, out: Path) -> Report:
        return Report(schreger("dataset", "check", "--data", folder, "--out", out), out)

    return run
