"""The encoding of a text, told from its bytes: what spreadsheets and programs write."""

from __future__ import annotations

import codecs
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 1 << 20
LINES = 100
LONGEST_LINE = 1000

LEGACY = ("cp1252", "gb18030", "cp950", "cp1256", "cp1258")
"""What Windows writes in the languages of the lexicon; of those that fit equally well, the first is taken."""


def encoding_of(stream: BinaryIO) -> str:
    """UTF-8 with or without BOM, UTF-16, or else one of LEGACY; the stream, at its start, is read to its end.

    A text is UTF-8 even with faulty bytes, where more characters are right: an export may cut titles at some byte.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")  # makes a surrogate of each faulty byte
    characters = faults = 0
    sample: list[bytes] = []
    start = stream.read(2)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if start.count(0) == 1:  # the first sign of a table is ASCII, half of which is zero in UTF-16
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    stream.seek(0)
    for chunk in iter(partial(stream.read, CHUNK), b""):
        text = decoder.decode(chunk)
        if not chunk.isascii():
            sample += _lines_beyond_ascii(chunk, LINES - len(sample))
        if not text.isascii():
            escaped = len(text) - len(text.encode("utf-8", "ignore").decode("utf-8"))
            faults += escaped
            characters += len(text) - len(text.encode("ascii", "ignore")) - escaped
    faults += len(decoder.decode(b"", final=True))
    return "utf-8-sig" if characters > faults or not faults else _legacy(sample)


def _lines_beyond_ascii(chunk: bytes, most: int) -> list[bytes]:
    if most == 0:
        return []
    return [line[:LONGEST_LINE] for line in chunk.split(b"\n") if not line.isascii()][:most]


def _legacy(lines: Sequence[bytes]) -> str:
    """The encoding in which the lines look least like a mess; line by line, so that a cut one counts once."""
    from charset_normalizer import from_bytes

    mess = dict.fromkeys(LEGACY, 0.0)
    for line in lines:
        matches = from_bytes(line, cp_isolation=list(LEGACY))
        fits = {encoding: match.chaos for match in matches for encoding in match.could_be_from_charset}
        for encoding in mess:
            mess[encoding] += fits.get(encoding, 1)
    return min(LEGACY, key=lambda encoding: mess[encoding])
