"""Rows reach their reader whole, whatever they hold and however the work ends."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.output import Cell, OutputError, Row, open_output, unguarded
from serve.survey.read import read_links

COLUMNS = {"name": str, "share": float, "note": str}
ENDINGS = (".csv", ".jsonl", ".parquet")

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too, as undecodable file names have
any_row = st.fixed_dictionaries(
    {
        "name": any_text.filter(bool) | st.none(),
        "share": st.floats(allow_nan=False, allow_infinity=False) | st.none(),
        "note": any_text.filter(bool) | st.none(),
    }
)


def written(file: Path, rows: Sequence[Row]) -> list[Row]:
    """The rows, written to a file and read back from it."""
    with open_output(file, COLUMNS) as write:
        for row in rows:
            write(row)
    return read(file)


def read(file: Path) -> list[Row]:
    if ".parquet" in file.name:
        return list(pyarrow.parquet.read_table(file).to_pylist())
    if ".jsonl" in file.name:
        return [json.loads(line) for line in file.read_bytes().splitlines()]
    with file.open(encoding="utf-8", newline="") as lines:
        return [from_csv(cells) for cells in csv.DictReader(lines, strict=True)]


def write_and_stop(file: Path, row: Row) -> None:
    with open_output(file, COLUMNS) as write:
        write(row)
        raise KeyboardInterrupt


def from_csv(cells: dict[str, str]) -> Row:
    return {
        name: float(cell) if cell and COLUMNS[name] is float else unguarded(cell) or None
        for name, cell in cells.items()
    }


def escaped(cell: Cell) -> Cell:
    return cell.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(cell, str) else cell


@pytest.mark.parametrize("ending", ENDINGS)
@given(rows=st.lists(any_row, max_size=4))
def test_any_text_in_any_cell_comes_back_as_it_was(ending: str, rows: list[Row]) -> None:
    with TemporaryDirectory() as folder:
        back = written(Path(folder, f"out{ending}"), rows)
    assert back == [{name: escaped(cell) for name, cell in row.items()} for row in rows]


@given(rows=st.lists(any_row, max_size=4))
def test_stdout_gets_what_a_file_gets(rows: list[Row]) -> None:
    for as_json, ending in ((False, ".csv"), (True, ".jsonl")):
        stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")  # what a bare locale would give
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "stdout", stdout)
            with open_output(None, COLUMNS, as_json) as write:
                for row in rows:
                    write(row)
            file = Path(folder, f"out{ending}")
            written(file, rows)
            assert stdout.buffer.getvalue() == file.read_bytes()  # type: ignore[attr-defined]


def test_csv_has_a_header_and_plain_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    written(file, [{"name": "a\r\nb", "share": 0.5, "note": None}])
    assert file.read_bytes() == b'name,share,note\n"a\r\nb",0.5,\n'


def test_a_spreadsheet_finds_no_formula_in_csv_and_numbers_stay_numbers(tmp_path: Path) -> None:
    formulas = ["=1+1", "@SUM(1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "'=1"]
    plain = ["-5", "+4.2", "it's", "'quoted'", "a=b"]
    with open_output(tmp_path / "rows.csv", {"note": str}) as write:
        for text in (*formulas, *plain):
            write({"note": text})
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as lines:
        cells = [row["note"] for row in csv.DictReader(lines)]
    assert cells == [*(f"'{text}" for text in formulas), *plain]
    assert list(map(unguarded, cells)) == [*formulas, *plain]


def test_a_survey_reads_links_of_ids_that_look_like_formulas(tmp_path: Path) -> None:
    with open_output(tmp_path / "links.csv", {"id": str, "cluster": float}) as write:
        for own in ("@shop", "=7"):
            write({"id": own, "cluster": 1})
    assert read_links(tmp_path / "links.csv") == {"@shop": "1", "=7": "1"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_without_rows_is_whole(ending: str, tmp_path: Path) -> None:
    assert written(tmp_path / f"out{ending}", []) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_order_of_a_rows_cells_does_not_matter(ending: str, tmp_path: Path) -> None:
    back = written(tmp_path / f"out{ending}", [{"note": "n", "name": "a", "share": 1.0}])
    assert list(back[0].items()) == [("name", "a"), ("share", 1.0), ("note", "n")]


def test_the_ending_may_be_in_capitals(tmp_path: Path) -> None:
    with open_output(tmp_path / "OUT.CSV", COLUMNS):
        pass
    assert (tmp_path / "OUT.CSV").read_text() == "name,share,note\n"


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_written_stays_beside_the_file_when_the_work_is_cut_off(ending: str, tmp_path: Path) -> None:
    file, row = tmp_path / f"out{ending}", {"name": "a", "share": 1.0, "note": None}
    file.write_bytes(b"an earlier result")
    with pytest.raises(KeyboardInterrupt):
        write_and_stop(file, row)
    assert read(tmp_path / f"out{ending}.partial") == [row]
    assert file.read_bytes() == b"an earlier result"


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_row_is_on_the_disk_as_soon_as_it_is_written(ending: str, tmp_path: Path) -> None:
    row: Row = {"name": "a", "share": 1.0, "note": None}
    with open_output(tmp_path / f"out{ending}", COLUMNS) as write:
        write(row)
        assert read(tmp_path / f"out{ending}.partial") == [row]


@pytest.mark.parametrize("name", ["out.xlsx", "out", ".csv", "out.csv.gz"])
def test_an_unknown_ending_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"ends in none of \.csv, \.jsonl, \.parquet"),
        open_output(tmp_path / name, COLUMNS),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    for name, why in (("folder.csv", "is a folder"), ("file/out.csv", "cannot be"), ("none/out.jsonl", "No such file")):
        with pytest.raises(OutputError, match=why) as caught, open_output(tmp_path / name, COLUMNS):
            pass
        assert str(tmp_path / name) in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_said_plainly(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"out{ending}.partial").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left"), open_output(tmp_path / f"out{ending}", COLUMNS) as write:
        write({"name": "a" * 10_000, "share": 1.0, "note": None})


def test_parquet_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with (
        pytest.raises(OutputError, match=r" -m pip install .*\[parquet\]'"),
        open_output(tmp_path / "out.parquet", COLUMNS),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
