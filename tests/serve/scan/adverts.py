"""Adverts to scan, and what came of it."""

import csv
import json
from pathlib import Path
from typing import Any

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


def results(out: Path) -> list[dict[str, Any]]:
    """Every row of a finished scan."""
    parts = Parts(out)
    claim = json.loads((out / "scan.json").read_text())
    return [record for part, _ in parts.all(claim["rows"]) for record in parts.records(part)]


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
