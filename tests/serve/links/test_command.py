"""`schreger match` as people run it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

Run = Callable[..., Any]


@pytest.fixture
def adverts(original: Callable[[str], Image.Image], save: Callable[..., Path], tmp_path: Path) -> Path:
    """Adverts of three sellers; one took another's photo, in another size, and one posted the same file twice."""
    coffee, cat = original("coffee"), original("chelsea")
    save(coffee, "pictures/coffee.png")
    save(coffee.resize((300, 200)), "pictures/taken.jpg", quality=50)
    for name in ("pictures/cat.png", "pictures/again.png"):
        save(cat, name)
    (tmp_path / "pictures/broken.jpg").write_bytes(b"no photo")
    file = tmp_path / "adverts.csv"
    file.write_text(
        "id,seller,platform,pictures\n1,ann,market,pictures/coffee.png;pictures/cat.png\n"
        "2,bob,bazaar,pictures/taken.jpg\n3,cat,market,pictures/again.png;pictures/broken.jpg\n4,dan,market,\n",
        encoding="utf-8",
    )
    return file


def rows(file: Path) -> dict[str, dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return {Path(row["path"]).name: row for row in csv.DictReader(lines)}


def test_reposts_across_sellers_are_found_again_by_later_runs_and_by_others_who_get_the_hashes(
    schreger: Run, adverts: Path, save: Callable[..., Path], original: Callable[[str], Image.Image], tmp_path: Path
) -> None:
    out, index, hashes = tmp_path / "links.csv", tmp_path / "index", tmp_path / "hashes.csv"
    done = schreger("match", adverts, "--index", index, "--export-hashes", hashes, "--out", out)
    found = rows(out)
    assert done.returncode == 3, done.stderr
    assert [row["id"] for row in found.values()] == ["1", "1", "2", "3", "3"]
    assert found["taken.jpg"]["cluster"] == found["coffee.png"]["cluster"] != found["cat.png"]["cluster"]
    assert (found["taken.jpg"]["by"], found["taken.jpg"]["seller"], found["taken.jpg"]["platform"]) == (
        "pdq",
        "bob",
        "bazaar",
    )
    assert (found["again.png"]["by"], found["again.png"]["distance"]) == ("identical", "0.0")
    assert found["again.png"]["nearest"] == found["cat.png"]["path"]
    assert found["broken.jpg"]["error"]
    assert not found["broken.jpg"]["cluster"]
    assert "2 clusters of several sellers; 1 unreadable" in done.stderr

    save(original("chelsea").resize((225, 150)), "later/cat.jpg", quality=60)
    for option, nearest in (("--index", found["cat.png"]["path"]), ("--hashes", "hashes.csv: ")):
        later = tmp_path / "later.csv"
        given = index if option == "--index" else hashes
        assert schreger("match", tmp_path / "later", option, given, "--out", later, "-q").returncode == 0
        (row,) = rows(later).values()
        assert (row["id"], row["by"], row["seller"]) == ("cat.jpg", "pdq", "")
        assert row["nearest"].startswith(nearest)
        assert float(row["distance"]) <= 31


def test_the_pictures_of_a_scan_are_matched(schreger: Run, adverts: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.mkdir()
    listed = [
        {"row": 1, "id": "2", "pictures": [{"path": "pictures/taken.jpg"}]},
        {"row": 3, "id": "4", "pictures": None},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(listed), scan / "part-00000.parquet")
    for name in ("scan.json", "part-00000.json"):
        (scan / name).write_text("{}")
    out = tmp_path / "links.jsonl"
    done = schreger("match", scan, "--adverts", adverts, "--out", out)
    assert done.returncode == 0, done.stderr
    (row,) = map(json.loads, out.read_text().splitlines())
    assert (row["id"], row["seller"], row["platform"]) == ("2", "bob", "bazaar")
    assert (row["cluster"], row["by"]) == (1, None)
    done = schreger("match", scan, "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--adverts" in done.stderr


def test_what_cannot_be_used_is_one_sentence(schreger: Run, adverts: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, said in (
        ((tmp_path / "missing.csv", "--out", tmp_path / "o.csv"), "There is no"),
        ((adverts, "--hashes", adverts, "--out", tmp_path / "o.csv"), "without a PDQ hash"),
        ((adverts, "--out", tmp_path / "o.xls"), "ends in none of"),
        ((tmp_path / "empty", "--out", tmp_path / "o.csv"), "There are no files in '"),
        ((adverts, "--index", adverts, "--out", tmp_path / "o.csv"), "adverts.csv' is a file; --index takes a folder."),
        ((adverts, "--index", "/proc/i", "--out", tmp_path / "o.csv"), "The index '/proc/i' cannot be written: "),
    ):
        done = schreger("match", *arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
