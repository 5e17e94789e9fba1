"""Photos a second of `schreger scan` against a plain loop with timm, torch and Pillow, and what the cores allow.

The loop is that of throughput.py, with batches of 1 and of 32; the faster is the peer. Each side runs as its own
process over the same photos. What the cores allow: cores divided by the core-seconds that opening a photo and running
the network take, each measured alone on one thread. With `--megapixels 12` the photos are scaled up to that size first,
as phones take them.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.parquet
from PIL import Image
from throughput import BATCHES, find_photos, frameless

from model.bundle import DEFAULT
from model.classifier import DECODE_SIDE, Classifier
from model.photo import open_photo, squash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALONE = 100
"""Photos that each stage is measured with alone."""


class Cost(NamedTuple):
    """What a run takes: seconds on the clock, and of the cores."""

    seconds: float
    core_seconds: float


def main() -> None:
    """Measure and print."""
    options = parse()
    with TemporaryDirectory(dir=options.tmp) as name:
        folder, one = Path(name, "photos"), Path(name, "one")
        files = make_photos(find_photos(options.photos, options.n), folder, options.megapixels)
        one.mkdir()
        shutil.copy(files[0], one)
        sides = commands(Path(name), folder, options.bundle)
        begin = {side: cost([str(one) if part == str(folder) else part for part in run]) for side, run in sides.items()}
        shutil.rmtree(Path(name, "out"))
        taken = {side: cost(run) for side, run in sides.items()}
        print_costs(taken, begin, len(files))
        print_bound(files, taken, begin, options.bundle)
        classes = Classifier.load(options.bundle).classes
        print_agreement(Path(name, "out"), np.load(Path(name, "theirs.npy")), classes, frameless(files))


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photos; by default the train rows of SCHREGER_DATA")
    parser.add_argument("--bundle", default=DEFAULT, help="shipped name or folder (default: %(default)s)")
    parser.add_argument("-n", type=int, default=1000, help="photos at most (default: %(default)s)")
    parser.add_argument("--megapixels", type=float, help="scale photos up to this size, as JPEG")
    parser.add_argument("--tmp", type=Path, help="where photos are written meanwhile")
    return parser.parse_args()


def make_photos(found: Sequence[Path], folder: Path, megapixels: float | None) -> list[Path]:
    """The photos in a folder of their own, as they are or scaled up."""
    folder.mkdir()
    made = []
    for number, file in enumerate(found):
        if megapixels is None:
            made.append(Path(shutil.copy(file, folder / f"{number:06d}{file.suffix}")))
            continue
        image = Image.open(file).convert("RGB")
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        large = image.resize((round(image.width * scale), round(image.height * scale)))
        made.append(folder / f"{number:06d}.jpg")
        large.save(made[-1], quality=90)
    return made


def commands(home: Path, folder: Path, bundle: str) -> dict[str, list[str]]:
    """What each side runs."""
    schreger = Path(sys.executable).with_name("schreger")
    ours = [schreger, "scan", folder, "--out", home / "out", "--bundle", bundle, "-q"]
    peer = [sys.executable, Path(__file__).with_name("throughput.py"), "--photos", folder, "--bundle", bundle]
    peer += ["--probabilities", home / "theirs.npy", "--peer"]
    sides = {"schreger scan": ours} | {f"timm + torch + Pillow, batch {batch}": [*peer, batch] for batch in BATCHES}
    return {side: list(map(str, run)) for side, run in sides.items()}


def cost(command: Sequence[str]) -> Cost:
    """Run a command to its end; a scan says 3 where a photo could not be read."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    status = subprocess.run(command, check=False).returncode
    if status not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.perf_counter() - start, cores)


def print_costs(taken: dict[str, Cost], begin: dict[str, Cost], n: int) -> None:
    """Speed with and without start-up, which is that of a run over one photo."""
    print(f"{n} photos, {os.cpu_count()} cores")
    print(f"{'':34} photos/s  without start-up  core-ms a photo")
    own = {side: Cost(*(all_ - one for all_, one in zip(taken[side], begin[side], strict=True))) for side in taken}
    for side, whole in taken.items():
        per_core = 1000 * own[side].core_seconds / (n - 1)
        print(f"{side:34} {n / whole.seconds:8.1f}  {(n - 1) / own[side].seconds:16.1f}  {per_core:15.1f}")
    for title, costs in (("ratio to the faster loop", taken), ("the same without start-up", own)):
        ours, *peers = costs.values()
        by_clock, by_cores = (min(each[place] for each in peers) / ours[place] for place in (0, 1))
        print(f"{title:34} {by_clock:8.1f} by the clock, {by_cores:.1f} by core-seconds")


def print_bound(files: Sequence[Path], taken: dict[str, Cost], begin: dict[str, Cost], bundle: str) -> None:
    """How much of what the cores allow is reached."""
    classifier, some = Classifier.load(bundle), files[:ALONE]
    contents = [file.read_bytes() for file in some]
    opened: list[np.ndarray] = []
    size = classifier.size
    opening = alone(lambda: opened.extend(squash(open_photo(each, DECODE_SIDE).picture, size) for each in contents))
    classifier.engine.run(np.stack(opened[:1]))
    network = alone(lambda: [classifier.engine.run(pixels[None]) for pixels in opened])
    allowed = (os.cpu_count() or 1) / ((opening + network) / len(some))
    ours, first = next(iter(taken.values())), next(iter(begin.values()))
    reached, n = (len(files) - 1) / (ours.seconds - first.seconds), len(files) - 1
    print(f"{1000 * opening / len(some):.1f} core-ms to open a photo, {1000 * network / len(some):.1f} in the network")
    print(f"the cores allow {allowed:.1f} photos/s: {reached / allowed:.0%} reached by the clock", end=", ")
    print(f"{(opening + network) / len(some) * n / (ours.core_seconds - first.core_seconds):.0%} by core-seconds")


def alone(work: Callable[[], object]) -> float:
    """Core-seconds of something done on one thread."""
    start = time.process_time()
    work()
    return time.process_time() - start


def print_agreement(out: Path, theirs: np.ndarray, classes: Sequence[str], alike: np.ndarray) -> None:
    """How far the answers of both sides are the same, on the photos of which both see the same."""
    rows = [row for part in sorted(out.glob("*.parquet")) for row in pyarrow.parquet.read_table(part).to_pylist()]
    likeliest = [row["pictures"][0]["top"].partition("=")[0] for row in rows]
    same = np.array([key == classes[place] for key, place in zip(likeliest, theirs.argmax(axis=1), strict=True)])
    print(f"top-1 agreement {same[alike].mean():.2%} of {alike.sum()} photos without a frame")


if __name__ == "__main__":
    main()
