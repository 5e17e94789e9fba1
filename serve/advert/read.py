"""Advert files: CSV in the encodings and separators that spreadsheets write, and JSON lines."""

from __future__ import annotations

import codecs
import csv
import io
import json
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TextIO

from model.errors import SchregerError
from serve.advert.advert import Advert
from serve.output import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

COLUMNS = frozenset(field.name for field in fields(Advert)) - {"other", "error"}
SEPARATORS = ",;\t"
JSON_LINES = (".jsonl", ".ndjson")
LONGEST_CELL = 10_000_000
CHUNK = 1 << 20


class Ids(Protocol):
    """The ids met so far: a set, or what stands in for one that memory cannot hold."""

    def __contains__(self, own: str, /) -> bool: ...
    def add(self, own: str, /) -> None: ...


class AdvertFileError(SchregerError):
    """The advert file cannot be used; the message says why."""


def read_adverts(file: Path, pictures_root: Path | None = None) -> list[Advert]:
    """The adverts of a file, in its order, with pictures below `pictures_root` or else below the file's folder.

    Empty and doubled ids are kept, with an error; so are columns that no advert has.

    Raises:
        AdvertFileError: The file cannot be read, or has no column `id`.
    """
    root = file.parent if pictures_root is None else pictures_root
    try:
        with file.open("rb") as stream:
            adverts = [
                replace(advert, pictures=picture_paths(map(str, advert.pictures), root))
                for advert in stream_adverts(stream, str(file), set())
            ]
    except OSError as error:
        raise AdvertFileError(f"{str(file)!r} cannot be read: {error.strerror or error}.") from error
    if not adverts and _is_json(str(file)):
        raise AdvertFileError(f"{str(file)!r} holds no advert.")
    return adverts


def stream_adverts(stream: BinaryIO, name: str, seen: Ids) -> Iterator[Advert]:
    """The adverts of an open file one by one, with the names of their pictures; see `read_adverts`.

    Args:
        stream: The file, at its start; it is read twice, first to find out its encoding.
        name: Its name, whose ending says what it is.
        seen: Takes up the ids; those that it holds already are doubled.
    """
    encoding = encoding_of(stream)
    stream.seek(0)
    is_json = _is_json(name)
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n" if is_json else "")
    try:
        for row, fault in _json_rows(text) if is_json else _table_rows(name, text):
            yield to_advert(row, fault, seen)
    finally:
        text.detach()  # the stream is closed by whoever opened it


def encoding_of(stream: BinaryIO) -> str:
    """The encoding of a text: UTF-8 with or without BOM, UTF-16, or else cp1252."""
    decoder, start = codecs.getincrementaldecoder("utf-8")(), True
    while chunk := stream.read(CHUNK):
        if start and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if start and chunk[:2].count(0) == 1:  # the first sign of a table is ASCII, half of which is zero in UTF-16
            return "utf-16-be" if chunk[0] == 0 else "utf-16-le"
        start = False
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return "cp1252"
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def check_root(root: Path | None) -> None:
    """Raises AdvertFileError where a folder of pictures was named that is not there."""
    if root is not None and not root.is_dir():
        raise AdvertFileError(f"There is no folder {str(root)!r} of pictures; check --pictures-root.")


def picture_paths(names: Iterable[str], root: Path) -> tuple[Path, ...]:
    """Where pictures lie. A name that leads out of the root is kept as a name below it, where nothing will be found."""
    paths = []
    for name in filter(None, (name.replace("\0", "").strip() for name in names)):
        path = root / name
        paths.append(path if _is_below(path, root) else root / Path(name.replace("\\", "/")).name)
    return tuple(paths)


def _is_below(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a ring, or letters that no file's name can have
        return False


def to_advert(row: Mapping[str, Any], fault: str, seen: Ids) -> Advert:
    """The advert of a row, with the names of its pictures; `fault` says what is wrong with the row, if anything is."""
    own = _text(row.get("id")).strip()
    if not own:
        fault = fault or "This advert has no id."
    elif own in seen:
        fault = fault or f"The id {own!r} is that of an earlier advert too."
    else:
        seen.add(own)
    pictures = row.get("pictures") or ""
    names = pictures if isinstance(pictures, list) else str(pictures).split(";")
    known = {name: escaped(_text(row.get(name))) for name in COLUMNS - {"pictures"}}
    other = {escaped(str(name)): escaped(_text(value)) for name, value in row.items() if name not in COLUMNS}
    return Advert(**known, pictures=tuple(filter(None, map(str.strip, map(_text, names)))), other=other, error=fault)


def _table_rows(name: str, text: TextIO) -> Iterator[tuple[dict[str, Any], str]]:
    csv.field_size_limit(LONGEST_CELL)
    lines = _Lines(text)
    header = next(lines, "")
    separator = max(SEPARATORS, key=header.count)
    try:
        reader = csv.DictReader(chain([header], lines), delimiter=separator, restkey="")
        named = [(each or "").strip().lower() for each in reader.fieldnames or ()]
        if "id" not in named:
            raise AdvertFileError(_no_id(name, header, named))
        reader.fieldnames = [
            low if low in COLUMNS else each for low, each in zip(named, reader.fieldnames or (), strict=True)
        ]
        for row in reader:
            yield {key: value for key, value in row.items() if key}, _fault(row, lines.taken(), separator)
    except csv.Error as error:
        where = f"near line {reader.line_num}, where a quote may not be closed"
        raise AdvertFileError(f"{name!r} cannot be read as a table {where}: {error}.") from error


class _Lines:
    """The lines of a table, and those that were taken for a row."""

    def __init__(self, text: Iterable[str]) -> None:
        self._lines = iter(text)
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._taken.append(next(self._lines).replace("\0", ""))
        return self._taken[-1]

    def taken(self) -> list[str]:
        """The lines since this was last asked, without empty ones."""
        taken, self._taken = self._taken, []
        return [line for line in taken if line.strip()]


def _no_id(name: str, header: str, named: Iterable[str]) -> str:
    if not all(character.isprintable() or character.isspace() for character in header):
        return f"{name!r} is no CSV file: save a spreadsheet as CSV; `schreger scan` takes Parquet and tar."
    return f"{name!r} has no column id; its columns are {', '.join(filter(None, named))[:200] or 'none'}."


def _fault(row: Mapping[str, Any], lines: Sequence[str], separator: str) -> str:
    if "" in row:
        return "This row has more cells than the header."
    if len(lines) > 1 and not _are_quotes_in_order(lines, separator):
        return (
            f"A quote in this row is not closed, so that it may have swallowed rows: it goes over {len(lines)} lines."
        )
    return ""


def _are_quotes_in_order(lines: Iterable[str], separator: str) -> bool:
    try:
        return bool(list(csv.reader(lines, delimiter=separator, strict=True)))
    except csv.Error:
        return False


def _is_json(name: str) -> bool:
    return name.lower().endswith(JSON_LINES)


def _json_rows(text: TextIO) -> Iterator[tuple[dict[str, Any], str]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield (row, "") if isinstance(row, dict) else ({}, f"Line {number} is no JSON object.")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
