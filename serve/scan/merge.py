"""All parts of a scan as one file; lists are joined with a semicolon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serve.output import open_output

if TYPE_CHECKING:
    from pathlib import Path

    from serve.output import Row
    from serve.scan.parts import Parts, Record

OF_PICTURES = ("path", "sha256", "status", "answer", "probability")
COLUMNS = {
    "row": float, "id": str, "platform": str, "seller": str, "verdict": str, "score": float, "answer": str,
    "reasons": str, "error": str, "bundle": str, "policy": str, **{f"picture_{name}": str for name in OF_PICTURES},
}  # fmt: skip


def merge(parts: Parts, rows: int, file: Path) -> None:
    """Write a file (CSV, JSON lines or Parquet by its ending) with every row of a scan of so many rows.

    Raises:
        OutputError: It cannot be written.
        ScanError: A part is missing.
    """
    with open_output(file, COLUMNS) as write:
        for part, _ in parts.all(rows):
            for record in parts.records(part):
                write(_flat(record))


def _flat(record: Record) -> Row:
    pictures = {f"picture_{name}": _joined([each[name] for each in record["pictures"]]) for name in OF_PICTURES}
    plain = {name: record[name] for name in COLUMNS if name in record}
    return plain | {"reasons": _joined(record["reasons"])} | pictures


def _joined(values: list[Any]) -> str | None:
    """A cell for each, empty where there is none; a semicolon inside one becomes a comma."""
    return ";".join("" if value is None else str(value).replace(";", ",") for value in values) or None
