"""`dataset collect csv`: photos that a table lists, by address or by file."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from training.collect.client import Client
from training.collect.collect import collect
from training.collect.found import CollectError, Found
from training.collect.labels import label_of
from training.collect.licence import check_licence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEPARATORS = ",;\t"


def command(
    table: Path,
    out: Path,
    label: str | None,
    licence: str | None,
    attribution: str | None,
    source: str | None,
    contact: str | None,
    pause: float,
    limit: int | None,
) -> int:
    """Collect the photos of a table, by its columns `url` or `file`, `label`, `licence` and `attribution`.

    `group`, `source` and `note` are taken over. An option stands in for a missing column and for empty cells.
    """
    columns, rows = read_table(table)
    picture = next((column for column in ("url", "file") if column in columns), None)
    if picture is None:
        raise CollectError(f"{table} has neither a column url nor a column file.")
    options = {"label": label, "licence": licence, "attribution": attribution}
    for column, value in options.items():
        if not value and column not in columns:
            raise CollectError(f"{table} has no column {column}; add it, or give one for all with --{column}.")
    if licence:
        check_licence(licence)
    defaults = {**options, "source": source or table.stem}
    found = []
    for line, cells in rows:
        given = {column: text for column, text in {**defaults, **cells}.items() if text}
        try:
            found.append(_found(given, picture, table.parent))
        except KeyError as error:
            raise CollectError(f"{table}, line {line}: the column {error.args[0]} is empty.") from error
        except CollectError as error:
            raise CollectError(f"{table}, line {line}: {error}") from error
    return collect(found, out, Client(contact, pause), limit)


def read_table(table: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Columns, and rows with their line numbers; UTF-8, with commas, semicolons or tabs; only cells with text.

    Raises:
        CollectError: It cannot be read.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            head = lines.readline()
            lines.seek(0)
            reader = csv.DictReader(lines, delimiter=max(SEPARATORS, key=head.count), restval="")
            rows = [(reader.line_num, _filled(cells)) for cells in reader]
            return list(reader.fieldnames or ()), rows
    except OSError as error:
        raise CollectError(f"{table} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CollectError(f"{table} cannot be read as a CSV file in UTF-8: {error}.") from error


def _filled(cells: Mapping[str, str]) -> dict[str, str]:
    """The cells that hold text, without those beyond the last column."""
    return {column: text.strip() for column, text in cells.items() if column and text.strip()}


def _found(given: Mapping[str, str], picture: str, folder: Path) -> Found:
    name = given[picture]
    alone = name if picture == "url" else f"{given['source']}/{name}"  # a file's name is another's elsewhere
    return Found(
        origin=name,
        picture=name if picture == "url" else folder / name,
        label=label_of(given["label"]),
        group=given.get("group", alone),
        source=given["source"],
        licence=given.get("licence", ""),
        attribution=given.get("attribution", ""),
        note=given.get("note", ""),
    )
