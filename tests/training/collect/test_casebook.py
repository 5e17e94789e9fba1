"""What experts corrected in a casebook is collected from the archives that it exports."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.finding import Finding
from model.manifest import read_manifest
from serve.casebook import Received, create_casebook, export_case

Rows = Callable[[], list[dict[str, str]]]
TERMS = ("--licence", "in-house", "--attribution", "Port unit")


@pytest.fixture
def archive(tmp_path: Path, draw: Any) -> Path:
    """A case of three items: two photos corrected twice, one photo confirmed, one that nobody looked at."""
    casebook = create_casebook(str(tmp_path / "c.db"), tmp_path / "keys", "Amina")
    casebook.add_case("C-1", "", "Amina")
    finding = Finding("ivory", "recognised", 1.0, (("ivory", 1.0),), 0.0, (), "lite2@0123456789ab")
    for numbers in ((1, 2), (3,), (4,)):
        photos = [Received(f"{number}.jpg", draw(number), finding) for number in numbers]
        casebook.add_item("C-1", photos, finding, "Amina")
    casebook.correct("C-1", 1, "horn", "A guess", "Amina")
    casebook.correct("C-1", 1, "bone", "Haversian canals", "Dr. Wang")
    casebook.correct("C-1", 2, "ivory", "Schreger lines", "Dr. Wang")
    export_case(casebook, "C-1", tmp_path / "C-1.zip", "Amina")
    return tmp_path / "C-1.zip"


def test_corrected_items_are_collected_under_their_last_correction(
    archive: Path, collect: Any, rows: Rows, out: Path, draw: Any
) -> None:
    done = collect("casebook", archive, *TERMS)
    assert done.exit_code == 0, done.stderr
    assert sorted((row["label"], row["note"]) for row in rows()) == [
        ("bone", "Haversian canals"),
        ("bone", "Haversian canals"),
        ("ivory", "Schreger lines"),
    ]
    assert len({row["group"] for row in rows()}) == 2
    assert {row["source"].split("/")[0] for row in rows()} == {"casebook"}
    assert {(row["licence"], row["attribution"]) for row in rows()} == {("in-house", "Port unit")}
    assert {(out / row["file"]).read_bytes() for row in rows()} == {draw(1), draw(2), draw(3)}
    assert len(read_manifest(out / "manifest.csv", draft=True)) == 3


def test_a_second_run_finds_all_there(archive: Path, collect: Any, rows: Rows) -> None:
    collect("casebook", archive, *TERMS)
    assert "Taken 0, already there 3" in collect("casebook", archive, *TERMS).stderr
    assert len(rows()) == 3


def test_an_archive_that_was_altered_is_refused(archive: Path, refusal: Callable[..., str], draw: Any) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content.replace(draw(3)[-200:], draw(4)[-200:], 1))
    assert "is no case as `schreger casebook export` writes it" in refusal("casebook", archive, *TERMS)
    archive.write_bytes(b"nothing")
    assert "is no case" in refusal("casebook", archive, *TERMS)


def test_a_case_without_corrections_is_one_sentence(archive: Path, refusal: Callable[..., str]) -> None:
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    lines = files["records.jsonl"].splitlines(keepends=True)
    files["records.jsonl"] = b"".join(line for line in lines if b'"table":"corrections"' not in line)
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    assert "No item of these cases was corrected" in refusal("casebook", archive, *TERMS)
