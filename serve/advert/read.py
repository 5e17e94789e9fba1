"""Advert files: CSV in the encodings and separators that spreadsheets write, and JSON lines."""

from __future__ import annotations

import codecs
import csv
import io
import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import SchregerError
from serve.advert.advert import Advert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = frozenset(field.name for field in fields(Advert)) - {"other", "error"}
SEPARATORS = ",;\t"
JSON_LINES = (".jsonl", ".ndjson")
LONGEST_CELL = 10_000_000


class AdvertFileError(SchregerError):
    """The advert file cannot be used; the message says why."""


def read_adverts(file: Path, pictures_root: Path | None = None) -> list[Advert]:
    """The adverts of a file, in its order, with pictures below `pictures_root` or else below the file's folder.

    Empty and doubled ids are kept, with an error; so are columns that no advert has.

    Raises:
        AdvertFileError: The file cannot be read, or has no column `id`.
    """
    try:
        content = decode(file.read_bytes())
    except OSError as error:
        raise AdvertFileError(f"{str(file)!r} cannot be read: {error.strerror or error}.") from error
    rows = _json_rows(file, content) if file.suffix.lower() in JSON_LINES else _table_rows(file, content)
    root = file.parent if pictures_root is None else pictures_root
    seen: set[str] = set()
    adverts = []
    for row, fault in rows:
        own = str(row.get("id") or "").strip()
        problem = fault or ("This advert has no id." if not own else "")
        if own in seen:
            problem = problem or f"The id {own!r} is that of an earlier advert too."
        seen.add(own or "\0")
        adverts.append(_advert(row, root, problem))
    return adverts


def decode(content: bytes) -> str:
    """Text of bytes that are UTF-8 with or without BOM, UTF-16, or else cp1252."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    if content[:2].count(0) == 1:  # the first sign of a table is ASCII, half of which is zero in UTF-16
        return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def picture_paths(names: Iterable[str], root: Path) -> tuple[Path, ...]:
    """Where pictures lie. A name that leads out of the root is kept as a name below it, where nothing will be found."""
    paths = []
    for name in filter(None, map(str.strip, names)):
        path = root / name
        outside = not path.resolve().is_relative_to(root.resolve())
        paths.append(root / Path(name.replace("\\", "/")).name if outside else path)
    return tuple(paths)


def _table_rows(file: Path, content: str) -> list[tuple[dict[str, Any], str]]:
    csv.field_size_limit(LONGEST_CELL)
    header = content.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    try:
        reader = csv.DictReader(io.StringIO(content.replace("\0", ""), newline=""), delimiter=separator, restkey="")
        named = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = [
            low if low in COLUMNS else name for low, name in zip(named, reader.fieldnames or (), strict=True)
        ]
        rows = [({key: value for key, value in row.items() if key}, _cells(row)) for row in reader]
    except csv.Error as error:
        raise AdvertFileError(f"{str(file)!r} cannot be read as a table: {error}.") from error
    if "id" not in named:
        raise AdvertFileError(
            f"{str(file)!r} has no column id; its columns are {', '.join(filter(None, named)) or 'none'}."
        )
    return rows


def _cells(row: Mapping[str, Any]) -> str:
    return "This row has more cells than the header." if "" in row else ""


def _json_rows(file: Path, content: str) -> list[tuple[dict[str, Any], str]]:
    rows: list[tuple[dict[str, Any], str]] = []
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        rows.append((row, "") if isinstance(row, dict) else ({}, f"Line {number} is no JSON object."))
    if not rows:
        raise AdvertFileError(f"{str(file)!r} holds no advert.")
    return rows


def _advert(row: Mapping[str, Any], root: Path, error: str) -> Advert:
    pictures = row.get("pictures") or ""
    names = pictures if isinstance(pictures, list) else str(pictures).split(";")
    known = {name: _text(row.get(name)) for name in COLUMNS - {"pictures"}}
    other = {str(name): _text(value) for name, value in row.items() if name not in COLUMNS}
    return Advert(**known, pictures=picture_paths(map(_text, names), root), other=other, error=error)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
