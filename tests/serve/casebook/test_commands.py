"""What an officer and an auditor do with a casebook, from the command line."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def casebook(schreger: Run, tmp_path: Path) -> Run:
    """Runs a command of a casebook that is switched on; it must succeed."""

    def run(*words: object, status: int = 0, name: str = "here") -> Any:
        env = {
            "SCHREGER_CASEBOOK": str(tmp_path / name / "casebook.db"),
            "SCHREGER_CASEBOOK_KEYS": str(tmp_path / "keys" / name),
        }
        done = schreger("casebook", *words, env=env)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def files(photos: list[Any], tmp_path: Path) -> list[Path]:
    """Three photos that can be opened, as the tests of serve make them."""
    made = [tmp_path / f"IMG {number}.{photo.ending}" for number, photo in enumerate(photos[:3])]
    for file, photo in zip(made, photos, strict=False):
        file.write_bytes(photo.content)
    return made


def test_a_case_from_the_first_photo_to_the_hand_over(casebook: Run, files: list[Path], tmp_path: Path) -> None:
    assert "back it up, away from the casebook" in casebook("init").stdout
    added = casebook("add", "C-17", *files[:2], "--new", "--title", "carved figure", "--by", "Amina").stdout
    assert added.startswith("item 1  carved figure\n  photo IMG 0.")
    assert "IMG 2" in casebook("add", "C-17", files[2], "--item", "1", "--by", "Amina").stdout
    casebook("correct", "C-17", "1", "bone", "--why", "Haversian canals", "--by", "Dr. 王")
    casebook("note", "C-17", "حجز في الميناء\x1b[31m", "--by", "Amina")

    assert "C-17" in casebook("list").stdout
    shown = casebook("show", "C-17").stdout
    assert "corrected to bone by Dr. 王" in shown
    assert "حجز في الميناء" in shown
    assert "\x1b" not in shown
    told = json.loads(casebook("show", "C-17", "--json").stdout)
    kept = [photo["sha256"] for photo in told["items"][0]["photos"]]
    assert len(kept) == 3
    assert sum(p for _, p in json.loads(told["items"][0]["results"][-1]["probabilities"])) == pytest.approx(1, abs=1e-3)

    (tmp_path / "head.json").write_text(casebook("head").stdout)
    assert casebook("verify", "--head", tmp_path / "head.json").stdout == "Everything is as it was written.\n"
    exported = casebook("export", "C-17", "--out", tmp_path / "C-17.zip").stdout
    casebook("init", name="there")
    key = exported.split()[-1]
    casebook("import", tmp_path / "C-17.zip", "--sender", key, name="there")
    assert json.loads(casebook("show", "C-17", "--json", name="there").stdout)["digest"] == told["digest"]


def test_verify_names_what_was_tampered_with_and_its_status_is_4(
    casebook: Run, files: list[Path], tmp_path: Path
) -> None:
    casebook("init")
    casebook("add", "C-1", files[0], "--new")
    with sqlite3.connect(tmp_path / "here" / "casebook.db") as database:
        database.execute("DROP TRIGGER originals_no_update")
        database.execute("UPDATE originals SET content = CAST(content || x'00' AS BLOB)")
    database.close()
    said = casebook("verify", status=4).stdout
    assert said.startswith("The bytes of photo ")
    assert said.endswith("were altered.\n")


def test_a_photo_that_cannot_be_opened_is_named_and_nothing_is_added(
    casebook: Run, files: list[Path], tmp_path: Path
) -> None:
    casebook("init")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff" + bytes(100))
    said = casebook("add", "C-1", files[0], broken, "--new", status=2).stderr
    assert "broken.jpg: This file is cut off or damaged" in said
    assert "Nothing was added" in said
    assert "no file" in casebook("add", "C-1", tmp_path / "gone.jpg", "--new", status=2).stderr
    assert casebook("list").stdout == ""


def test_a_case_is_not_opened_by_a_slip_of_the_pen(casebook: Run, files: list[Path]) -> None:
    casebook("init")
    said = casebook("add", "C-1", files[0], "--title", "carved figure", status=2).stderr
    assert said == "There is no case 'C-1': open it with --new, or see `schreger casebook list`.\n"
    assert casebook("list").stdout == ""


def test_a_folder_without_photos_is_named_and_nothing_is_added(casebook: Run, files: list[Path]) -> None:
    casebook("init")
    empty = files[0].parent / "empty"
    empty.mkdir()
    for name in ("Thumbs.db", "desktop.ini"):  # what Windows leaves
        (empty / name).touch()
    for new in ((), ("--new",)):
        said = casebook("add", "C-17", empty, *new, status=2).stderr
        assert said == f"There is no photo in '{empty}'. Nothing was added.\n"
    (empty / "IMG.jpg").write_bytes(files[0].read_bytes())
    assert casebook("add", "C-17", empty, "--new").stdout.count("photo IMG") == 1


def test_a_key_that_is_misspelt_is_told_with_what_is_near_it(casebook: Run) -> None:
    casebook("init")
    for wrong, hint in (
        ("bonne", "; near it are bone, stone"),
        ("xyzq", ", such as ivory, bone or psittacus_erithacus"),
    ):
        said = casebook("correct", "C-17", "1", wrong, "--why", "seen", status=2).stderr
        assert said == f"'{wrong}' is no key of the taxonomy{hint}.\n"


def test_a_casebook_is_off_unless_it_is_switched_on(schreger: Run, tmp_path: Path, files: list[Path]) -> None:
    before, at_home = sorted(tmp_path.rglob("*")), {"cwd": tmp_path, "env": {"HOME": str(tmp_path)}}
    done = schreger("casebook", "add", "C-1", files[0], "--new", **at_home)
    assert done.returncode == 2
    assert "--casebook" in done.stderr
    assert schreger("classify", files[0], **at_home).returncode == 0
    left = [path for path in sorted(tmp_path.rglob("*")) if "intel" not in path.parts]  # the engine's own settings
    assert left == before


def test_without_its_packages_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    script = "import sys; sys.modules['sqlalchemy'] = None; from serve.cli import main; main()"
    words = ["casebook", "list", "--casebook", str(tmp_path / "c.db")]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("This command needs sqlalchemy, which is not installed: ")
    assert done.stderr.endswith("[casebook]'.\n")
