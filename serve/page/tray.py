"""The photos that people are at work on: each is looked at once, and kept no longer than they need it."""

from __future__ import annotations

import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo, thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model.classifier import Classifier
    from model.finding import Finding

KEPT: Final = 30 * 60
"""Seconds that a photo is kept after it was last asked for."""

SPACES: Final = 1000
"""Photos that are kept at the same time, of all people together; about 100 kB each."""

AT_ONCE: Final = 2
"""Photos of one item that are looked at together."""

LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Seen:
    """A photo that was looked at: a WebP picture of it, upright, what is known of the file, and its finding."""

    preview: bytes
    format: str
    width: int
    height: int
    sha256: str
    finding: Finding


Looked = Seen | PhotoError | None
"""What came of looking at a photo: None where the photo is no longer here."""


class Tray:
    """Holds what was seen of photos by the path of their upload, in memory alone. Safe to share between threads.

    `uploads` is the folder that photos come in by; `samples` are photos that may be asked for by a name of their own.
    """

    def __init__(self, classifier: Classifier, uploads: Path, samples: Mapping[str, Path]) -> None:
        self.classifier, self.uploads, self.samples = classifier, uploads.resolve(), samples
        self._held: dict[str, tuple[float, Looked]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        threading.Thread(target=self._forget_in_time, daemon=True).start()

    def look(self, paths: Iterable[str]) -> list[Looked]:
        """What the photos at these paths show, each looked at on its first time. The paths come from a browser."""
        return list(self._pool.map(self._look, paths))

    def item(self, looked: Iterable[Looked]) -> Finding | None:
        """The finding of the item that the photos show together; None without a photo that could be opened."""
        findings = [each.finding for each in looked if isinstance(each, Seen)]
        return self.classifier.combine(findings) if len(findings) > 1 else next(iter(findings), None)

    def forget(self, paths: Iterable[str]) -> None:
        """Take photos away; none is left of them."""
        for path in paths:
            with self._lock:
                self._held.pop(path, None)
            self.take(path)  # one that was never looked at is emptied too

    def forget_older(self, seconds: float) -> None:
        """Take away what nobody asked for in so many seconds."""
        with self._lock:
            self._held = {path: held for path, held in self._held.items() if time.monotonic() - held[0] < seconds}

    def _forget_in_time(self) -> None:
        while True:
            time.sleep(60)
            self.forget_older(KEPT)

    def _look(self, path: str) -> Looked:
        with self._lock:
            held = self._held.pop(path, None)
        looked = held[1] if held else self._look_first(path)
        if looked is not None:
            with self._lock:
                self._held[path] = time.monotonic(), looked  # at the end: the first is the one not used for longest
                while len(self._held) > SPACES:
                    del self._held[next(iter(self._held))]
        return looked

    def _look_first(self, path: str) -> Looked:
        source = self.samples.get(path) or self.take(path)
        if source is None:
            return None
        try:
            photo = open_photo(source, max_side=DECODE_SIDE)
        except PhotoError as error:
            return error
        finding = self.classifier.classify([photo], evidence=True)
        preview = thumbnail(photo.pixels, DECODE_SIDE)
        return Seen(preview, photo.format, photo.width, photo.height, photo.sha256, finding)

    def take(self, path: str) -> bytes | None:
        """The bytes of an upload, which is emptied; None for what is gone or lies outside the uploads."""
        try:
            file = Path(path).resolve(strict=True)
            if not file.is_relative_to(self.uploads):
                return None
            data = file.read_bytes()
            # Emptied rather than removed: Gradio removes it soon, and forgets only files that it removed itself.
            os.truncate(file, 0)
        except (OSError, ValueError):  # gone, a folder, or no path at all
            return None
        return data or None
