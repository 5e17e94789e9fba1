"""Photos a second through `/v1/classify`, one a request by clients at the same time, against the stream of `classify`.

Both are warm and take the same photos in turn, several rounds; medians are compared. The clients need time of the same
cores. Seconds of processor time a photo are those of the server and of the stream alone.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx
from throughput import find_photos

from model.classifier import Classifier

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """Serve, ask, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photos; by default the train rows of SCHREGER_DATA")
    parser.add_argument("-n", type=int, default=500, help="photos at most (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=16, help="clients at the same time (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side runs (default: %(default)s)")
    options = parser.parse_args()
    photos = [file.read_bytes() for file in find_photos(options.photos, options.n)]
    classifier = Classifier.load()
    program = "from serve.app import serve; serve(port=0, api=True)"
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as server:
        try:
            url = server.stderr.readline().split()[-1]  # type: ignore[union-attr]
            rounds = [(stream(classifier, photos), ask(url, photos, options.clients)) for _ in range(options.rounds)]
        finally:
            server.kill()
    for name, results in zip(("classify", f"API, {options.clients} clients"), zip(*rounds, strict=True), strict=True):
        wall, processor = (median(times) / len(photos) for times in zip(*results, strict=True))
        print(f"{name:20} {1 / wall:6.1f} photos a second, {1000 * processor:5.1f} ms of processor time a photo")


def stream(classifier: Classifier, photos: Sequence[bytes]) -> tuple[float, float]:
    """Seconds that the stream takes, and of processor time."""
    began, processor = time.perf_counter(), time.process_time()
    for _ in classifier.stream(photos):
        pass
    return time.perf_counter() - began, time.process_time() - processor


def ask(url: str, photos: Sequence[bytes], clients: int) -> tuple[float, float]:
    """Seconds that the API takes, and of processor time of its server."""
    with httpx.Client(base_url=url, timeout=600) as client, ThreadPoolExecutor(clients) as pool:

        def classify(photo: bytes) -> None:
            client.post("/v1/classify", files={"pictures": photo}).raise_for_status()

        def processor() -> float:
            return float(re.findall(r"^process_cpu_seconds_total (.*)$", client.get("/v1/metrics").text, re.M)[0])

        began, before = time.perf_counter(), processor()
        list(pool.map(classify, photos))
        return time.perf_counter() - began, processor() - before


if __name__ == "__main__":
    main()
