"""Adverts to scan, and what came of it."""

import contextlib
import csv
import json
import random
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from model.manifest import read_manifest
from serve.scan.parts import Parts

TITLES = ("Antique carved ivory figure", "Ivory lace wedding dress", "Ox bone netsuke", "A fine old clock", "")


def write_adverts(folder: Path, photos: list[Any], adverts: int) -> Path:
    """A CSV file of adverts, each with one to three pictures that no other has, some with one that cannot be opened."""
    folder.mkdir(parents=True, exist_ok=True)
    jpegs = [photo.content for photo in photos if photo.ending == "jpg"]
    with (folder / "adverts.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "title", "pictures"])
        for number in range(adverts):
            names = [f"{number}-{picture}.jpg" for picture in range(1 + number % 3)]
            for picture, name in enumerate(names):
                content = jpegs[(number + picture) % len(jpegs)] + f"{number}/{picture}".encode()
                (folder / name).write_bytes(b"broken" if number % 20 == 7 else content)
            table.writerow([number, TITLES[number % len(TITLES)], ";".join(names)])
    return folder / "adverts.csv"


def generate_adverts(data: Path, folder: Path, adverts: int) -> None:
    """Adverts as a marketplace has them: photos scaled and encoded anew, three in ten posted before, posts' words."""
    chance = random.Random(adverts)  # noqa: S311 - the same adverts each time
    photos = [data / row.file for row in read_manifest(data / "manifest.csv") if row.split == "train"]
    with (data / "adverts" / "posts.csv").open(encoding="utf-8", newline="") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    folder.mkdir()
    made: list[str] = []
    with (folder / "adverts.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "text", "pictures"])
        for number in range(adverts):
            names = []
            for picture in range(chance.choice((0, 1, 1, 1, 2))):
                if made and chance.random() < 0.3:
                    names.append(chance.choice(made))
                    continue
                name = f"{number // 1000}/{number}-{picture}.jpg"
                (folder / name).parent.mkdir(exist_ok=True)
                image = Image.open(chance.choice(photos)).convert("RGB")
                image.thumbnail((chance.randint(150, 500),) * 2)
                image.save(folder / name, quality=chance.randint(50, 95))
                made.append(name)
                names.append(name)
            table.writerow([number, chance.choice(texts), ";".join(names)])


def results(out: Path, rows_of_part: int = 256) -> list[dict[str, Any]]:
    """Every row of a finished scan."""
    parts = Parts(out)
    claim = json.loads((out / "scan.json").read_text())
    numbers = range(-(-claim["rows"] // rows_of_part))
    assert all(parts.done(part) for part in numbers)
    return [record for part in numbers for record in parts.records(part)]


def assert_same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """The same rows, verdicts and answers, probabilities within 0.005."""
    for a, b in zip(one, other, strict=True):
        for key in ("row", "id", "verdict", "answer", "reasons", "error"):
            assert a[key] == b[key]
        assert abs(a["score"] - b["score"]) <= 0.005
        for x, y in zip(a["pictures"], b["pictures"], strict=True):
            assert [x[key] for key in ("path", "sha256", "status", "answer", "error")] == [
                y[key] for key in ("path", "sha256", "status", "answer", "error")
            ]
            assert abs((x["probability"] or 0) - (y["probability"] or 0)) <= 0.005


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
