"""How well pictures are linked: the threshold of the embedding on validation photos, altered copies, and speed.

Pairs of validation photos of one object (`group`) are right, pairs of different objects wrong. Altered copies are made
of some of these photos. Pairs that hashes link are counted on train photos too. No photo of another split is looked at.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from model.classifier import DECODE_SIDE, Classifier
from model.manifest import read_manifest
from model.photo import open_photo, read_file
from serve.links import Picture, Source, look
from serve.links.clusters import MIN_COSINE
from serve.links.neighbours import Hashes
from serve.links.pdq import MAX_DISTANCE, MIN_QUALITY, mirrored, pdq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COPIES = 200
HASHES = 100_000


def cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    """Takes so much off each side."""

    def crop(image: Image.Image) -> Image.Image:
        x, y = int(image.width * share), int(image.height * share)
        return image.crop((x, y, image.width - x, image.height - y))

    return crop


def with_banner(image: Image.Image) -> Image.Image:
    """A bar over the lowest eighth."""
    image = image.copy()
    ImageDraw.Draw(image).rectangle((0, image.height * 7 // 8, image.width, image.height), fill="black")
    return image


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda image: image.resize((image.width // 2 + 1, image.height // 2 + 1)),
    "brighter by 30%": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "bar over an eighth": with_banner,
    "cropped by 3% a side": cropped(0.03),
    "cropped by 5% a side": cropped(0.05),
    "cropped by 10% a side": cropped(0.1),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned by 5 degrees": lambda image: image.rotate(5, fillcolor="white"),
}


def main() -> None:
    """Print the tables."""
    if not (name := os.environ.get("SCHREGER_DATA")):
        print("links needs photos: set SCHREGER_DATA to a folder with manifest.csv", file=sys.stderr)
        return
    every = read_manifest(Path(name) / "manifest.csv")
    rows = [row for row in every if row.split == "val"]
    classifier, started = Classifier.load(), time.process_time()
    photos = list(look((given(row.group, Path(name) / row.file) for row in rows), classifier))
    print(f"{1000 * (time.process_time() - started) / len(photos):.0f} ms of a core to look at a picture\n")
    print_pairs(photos)
    print_hashed([given(row.group, Path(name) / row.file) for row in every if row.split in ("train", "val")])
    some = [photos[number] for number in np.random.default_rng(0).choice(len(photos), COPIES, replace=False)]
    print(f"\n| {COPIES} photos, as JPEG 40 | by pdq or mirrored | by embedding | by any |\n| --- | --- | --- | --- |")
    for what, alter in ALTERED.items():
        print_copies(what, some, alter, classifier)
    print_speed()


def given(own: str, file: Path) -> tuple[Source, Callable[[], bytes]]:
    """A picture to look at."""
    return Source(own, str(file)), partial(read_file, file)


def print_pairs(photos: Sequence[Picture]) -> None:
    """Precision and recall of pairs by the least cosine."""
    embeddings = np.stack([np.asarray(photo.embedding, np.float32) for photo in photos])
    groups = np.unique([photo.source.id for photo in photos], return_inverse=True)[1]
    one, other = np.triu_indices(len(photos), 1)
    cosines, same = (embeddings @ embeddings.T)[one, other], groups[one] == groups[other]
    print(f"{same.sum()} pairs of one object, {(~same).sum()} of two\n")
    print("| cosine | pairs | of one object | precision | recall |\n| --- | --- | --- | --- | --- |")
    for least in np.arange(0.9, 0.985, 0.01):
        near = cosines > least
        right, count = int((near & same).sum()), int(near.sum())
        print(f"| {least:.2f} | {count} | {right} | {right / max(count, 1):.2f} | {right / same.sum():.3f} |")


def print_hashed(pictures: Sequence[tuple[Source, Callable[[], bytes]]]) -> None:
    """Pairs that hashes link, of pictures as they are and of one mirrored, and those of two objects: look at these."""
    hashed = [(source, *pdq(open_photo(read(), max_side=DECODE_SIDE).pixels)) for source, read in pictures]
    good = [(source, own) for source, own, quality in hashed if quality >= MIN_QUALITY]
    among = Hashes([own for _, own in good])
    for what, queries in (("pdq", [own for _, own in good]), ("mirrored", [mirrored(own) for _, own in good])):
        pairs = [(good[near.query][0], good[near.found][0]) for near in among.near(queries) if near.query < near.found]
        of_two = [(one.path, other.path) for one, other in pairs if one.id != other.id]
        print(f"\n{len(good)} hashes, {what}: {len(pairs)} pairs, {len(of_two)} of two objects", *of_two, sep="\n")


def print_copies(
    what: str, photos: Sequence[Picture], alter: Callable[[Image.Image], Image.Image], classifier: Classifier
) -> None:
    """Share of altered copies that are linked to their originals."""
    with TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.jpg") for number in range(len(photos))]
        for file, photo in zip(files, photos, strict=True):
            alter(Image.open(photo.source.path).convert("RGB")).save(file, quality=40)
        copies = list(look((given("", file) for file in files), classifier))
    pairs = list(zip(photos, copies, strict=True))
    by_hash = np.array([is_copy(one, other) for one, other in pairs])
    cosines = [np.dot(np.asarray(a.embedding, np.float32), np.asarray(b.embedding, np.float32)) for a, b in pairs]
    by_embedding = np.array(cosines) > MIN_COSINE
    shares = (by_hash.mean(), by_embedding.mean(), (by_hash | by_embedding).mean())
    print(f"| {what} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)


def is_copy(one: Picture, other: Picture) -> bool:
    """Whether their hashes match, or that of one mirrored."""
    differing = np.asarray(one.pdq) ^ np.asarray(other.pdq)
    bits = min(np.unpackbits(each).sum() for each in (differing, mirrored(differing)))
    return one.has_good_hash and other.has_good_hash and bool(bits <= MAX_DISTANCE)


def print_speed() -> None:
    """Time to compare many hashes, half of them near copies of the others, with each other."""
    random = np.random.default_rng(0)
    hashes = random.integers(0, 256, (HASHES, 32), dtype=np.uint8)
    half = HASHES // 2
    hashes[half:] = hashes[:half] ^ np.packbits(random.random((half, 256)) < 0.05, axis=1)
    started = time.process_time()
    found = Hashes(list(hashes)).near(list(hashes))
    links = sum(near.query < near.found for near in found)
    print(f"\n{HASHES} hashes with each other: {time.process_time() - started:.1f} s of a core, {links} links")


if __name__ == "__main__":
    main()
