"""A row of results for every row of an input, whatever it is and wherever it lies."""

import csv
import io
import json
import socket
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow
import pyarrow.parquet
import pytest

from model.classifier import Classifier
from serve.advert import Advert, Judge, vet_all
from serve.advert.policy import FILE as POLICY
from serve.advert.read import AdvertFileError, read_adverts
from serve.scan import parts
from serve.scan.error import ScanError
from serve.scan.read import Source
from tests.serve.scan.adverts import TITLES, assert_same, results, write_adverts

Scan = Callable[..., int]


@pytest.fixture
def adverts(tmp_path: Path, photos: list[Any]) -> Path:
    return write_adverts(tmp_path / "in", photos, 12)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_verdicts_are_those_of_vet(adverts: Path, tmp_path: Path, scan: Scan, classifier: Classifier) -> None:
    assert scan(adverts, tmp_path / "out") == 3  # advert 7 has pictures that cannot be opened
    verdicts = list(vet_all(read_adverts(adverts), classifier, read=False))
    rows = results(tmp_path / "out")
    assert [row["row"] for row in rows] == list(range(12))
    for row, verdict in zip(rows, verdicts, strict=True):
        assert (row["id"], row["verdict"], row["answer"]) == (verdict.id, verdict.verdict, verdict.answer)
        assert (row["error"] or "", row["bundle"], row["policy"]) == (verdict.error, verdict.bundle, verdict.policy)
        assert row["reasons"] == [reason.sentence for reason in verdict.reasons]
        assert row["score"] == pytest.approx(verdict.score, abs=1e-4)
    assert [picture["path"] for picture in rows[2]["pictures"]] == ["2-0.jpg", "2-1.jpg", "2-2.jpg"]
    assert all(picture["error"] and not picture["answer"] for picture in rows[7]["pictures"])
    said = json.loads((tmp_path / "out" / "part-00000.json").read_text())
    assert (said["rows"], said["failed"], said["bundle"]) == (12, 1, rows[0]["bundle"])


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "tar"])
def test_the_same_adverts_in_another_format_give_the_same(
    adverts: Path, tmp_path: Path, scan: Scan, ending: str
) -> None:
    scan(adverts, tmp_path / "csv")
    other = adverts.with_suffix(f".{ending}")
    rows = [row | {"pictures": row["pictures"].split(";")} for row in rows_of(adverts)]
    if ending == "jsonl":
        other.write_text("\n".join(map(json.dumps, rows)))
    elif ending == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), other)
    else:
        write_tar(other, adverts.parent, rows)
    assert scan(other, tmp_path / "other") == 3
    one, two = results(tmp_path / "csv"), results(tmp_path / "other")
    for row in [*one, *two] if ending == "tar" else ():  # there, pictures have names of their own
        for number, picture in enumerate(row["pictures"]):
            picture["path"] = str(number)
    assert_same(one, two)


def write_tar(file: Path, folder: Path, rows: list[dict[str, Any]]) -> None:
    with tarfile.open(file, "w") as opened:
        for number, row in enumerate(rows):
            contents = {"json": json.dumps({"id": row["id"], "title": row["title"]}).encode()}
            contents |= {f"{place}.jpg": (folder / name).read_bytes() for place, name in enumerate(row["pictures"])}
            for ending, content in contents.items():
                member = tarfile.TarInfo(f"./{number:05d}.{ending}")
                member.size = len(content)
                opened.addfile(member, io.BytesIO(content))


def test_each_picture_of_a_folder_is_an_advert(
    tmp_path: Path, photos: list[Any], hostile: dict[str, bytes], scan: Scan
) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for number, photo in enumerate(photos[:6]):
        (folder / "deep" / f"{number}.{photo.ending}").write_bytes(photo.content)
    for name, content in list(hostile.items())[:8]:
        (folder / name).write_bytes(content)
    assert scan(folder, folder / "out") == 3  # results below the input are no input
    rows = results(folder / "out")
    assert [row["id"] for row in rows] == sorted(
        [f"deep/{n}.{p.ending}" for n, p in enumerate(photos[:6])] + list(hostile)[:8]
    )
    assert [bool(row["error"]) for row in rows] == [not row["id"].startswith("deep") for row in rows]
    assert scan(folder, folder / "out") == 3


