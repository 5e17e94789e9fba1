"""Which kind of file the first bytes announce; the name of a file is never asked."""

import re

from model.photo.error import PhotoError, unsupported

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF", "AVIF")

_OURS = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP"),
    (re.compile(rb"(II\*\0|MM\0\*)....(?!CR)|II\+\0", re.DOTALL), "TIFF"),  # CR: Canon's RAW files
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), "BMP"),  # the sizes that its header has
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_OTHERS = (
    ("a PDF file", (b"%PDF-",)),
    ("a PostScript file", (b"%!PS", b"\xc5\xd0\xd3\xc6")),
    ("a ZIP archive or an office document", (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    ("an archive", (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\xfd7zXZ\0", b"BZh9", b"\x28\xb5\x2f\xfd")),
    ("a video", (b"\x1aE\xdf\xa3", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"0&\xb2u\x8ef\xcf\x11", b"FLV\x01")),
    ("a video or sound file", (b"OggS", b"ID3", b"fLaC")),
    ("a Photoshop file", (b"8BPS",)),
    ("a JPEG 2000 file", (b"\0\0\0\x0cjP  \r\n", b"\xff\x4f\xff\x51")),
    ("a JPEG XL file", (b"\0\0\0\x0cJXL \r\n", b"\xff\x0a")),
    ("an icon file", (b"\0\0\x01\0",)),
    ("a RAW camera file", (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"II*\0", b"\0MRM", b"FOVb")),
    ("a text document", (b"{\\rtf",)),
)
_RIFF_FILM = re.compile(rb"RIFF....(AVI |WAVE)", re.DOTALL)
_MARKUP = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|svg|\?xml|!--)", re.IGNORECASE)


def kind_of(data: bytes) -> str:
    """One of `FORMATS`; raises PhotoError (not_an_image, unsupported_format)."""
    for pattern, kind in _OURS:
        if pattern.match(data):
            return kind
    if data[4:8] == b"ftyp":
        return _kind_of_container(data)
    for name, beginnings in _OTHERS:
        if data.startswith(beginnings):
            raise unsupported(name)
    if _RIFF_FILM.match(data):
        raise unsupported("a video or sound file")
    if _MARKUP.match(data[:1024]):
        raise unsupported("an SVG drawing" if b"<svg" in data[:1024].lower() else "a web page or an XML file")
    raise PhotoError("not_an_image", "This file is not a photo; send a JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF or BMP.")


def _kind_of_container(data: bytes) -> str:
    """HEIF, AVIF, films and Canon's newer RAW files share one container; its brands tell them apart."""
    size = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[at : at + 4] for at in (8, *range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    raise unsupported("a RAW camera file" if b"crx " in brands else "a video or an unknown kind of picture")
