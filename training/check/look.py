"""What is kept of each photo once it has been opened: digests, size, quality, border, perceptual hash, embedding."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from model.classifier import BATCH, DECODE_SIDE
from model.engine import CORES
from model.photo import Photo, PhotoError, open_photo, squash
from training.atomic import atomically
from training.check.hashes import perceptual_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.classifier import Classifier
    from model.manifest import Row

    Floats = NDArray[np.float32]
    Table = NDArray[np.void]

Item = TypeVar("Item")

BORDER = 0.05
"""Width of the border as a share of the photo's sides."""


@dataclass(frozen=True, eq=False)
class Looks:
    """The photos that opened, and those that did not with the reasons.

    `table` is a structured array with a record for each of `rows`: `key` (see `look`), `sha256` (of the file), `pixels`
    (digest of what was decoded), `size` (width, height), `quality` (sharpness, brightness, contrast), `border` (36),
    `hash` (32 bytes), `embedding` (d, unit length).
    """

    rows: list[Row]
    table: Table
    unreadable: list[tuple[Row, PhotoError]]

    @property
    def embeddings(self) -> Floats:
        """Embeddings (N, d) of unit length."""
        return self.table["embedding"].astype(np.float32)


def look(rows: Sequence[Row], locate: Callable[[Row], Path], classifier: Classifier, kept: Path) -> Looks:
    """Open every photo once.

    `kept` is a file for the records: photos that it knows by their key (path, size, time of change, bundle) are not
    opened again. Memory grows by about 6 KB a photo.
    """
    files = [locate(row) for row in rows]
    keys = [_key(file, classifier.bundle.digest) for file in files]
    known = _read(kept)
    found: dict[str, np.void | PhotoError] = {key: known[key] for key in keys if key in known}
    new = list({key: (key, file) for key, file in zip(keys, files, strict=True) if key not in found}.values())
    batches = [new[start : start + BATCH] for start in range(0, len(new), BATCH)]
    try:
        with ThreadPoolExecutor(CORES) as pool:
            done = pool.map(partial(_look_at, classifier=classifier), batches)
            for batch in progress(done, "Opening photos", len(batches)):
                found.update(batch)
    finally:  # who stops here need not wait as long the next time
        with atomically(kept) as unfinished, unfinished.open("wb") as records:
            np.save(records, _table(found.values()))
    pairs = [(row, found[key]) for row, key in zip(rows, keys, strict=True)]
    good = [row for row, record in pairs if not isinstance(record, PhotoError)]
    unreadable = [(row, error) for row, error in pairs if isinstance(error, PhotoError)]
    return Looks(good, _table(record for _, record in pairs), unreadable)


def _table(found: Iterable[np.void | PhotoError]) -> Table:
    """The records among what was found, as one structured array."""
    records = [record for record in found if not isinstance(record, PhotoError)]
    return np.array(records, None if records else _record_type(1))


def progress(items: Iterable[Item], what: str, count: int) -> Iterable[Item]:
    """The items, with a bar on stderr while they last."""
    return track(items, what, count, console=Console(stderr=True), disable=not count)


def _key(file: Path, bundle: str) -> str:
    try:
        status = file.stat()
        state = f"{status.st_size} {status.st_mtime_ns}"
    except (OSError, ValueError):
        state = "unreadable"
    return hashlib.sha256(f"{file.absolute()} {state} {bundle}".encode(errors="surrogateescape")).hexdigest()


def _read(kept: Path) -> dict[str, np.void]:
    try:
        table = np.load(kept)
        return dict(zip(table["key"].tolist(), table, strict=True)) if table.dtype.names == FIELDS else {}
    except (OSError, EOFError, ValueError):
        return {}


def _look_at(batch: Sequence[tuple[str, Path]], classifier: Classifier) -> dict[str, np.void | PhotoError]:
    """One core's work: open a batch of photos, and run the network on those that opened."""
    opened = {key: _open(file) for key, file in batch}
    good = {key: photo for key, photo in opened.items() if isinstance(photo, Photo)}
    if not good:
        return {key: error for key, error in opened.items() if isinstance(error, PhotoError)}
    pixels = np.stack([squash(photo.picture, classifier.size) for photo in good.values()])
    embeddings = dict(zip(good, classifier.engine.run(pixels).embedding, strict=True))
    return {
        key: photo if isinstance(photo, PhotoError) else _record(key, photo, embeddings[key])
        for key, photo in opened.items()
    }


def _open(file: Path) -> Photo | PhotoError:
    try:
        return open_photo(file, DECODE_SIDE)
    except PhotoError as error:
        return error


def _record(key: str, photo: Photo, embedding: Floats) -> np.void:
    [record] = np.zeros(1, _record_type(len(embedding)))
    record["key"], record["sha256"] = key, photo.sha256
    record["pixels"] = hashlib.sha256(photo.pixels.tobytes() + str(photo.pixels.shape).encode()).hexdigest()
    record["size"] = photo.width, photo.height
    record["quality"] = photo.quality.sharpness, photo.quality.brightness, photo.quality.contrast
    record["border"] = border(photo.pixels)
    record["hash"] = perceptual_hash(photo.pixels)
    record["embedding"] = embedding / np.linalg.norm(embedding)
    return record


FIELDS = ("key", "sha256", "pixels", "size", "quality", "border", "hash", "embedding")


def _record_type(width: int) -> np.dtype[np.void]:
    shapes = ("U64", "U64", "U64", "2i4", "3f4", "36f4", "32u1", f"{width}f2")
    return np.dtype(list(zip(FIELDS, shapes, strict=True)))


def border(pixels: NDArray[np.uint8]) -> Floats:
    """36 numbers in 0..1: mean red, green and blue along the four sides and in the four corners, spread along sides."""
    down, across = (max(1, round(BORDER * side)) for side in pixels.shape[:2])
    scaled = pixels / np.float32(255)
    top, bottom = scaled[:down], scaled[-down:]
    sides = (top, bottom, scaled[:, :across], scaled[:, -across:])
    corners = (top[:, :across], top[:, -across:], bottom[:, :across], bottom[:, -across:])
    means = [part.mean(axis=(0, 1)) for part in (*sides, *corners)]
    return np.concatenate([*means, *(side.std(axis=(0, 1)) for side in sides)])