def test_input_and_pictures_may_lie_in_an_object_store(adverts: Path, tmp_path: Path, scan: Scan) -> None:
    scan(adverts, tmp_path / "here")
    store = fsspec.filesystem("memory")
    store.put(f"{adverts.parent}/", "/bucket/", recursive=True)
    assert scan("memory://bucket/adverts.csv", tmp_path / "there") == 3
    assert_same(results(tmp_path / "here"), results(tmp_path / "there"))
    store.pipe("/secret.jpg", (adverts.parent / "0-0.jpg").read_bytes())
    store.pipe("/bucket/adverts.csv", b"id,pictures\n1,../secret.jpg\n2,memory://secret.jpg\n3,0-0.jpg\n")
    scan("memory://bucket/adverts.csv", tmp_path / "outside")
    assert [row["pictures"][0]["sha256"] is None for row in results(tmp_path / "outside")] == [True, True, False]


def test_a_store_that_cannot_be_reached_is_one_sentence(tmp_path: Path, scan: Scan) -> None:
    class Locked(fsspec.AbstractFileSystem):
        def info(self, path: str, **_: object) -> dict[str, object]:
            raise RuntimeError("Unable to locate credentials")  # as S3's client does, with errors of its own

    fsspec.register_implementation("locked", Locked, clobber=True)
    with pytest.raises(ScanError) as raised:
        scan("locked://bucket/adverts.csv", tmp_path / "out")
    assert str(raised.value) == "'bucket/adverts.csv' cannot be opened: Unable to locate credentials."


