"""What is damaged, full or stopped ends a scan in a sentence, and what was mended is taken up."""

import io
import json
import os
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from model.finding import Finding
from serve.advert.read import read_adverts
from serve.output import OutputError
from serve.pictured import read_input
from serve.scan.disk import Findings, Seen
from serve.scan.error import ScanError
from serve.scanned import is_scan
from tests.serve.scan.adverts import results, room_for

Scan = Callable[..., int]
MEMBER = 1024
"""Bytes of a member of `tar`, header included."""


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """Six adverts without pictures."""
    with tarfile.open(tmp_path / "in.tar", "w") as opened:
        for number in range(6):
            member = tarfile.TarInfo(f"{number}.title")
            member.size = 5
            opened.addfile(member, io.BytesIO(b"ivory"))
    return tmp_path / "in.tar"


@pytest.mark.parametrize("cut", [3 * MEMBER, 3 * MEMBER + 100, 3 * MEMBER + 512, 3 * MEMBER + 514])
def test_a_tar_that_is_cut_off_anywhere_is_refused(cut: int, tar: Path, tmp_path: Path, scan: Scan) -> None:
    tar.write_bytes(tar.read_bytes()[:cut])
    with pytest.raises(ScanError, match=r"cannot be read as a tar: .*(cut off|unexpected end)"):
        scan(tar, tmp_path / "out")


def test_a_tar_with_a_damaged_header_is_refused(tar: Path, tmp_path: Path, scan: Scan) -> None:
    whole = bytearray(tar.read_bytes())
    assert scan(tar, tmp_path / "whole") == 0
    assert len(results(tmp_path / "whole")) == 6
    whole[3 * MEMBER + 150] ^= 255  # in the checksum of the fourth
    tar.write_bytes(whole)
    with pytest.raises(ScanError, match=r"damaged or cut off at byte 3,072"):
        scan(tar, tmp_path / "out")


def seen(text: str) -> Seen:
    return Seen(Finding("ivory", "answered", 1.0, (("ivory", 1.0),), 0.0, (), "lite2"), text)


def test_a_full_temporary_folder_stops_whoever_waits_for_the_same_picture_too() -> None:
    findings, said = Findings(("ivory",), "lite2"), []
    is_looked_at, is_awaited = threading.Event(), threading.Event()

    def look(_: list[bytes]) -> list[Seen]:
        is_looked_at.set()
        assert is_awaited.wait(10)
        return [seen("x" * 8_000_000)]

    def look_at_another(_: list[bytes]) -> list[Seen]:
        is_awaited.set()
        return [seen("")]

    def of(*given: Any) -> None:
        try:
            findings.of(*given)
        except ScanError as error:
            said.append(str(error))

    calls: list[Any] = [({"a": b"a"}, look), ({"a": b"a", "b": b"b"}, look_at_another)]
    threads = [threading.Thread(target=of, args=call, daemon=True) for call in calls]
    with room_for(100_000):
        threads[0].start()
        assert is_looked_at.wait(10)
        threads[1].start()
        for thread in threads:
            thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert len(said) == 2
    assert all("SQLITE_TMPDIR" in each for each in said)


def test_results_below_the_input_are_no_input_however_they_are_named(
    tmp_path: Path, photos: list[Any], scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in/inner").mkdir(parents=True)
    (tmp_path / "in/1.jpg").write_bytes(photos[0].content)
    (tmp_path / "link").symlink_to("in/inner")
    monkeypatch.chdir(tmp_path / "in/inner")
    for out in (Path("results"), Path("../inner/results"), tmp_path / "link/results"):
        assert scan("..", out) == 0
        assert [row["id"] for row in results(out)] == ["1.jpg"]


def test_a_broken_picture_of_a_folder_may_be_mended_and_done_again(
    tmp_path: Path, photos: list[Any], scan: Scan
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.jpg").write_bytes(photos[0].content[:999])
    assert scan(tmp_path / "in", tmp_path / "out") == 3
    (tmp_path / "in/1.jpg").write_bytes(photos[0].content)
    assert scan(tmp_path / "in", tmp_path / "out", retry=True) == 0
    (tmp_path / "in/2.jpg").write_bytes(photos[0].content)
    with pytest.raises(ScanError, match="another input"):
        scan(tmp_path / "in", tmp_path / "out", retry=True)


def test_text_that_utf_8_cannot_hold_is_the_same_everywhere(tmp_path: Path, photos: list[Any], scan: Scan) -> None:
    row = {"id": "\ud800", "seller": "a\udfff", "lot\ud800": "\ud800", "pictures": []}
    file = tmp_path / "adverts.jsonl"
    file.write_text(json.dumps(row))
    scan(file, tmp_path / "of-file")
    (advert,), (scanned,) = read_adverts(file), results(tmp_path / "of-file")
    assert (advert.id, advert.seller) == (scanned["id"], scanned["seller"]) == ("\\ud800", "a\\udfff")
    assert advert.other == {"lot\\ud800": "\\ud800"}
    (tmp_path / "in").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/\xff.jpg")).write_bytes(photos[0].content)
    assert scan(tmp_path / "in", tmp_path / "of-folder") == 0
    ((advert, (picture,)),) = read_input(tmp_path / "in", None, tmp_path / "of-folder")
    assert advert.id == results(tmp_path / "of-folder")[0]["id"] == "\\udcff.jpg"
    assert picture.read() == photos[0].content


def test_a_folder_that_spark_wrote_is_its_parquet_files_and_no_scan(tmp_path: Path, scan: Scan) -> None:
    folder = tmp_path / "in"
    (folder / "_temporary").mkdir(parents=True)
    for name in ("_SUCCESS", "_temporary/0", ".part-00000-5f3a.parquet.crc"):
        (folder / name).write_bytes(b"")
    for number in range(2):
        table = pyarrow.Table.from_pylist([{"id": str(number), "title": "ivory"}])
        pyarrow.parquet.write_table(table, folder / f"part-{number:05d}-5f3a.parquet")
    assert scan(folder, tmp_path / "out") == 0
    assert [row["id"] for row in results(tmp_path / "out")] == ["0", "1"]
    assert (is_scan(folder), is_scan(tmp_path / "out")) == (False, True)


def test_photos_whose_names_begin_with_an_underscore_are_photos(tmp_path: Path, photos: list[Any], scan: Scan) -> None:
    (tmp_path / "in").mkdir()
    for name in ("_DSC0001.jpg", "b.jpg"):
        (tmp_path / "in" / name).write_bytes(photos[0].content)
    assert scan(tmp_path / "in", tmp_path / "out") == 0
    assert [row["id"] for row in results(tmp_path / "out")] == ["_DSC0001.jpg", "b.jpg"]


def test_what_cannot_be_is_told_before_anything_is_scanned(tmp_path: Path, scan: Scan) -> None:
    file = tmp_path / "adverts.csv"
    file.write_text("id,pictures\n1,a.jpg\n")
    for root in (tmp_path / "nowhere", file, "memory://nowhere"):
        with pytest.raises(ScanError, match=r"nowhere|no folder of pictures"):
            scan(file, tmp_path / "out", pictures_root=str(root))
    with pytest.raises(OutputError, match=r"all\.xlsx"):
        scan(file, tmp_path / "out", merge=tmp_path / "all.xlsx")
    assert not (tmp_path / "out").exists()
