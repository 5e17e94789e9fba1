"""Leaves only what the pixels need of a file before a decoder sees it.

Metadata is where small files become large work: directories whose entries all point at the same megabyte, compressed
texts, thousands of comments, a film behind the photo. Pillow reads all of it; nothing here needs any of it but the
orientation, which is read by `orientation` alone.
"""

import re
import struct
from typing import NamedTuple

from model.photo.error import PhotoError, cut_off, unsupported

MAX_SCANS = 100  # a progressive JPEG has about ten; each one costs a pass over all pixels and takes only 12 bytes
MAX_PROFILES = 256 << 20  # bytes of colour profiles, were each item of a HEIF file to have a copy of them all
MAX_ENTRIES = 1024  # of a TIFF directory; cameras write under 100
MAX_NUMBERS = 1 << 18  # in one TIFF entry: a 16-bit colour map has 196,608

_JPEG_METADATA = {*range(0xE1, 0xEE), 0xFE}  # but colour profiles, which begin as one of these
_JPEG_MARKER = re.compile(rb"\xff[^\xff\0\xd0-\xd8]")  # one that a length follows
_PNG_KEPT = {b"PLTE", b"tRNS", b"iCCP", b"IDAT", b"IEND"}
_EXIF_ITEM = re.compile(rb"(infe.{8,10})Exif", re.DOTALL)
_COLOUR_PROFILE = re.compile(rb"colr(?:prof|rICC)")
_RUN_LENGTH = {b"\1\0\0\0", b"\2\0\0\0"}
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Size, packing, layout, palette, ink, JPEG tables, colour model, colour profile.
_TIFF_KEPT = {*range(256, 260), 262, 266, 273, *range(277, 280), 284, 292, 293, 317, 320, *range(322, 326), 332, 334}
_TIFF_KEPT |= {338, 339, 347, *range(512, 522), *range(529, 533), 34675}


