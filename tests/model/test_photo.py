"""Photos: that every kind opens to the same upright sRGB pixels, and that what cannot be opened says why."""

import hashlib
import io
import os
import pickle
import re
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from csv import DictReader
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFilter
from pillow_heif.as_plugin import HeifImageFile

from model.photo import FORMATS, MAX_BYTES, PhotoError, open_photo, squash, thumbnail
from model.photo.bare import bare
from model.photo.decode import MAX_PIXELS, MAX_PIXELS_OF, _transform

CODES = {
    "not_an_image", "unsupported_format", "empty", "truncated", "too_many_bytes", "too_many_pixels", "absurd_aspect",
    "unreadable_file",
}  # fmt: skip
SHIPPED = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "cheetah": ("gradio", "media_assets/images/cheetah.jpg"),
}
TURNS = {  # from the upright picture to what a file with this orientation stores
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

Array = NDArray[Any]


@cache
def photo_file(name: str) -> Path:
    package, path = SHIPPED[name]
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / path


@cache
def picture(name: str = "astronaut", width: int = 240, height: int = 160) -> Image.Image:
    """A photo that a package ships, RGB, a little softened so that chroma subsampling changes little."""
    image = Image.open(photo_file(name)).convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return image.filter(ImageFilter.GaussianBlur(1))


def with_alpha(image: Image.Image) -> Image.Image:
    """Opaque on the left, half transparent in the middle, transparent on the right."""
    alpha = np.zeros((image.height, image.width), np.uint8)
    alpha[:, : image.width // 3] = 255
    alpha[:, image.width // 3 : 2 * image.width // 3] = 128
    image = image.convert("RGB")
    image.putalpha(Image.fromarray(alpha))
    return image


def sixteen_bits(image: Image.Image, dtype: str = "<u2") -> Image.Image:
    return Image.fromarray((np.asarray(image.convert("L")).astype(np.uint16) * 257).astype(dtype))


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.encode(image.mode, image.size, image.tobytes(), file, **{"quality": 90, "chroma": 444, **options})
    else:
        image.copy().save(file, kind, **options)  # a copy: an image keeps the settings of its last encoder
    return file.getvalue()


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = orientation, "A maker of cameras"
    return tags.tobytes()


def frames(image: Image.Image) -> dict[str, Any]:
    """For `encode`: a second picture behind the first."""
    return {"save_all": True, "append_images": [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]}


def encoded(image: Image.Image) -> dict[str, tuple[bytes, str, Image.Image, float]]:
    """By name: the bytes, the kind that is reported, the expected RGB picture, and the mean difference allowed."""
    grey, palette, white = image.convert("L"), image.quantize(256), Image.new("RGB", image.size, "white")
    alpha = with_alpha(image)
    on_white = white.copy()
    on_white.paste(alpha, mask=alpha)
    grey_alpha = grey.copy()
    grey_alpha.putalpha(alpha.getchannel("A"))
    grey_on_white = white.copy()
    grey_on_white.paste(grey.convert("RGB"), mask=alpha.getchannel("A"))
    bits = image.convert("1")
    few = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    see_through = few.convert("RGBA")
    see_through.putalpha(few.point(lambda index: 0 if index == 3 else 255, "L"))
    few_on_white = white.copy()
    few_on_white.paste(see_through, mask=see_through)
    return {
        "jpeg": (encode(image, "JPEG", quality=95), "JPEG", image, 2),
        "jpeg progressive": (encode(image, "JPEG", quality=95, progressive=True), "JPEG", image, 2),
        "jpeg grey": (encode(grey, "JPEG", quality=95), "JPEG", grey, 2),
        "jpeg cmyk": (encode(image.convert("CMYK"), "JPEG", quality=95), "JPEG", image, 2),
        "jpeg many pictures": (encode(image, "MPO", quality=95, **frames(image)), "JPEG", image, 2),
        "png": (encode(image, "PNG"), "PNG", image, 0),
        "png grey": (encode(grey, "PNG"), "PNG", grey, 0),
        "png grey alpha": (encode(grey_alpha, "PNG"), "PNG", grey_on_white, 0.5),
        "png alpha": (encode(alpha, "PNG"), "PNG", on_white, 0.5),
        "png palette": (encode(palette, "PNG"), "PNG", palette, 0),
        "png palette alpha": (encode(few, "PNG", transparency=3), "PNG", few_on_white, 0),
        "png 16 bit": (encode(sixteen_bits(image), "PNG"), "PNG", grey, 0),
        "png 1 bit": (encode(bits, "PNG"), "PNG", bits, 0),
        "png animated": (encode(image, "PNG", **frames(image)), "PNG", image, 0),
        "webp": (encode(image, "WEBP", quality=95), "WEBP", image, 3),
        "webp lossless": (encode(image, "WEBP", lossless=True), "WEBP", image, 0),
        "webp alpha": (encode(alpha, "WEBP", lossless=True, exact=True), "WEBP", on_white, 0.5),
        "webp animated": (encode(image, "WEBP", lossless=True, **frames(image)), "WEBP", image, 0),
        "tiff": (encode(image, "TIFF"), "TIFF", image, 0),
        "tiff lzw": (encode(image, "TIFF", compression="tiff_lzw"), "TIFF", image, 0),
        "tiff deflate": (encode(image, "TIFF", compression="tiff_deflate"), "TIFF", image, 0),
        "tiff jpeg": (encode(image, "TIFF", compression="jpeg", quality=95), "TIFF", image, 2),
        "tiff big": (encode(image, "TIFF", big_tiff=True), "TIFF", image, 0),
        "tiff alpha": (encode(alpha, "TIFF"), "TIFF", on_white, 0.5),
        "tiff palette": (encode(palette, "TIFF"), "TIFF", palette, 0),
        "tiff cmyk": (encode(image.convert("CMYK"), "TIFF"), "TIFF", image, 0),
        "tiff lab": (encode(image.convert("LAB"), "TIFF"), "TIFF", image, 1),
        "tiff 16 bit": (encode(sixteen_bits(image), "TIFF"), "TIFF", grey, 0),
        "tiff 16 bit motorola": (encode(sixteen_bits(image, ">u2"), "TIFF"), "TIFF", grey, 0),
        "tiff fax": (encode(bits, "TIFF", compression="group4"), "TIFF", bits, 0),
        "tiff many pages": (encode(image, "TIFF", **frames(image)), "TIFF", image, 0),
        "gif": (encode(palette, "GIF"), "GIF", palette, 0),
        "gif transparent": (encode(few, "GIF", transparency=3), "GIF", few_on_white, 0),
        "gif animated": (
            encode(palette, "GIF", save_all=True, append_images=[image.rotate(180).quantize(64)]),
            "GIF",
            palette,
            0,
        ),
        "bmp": (encode(image, "BMP"), "BMP", image, 0),
        "bmp palette": (encode(palette, "BMP"), "BMP", palette, 0),
        "bmp 1 bit": (encode(bits, "BMP"), "BMP", bits, 0),
        "heif": (encode(image, "HEIF"), "HEIF", image, 2),
        "heif alpha": (encode(alpha, "HEIF"), "HEIF", on_white, 3),
        "avif": (encode(image, "AVIF", quality=90, speed=10), "AVIF", image, 2),
        "avif alpha": (encode(alpha, "AVIF", quality=90, speed=10), "AVIF", on_white, 3),
        "avif animated": (encode(image, "AVIF", quality=90, speed=10, **frames(image)), "AVIF", image, 2),
    }


@cache
def samples() -> dict[str, tuple[bytes, str, Image.Image, float]]:
    return encoded(picture())


def difference(pixels: Array, expected: Image.Image | Array) -> float:
    """Mean difference in levels."""
    wanted = np.asarray(expected.convert("RGB") if isinstance(expected, Image.Image) else expected)
    assert pixels.shape == wanted.shape
    return float(np.abs(pixels.astype(np.int16) - wanted.astype(np.int16)).mean())


def refusal(source: Any) -> PhotoError:
    """The error, checked to be fit for a person."""
    with pytest.raises(PhotoError) as caught:
        open_photo(source)
    error, sentence = caught.value, str(caught.value)
    assert error.code in CODES
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert len(sentence) < 200
    assert not re.search(r"Traceback|Error|0x|/", sentence)
    return error


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(width: int, height: int, bits: int = 8, colour: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))


# --- every kind ---


@pytest.mark.parametrize("name", list(encoded(picture(width=12, height=8))))
def test_every_kind_opens_to_the_same_picture(name: str) -> None:
    data, kind, expected, allowed = samples()[name]
    photo = open_photo(data)
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape == (160, 240, 3)
    assert difference(photo.pixels, expected) <= allowed
    assert photo.format == kind
    assert (photo.width, photo.height) == (240, 160)
    assert photo.sha256 == hashlib.sha256(data).hexdigest()


def test_every_format_has_a_sample() -> None:
    assert {kind for _, kind, _, _ in samples().values()} == set(FORMATS)


@pytest.mark.parametrize("name", SHIPPED)
def test_files_that_packages_ship(name: str) -> None:
    file = photo_file(name)
    expected = Image.open(file)
    photo = open_photo(file)
    assert difference(photo.pixels, expected) == 0
    assert (photo.width, photo.height) == expected.size
    assert photo.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_pixels_cannot_be_changed() -> None:
    photo = open_photo(samples()["png"][0])
    with pytest.raises(ValueError, match="read-only"):
        photo.pixels[0, 0, 0] = 1
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        photo.pixels.setflags(write=True)


@pytest.mark.parametrize("source", ["text", "path"])
def test_the_ending_of_a_name_says_nothing(tmp_path: Path, source: str) -> None:
    file = tmp_path / "holiday.svg.HEIC.txt"
    file.write_bytes(samples()["png"][0])
    assert open_photo(str(file) if source == "text" else file).format == "PNG"


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("TIFF", {})])
def test_sixteen_bits_are_scaled_not_clipped(kind: str, options: dict[str, Any]) -> None:
    ramp = np.linspace(0, 65535, 256 * 16).astype(np.uint16).reshape(16, 256)
    pixels = open_photo(encode(Image.fromarray(ramp), kind, **options)).pixels
    assert np.abs(pixels[..., 0].astype(float) - ramp / 257).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_what_is_transparent_is_white(kind: str) -> None:
    nothing = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    options = {"exact": True, "lossless": True} if kind == "WEBP" else {}
    assert open_photo(encode(nothing, kind, **options)).pixels.min() >= 253


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_transparent_colour_is_white(mode: str) -> None:
    image = Image.new(mode, (40, 40), 0)
    image.paste("white" if mode == "L" else (9, 9, 9), (0, 0, 20, 40))
    pixels = open_photo(encode(image, "PNG", transparency=0 if mode == "L" else (0, 0, 0))).pixels
    assert pixels[:, 20:].min() == 255


