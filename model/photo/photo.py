"""A photo, ready for the network, with what must be known about the file that it came from."""

import hashlib
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.photo.decode import decode
from model.photo.error import PhotoError
from model.photo.frame import Box, picture_in
from model.photo.kind import kind_of
from model.photo.quality import Quality, grey_copy, measure, reduction

MAX_BYTES = 64 << 20  # the largest phone photos (108 million pixels) take about 40 MB


@dataclass(frozen=True, eq=False)
class Photo:
    """Pixels and provenance of one photo.

    `pixels`: uint8 (H, W, 3) RGB, upright, sRGB, on white where transparent, read-only, at most `max_side` long.
    `sha256`: hexadecimal digest of the bytes as received. `format`: one of `FORMATS`. `width`, `height`: of the
    upright photo as received, before it was scaled down. `inside`: where in `pixels` the picture lies, all but for a
    frame, bars, a caption or a phone's screen around it. `quality`: of the picture.
    """

    pixels: NDArray[np.uint8]
    sha256: str
    format: str
    width: int
    height: int
    inside: Box
    quality: Quality

    @property
    def picture(self) -> NDArray[np.uint8]:
        """The picture without what is around it, uint8 (h, w, 3): what the network sees."""
        top, bottom, left, right = self.inside
        return self.pixels[top:bottom, left:right]


def open_photo(source: bytes | str | os.PathLike[str], max_side: int = 1024) -> Photo:
    """Opens a photo from its bytes or its path; the first picture where a file holds several.

    Whatever the bytes, raises nothing but PhotoError (see its codes), and needs bounded time and memory: under 100 MB
    for a usual photo, 1.2 GB for the largest, 2 GB for an AVIF file that lies about its size. Safe in many threads.
    """
    if max_side < 1:
        raise ValueError(f"max_side is {max_side}; it must be at least 1")
    data = source if isinstance(source, bytes) else read_file(source)
    if len(data) > MAX_BYTES:
        raise too_many_bytes(len(data))
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        return _open_bytes(data, sha256, max_side)
    except PhotoError as error:
        error.sha256 = sha256
        raise


def _open_bytes(data: bytes, sha256: str, max_side: int) -> Photo:
    if not data:
        raise PhotoError("empty", "This file is empty; send the photo again.")
    kind = kind_of(data)
    image, width, height = decode(kind, data, max_side)
    pixels: NDArray[np.uint8] = np.asarray(image)
    pixels.setflags(write=False)
    grey = grey_copy(image)
    top, bottom, left, right = inside = _inside(image, grey)
    if inside != (0, image.height, 0, image.width):
        grey = grey_copy(image.crop((left, top, right, bottom)))
    usable_side = min(width * (right - left) // image.width, height * (bottom - top) // image.height)
    return Photo(pixels, sha256, kind, width, height, inside, measure(grey, usable_side))


def _inside(image: Image.Image, grey: Image.Image) -> Box:
    """Where the picture lies in an RGB image, found in its grey copy."""
    top, bottom, left, right = (edge * reduction(image) for edge in picture_in(np.asarray(grey)))
    return top, min(bottom, image.height), left, min(right, image.width)


def squash(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 → (size, size, 3) uint8: bicubic, antialiased, aspect not kept; what the network sees."""
    return np.array(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))


def thumbnail(pixels: NDArray[np.uint8], side: int, kind: Literal["WEBP", "JPEG"] = "WEBP") -> bytes:
    """(H, W, 3) uint8 → a WebP or JPEG file, at most `side` pixels long."""
    image, file = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((side, side))
    image.save(file, kind, quality=80)
    return file.getvalue()


def read_file(source: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file that may be a photo; raises PhotoError (unreadable_file, too_many_bytes)."""
    path = Path(source)
    name = repr(path.name[:80])  # repr: one line, whatever the name holds
    try:
        status = path.stat()  # before opening: a pipe would wait, a device would act
        if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES:
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1)  # it may be growing
    except FileNotFoundError:
        raise PhotoError("unreadable_file", f"There is no file {name}; check its name.") from None
    except PermissionError:
        raise PhotoError("unreadable_file", f"{name} may not be read; allow it, or give a copy.") from None
    except (OSError, ValueError):  # ValueError: a NUL in the name
        raise PhotoError("unreadable_file", f"{name} cannot be read; check its name and the disk.") from None
    if stat.S_ISREG(status.st_mode):
        raise too_many_bytes(status.st_size)
    if stat.S_ISDIR(status.st_mode):
        raise PhotoError("unreadable_file", f"{name} is a folder; give a photo that is in it.")
    raise PhotoError("unreadable_file", f"{name} is a pipe or a device; give a photo file.")


def too_many_bytes(size: int) -> PhotoError:
    """The error for a file that is larger than MAX_BYTES."""
    sentence = f"This file has {size / 1e6:.0f} MB and the limit is {MAX_BYTES / 1e6:.0f}; send a smaller copy."
    return PhotoError("too_many_bytes", sentence)
