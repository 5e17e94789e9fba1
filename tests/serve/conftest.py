"""What the tests of serve share: the shipped bundle, the command as people run it, photos good and hostile."""

import io
import os
import signal
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from model.bundle import find_bundle

COMMAND = Path(sys.executable).with_name("schreger")
PACKAGE_PHOTOS = {"gradio": "media_assets/images/*.jp*g", "sklearn": "datasets/images/*.jpg"}
SIDE = 160
ENCODINGS: dict[str, dict[str, Any]] = {
    "jpg": {"format": "JPEG"},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP"},
    "tiff": {"format": "TIFF"},
    "gif": {"format": "GIF"},
    "bmp": {"format": "BMP"},
    "heic": {"format": "HEIF"},
    "avif": {"format": "AVIF", "speed": 10},
}


class Encoded(NamedTuple):
    """A photo as a file."""

    ending: str
    content: bytes


@pytest.fixture(scope="session")
def bundle_folder() -> Path:
    """The shipped bundle."""
    return find_bundle()


@pytest.fixture(scope="session")
def schreger() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs the command as people do; its stdout and stderr come back as text, line ends as they were."""

    def run(*arguments: object, env: Mapping[str, str] | None = None, typed: bytes = b"", **options: Any) -> Any:
        command: list[Any] = [COMMAND, *map(os.fspath, map(_text, arguments))]
        given: dict[str, Any] = {
            "stdin": subprocess.PIPE if typed else None,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        around = {**os.environ, "COLUMNS": "80", "PYTHONFAULTHANDLER": "1", **(env or {})}
        with subprocess.Popen(command, env=around, **{**given, **options}) as process:
            try:
                out, err = process.communicate(typed, timeout=240)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)  # it says where it hangs
                pytest.fail(f"{command} hangs:\n{process.communicate()[1].decode()}")
        stdout, stderr = (channel.decode() if channel else "" for channel in (out, err))
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    return run


@pytest.fixture(scope="session")
def photos() -> list[Encoded]:
    """Photos that packages ship, made small, each in one of the formats; every format is among them."""
    files = sorted(file for package, pattern in PACKAGE_PHOTOS.items() for file in _package(package).glob(pattern))
    register_heif_opener()
    made = []
    for file, ending in zip(islice(cycle(files), 24), cycle(ENCODINGS)):
        image = Image.open(file).convert("RGB")
        image.thumbnail((SIDE, SIDE))
        buffer = io.BytesIO()
        image.save(buffer, **ENCODINGS[ending])
        made.append(Encoded(ending, buffer.getvalue()))
    return made


@pytest.fixture(scope="session")
def hostile(photos: list[Encoded]) -> dict[str, bytes]:
    """Files that are no photos, or no longer, or claim to be what no one could open, by name."""
    whole = {photo.ending: photo.content for photo in photos}
    noise = np.random.default_rng(0).bytes(50_000)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("photo.jpg", whole["jpg"])
    cut = {f"cut at {part}.{ending}": whole[ending][:part] for ending in ("jpg", "png") for part in (1, 4, 20, 300)}
    half = {f"half a photo.{ending}": content[: len(content) // 2] for ending, content in whole.items()}
    return (
        cut
        | half
        | {
            "empty.jpg": b"",
            "nothing but zeros.jpg": bytes(5000),
            "a newline.jpg": b"\n",
            "text.jpg": b"This is a photo of an elephant's tusk.\n" * 50,
            "arabic text.jpg": "صورة ناب فيل\n".encode() * 50,
            "page.html": b"<!DOCTYPE html><html><body><img src='photo.jpg'></body></html>",
            "drawing.svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
            "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
            "archive.zip": archive.getvalue(),
            "document.pdf": b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n%%EOF\n",
            "script.jpg": b"#!/bin/sh\nrm -rf /\n",
            "program.jpg": b"\x7fELF\x02\x01\x01" + noise[:2000],
            "pickle.jpg": b"\x80\x04cos\nsystem\n(S'id'\ntR.",
            "film.heic": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + noise[:2000],
            "noise.jpg": noise,
            "noise after a start.jpg": b"\xff\xd8\xff\xe0" + noise,
            "noise after a start.png": b"\x89PNG\r\n\x1a\n" + noise,
            "noise after a start.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 " + noise,
            "noise after a start.tiff": b"II*\x00\x08\x00\x00\x00" + noise,
            "noise after a start.gif": b"GIF89a" + noise[:3],
            "noise after a start.avif": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1" + noise,
            "bomb.png": png_claiming(60_000, 60_000),
            "bomb.gif": b"GIF89a"
            + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0)
            + bytes(6)
            + b","
            + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0)
            + b"\x02\x02\x4c\x01\x00;",
            "bomb.webp": b"RIFF"
            + struct.pack("<I", 40)
            + b"WEBPVP8X"
            + struct.pack("<I", 10)
            + bytes(4)
            + b"\xff" * 6
            + whole["webp"][12:],
            "bomb.tiff": tiff_claiming(60_000, 60_000),
            "bomb.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
            "bomb.jpg": jpeg_claiming(whole["jpg"], 65_000, 65_000),
            "a thread.png": png_claiming(100_000, 1),
            "a pole.png": png_claiming(1, 100_000),
        }
    )


def png_claiming(width: int, height: int) -> bytes:
    """A PNG file of a few bytes whose header is in order."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def tiff_claiming(width: int, height: int) -> bytes:
    """A grey TIFF file of a few bytes whose directory is in order."""
    values = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    return b"II*\x00" + struct.pack("<IH", 8, len(values)) + entries + bytes(4)


def jpeg_claiming(content: bytes, width: int, height: int) -> bytes:
    """A JPEG file with other dimensions written into its frame."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _text(argument: object) -> Any:
    return argument if isinstance(argument, str | bytes | os.PathLike) else str(argument)
