"""Photos kept decoded on disk, so that a run opens each only once and the network, not the decoder, is the limit."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from model.classifier import DECODE_SIDE
from model.photo import open_photo
from training.atomic import atomically

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Decoded:
    """Opens photos by way of a folder of decoded ones, about half a megabyte each; safe in many processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def open(self, file: Path) -> NDArray[np.uint8]:
        """Pixels (H, W, 3) of a photo as the classifier opens it; a file that has changed is decoded anew.

        Raises:
            PhotoError: The photo cannot be opened.
        """
        kept = self.folder / f"{_identity(file)}.npy"
        with suppress(FileNotFoundError, ValueError, EOFError):  # not there yet, or torn by a power cut
            known: NDArray[np.uint8] = np.load(kept)
            return known
        pixels = open_photo(file, DECODE_SIDE).picture
        # A full disk slows training down, and does not stop it.
        with suppress(OSError), atomically(kept) as partial, partial.open("wb") as content:
            np.save(content, pixels)
        return pixels


def _identity(file: Path) -> str:
    """A name for a file as it is now, without reading it."""
    try:
        status = file.stat()
    except OSError:
        return "missing"
    known = f"picture|{file.absolute()}|{status.st_size}|{status.st_mtime_ns}"
    return hashlib.blake2b(known.encode(), digest_size=16).hexdigest()
