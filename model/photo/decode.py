"""Pillow and its plugins: from the bytes of a file to an upright sRGB image that is no larger than asked for."""

import io
import threading
from contextlib import nullcontext
from functools import lru_cache
from itertools import pairwise
from typing import cast

import numpy as np
from PIL import AvifImagePlugin, Image, ImageCms, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from model.photo.bare import bare, orientation
from model.photo.error import PhotoError, cut_off, unsupported
from model.photo.quiet import quiet

MAX_PIXELS = 120_000_000  # phones and medium-format cameras reach 108 million; at most 1.2 GB to decode
MAX_PIXELS_OF = {"WEBP": 60_000_000, "HEIF": 60_000_000, "AVIF": 60_000_000}  # twice the memory for a pixel
MAX_ASPECT = 50
LARGE = 25_000_000  # pixels; such pictures are decoded one at a time, so that many threads need no more memory than one

_PLUGINS = (AvifImagePlugin, TiffImagePlugin, WebPImagePlugin)  # Pillow imports them all when the first is asked for
_MAX_PROFILE = 4 << 20  # bytes; the largest printers' profiles have 2.7 MB
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_one_large = threading.Lock()


def decode(kind: str, data: bytes, max_side: int) -> tuple[Image.Image, int, int]:
    """RGB image, upright, sRGB, at most `max_side` pixels long; upright width and height before scaling.

    Raises PhotoError (truncated, too_many_pixels, absurd_aspect, unsupported_format).
    """
    try:
        with quiet():
            return _decode(kind, data, max_side)
    except (PhotoError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels(MAX_PIXELS) from None
    except Exception as error:  # a decoder may raise anything for a damaged file
        raise cut_off() from error


def _decode(kind: str, data: bytes, max_side: int) -> tuple[Image.Image, int, int]:
    content, exif = bare(kind, data)
    image = _open(kind, content)
    width, height = image.size
    _check_size(kind, width, height)
    # An AVIF file may hold a larger picture than it says, and its decoder uses all cores anyway.
    with _one_large if width * height > LARGE or kind == "AVIF" else nullcontext():
        small = _load_small(image, max_side)
    turn = orientation(exif or image.info.get("exif") or b"")
    upright = _to_srgb(small, image.info.get("icc_profile"))
    if turn in _TURNS:
        upright = upright.transpose(_TURNS[turn])
    return (upright, height, width) if turn >= 5 else (upright, width, height)


def _open(kind: str, content: bytes) -> Image.Image:
    file = io.BytesIO(content)
    if kind == "HEIF":
        from pillow_heif.as_plugin import HeifImageFile  # here, so that no JPEG pays for it

        # By its class, so that nothing is registered with Pillow.
        return cast("Image.Image", HeifImageFile(file))  # type: ignore[no-untyped-call]
    try:
        return Image.open(file, formats=[kind])
    except UnidentifiedImageError:
        if kind == "TIFF":  # its directory has been read, so the file is whole enough
            raise unsupported("a kind of TIFF that is not read here") from None
        raise


def _check_size(kind: str, width: int, height: int) -> None:
    limit = MAX_PIXELS_OF.get(kind, MAX_PIXELS)
    if width * height > limit:
        raise _too_many_pixels(limit)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoError(
            "absurd_aspect", f"This picture is {width} x {height} pixels, too long and thin; send the photo itself."
        )


def _too_many_pixels(limit: int) -> PhotoError:
    millions = limit // 1_000_000
    return PhotoError("too_many_pixels", f"This picture has more than {millions} million pixels; send a smaller copy.")


def _load_small(image: Image.Image, max_side: int) -> Image.Image:
    """Decodes and scales down: by the decoder where it can (JPEG), then by a whole factor, then exactly."""
    longest = max(image.size)
    scale = min(1.0, max_side / longest)
    target = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if scale < 1 and image.format == "JPEG":  # in HEIF it would trust an embedded thumbnail, which may show anything
        image.draft(None, target)
    image.load()
    small = _reduce(image, max(1, max(image.size) // max_side))
    # Hamming: as good as bicubic where less than half is left to do, in half the time.
    return small if max(small.size) <= max_side else small.resize(target, Image.Resampling.HAMMING)


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    """Averages factor x factor pixels into one, in bands, so that no conversion copies a whole large picture."""
    if factor == 1:
        return _plain(image)
    rows = factor * max(1, 1_000_000 // (image.width * factor))
    edges = [*range(0, image.height, rows), image.height]
    bands = [_plain(image.crop((0, top, image.width, end))).reduce(factor) for top, end in pairwise(edges)]
    small = Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
    for top, band in zip(edges, bands, strict=False):
        small.paste(band, (0, top // factor))
    return small


def _plain(image: Image.Image) -> Image.Image:
    """The image in L, LA, RGB, RGBA or CMYK."""
    if image.mode in ("I", "F"):
        raise unsupported("a picture of measured values, not of colours")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("LA", "RGBA", "CMYK"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: object) -> Image.Image:
    """On white and in sRGB; a profile that is broken, or meant for other channels, is left aside."""
    if image.mode in ("LA", "RGBA"):
        on_white = Image.new(image.mode[:-1], image.size, "white")
        on_white.paste(image, mask=image.getchannel("A"))
        image = on_white
    if isinstance(profile, bytes) and 128 < len(profile) <= _MAX_PROFILE:
        transform = _transform(profile, image.mode)
        if transform:
            image = transform.apply(image)
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile to sRGB; None where it is broken or would change nothing."""
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE,  # no cache: threads share the transform
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if mode == "CMYK":
        return transform
    few = np.stack(np.meshgrid(*[np.arange(0, 256, 51, dtype=np.uint8)] * 3), axis=-1).reshape(6, 36, 3)
    colours = Image.fromarray(few).convert(mode)
    change = np.asarray(transform.apply(colours), np.int16) - np.asarray(colours.convert("RGB"), np.int16)
    return transform if np.abs(change).max() > 2 else None