def test_an_inverted_cmyk_jpeg_of_adobe_has_its_own_colours() -> None:
    data = encode(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data  # so Pillow has written it inverted, as Photoshop does
    assert np.abs(open_photo(data).pixels.astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("mode", ["I", "F"])
def test_measured_values_are_refused(mode: str) -> None:
    assert refusal(encode(picture().convert(mode), "TIFF")).code == "unsupported_format"


def test_a_film_behind_a_jpeg_is_no_part_of_it() -> None:
    data, _, expected, allowed = samples()["jpeg"]
    film = b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 500  # looks like many scans
    assert difference(open_photo(data + film).pixels, expected) <= allowed


# --- upright ---


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_upright(kind: str, orientation: int) -> None:
    upright, turn = picture("chelsea", 96, 64), TURNS[orientation]
    stored = upright.copy() if turn is None else upright.transpose(turn)
    options: dict[str, Any] = {"exif": exif(orientation)}
    options |= {"quality": 95} if kind in ("JPEG", "WEBP", "AVIF", "HEIF") else {}
    photo = open_photo(encode(stored, kind, **options))
    assert (photo.width, photo.height) == (96, 64)
    assert difference(photo.pixels, upright) < 4


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("value", "size"), [(6, (64, 96)), (0, (96, 64)), (9, (96, 64)), (65535, (96, 64))])
def test_an_orientation_that_makes_no_sense_is_left_aside(order: str, value: int, size: tuple[int, int]) -> None:
    head = b"II*\0" if order == "<" else b"MM\0*"
    block = b"Exif\0\0" + head + struct.pack(order + "IHHHIHHI", 8, 1, 274, 3, 1, value, 0, 0)
    photo = open_photo(encode(picture("chelsea", 96, 64), "JPEG", exif=block))
    assert (photo.width, photo.height) == size


@pytest.mark.parametrize("block", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\1"])
def test_a_broken_exif_block_is_left_aside(block: bytes) -> None:
    assert difference(open_photo(encode(picture(), "JPEG", exif=block, quality=95)).pixels, picture()) < 2


# --- colours ---

SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
ADOBE_GAMMA = 563 / 256


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ", connection: bytes = b"XYZ ") -> bytes:
    """A colour profile of version 2 (ICC.1:2001-04) with these tags."""
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\5test\0" + bytes(78), b"cprt": b"text\0\0\0\0none\0", **tags}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", at + len(body), len(value))
        body += padded
    size = at + len(body)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4sI4s4s4s12s4s", size, b"none", 0x02400000, kind, space, connection, bytes(12), b"acsp")
    return (
        (head + bytes(28) + xyz(0.9642, 1, 0.8249)[8:]).ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
    )


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *[round(value * 65536) for value in values])


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def srgb_curve() -> bytes:
    values = np.round(65535 * to_light(np.linspace(0, 1, 1024), 0)).astype(int)
    return b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *values)


