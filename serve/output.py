"""Rows of results as CSV, JSON lines or Parquet, written as they come."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol

from model.errors import SchregerError
from serve.extras import to_install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Write = Callable[["Row"], None]

Cell = str | float | None
Row = dict[str, Cell]
ROWS_IN_PARQUET_GROUP = 5000


class OutputError(SchregerError):
    """The results cannot be written where they were wanted."""


class Writer(Protocol):
    """Takes one row at a time; `close` writes what it still holds."""

    def write(self, row: Row) -> None: ...
    def close(self) -> None: ...


@contextmanager
def open_output(file: Path | None, columns: Mapping[str, type], as_json: bool = False) -> Iterator[Write]:
    """A function that writes one row to a file, in the format of its ending, or to stdout.

    `columns` maps names to `str` or `float`. None is an empty cell; characters that UTF-8 cannot hold, as undecodable
    file names have, are written as backslash escapes. A file appears under its name once it is whole; until then it
    is beside it as NAME.partial, and stays there with what was written if the work is cut off.

    Raises:
        OutputError: The ending is unknown, or the output cannot be written.
    """
    name = "stdout" if file is None else repr(str(file))
    kind = _format(file, as_json)
    with _stream(file, name) as stream:
        with _naming(name):
            writer: Writer = kind(stream, columns)

        def write(row: Row) -> None:
            with _naming(name):
                cells = ((column, row[column]) for column in columns)
                writer.write({name: escaped(cell) if isinstance(cell, str) else cell for name, cell in cells})

        try:
            yield write
        finally:
            with _naming(name):
                writer.close()


def check_output(file: Path) -> None:
    """Raises OutputError where results cannot have the format of a file's ending: before the work, not after it."""
    _format(file, as_json=False)


def escaped(text: str) -> str:
    """Text whose characters that UTF-8 cannot hold, as undecodable file names have, are backslash escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


_FORMULA = re.compile(r"'*([=@\t\r\n]|[+-](?![\d.,]*$))")


def guarded(cell: str) -> str:
    """A cell of a CSV file, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """What was given to `guarded`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def line_end(stream: BinaryIO) -> bytes:
    """What is to be written before another line: a line end where a crash or an editor left the last line without."""
    if not stream.seek(0, os.SEEK_END):
        return b""
    stream.seek(-1, os.SEEK_END)
    return b"" if stream.read(1) == b"\n" else b"\n"


class Csv:
    """RFC 4180 with a header, its lines ended by a newline alone; text is guarded."""

    def __init__(self, stream: BinaryIO, columns: Mapping[str, type]) -> None:
        self._writer = csv.DictWriter(_Lines(stream), list(columns))
        self._writer.writeheader()

    def write(self, row: Row) -> None:
        self._writer.writerow({name: guarded(cell) if isinstance(cell, str) else cell for name, cell in row.items()})

    def close(self) -> None:
        """Nothing is held."""


class JsonLines:
    """One JSON object a line; an empty cell is null."""

    def __init__(self, stream: BinaryIO, columns: Mapping[str, type]) -> None:
        self._lines = _Lines(stream)

    def write(self, row: Row) -> None:
        self._lines.write(json.dumps(row, ensure_ascii=False))

    def close(self) -> None:
        """Nothing is held."""


class Parquet:
    """Parquet, in groups of rows so that memory does not grow; an empty cell is null."""

    def __init__(self, stream: BinaryIO, columns: Mapping[str, type]) -> None:
        pyarrow = _pyarrow()
        kinds = {str: pyarrow.string(), float: pyarrow.float64()}
        self._schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._table = pyarrow.Table
        self._writer = pyarrow.parquet.ParquetWriter(stream, self._schema)
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) == ROWS_IN_PARQUET_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._rows, self._schema))
        self._rows = []


WRITERS: dict[str, Any] = {".csv": Csv, ".jsonl": JsonLines, ".parquet": Parquet}


def is_json(file: Path | None, as_json: bool) -> bool:
    """Whether `open_output` writes JSON lines, which may hold more than the other formats."""
    return _format(file, as_json) is JsonLines


class _Lines(NamedTuple):
    """Takes lines of text. Each leaves at once, so that whatever ends the work, they are there.

    csv quotes a lone carriage return only where its line end has one: it is given that, and it is taken off here.
    """

    stream: BinaryIO

    def write(self, line: str) -> None:
        self.stream.write(line.removesuffix("\r\n").encode() + b"\n")
        self.stream.flush()


def _format(file: Path | None, as_json: bool) -> Any:
    if file is None:
        return JsonLines if as_json else Csv
    if file.suffix.lower() not in WRITERS:
        raise OutputError(f"{file.name!r} ends in none of {', '.join(WRITERS)}, so its format is unknown.")
    if file.is_dir():
        raise OutputError(f"{str(file)!r} is a folder; name a file for the results.")
    if file.suffix.lower() == ".parquet":
        _pyarrow()
    return WRITERS[file.suffix.lower()]


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise OutputError(f"Parquet needs pyarrow: {to_install('parquet')}.") from error
    return pyarrow


@contextmanager
def _stream(file: Path | None, name: str) -> Iterator[BinaryIO]:
    if file is None:
        if sys.stdout is None:
            raise OutputError("stdout is closed; name a file for the results with --out.")
        yield sys.stdout.buffer
        return
    partial = file.with_name(f"{file.name}.partial")
    with _naming(name):
        stream = partial.open("wb")
    try:
        yield stream
    finally:
        with _naming(name):
            stream.close()
    with _naming(name):
        partial.replace(file)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Failures of the output in words; a reader who has seen enough (`| head`) is none."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{name} cannot be written: {error.strerror or error}.") from error
