"""Advert files: CSV in the encodings and separators that spreadsheets write, JSON lines, and JSON arrays."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TextIO

from model.errors import SchregerError
from serve.advert.advert import Advert
from serve.advert.encoding import encoding_of
from serve.output import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

COLUMNS = frozenset(field.name for field in fields(Advert)) - {"other", "error"}
JUDGED = ("title", "text", "pictures")
SEPARATORS = ",;\t"
SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?\s*')
"""A line before the header, by which Excel is told the separator."""

JSON = (".json", ".jsonl", ".ndjson")
LONGEST_CELL = 10_000_000
LONGEST_ARRAY = 50_000_000
OTHERS_TOLD = 20


class Ids(Protocol):
    """The ids met so far: a set, or what stands in for one that memory cannot hold."""

    def __contains__(self, own: str, /) -> bool: ...
    def add(self, own: str, /) -> None: ...


Tell = Callable[[str], object]
"""Takes a sentence on how a file was taken, which may not be how it was meant."""


class AdvertFileError(SchregerError):
    """The advert file cannot be used; the message says why."""


def read_adverts(file: Path, pictures_root: Path | None = None, tell: Tell | None = None) -> list[Advert]:
    """The adverts of a file, in its order, with pictures below `pictures_root` or else below the file's folder.

    Empty and doubled ids are kept, with an error; so are columns that no advert has. Who is going to judge the adverts
    gives `tell`: the file is then refused where it has nothing that they are judged by.

    Raises:
        AdvertFileError: The file cannot be read, or its columns cannot be used.
    """
    root = file.parent if pictures_root is None else pictures_root
    try:
        with file.open("rb") as stream:
            adverts = [
                replace(advert, pictures=picture_paths(map(str, advert.pictures), root))
                for advert in stream_adverts(stream, str(file), set(), tell)
            ]
    except OSError as error:
        if os.path.isdir(file):  # noqa: PTH112 - Path.is_dir raises for some
            raise AdvertFileError(f"{str(file)!r} is a folder; `schreger scan` takes folders of pictures.") from None
        raise AdvertFileError(f"{str(file)!r} cannot be read: {error.strerror or error}.") from error
    if not adverts and _is_json(str(file)):
        raise AdvertFileError(f"{str(file)!r} holds no advert.")
    return adverts


def stream_adverts(stream: BinaryIO, name: str, seen: Ids, tell: Tell | None = None) -> Iterator[Advert]:
    """The adverts of an open file one by one, with the names of their pictures; see `read_adverts`.

    Args:
        stream: The file, at its start; it is read twice, first to find out its encoding.
        name: Its name, whose ending says what it is.
        seen: Takes up the ids; those that it holds already are doubled.
        tell: Has taken every sentence when the last advert was given.
    """
    encoding = encoding_of(stream)
    stream.seek(0)
    is_json = _is_json(name)
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n" if is_json else "")
    try:
        for row, fault in (_json_rows if is_json else _table_rows)(name, text, tell):
            yield to_advert(row, fault, seen)
    finally:
        text.detach()  # the stream is closed by whoever opened it
    if tell and not encoding.startswith("utf"):
        tell(f"{name!r} is not UTF-8; it was read as {encoding}: check a few rows, or save it as UTF-8.")


def named_columns(name: str, columns: Sequence[str], tell: Tell | None) -> list[str]:
    """The columns of a table, under the names of an advert's fields where they are such.

    Raises:
        AdvertFileError: None is called `id`, two are one field, or adverts are to be judged and none says what by.
    """
    named = [low if (low := each.strip().lower()) in COLUMNS else each for each in columns]
    if "id" not in named:
        if not all(character.isprintable() or character.isspace() for character in "".join(columns)):
            raise AdvertFileError(
                f"{name!r} is no CSV file: save a spreadsheet as CSV; `schreger scan` takes Parquet and tar."
            )
        raise AdvertFileError(f"{name!r} has no column id; its columns are {_listed(columns)}.")
    if doubled := next((each for each in named if each in COLUMNS and named.count(each) > 1), None):
        raise AdvertFileError(f"{name!r} has more than one column {doubled}; keep one of them.")
    if tell:
        _check_judged(name, named, tell)
    return named


def _check_judged(name: str, columns: Sequence[str], tell: Tell) -> None:
    if not any(each in columns for each in JUDGED):
        raise AdvertFileError(
            f"{name!r} has no column title, text or pictures, which adverts are judged by;"
            f" its columns are {_listed(columns)}: rename those that are meant."
        )
    missing = [each for each in ("title", "text") if each not in columns]
    others = [each for each in columns if each.strip() and each not in COLUMNS]
    if missing and others:
        tell(
            f"{name!r} has no column {' or '.join(missing)}, and these are not understood: {_listed(others)};"
            " rename one of them if it is meant."
        )


def _listed(columns: Iterable[str]) -> str:
    listed = ", ".join(filter(None, map(str.strip, columns)))
    return "".join(filter(str.isprintable, listed))[:200] or "none"


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


def _table_rows(name: str, text: TextIO, tell: Tell | None) -> Iterator[tuple[dict[str, Any], str]]:
    csv.field_size_limit(LONGEST_CELL)
    lines = _Lines(text)
    header = next(lines, "")
    separator = max(SEPARATORS, key=header.count)
    if stated := SEPARATOR_LINE.fullmatch(header):
        separator, header = stated[1], next(lines, "")
    if not header:
        raise AdvertFileError(f"{name!r} is empty.")
    reader = csv.DictReader(chain([header], lines), delimiter=separator, restkey="")
    try:
        reader.fieldnames = named_columns(name, reader.fieldnames or (), tell)
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
    return name.lower().endswith(JSON)


def _json_rows(name: str, text: TextIO, tell: Tell | None) -> Iterator[tuple[dict[str, Any], str]]:
    known: set[str] = set()
    others: dict[str, None] = {}
    for where, row in _json_values(name, text):
        if isinstance(row, dict):
            known |= COLUMNS & row.keys()
            if len(others) < OTHERS_TOLD:
                others |= {each: None for each in row if each not in COLUMNS}
            yield row, ""
        else:
            yield {}, f"{where} is no JSON object."
    if tell and (known or others):
        _check_judged(name, [*known, *others], tell)


def _json_values(name: str, text: TextIO) -> Iterator[tuple[str, Any]]:
    """What a JSON file holds, and where: the entries of its array, or else its lines; None where that is broken."""
    if name.lower().endswith(".json") and text.read(1000).lstrip().startswith("["):
        for number, row in enumerate(_array(name, text), 1):
            yield f"Entry {number}", row
        return
    text.seek(0)
    for number, line in enumerate(text, 1):
        if line.strip():
            yield f"Line {number}", _parsed(line)


def _array(name: str, text: TextIO) -> list[Any]:
    text.seek(0)
    content = text.read(LONGEST_ARRAY)
    if text.read(1):
        raise AdvertFileError(f"{name!r} is too long for one JSON array: write JSON lines (.jsonl), one object a line.")
    rows = _parsed(content)
    if not isinstance(rows, list):
        raise AdvertFileError(f"{name!r} is no whole JSON array; write it again.")
    return rows


def _parsed(content: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return number_text(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number_text(number: float | Decimal) -> str:
    """As it prints, but never with three decimals, which in an advert are thousands: 10.500 is 10.5000."""
    text = str(number)
    return f"{text}0" if text[-4:-3] == "." else text
