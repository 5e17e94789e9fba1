"""What an officer takes to a meeting: the report of a case out of a casebook, from the command line."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
import sqlalchemy as sa

from model.bundle import METRICS, load_bundle, write_description
from serve.case_report import command
from serve.casebook import Casebook, CasebookError, create_casebook

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def where(tmp_path: Path) -> str:
    return str(tmp_path / "cases" / "casebook.db")


@pytest.fixture
def mine(where: str, keys: Path, filled: Callable[[Casebook], None]) -> Casebook:
    """A casebook whose photos are noise that nobody can open, judged by a bundle that nobody has."""
    casebook = create_casebook(where, keys, "Amina")
    filled(casebook)
    return casebook


@pytest.fixture
def write(where: str, keys: Path, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Writes a report: the exit status, and what it says."""

    def run(case: str = "C-1", language: str = "en", name: str = "report.pdf") -> tuple[int, str]:
        status = command(case, tmp_path / name, where, keys, language, "lite2")
        return status, text_of(tmp_path / name)

    return run


def text_of(pdf: Path) -> str:
    with pdfium.PdfDocument(pdf) as document:
        return " ".join("".join(page.get_textpage().get_text_range() for page in document).split())


def test_a_case_of_photos_becomes_a_report(
    schreger: Run, photos: list[Any], tmp_path: Path, bundle_folder: Path
) -> None:
    env = {
        "SCHREGER_CASEBOOK": str(tmp_path / "here" / "casebook.db"),
        "SCHREGER_CASEBOOK_KEYS": str(tmp_path / "keys"),
    }

    def casebook(*words: object, status: int = 0) -> str:
        done = schreger("casebook", *words, env=env)
        assert done.returncode == status, done.stdout + done.stderr
        return str(done.stdout + done.stderr)

    file = tmp_path / "IMG 1.jpg"
    file.write_bytes(photos[0].content)
    casebook("init")
    added = casebook("add", "C-17", file, "--new", "--title", "#panic()", "--by", "Amina")
    casebook("report", "C-17", "--out", tmp_path / "one.pdf")
    casebook("report", "C-17", "--out", tmp_path / "two.pdf")
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()

    text = text_of(tmp_path / "one.pdf")
    sha256 = added.split()[added.split().index("bytes") + 1]
    assert len(sha256) == 64
    bundle = load_bundle(bundle_folder).id
    for said in ("C-17", "#panic()", "Amina", "IMG 1.jpg", sha256, bundle, "Where this photo speaks for", "were wrong"):
        assert said in text, said
    assert "is there already" in casebook("report", "C-17", "--out", tmp_path / "one.pdf", status=2)


def test_corrections_notes_and_the_log_are_in_it(mine: Casebook, write: Callable[..., tuple[int, str]]) -> None:
    status, text = write()
    case = mine.case("C-1")
    assert status == 0
    hashes = [entry.hash for entry in case.entries]
    assert len(hashes) == 5
    assert all(f"{hashed[:32]} {hashed[32:]}" in text for hashed in hashes)
    head = mine.head_of(case.entries[-1])
    for said in (
        f"{case.digest[:32]} {case.digest[32:]}", "An expert says: bone", "Haversian canals under the loupe", "Dr. 王",
        "Benoît", "Photos taken together: 2", mine.id, mine.public_key, head.signature[:64], head.signature[64:],
    ):  # fmt: skip
        assert said in text, said


def test_what_another_case_gains_changes_nothing_in_it(
    mine: Casebook, write: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    write(name="before.pdf")
    mine.note("C-2", "Something else", "Amina")
    write(name="after.pdf")
    assert (tmp_path / "before.pdf").read_bytes() == (tmp_path / "after.pdf").read_bytes()


@pytest.mark.usefixtures("mine")
def test_photos_that_nobody_can_open_and_bundles_that_nobody_has_are_said_to_be_so(
    write: Callable[..., tuple[int, str]],
) -> None:
    _, text = write()
    assert text.count("This file is not a photo") == 3
    assert "lite2@0123456789ab • Its errors were not measured, or this model is not at hand." in text


def test_an_error_without_an_interval_is_not_reported(
    where: str, keys: Path, batch: Callable[..., Any], bundle_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))
    figure = {"value": 0.5, "low": None, "high": None, "n": 2}
    (folder / METRICS).write_text(json.dumps({"test": {"answers, wrong": figure}, "source_test": {}}))
    write_description(folder, load_bundle(bundle_folder).description)
    bundle = load_bundle(folder).id
    (received,) = batch(1)
    casebook = create_casebook(where, keys, "Amina")
    finding = replace(received.finding, bundle=bundle)
    casebook.add_item("C-1", [received._replace(finding=finding)], finding, "Amina", new=True)
    assert command("C-1", tmp_path / "report.pdf", where, keys, "en", str(folder)) == 0
    assert f"{bundle} • Its errors were not measured" in text_of(tmp_path / "report.pdf")


def test_a_bundle_that_is_not_at_hand_draws_no_map(
    where: str, keys: Path, photos: list[Any], batch: Callable[..., Any], write: Callable[..., tuple[int, str]]
) -> None:
    casebook = create_casebook(where, keys, "Amina")
    (received,) = batch(1)
    casebook.add_item("C-1", [received._replace(content=photos[0].content)], received.finding, "Amina", new=True)
    _, text = write()
    assert "the model that judged this photo is not at hand (lite2@0123456789ab)" in text
    assert "Where this photo speaks" not in text


def test_a_casebook_that_was_altered_is_told_in_the_report_and_by_the_exit_status(
    mine: Casebook, tamper: Any, write: Callable[..., tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with tamper(mine) as connection:
        connection.execute(sa.text("UPDATE notes SET text = 'nothing was seized'"))
    status, text = write()
    assert status == 4
    assert "it is NOT as it was written" in text
    assert "was altered" in text
    assert "was altered" in capsys.readouterr().err


def test_a_record_that_this_schreger_does_not_know_is_one_sentence(
    mine: Casebook, tamper: Any, write: Callable[..., tuple[int, str]]
) -> None:
    with tamper(mine) as connection:
        connection.execute(sa.text("UPDATE corrections SET label = 'unobtainium'"))
    with pytest.raises(CasebookError, match="a record that this schreger cannot read"):
        write()


@pytest.mark.usefixtures("mine")
def test_wrong_use_is_told_before_anything_is_written(write: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    with pytest.raises(CasebookError, match="choose one of en, fr"):
        write(language="de")
    with pytest.raises(CasebookError, match="There is no case 'C-18'"):
        write(case="C-18")
    assert not (tmp_path / "report.pdf").exists()