def rgb_profile(primaries: tuple[tuple[float, ...], ...], tone: bytes) -> bytes:
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = {name: xyz(*values) for name, values in zip(names, primaries, strict=True)}
    return profile({b"wtpt": xyz(0.9642, 1, 0.8249), **tags, b"rTRC": tone, b"gTRC": tone, b"bTRC": tone})


def to_light(values: Array, gamma: float) -> Array:
    """Linear light of sRGB levels (gamma 0) or of a power curve."""
    if gamma:
        return values**gamma
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_levels(light: Array, gamma: float) -> Array:
    light = np.clip(light, 0, 1)
    if gamma:
        return light ** (1 / gamma)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def as_seen_in(image: Image.Image, primaries: tuple[tuple[float, ...], ...], gamma: float) -> Image.Image:
    """The same colours in the numbers of another RGB space, by the arithmetic of its definition."""
    light = to_light(np.asarray(image) / 255, 0) @ np.array(SRGB) @ np.linalg.inv(np.array(primaries))
    return Image.fromarray(np.round(255 * to_levels(light, gamma)).astype(np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("space", ["Display P3", "Adobe RGB"])
def test_wide_colours_become_srgb(space: str, kind: str) -> None:
    primaries, gamma = (DISPLAY_P3, 0.0) if space == "Display P3" else (ADOBE_RGB, ADOBE_GAMMA)
    icc = rgb_profile(primaries, curve(gamma) if gamma else srgb_curve())
    colours = picture("coffee")
    stored = as_seen_in(colours, primaries, gamma)
    assert difference(np.asarray(stored), colours) > 3  # it would be seen
    exact = kind in ("PNG", "TIFF")
    options = {} if exact else {"quality": 97}
    pixels = open_photo(encode(stored, kind, icc_profile=icc, **options)).pixels
    assert difference(pixels, colours) < (1 if exact else 2.5)


def test_a_srgb_profile_costs_nothing_and_changes_nothing() -> None:
    for icc in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), rgb_profile(SRGB, srgb_curve())):
        assert _transform(icc, "RGB") is None
        assert difference(open_photo(encode(picture(), "PNG", icc_profile=icc)).pixels, picture()) == 0


