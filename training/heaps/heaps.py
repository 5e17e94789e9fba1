"""`schreger dataset heaps`: heaps of loose scales and of look-alikes, drawn from a data set's photos as further ones.

Photos of pangolin scales show living animals; what is seized is loose and dry. A drawn heap takes its surface, split,
group and source from the photo that it is cut from, so that no source and no animal is on both sides. Heaps of other
things are goods of unknown material, whatever they are cut from: pieces do not show it.
"""

from __future__ import annotations

import csv
import hashlib
import zlib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from model.classifier import DECODE_SIDE
from model.errors import SchregerError
from model.manifest import REQUIRED, read_manifest
from model.photo import PhotoError, open_photo
from model.taxonomy import load_taxonomy
from training.atomic import atomically
from training.corrections import correct, read_corrections
from training.heaps import DRAWN, GOODS, LOOKALIKE, SCALES
from training.heaps.heap import draw_heap, draw_skin
from training.heaps.piece import chip, scale
from training.labelled import read_labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.manifest import Row

HARD_AND_DRY, FEW = ("antler", "horn", "plant", "shell", "stone", "wood"), 10
"""Labels whose pieces, dried or broken, lie in heaps too, and how many photos of each a split gives at most."""

SKINS = 0.1
"""Share of the photos drawn of scales that show a whole skin."""

WEBP_QUALITY = 80


class HeapsError(SchregerError):
    """No heaps can be drawn; the message says why in one sentence."""


class NoScalesError(HeapsError):
    """No photo shows scales."""


def command(data: Path | None, out: Path, corrections: Path | None, each: int, seed: int) -> None:
    """Draw heaps of a data folder's train and val photos into another, which a recipe may name beside the first."""
    rows, folder = read_labelled((), data)
    if corrections:
        rows = correct(rows, read_corrections(corrections, load_taxonomy())).rows
    drawn = draw_heaps(rows, lambda row: folder / row.file, out, each, seed)
    shown = sum(row.label == SCALES for row in drawn)
    console = Console(stderr=True)
    console.print(f"{shown} photos of scales and {len(drawn) - shown} of look-alikes are in {out}.")


def draw_heaps(
    rows: Sequence[Row], locate: Callable[[Row], Path], out: Path, each: int = 4, seed: int = 0
) -> list[Row]:
    """Write so many drawn photos of each train and val row of scales or look-alikes, and their manifest.csv.

    Returns the rows of the manifest; the same seed draws the same. A photo that does not open, or that was drawn, is
    passed over.

    Raises:
        NoScalesError: No row shows scales.
        HeapsError: The folder cannot be written to, or has photos that were not drawn.
        ManifestError: The folder has a manifest.csv that is none.
    """
    manifest = out / "manifest.csv"
    if manifest.exists() and any(DRAWN not in row.note for row in read_manifest(manifest, draft=True)):
        raise HeapsError(f"{manifest} lists photos that were not drawn, and would be overwritten: use another folder.")
    photographed = [row for row in rows if DRAWN not in row.note]
    chosen = [row for split in ("train", "val") for row in _chosen([row for row in photographed if row.split == split])]
    if not any(row.label == SCALES for row in chosen):
        raise NoScalesError(f"No photo in split train or val is labelled {SCALES}: there is nothing to draw heaps of.")
    drawn = []
    try:
        (out / "photos").mkdir(parents=True, exist_ok=True)
        for row in track(chosen, "Drawing heaps", console=Console(stderr=True)):
            try:
                photo = open_photo(locate(row), DECODE_SIDE).pixels
            except PhotoError:
                continue
            for number in range(each):
                pixels = _draw(photo, row, np.random.default_rng((seed, number, zlib.crc32(row.sha256.encode()))))
                drawn.append(_keep(pixels, row, out))
        with atomically(manifest) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, REQUIRED, lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(asdict, drawn))
    except OSError as error:
        raise HeapsError(f"{out} cannot be written to: {error.strerror}.") from error
    return drawn


def _chosen(rows: Sequence[Row]) -> list[Row]:
    """Of the rows of a split those that show scales, what is taken for them, and a few of what is as hard and dry."""
    chosen = [row for row in rows if row.label == SCALES or LOOKALIKE in row.note]
    others = sorted((row for row in rows if LOOKALIKE not in row.note), key=lambda row: row.sha256)
    for key in HARD_AND_DRY:
        chosen += [row for row in others if row.label == key][:FEW]
    return chosen


def _draw(photo: NDArray[np.uint8], row: Row, generator: np.random.Generator) -> NDArray[np.uint8]:
    if row.label != SCALES:
        return draw_heap(photo, chip, generator)
    return draw_skin(photo, generator) if generator.random() < SKINS else draw_heap(photo, scale, generator)


def _keep(pixels: NDArray[np.uint8], row: Row, out: Path) -> Row:
    """Write a drawn photo; its row is that of the photo it was drawn from, but for what is new."""
    label, note = (SCALES, DRAWN) if row.label == SCALES else (GOODS, f"{DRAWN}; {LOOKALIKE}")
    content = cv2.imencode(".webp", pixels[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])[1].tobytes()
    digest = hashlib.sha256(content).hexdigest()
    file = f"photos/{digest[:16]}.webp"
    with atomically(out / file) as partial:  # of several processes that train together each draws them
        partial.write_bytes(content)
    height, width = pixels.shape[:2]
    return replace(row, file=file, sha256=digest, label=label, width=width, height=height, note=note)