def bare(kind: str, data: bytes) -> tuple[bytes, bytes]:
    """The file without what its pixels do not need, and its EXIF block (empty where the decoder tells it).

    Raises PhotoError (truncated, unsupported_format).
    """
    if kind == "JPEG":
        return _bare_jpeg(data)
    if kind == "PNG":
        return _bare_png(data)
    if kind == "GIF":
        return _bare_gif(data), b""
    if kind == "TIFF":
        return _bare_tiff(data), data
    if kind in ("HEIF", "AVIF"):
        return _bare_container(data), b""
    if kind == "BMP" and data[14] >= 40 and data[30:34] in _RUN_LENGTH:
        raise unsupported("a run-length packed BMP file")  # Pillow unpacks these in Python, a byte at a time
    return data, b""


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 where it is missing or makes no sense."""
    try:
        directory = _directory(exif.removeprefix(b"Exif\0\0"))
        kind, _, raw = directory.entries[274]
        value: int = struct.unpack_from(directory.order + {3: "H", 4: "L"}[kind], raw)[0]
    except (KeyError, PhotoError):
        return 1
    return value if 1 <= value <= 8 else 1


def _bare_jpeg(data: bytes) -> tuple[bytes, bytes]:
    """Segments up to the first scan, then everything up to the end of the first picture."""
    kept, exif, at = [data[:2]], b"", 2
    while marker := _JPEG_MARKER.search(data, at):
        at = marker.start()
        if data[at + 1] == 0xDA:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        start = data[at + 4 : at + 16]
        if data[at + 1] not in _JPEG_METADATA or start.startswith(b"ICC_PROFILE\0"):
            kept.append(data[at:end])
        elif start.startswith(b"Exif\0\0"):
            exif = exif or data[at + 4 : end]
        at = end
    else:
        raise cut_off()
    end = data.find(b"\xff\xd9", at) + 2  # other pictures or a film may follow
    if end == 1:
        end = len(data)
    if data.count(b"\xff\xda", at, end) > MAX_SCANS:
        raise cut_off()
    return b"".join([*kept, memoryview(data)[at:end]]), exif


def _bare_png(data: bytes) -> tuple[bytes, bytes]:
    if data[12:16] != b"IHDR":
        raise cut_off()
    view, exif, at = memoryview(data), b"", 33
    kept: list[bytes | memoryview] = [data[:33]]
    while at < len(data):
        name, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if name == b"eXIf":
            exif = exif or data[at + 8 : end - 4]
        elif name in _PNG_KEPT:
            kept.append(view[at:end])
        at = len(data) if name == b"IEND" else end
    return b"".join(kept), exif


def _bare_gif(data: bytes) -> bytes:
    """Without the comments and application blocks before the first picture."""
    try:
        at = 13 + (6 << (data[10] & 7) if data[10] & 0x80 else 0)
        kept = [data[:at]]
        while data[at] == 0x21:
            start, at = at, at + 2
            while data[at]:
                at += data[at] + 1
            at += 1
            if data[start + 1] == 0xF9:  # transparency
                kept.append(data[start:at])
    except IndexError:
        raise cut_off() from None
    return b"".join([*kept, memoryview(data)[at:]])


def _bare_container(data: bytes) -> bytes:
    """HEIF and AVIF: renames metadata to a kind that nobody reads, in place; the container itself turns the picture."""
    sizes = [int.from_bytes(data[match.start() - 4 : match.start()], "big") for match in _COLOUR_PROFILE.finditer(data)]
    if sum(sizes) * data.count(b"infe") > MAX_PROFILES:
        raise cut_off()
    data = re.sub(b"cdsc", lambda match: match[0] if data[match.start() - 4] else b"none", data)  # "content describes"
    return _EXIF_ITEM.sub(rb"\1none", data)


def _bare_tiff(data: bytes) -> bytes:
    """Overwrites the first directory by its needed entries, and says that there is no second one."""
    order, big, at, entries = _directory(data)
    thumbnail_first = 330 in entries and 254 in entries and entries[254][2][:4].strip(b"\0") == b"\1"
    if 50706 in entries or thumbnail_first:  # DNG says so; other cameras put a thumbnail before the raw picture
        raise unsupported("a RAW camera file")
    entries = {tag: entries[tag] for tag in sorted(entries) if tag in _TIFF_KEPT}
    total = 0
    for kind, count, _ in entries.values():
        total += count * _TIFF_SIZES.get(kind, 1)
        if total > len(data) or (count > MAX_NUMBERS and _TIFF_SIZES.get(kind, 1) > 1):
            raise cut_off()
    pointer, number, entry = ("Q", "Q", "HHQ8s") if big else ("L", "H", "HHL4s")
    packed = [struct.pack(order + entry, tag, *values) for tag, values in entries.items()]
    directory = struct.pack(order + number, len(packed)) + b"".join(packed) + struct.pack(order + pointer, 0)
    view = memoryview(data)
    return b"".join([view[:at], directory, view[at + len(directory) :]])


class _Directory(NamedTuple):
    """Of a TIFF file or an EXIF block: byte order, whether it is of the 64-bit kind, where it is, what it holds."""

    order: str
    big: bool
    at: int
    entries: dict[int, tuple[int, int, bytes]]  # tag → type, count, value or its place


def _directory(tiff: bytes) -> _Directory:
    """The first directory; raises PhotoError (truncated)."""
    order, big = "<" if tiff[:2] == b"II" else ">", tiff[2:4] == b"+\0"
    entry = struct.Struct(order + ("HHQ8s" if big else "HHL4s"))
    entries: dict[int, tuple[int, int, bytes]] = {}
    try:
        at: int = struct.unpack_from(order + ("Q" if big else "L"), tiff, 8 if big else 4)[0]
        count: int = struct.unpack_from(order + ("Q" if big else "H"), tiff, at)[0]
        start = at + (8 if big else 2)
        for place in range(start, start + min(count, MAX_ENTRIES) * entry.size, entry.size):
            tag, kind, number, raw = entry.unpack_from(tiff, place)
            entries.setdefault(tag, (kind, number, raw))
    except (struct.error, OverflowError):
        raise cut_off() from None
    return _Directory(order, big, at, entries)