def test_a_profile_of_linear_light_is_not_taken_for_srgb() -> None:
    data = encode(picture(), "PNG", icc_profile=rgb_profile(SRGB, curve(1)))
    assert difference(open_photo(data).pixels, as_light(picture())) < 1


def as_light(image: Image.Image) -> Array:
    return np.round(255 * to_levels(np.asarray(image) / 255, 0)).astype(np.uint8)


def test_grey_profiles_count_too() -> None:
    icc = profile({b"wtpt": xyz(0.9642, 1, 0.8249), b"kTRC": curve(1)}, b"GRAY")
    grey = picture().convert("L")
    pixels = open_photo(encode(grey, "PNG", icc_profile=icc)).pixels
    assert difference(pixels, as_light(grey.convert("RGB"))) < 1


def cmyk_profile() -> bytes:
    """Paper is white, black ink is black, each colour takes a quarter of the lightness and one direction of a, b."""
    nodes = []
    for node in range(16):
        cyan, magenta, yellow, black = (node >> 3) & 1, (node >> 2) & 1, (node >> 1) & 1, node & 1
        light = (1 - black) * (100 - 25 * (cyan + magenta + yellow))
        a, b = (1 - black) * 60 * (magenta - cyan), (1 - black) * 60 * yellow
        nodes += [round(light * 2.55), 128 + a, 128 + b]
    same = bytes(range(256))
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + same * 4 + bytes(nodes) + same * 3
    return profile({b"wtpt": xyz(0.9642, 1, 0.8249), b"A2B0": table}, b"CMYK", b"Lab ")


@pytest.mark.parametrize(("ink", "lab"), [((0, 0, 0, 0), (100, 0, 0)), ((0, 255, 0, 0), (75, 60, 0)),
                                          ((255, 0, 255, 0), (50, -60, 60)), ((0, 0, 0, 255), (0, 0, 0))])  # fmt: skip
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_become_srgb_by_their_profile(kind: str, ink: tuple[int, ...], lab: tuple[int, int, int]) -> None:
    options = {"quality": 97} if kind == "JPEG" else {}
    data = encode(Image.new("CMYK", (40, 40), ink), kind, icc_profile=cmyk_profile(), **options)
    wanted = np.clip(np.array(from_lab(*lab)), 0, 255)
    assert np.abs(open_photo(data).pixels[20, 20].astype(int) - wanted).max() <= 4


def from_lab(light: float, a: float, b: float) -> list[float]:
    """sRGB levels of a colour of CIE L*a*b* (D50), by the arithmetic of its definition."""
    y = (light + 16) / 116
    ratios = [
        value**3 if value > 6 / 29 else (value - 4 / 29) * 3 * (6 / 29) ** 2 for value in (y + a / 500, y, y - b / 200)
    ]
    light_rgb = np.array(ratios) * (0.9642, 1, 0.8249) @ np.linalg.inv(np.array(SRGB))
    return [float(value) for value in 255 * to_levels(light_rgb, 0)]


