"""The photos that people are at work on: each is looked at once, and kept no longer than they need it."""

from __future__ import annotations

import contextlib
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

MAX_PHOTOS: Final = 10
"""Photos of one item."""

SPACES: Final = 1000
"""Photos that are kept at the same time, of all people together; about 100 kB each."""

AT_ONCE: Final = 2
"""Photos that are looked at at the same time, of all people together."""

TURNS: Final = 64
"""Locks that paths share, so that one photo is not looked at twice at a time."""

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
    Where people sign in, each gets at their own photos alone; elsewhere nobody is named, and who knows the path of a
    photo may ask for it. With `keeps_originals` the bytes of uploads stay as long as what was seen of them.
    """

    def __init__(
        self, classifier: Classifier, uploads: Path, samples: Mapping[str, Path], keeps_originals: bool = False
    ) -> None:
        self.classifier, self.uploads, self.samples = classifier, uploads.resolve(), samples
        self.keeps_originals = keeps_originals
        self._held: dict[str, tuple[float, Looked]] = {}
        self._owners: dict[str, str] = {}
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(TURNS)]
        self._pool = ThreadPoolExecutor(AT_ONCE)
        threading.Thread(target=self._forget_in_time, daemon=True).start()

    def note(self, paths: Iterable[str], owner: str) -> None:
        """These were uploaded by somebody who is signed in."""
        with self._lock:
            self._owners |= dict.fromkeys(paths, owner)

    def look(self, paths: Iterable[str], owner: str = "") -> list[Looked]:
        """What the photos at these paths show, each looked at on its first time. The paths come from a browser."""
        return list(self._pool.map(lambda path: self._look(path) if self._is_of(path, owner) else None, paths))

    def original(self, path: str, owner: str) -> bytes | None:
        """The bytes of a photo as received; None where they are no longer here."""
        if not self._is_of(path, owner):
            return None
        sample = self.samples.get(path)
        return sample.read_bytes() if sample else self._read(path)

    def item(self, looked: Iterable[Looked]) -> Finding | None:
        """The finding of the item that the photos show together; None without a photo that could be opened."""
        findings = [each.finding for each in looked if isinstance(each, Seen)]
        return self.classifier.combine(findings) if len(findings) > 1 else next(iter(findings), None)

    def forget(self, paths: Iterable[str], owner: str = "") -> None:
        """Take photos away; none is left of them."""
        for path in paths:
            if self._is_of(path, owner):
                with self._lock:
                    self._held.pop(path, None)
                self._empty(path)

    def forget_older(self, seconds: float) -> None:
        """Take away what nobody asked for in so many seconds."""
        with self._lock:
            old = {path for path, held in self._held.items() if time.monotonic() - held[0] >= seconds}
            self._held = {path: held for path, held in self._held.items() if path not in old}
            self._owners = {path: owner for path, owner in self._owners.items() if Path(path).exists()}
        for path in old:
            self._empty(path)

    def _forget_in_time(self) -> None:
        while True:
            time.sleep(60)
            self.forget_older(KEPT)

    def _is_of(self, path: str, owner: str) -> bool:
        return path in self.samples or self._owners.get(path, "") == owner

    def _look(self, path: str) -> Looked:
        # A page that is loaded anew asks again about what is still being looked at: that is read once, and then gone.
        with self._turns[hash(path) % TURNS]:
            with self._lock:
                held = self._held.pop(path, None)
            looked = held[1] if held else self._look_first(path)
            if held:
                self.touch(path)
            if looked is not None:
                with self._lock:
                    self._held[path] = time.monotonic(), looked  # at the end: the first is not used for longest
                    while len(self._held) > SPACES:
                        del self._held[next(iter(self._held))]
            return looked

    def _look_first(self, path: str) -> Looked:
        source = self.samples.get(path) or self._read(path)
        if source is None:
            return None
        if not self.keeps_originals:
            self._empty(path)
        try:
            photo = open_photo(source, max_side=DECODE_SIDE)
        except PhotoError as error:
            return error
        finding = self.classifier.classify([photo], evidence=True)
        preview = thumbnail(photo.pixels, DECODE_SIDE)
        return Seen(preview, photo.format, photo.width, photo.height, photo.sha256, finding)

    def take(self, path: str, owner: str) -> bytes | None:
        """The bytes of an upload, which is emptied; None for what is gone, another's or outside the uploads."""
        data = self._read(path) if self._is_of(path, owner) else None
        if data:
            self._empty(path)
        return data

    def _read(self, path: str) -> bytes | None:
        """The bytes of an upload; None for what is gone or lies outside the uploads."""
        try:
            file = self._within(path)
            return file.read_bytes() or None if file else None
        except OSError:  # a folder
            return None

    def _empty(self, path: str) -> None:
        """Take the bytes of an upload away. Gradio removes the file soon, and forgets only those that it removed."""
        file = self._within(path)
        if file:
            with contextlib.suppress(OSError):
                os.truncate(file, 0)

    def touch(self, path: str) -> None:
        """Keep the bytes of an upload for longer: Gradio removes what nothing was done to for a time."""
        file = self._within(path) if self.keeps_originals else None
        if file:
            with contextlib.suppress(OSError):
                os.utime(file)

    def _within(self, path: str) -> Path | None:
        """The file of an upload, None for what is none."""
        try:
            file = Path(path).resolve(strict=True)
        except (OSError, ValueError):  # gone, or no path at all
            return None
        return file if file.is_relative_to(self.uploads) else None