def test_no_address_is_opened_unless_asked(tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    (tmp_path / "adverts.csv").write_text("id,url,pictures\n1,http://a.example/,HTTPS://a.example/1.jpg\n")
    assert scan(tmp_path / "adverts.csv", tmp_path / "out") == 3
    assert "--fetch" in results(tmp_path / "out")[0]["pictures"][0]["error"]


def test_identical_pictures_are_looked_at_once(
    adverts: Path, tmp_path: Path, scan: Scan, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["id,pictures", *(f"{number},2-0.jpg;2-1.jpg;2-0.jpg" for number in range(40))]
    adverts.write_text("\n".join(lines))
    seen, look = [], classifier.classify_batch
    monkeypatch.setattr(classifier, "classify_batch", lambda photos: seen.extend(photos) or look(photos))
    assert scan(adverts, tmp_path / "out") == 0
    assert len(seen) == 2
    rows = results(tmp_path / "out")
    assert all(row["pictures"] == rows[0]["pictures"] for row in rows)


def test_another_input_bundle_or_policy_is_refused_in_a_sentence(adverts: Path, tmp_path: Path, scan: Scan) -> None:
    scan(adverts, tmp_path / "out")
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.read_text(encoding="utf-8").replace('version: "2"', "version: mine"), encoding="utf-8")
    with pytest.raises(ScanError, match="another policy"):
        scan(adverts, tmp_path / "out", policy=policy)
    claim = json.loads((tmp_path / "out/scan.json").read_text())
    (tmp_path / "out/scan.json").write_text(json.dumps(claim | {"bundle": "other@0"}))
    with pytest.raises(ScanError, match="another bundle"):
        scan(adverts, tmp_path / "out")
    (tmp_path / "out/scan.json").write_text(json.dumps(claim))
    adverts.write_text(adverts.read_text().replace(TITLES[0], TITLES[0].upper()))
    with pytest.raises(ScanError, match="another input"):
        scan(adverts, tmp_path / "out")


def test_retry_does_only_what_failed(
    adverts: Path, tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(adverts, tmp_path / "out")
    before = results(tmp_path / "out")
    for name in ("7-0.jpg", "0-0.jpg"):
        (adverts.parent / name).write_bytes((adverts.parent / "1-0.jpg").read_bytes())
    assert scan(adverts, tmp_path / "out") == 3
    assert results(tmp_path / "out") == before
    assert scan(adverts, tmp_path / "out", retry=True) == 3  # its second picture is still broken
    after = results(tmp_path / "out")
    assert [a == b for a, b in zip(before, after, strict=True)] == [number != 7 for number in range(12)]
    assert after[7]["pictures"][0]["answer"] == after[1]["pictures"][0]["answer"]
    (adverts.parent / "7-1.jpg").write_bytes((adverts.parent / "1-0.jpg").read_bytes())
    assert scan(adverts, tmp_path / "out", retry=True) == 0


def test_what_nobody_foresaw_costs_the_advert_alone(
    adverts: Path, tmp_path: Path, scan: Scan, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(adverts, tmp_path / "out")
    before, bad, look = results(tmp_path / "out"), (adverts.parent / "4-1.jpg").read_bytes(), classifier.classify_batch
    judge = Judge.__call__

    def look_or_fail(photos: list[bytes]) -> Any:
        if bad in photos:
            raise MemoryError("no more\nfor this one")
        return look(photos)

    def judge_or_fail(self: Judge, advert: Advert, *given: Any) -> Any:
        if advert.title == TITLES[3]:
            raise ZeroDivisionError("a word of no length")
        return judge(self, advert, *given)

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "classify_batch", look_or_fail)
        patch.setattr(Judge, "__call__", judge_or_fail)
        assert scan(adverts, tmp_path / "out2", merge=tmp_path / "all.csv") == 3
    after = results(tmp_path / "out2")
    spared, clocks = [row for row in range(12) if row not in (3, 4, 8)], (3, 8)
    assert_same([after[row] for row in spared], [before[row] for row in spared])
    assert [picture["status"] is None for picture in after[4]["pictures"]] == [False, True]
    assert (after[4]["verdict"], after[4]["error"]) == (
        before[4]["verdict"],
        "Picture 2: schreger failed here, which is our fault; please report it: MemoryError: no more",
    )
    assert all(after[row]["verdict"] is None and "a word of no length" in after[row]["error"] for row in clocks)
    scan(adverts, tmp_path / "out2", retry=True)
    assert_same(results(tmp_path / "out2"), before)


def test_a_scan_in_which_everything_fails_stops(
    tmp_path: Path, scan: Scan, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: list[bytes]) -> None:
        raise RuntimeError("the engine is gone")

    (tmp_path / "in").mkdir()
    for number in range(300):
        (tmp_path / "in" / f"{number}.jpg").write_bytes(b"%d" % number)
    with monkeypatch.context() as patch:
        patch.setattr(classifier, "classify_batch", fail)
        with pytest.raises(RuntimeError, match="the engine is gone"):
            scan(tmp_path / "in", tmp_path / "out")
    assert not list((tmp_path / "out").glob("part-*"))


def test_a_part_that_was_altered_is_made_anew(
    adverts: Path, tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ROWS", 4)
    monkeypatch.setattr("serve.scan.command.ROWS", 4)
    scan(adverts, tmp_path / "out")
    before = results(tmp_path / "out", 4)
    part = tmp_path / "out/part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    (tmp_path / "out/part-00002.json").write_text("{")
    scan(adverts, tmp_path / "out")
    assert results(tmp_path / "out", 4) == before


def test_merge_writes_one_file_with_lists_joined(adverts: Path, tmp_path: Path, scan: Scan) -> None:
    scan(adverts, tmp_path / "out", merge=tmp_path / "all.csv")
    rows, merged = results(tmp_path / "out"), rows_of(tmp_path / "all.csv")
    assert [row["id"] for row in merged] == [str(number) for number in range(12)]
    assert merged[2]["picture_path"] == "2-0.jpg;2-1.jpg;2-2.jpg"
    assert merged[0]["reasons"].split(";") == [reason.replace(";", ",") for reason in rows[0]["reasons"]]


def test_empty_and_doubled_ids_have_rows_of_their_own(tmp_path: Path, scan: Scan) -> None:
    (tmp_path / "adverts.csv").write_text("id,title\n1,a\n,b\n1,c\n")
    assert scan(tmp_path / "adverts.csv", tmp_path / "out") == 3
    rows = results(tmp_path / "out")
    assert [(row["id"], bool(row["error"])) for row in rows] == [("1", False), ("", True), ("1", True)]


def test_a_row_done_again_has_a_doubled_id_only_if_an_earlier_row_has_it(
    tmp_path: Path, photos: list[Any], scan: Scan
) -> None:
    (tmp_path / "adverts.csv").write_text("id,pictures\n1,late.jpg\n1,\n2,\n2,late.jpg\n")
    assert scan(tmp_path / "adverts.csv", tmp_path / "out") == 3
    (tmp_path / "late.jpg").write_bytes(photos[0].content)
    assert scan(tmp_path / "adverts.csv", tmp_path / "out", retry=True) == 3
    rows = results(tmp_path / "out")
    assert ["earlier advert" in (row["error"] or "") for row in rows] == [False, True, False, True]
    assert [len(row["pictures"]) for row in rows] == [1, 0, 0, 1]
    assert not any(picture["error"] for row in rows for picture in row["pictures"])


def test_a_folder_without_files_is_refused_and_a_table_without_rows_is_not(tmp_path: Path, schreger: Any) -> None:
    (tmp_path / "empty").mkdir()
    done = schreger("scan", tmp_path / "empty", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (2, f"There are no files in '{tmp_path / 'empty'}'; check its name.\n")
    assert not (tmp_path / "out").exists()
    (tmp_path / "adverts.csv").write_text("id,title\n")
    assert schreger("scan", tmp_path / "adverts.csv", "--out", tmp_path / "out").returncode == 0


@pytest.mark.parametrize(("content", "said"), [("", "adverts.csv' is empty."), ("title\na\n", "no column id")])
def test_what_is_no_advert_file_is_refused_in_a_sentence(
    tmp_path: Path, schreger: Any, content: str, said: str
) -> None:
    (tmp_path / "adverts.csv").write_text(content)
    done = schreger("scan", tmp_path / "adverts.csv", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


@pytest.mark.parametrize(
    ("columns", "said"),
    [(["id", "Titel"], "no column title, text or pictures"), (["id", "title", "Title"], "more than one column title")],
)
def test_parquet_is_held_to_the_same_columns(tmp_path: Path, scan: Scan, columns: list[str], said: str) -> None:
    pyarrow.parquet.write_table(pyarrow.table([["ivory"]] * len(columns), columns), tmp_path / "a.parquet")
    with pytest.raises(AdvertFileError, match=said):
        scan(tmp_path / "a.parquet", tmp_path / "out")


def test_how_a_file_was_taken_is_said_once(tmp_path: Path, scan: Scan, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "adverts.csv").write_bytes("id;Titel;text\n1;schön;Elfenbein, Größe 9\n2;groß;Öl\n".encode("cp1252"))
    assert scan(tmp_path / "adverts.csv", tmp_path / "out") == 0
    columns, encoding = capsys.readouterr().err.splitlines()
    assert "no column title" in columns
    assert "Titel" in columns
    assert "read as cp1252" in encoding
    for part in "ab":
        table = pyarrow.table({"id": [part], "Titel": ["ivory"], "text": ["a clock"]})
        (tmp_path / "parts").mkdir(exist_ok=True)
        pyarrow.parquet.write_table(table, tmp_path / "parts" / f"{part}.parquet")
    assert scan(tmp_path / "parts", tmp_path / "out2") == 0
    assert capsys.readouterr().err.count("no column title") == 1


def test_rows_are_read_in_memory_that_does_not_grow(tmp_path: Path) -> None:
    peaks = []
    for rows in (3_000, 12_000):
        file = tmp_path / f"{rows}.csv"
        file.write_text("id,title,pictures\n" + "".join(f"{n},{'ivory ' * 100},{n}.jpg\n" for n in range(rows)))
        tracemalloc.start()
        assert sum(1 for _ in Source.of(str(file), tmp_path / "out").rows()) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] <= 1.1 * peaks[0]