@pytest.mark.parametrize("icc", [b"\0" * 200, b"x" * 3000, rgb_profile(DISPLAY_P3, srgb_curve())[:300], cmyk_profile()])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_broken_or_foreign_profile_is_left_aside(kind: str, icc: bytes) -> None:
    options = {"quality": 95} if kind == "JPEG" else {}
    plain, profiled = encode(picture(), kind, **options), encode(picture(), kind, icc_profile=icc, **options)
    assert difference(open_photo(profiled).pixels, open_photo(plain).pixels) == 0


# --- size ---


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"),
                                            ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("WEBP", "RGB"),
                                            ("TIFF", "LAB"), ("TIFF", "CMYK"), ("PNG", "I;16")])  # fmt: skip
def test_large_photos_are_scaled_down(kind: str, mode: str) -> None:
    large = picture("china", 2300, 1500)
    image = sixteen_bits(large) if mode == "I;16" else with_alpha(large) if mode == "RGBA" else large.convert(mode)
    options = {"method": 0} if kind == "WEBP" else {"compress_level": 1} if kind == "PNG" else {}
    photo = open_photo(encode(image, kind, **options))
    assert photo.pixels.shape == (668, 1024, 3)
    assert (photo.width, photo.height) == (2300, 1500)
    if mode == "1":
        return
    expected = large.convert("L") if mode in ("L", "I;16") else large
    if mode == "RGBA":
        flat = Image.new("RGB", large.size, "white")
        flat.paste(image, mask=image)
        expected = flat
    assert difference(photo.pixels, expected.convert("RGB").resize((1024, 668), Image.Resampling.LANCZOS)) < 4


def test_the_thumbnail_in_a_heif_file_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    pillow_heif.from_pillow(picture("china", 640, 420)).save(file, quality=50, thumbnails=[320])
    monkeypatch.setattr(HeifImageFile, "draft", lambda *_: pytest.fail("it was looked for"))
    assert open_photo(file.getvalue(), max_side=300).pixels.shape == (197, 300, 3)


def test_no_decoder_of_heif_sees_metadata() -> None:
    data = encode(picture(), "HEIF", exif=exif(6), xmp=b"<x:xmpmeta/>")
    assert HeifImageFile(io.BytesIO(data)).info["exif"]  # type: ignore[no-untyped-call]
    info = HeifImageFile(io.BytesIO(bare("HEIF", data)[0])).info  # type: ignore[no-untyped-call]
    assert (info["exif"], info["metadata"], "xmp" in info) == (None, [], False)


def test_small_photos_stay_as_they_are() -> None:
    photo = open_photo(encode(picture("china", 64, 40), "PNG"), max_side=2000)
    assert photo.pixels.shape == (40, 64, 3)


@pytest.mark.parametrize("max_side", [1, 7, 100, 239, 240])
@pytest.mark.parametrize("name", ["jpeg", "png", "tiff lab"])
def test_the_longer_side_obeys(name: str, max_side: int) -> None:
    photo = open_photo(samples()[name][0], max_side)
    assert photo.pixels.shape[1] == max_side
    assert photo.pixels.shape[0] == max(1, round(160 * max_side / 240))
    assert (photo.width, photo.height, photo.quality.usable_side) == (240, 160, 160)


def test_no_side_at_all_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        open_photo(samples()["png"][0], max_side=0)


def test_one_pixel() -> None:
    photo = open_photo(encode(Image.new("RGB", (1, 1), "red"), "PNG"))
    assert photo.pixels.tolist() == [[[255, 0, 0]]]
    assert photo.quality.sharpness == 0


@pytest.mark.parametrize("size", [(5100, 100), (100, 5100), (51, 1), (60000, 1000)])
def test_absurd_shapes_are_refused(size: tuple[int, int]) -> None:
    assert refusal(png_header(*size) + png_chunk(b"IDAT", b"")).code == "absurd_aspect"


def test_a_narrow_photo_is_none_of_them() -> None:
    assert open_photo(encode(Image.new("RGB", (1000, 20), "red"), "PNG")).pixels.shape == (20, 1000, 3)


def header(kind: str, width: int, height: int) -> bytes:
    """A few bytes that claim a size and hold no pixels."""
    if kind == "PNG":
        return png_header(width, height) + png_chunk(b"IDAT", zlib.compress(bytes(99)))
    if kind == "GIF":
        return (
            b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0) + b"," + struct.pack("<HHHHBB", 0, 0, width, height, 0, 8)
        )
    if kind == "BMP":
        return b"BM" + struct.pack("<IIIIIIHHIIIIII", 99, 0, 54, 40, width, height, 1, 24, *[0] * 6)
    if kind == "TIFF":
        tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 1}
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    if kind == "JPEG":
        at = (data := samples()["jpeg"][0]).index(b"\xff\xc0") + 5
        return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
    data = samples()["webp animated" if kind == "WEBP" else kind.lower()][0]
    if kind == "WEBP":
        return data[:24] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + data[30:]
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_size_is_judged_before_a_pixel_is_decoded(kind: str) -> None:
    assert refusal(header(kind, 16000, 15000)).code == "too_many_pixels"
    limit = MAX_PIXELS_OF.get(kind, MAX_PIXELS)
    started = time.process_time()
    error = refusal(header(kind, 8000, limit // 8000 + 1))
    assert error.code == "too_many_pixels"
    assert f"{limit // 1_000_000} million" in str(error)
    assert time.process_time() - started < 1  # it takes 0.01


def test_a_tiny_header_that_claims_3_600_million_pixels() -> None:
    data = png_header(60000, 60000, 1, 0) + png_chunk(b"IDAT", b"")
    assert len(data) < 60
    assert refusal(data).code == "too_many_pixels"


def test_a_real_picture_of_400_million_pixels_in_a_few_kilobytes() -> None:
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(2501)) for _ in range(20000)) + rows.flush()
    data = png_header(20000, 20000, 1, 0) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")
    assert len(data) < 60_000
    assert refusal(data).code == "too_many_pixels"


def test_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.jpg"
    with file.open("wb") as sparse:
        sparse.truncate(MAX_BYTES + 1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
        assert refusal(file).code == "too_many_bytes"
    assert refusal(b"\xff\xd8\xff" + bytes(MAX_BYTES)).code == "too_many_bytes"


# --- files that are no photos ---


@pytest.mark.parametrize("name", list(encoded(picture(width=12, height=8))))
def test_a_file_that_is_cut_off_is_no_photo(name: str) -> None:
    data = samples()[name][0]
    # The last bytes may be a trailer or a second picture: what is there must then be the whole first one.
    whole = open_photo(data).pixels
    for cut in sorted({*range(1, 40), *np.linspace(40, len(data) - 1, 40).astype(int).tolist()}):
        try:
            photo = open_photo(data[:cut])
        except PhotoError:
            code = refusal(data[:cut]).code
            assert code == "truncated" or cut < 32
        else:
            assert np.array_equal(photo.pixels, whole)
            assert cut > len(data) / 3


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    assert refusal(b"").code == "empty"
    assert refusal(tmp_path / "empty.jpg").code == "empty"


UNSUPPORTED = {
    "svg": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "bare svg": b'\n  <svg width="9" height="9"></svg>',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "zip": b"PK\x03\x04" + bytes(40),
    "gzip": b"\x1f\x8b\x08" + bytes(40),
    "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "mov": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    "webm": b"\x1aE\xdf\xa3" + bytes(40),
    "avi": b"RIFF\0\0\0\0AVI LIST",
    "wav": b"RIFF\0\0\0\0WAVEfmt ",
    "cr2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(40),
    "cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "raf": b"FUJIFILMCCD-RAW 0201",
    "orf": b"IIRO\x08\0\0\0",
    "rw2": b"IIU\0\x18\0\0\0",
    "psd": b"8BPS\0\1" + bytes(40),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
    "jpeg xl": b"\xff\x0a" + bytes(40),
    "ico": b"\0\0\1\0\1\0" + bytes(40),
    "rle bmp": b"BM" + struct.pack("<IIIIIIHHIIIIII", 99, 0, 54, 40, 9, 9, 1, 8, 1, *[0] * 5),
    "tiff of a rare kind": header("TIFF", 9, 9).replace(struct.pack("<HHII", 259, 4, 1, 1),
                                                        struct.pack("<HHII", 259, 4, 1, 34712)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_other_kinds_of_files_are_named(name: str) -> None:
    error = refusal(UNSUPPORTED[name])
    assert error.code == "unsupported_format"
    assert str(error).startswith("This is a")


@pytest.mark.parametrize("name", ["cr2", "cr3", "raf", "orf", "rw2", "dng", "nef"])
def test_raw_files_are_named_though_a_thumbnail_could_be_read(name: str) -> None:
    tags = {"dng": {50706: b"\1\4\0\0"}, "nef": {254: 1, 330: 8}}.get(name)
    data = encode(picture(), "TIFF", tiffinfo=tags) if tags else UNSUPPORTED[name]
    error = refusal(data)
    assert (error.code, "a RAW camera file" in str(error)) == ("unsupported_format", True)


@pytest.mark.parametrize("data", [b"x", b"hello, this is a text about ivory", b"BMW 320i, as new", bytes(500),
                                  b"\xff\xfe\xfd", np.random.default_rng(1).bytes(999), b"II", b"RIFF",
                                  b"GIF88a"])  # fmt: skip
def test_what_is_no_picture_at_all(data: bytes) -> None:
    assert refusal(data).code == "not_an_image"


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "missing.jpg", "no file 'missing.jpg'"), (tmp_path, "is a folder"),
                        (f"{tmp_path}/a\0b.jpg", "cannot be read"), (tmp_path / ("x" * 5000), "cannot be read"),
                        (Path("/dev/zero"), "a pipe or a device"), (str(tmp_path) + "/", "is a folder")):  # fmt: skip
        error = refusal(path)
        assert error.code == "unreadable_file"
        assert words in str(error)


def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(refusal(tmp_path / "pipe.jpg").code), daemon=True)
    waiting.start()
    waiting.join(60)
    assert answers == ["unreadable_file"]


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret.jpg"
    file.write_bytes(samples()["jpeg"][0])
    file.chmod(0)
    if os.access(file, os.R_OK):  # as root

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    error = refusal(file)
    assert error.code == "unreadable_file"
    assert "'secret.jpg' may not be read" in str(error)


@pytest.mark.parametrize("name", ["it's.jpg", 'a "b".jpg', "two\nlines.jpg", "\x1b[31mred.jpg", "\u202egpj.exe",
                                  "\udcff.jpg",
                                  "象牙.jpg", "عاج.jpg"])  # fmt: skip
def test_any_name_fits_in_one_line_and_no_folder_is_told(tmp_path: Path, name: str) -> None:
    error = refusal(tmp_path / name)
    assert tmp_path.name not in str(error)
    assert str(error).encode("utf-8")


def test_errors_travel_between_processes() -> None:
    error = refusal(b"x")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), copy.code, str(copy), copy.sha256) == (PhotoError, error.code, str(error), error.sha256)


def test_an_error_says_which_bytes_it_is_about(tmp_path: Path) -> None:
    for data in (b"", b"x", b"\xff\xd8\xff"):
        assert refusal(data).sha256 == hashlib.sha256(data).hexdigest()
    assert refusal(tmp_path / "missing.jpg").sha256 is None


# --- quality ---


def advice(image: Image.Image) -> tuple[str, ...]:
    return open_photo(encode(image, "PNG")).quality.advice


@pytest.mark.parametrize("name", SHIPPED)
def test_good_photos_get_no_advice_and_bad_ones_do(name: str) -> None:
    image = Image.open(photo_file(name)).convert("RGB")
    assert advice(image) == ()
    assert advice(image.filter(ImageFilter.GaussianBlur(4 * max(image.size) / 384))) == ("blurred",)
    assert "too_dark" in advice(image.point(lambda level: level * 0.25))
    assert "low_contrast" in advice(image.point(lambda level: 120 + level // 8))
    assert "too_bright" in advice(image.point(lambda level: 200 + level // 5))
    assert advice(image.resize((150, 99))) == ("too_small",)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_shaken_photo_is_blurred_though_it_is_sharp_across(axis: int) -> None:
    shaken = np.mean([np.roll(np.asarray(picture("china", 384, 256)), shift, axis) for shift in range(12)], 0)
    assert advice(Image.fromarray(shaken.astype(np.uint8))) == ("blurred",)


def test_an_empty_wall_is_not_called_blurred() -> None:
    assert advice(Image.new("RGB", (300, 300), (128, 128, 128))) == ("low_contrast",)


def test_quality_is_within_its_ranges_and_independent_of_the_size_of_the_file() -> None:
    small, large = (open_photo(encode(picture("china", 400 * k, 300 * k), "PNG", compress_level=1)) for k in (1, 3))
    for quality in (small.quality, large.quality):
        assert 0 <= quality.sharpness <= 1
        assert 0 <= quality.brightness <= 1
        assert 0 <= quality.contrast <= 1
    assert (small.quality.usable_side, large.quality.usable_side) == (300, 900)
    assert abs(small.quality.brightness - large.quality.brightness) < 0.01
    assert abs(small.quality.contrast - large.quality.contrast) < 0.05


def test_how_often_labelled_photos_get_advice(data_dir: Path) -> None:
    with (data_dir / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in DictReader(file) if row["split"] == "train"]
    rows = [rows[index] for index in np.random.default_rng(3).permutation(len(rows))[:200]]
    counts, blurred = dict.fromkeys(("too_dark", "too_bright", "low_contrast", "blurred", "too_small"), 0), 0
    for row in rows:
        image = Image.fromarray(open_photo(data_dir / row["file"]).pixels)
        for key in advice(image):
            counts[key] += 1
        blurred += "blurred" in advice(image.filter(ImageFilter.GaussianBlur(4 * max(image.size) / 384)))
    assert max(counts.values()) < 0.03 * len(rows)
    assert blurred > 0.9 * len(rows)


# --- the network's view ---


def test_a_thumbnail_is_a_small_webp_that_keeps_the_shape() -> None:
    pixels = np.zeros((300, 200, 3), np.uint8)
    pixels[:150] = 255
    small = open_photo(thumbnail(pixels, 60))
    assert (small.format, small.width, small.height) == ("WEBP", 40, 60)
    assert small.pixels[:28].min() > 240
    assert small.pixels[32:].max() < 15


def test_squash_is_bicubic_and_gives_a_square() -> None:
    pixels = np.asarray(picture("china", 300, 170))
    square = squash(pixels, 96)
    assert square.shape == (96, 96, 3)
    assert square.dtype == np.uint8
    assert square.flags.writeable
    assert np.array_equal(square, np.asarray(Image.fromarray(pixels).resize((96, 96), Image.Resampling.BICUBIC)))
    lines = np.zeros((512, 512, 3), np.uint8)
    lines[::2] = 255
    assert np.ptp(squash(lines, 64)[8:-8]) < 8  # antialiased: fine lines turn grey, not into a pattern


# --- many threads, a quiet process ---


def test_many_threads_give_the_same_answers() -> None:
    files = [data for data, *_ in samples().values()] + [samples()["png"][0][:-300], b"nothing", odd_tiff()]
    wide = rgb_profile(DISPLAY_P3, srgb_curve())
    files += [encode(picture(), "PNG", icc_profile=wide), encode(picture(), "JPEG", icc_profile=cmyk_profile())]

    def answer(data: bytes) -> str:
        try:
            return hashlib.sha256(open_photo(data).pixels.tobytes()).hexdigest()
        except PhotoError as error:
            return error.code

    one_by_one = [answer(data) for data in files]
    order = np.random.default_rng(5).permutation(6 * len(files)) % len(files)
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda index: answer(files[index]), order))
    assert together == [one_by_one[index] for index in order]


def odd_tiff() -> bytes:
    """Two values where one is due: Pillow warns, and opens it."""
    data = bytearray(encode(picture(), "TIFF"))
    at = data.index(struct.pack("<HHI", 262, 3, 1))
    data[at : at + 12] = struct.pack("<HHIHH", 262, 3, 2, 2, 2)
    return bytes(data)


def test_pillow_warns_of_nothing_here_but_still_warns_others() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_photo(odd_tiff())
        with pytest.raises(UserWarning, match="too many entries"):
            Image.open(io.BytesIO(odd_tiff())).load()
        done, opened = threading.Event(), threading.Event()

        def keep_opening() -> None:
            while not done.is_set():
                open_photo(odd_tiff())
                opened.set()

        other = threading.Thread(target=keep_opening)
        other.start()
        try:
            assert opened.wait(60)
            for _ in range(20):
                with pytest.raises(UserWarning, match="too many entries"):
                    Image.open(io.BytesIO(odd_tiff())).load()
        finally:
            done.set()
            other.join()


IN_A_FRESH_PROCESS = """
import sys
from PIL import Image
before = Image.MAX_IMAGE_PIXELS
from model.photo import open_photo
open_photo(sys.argv[1])
assert "pillow_heif" not in sys.modules
open_photo(sys.argv[2])
assert "pillow_heif" in sys.modules
assert Image.MAX_IMAGE_PIXELS == before and "HEIF" not in Image.OPEN and "torch" not in sys.modules
"""


def test_a_jpeg_does_not_pay_for_heif_and_pillow_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(samples()["jpeg"][0])
    (tmp_path / "b").write_bytes(samples()["heif"][0])
    command = [sys.executable, "-W", "error", "-c", IN_A_FRESH_PROCESS, str(tmp_path / "a"), str(tmp_path / "b")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")


REFUSALS: dict[str, Callable[[], bytes]] = {
    "truncated": lambda: samples()["jpeg"][0][:500],
    "empty": lambda: b"",
    "not_an_image": lambda: b"text",
}


@pytest.mark.parametrize("code", REFUSALS)
def test_codes_and_sentences(code: str) -> None:
    error = refusal(REFUSALS[code]())
    assert error.code == code
    assert "; send " in str(error)


def test_libraries_that_copy_warning_filters_to_their_threads_still_can() -> None:
    from sklearn.utils.parallel import Parallel, delayed

    open_photo(odd_tiff())
    assert Parallel(n_jobs=2, prefer="threads")(delayed(abs)(number) for number in (-1, 2)) == [1, 2]
