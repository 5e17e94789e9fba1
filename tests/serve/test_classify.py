"""`schreger classify`: one row for every input, whatever it is, and the same answer by whatever way it is asked for."""

import csv
import hashlib
import io
import json
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet
import pytest

from model.bundle import load_bundle
from model.taxonomy import load_taxonomy
from serve.output import unguarded

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Row = dict[str, Any]

RULES = {
    "recognised": {"class_sure"},
    "rolled_up": {"parent_sure", "none_sure"},
    "unfamiliar": {"unlike_known_photos"},
    "unusable": {"nothing_to_see"},
}
COLUMNS = [
    "path", "item", "sha256", "status", "answer", "name", "probability", "top", "unfamiliarity", "advice", "cites",
    "bundle", "error",
]  # fmt: skip
STATUSES = {"recognised", "rolled_up", "unfamiliar", "unusable"}
ADVICE = {"too_dark", "too_bright", "low_contrast", "blurred", "too_small"}
FILLED_IN_AN_ERRORS_ROW = {"path", "bundle", "error"}
COMMAND = Path(sys.executable).with_name("schreger")

NAMES = (
    'say "ivory", he said.jpg', "it's; a, list.jpg", "line\nbreak.jpg", "line\r\nbreak.jpg", "carriage\rreturn.jpg",
    "tab\there.jpg", " spaces around .jpg", "-rf.jpg", "--help.jpg", "--.jpg", "=1+1.jpg", "@sum.jpg", "+1.jpg",
    "$(reboot).jpg", "`reboot`.jpg", "%s%n%d.jpg", "{0}.jpg", "[red]bold[-].jpg", "*.jpg", "?.jpg", "a|b>c.jpg",
    "back\\slash.jpg", "\\udcff.jpg", "\\n.jpg", "عاج.jpg", "象牙.jpg", "слоновая кость.jpg", "ngà voi.jpg",
    "e\u0301 taken apart.jpg", "\u00e9 in one.jpg", "🐘👨‍👩‍👧.jpg", "\u202egpj.exe", "zero\u200bwidth.jpg",
    "\ufeffmark.jpg", "\x01\x1b[31mred\x7f.jpg", "\u2028separator.jpg", "no ending", "WRONG.ENDING.XLSX", "SHOUTED.JPG",
    "con.jpg", "x" * 251 + ".jpg", "null.jpg", "nan", "0", "1e5", "true",
    os.fsdecode(b"\xff.jpg"), os.fsdecode(b"\xc3\x28.jpg"),
)  # fmt: skip


@pytest.fixture
def classify(schreger: Run, bundle_folder: Path) -> Run:
    """Runs `schreger classify` with the shipped bundle."""

    def run(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
        return schreger("classify", "--bundle", bundle_folder, *arguments, **options)

    return run


@contextmanager
def started(bundle: Path, *arguments: str | Path, **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """The command while it runs."""
    command = [COMMAND, "classify", "--bundle", bundle, *arguments]
    with subprocess.Popen(command, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options) as process:
        try:
            yield process
        finally:
            process.kill()


def rows_of(text: str) -> list[Row]:
    """The rows of a CSV, which has exactly the columns of the contract."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert next(reader) == COLUMNS
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in reader]


def as_written(path: Path) -> str:
    """A path as it stands in a row: bytes that are no text are backslash escapes."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def top_of(row: Row) -> dict[str, float]:
    return {key: float(share) for key, share in (pair.split("=") for pair in row["top"].split(";"))}


def check_answer(row: Row, file: Path) -> None:
    assert row["error"] == ""
    assert row["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert row["status"] in STATUSES
    assert 0 <= float(row["unfamiliarity"]) <= 1
    assert 0 <= float(row["probability"]) <= 1
    shares = list(top_of(row).values())
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == 5
    assert {*filter(None, row["advice"].split(";"))} <= ADVICE
    if row["answer"]:
        assert row["name"] == load_taxonomy().name(row["answer"])
    else:
        assert (row["name"], row["cites"]) == ("", "")


def check_error(row: Row) -> None:
    filled = {column for column, cell in row.items() if cell}
    assert filled - {"sha256"} == FILLED_IN_AN_ERRORS_ROW  # the digest is there where bytes were read
    assert row["error"].endswith(".")
    assert "\n" not in row["error"]


# A folder of everything


class Folder(NamedTuple):
    """A folder of photos and of what is none; `good` and `bad` are all the files that are inputs."""

    root: Path
    good: frozenset[Path]
    bad: frozenset[Path]


MakeFolder = Callable[[Path, int], Folder]


@pytest.fixture
def make_folder(photos: list[Any], hostile: Mapping[str, bytes]) -> MakeFolder:
    """Makes a folder with so many good photos, every hostile file, and what must not be touched."""

    def make(root: Path, count: int) -> Folder:
        folders = [root, root / "b", root / "b" / "deeper", root / "photo.jpg"]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        names = [
            *NAMES,
            *(f"{number:04d}.{photos[number % len(photos)].ending}" for number in range(len(NAMES), count)),
        ]
        good = {folder / name for folder, name in zip(cycle(folders), names)}
        for file, photo in zip(sorted(good), cycle(photos)):
            file.write_bytes(photo.content)
        (root / "link to a photo.jpg").symlink_to(next(iter(sorted(good))))
        bad = {folder / name for folder, name in zip(cycle(folders), hostile)}
        for file in bad:
            file.write_bytes(hostile[file.name])
        (root / "closed.jpg").write_bytes(b"not a photo either, should root ask")
        (root / "closed.jpg").chmod(0)
        links = {
            "dangling.jpg": "nowhere.jpg",
            "loop.jpg": "loop.jpg",
            "there.jpg": "back.jpg",
            "back.jpg": "there.jpg",
        }
        for name, target in links.items():
            (root / name).symlink_to(target)
        bad |= {root / name for name in ("closed.jpg", *links)}
        for name in ("none of these", "b/nor these"):
            leave_alone(root / name, photos[0].content)
        return Folder(root, frozenset(good | {root / "link to a photo.jpg"}), frozenset(bad))

    return make


def leave_alone(folder: Path, photo: bytes) -> None:
    """What is no input: to open a pipe would wait for ever."""
    folder.mkdir()
    (folder / ".hidden").mkdir()
    for name in (".hidden.jpg", ".hidden/photo.jpg"):
        (folder / name).write_bytes(photo)
    os.mkfifo(folder / "pipe.jpg")
    os.mknod(folder / "socket.jpg", stat.S_IFSOCK | 0o600)
    (folder / "around").symlink_to(folder.parent)
    (folder / "device.jpg").symlink_to("/dev/zero")


def check_folder(done: "subprocess.CompletedProcess[str]", folder: Folder) -> None:
    rows = rows_of(done.stdout)
    files = sorted(folder.good | folder.bad)
    assert [row["path"] for row in rows] == [as_written(file) for file in files]
    for row, file in zip(rows, files, strict=True):
        if file in folder.good:
            check_answer(row, file)
        else:
            check_error(row)
            assert row["sha256"] == (hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "")
    assert done.returncode == 3
    assert done.stderr == (
        f"Classified {len(folder.good)} of {len(files)}; the column error says why the others could not be read.\n"
    )


def test_a_thousand_good_and_fifty_hostile_files_have_their_1050_rows(
    classify: Run, make_folder: MakeFolder, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "folder", 999)
    assert (len(folder.good), len(folder.bad)) == (1000, 50)
    bare = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}  # what a cron job would give it
    check_folder(classify(folder.root, env=bare), folder)


# Few photos, asked for in every way


@pytest.fixture(scope="module")
def few(photos: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two folders of photos, one in every format, one unreadable, and one on its own."""
    root = tmp_path_factory.mktemp("few")
    for number, photo in enumerate(photos[:8]):
        file = root / f"item {number % 2}" / f"{number}.{photo.ending}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(photo.content)
    (root / "item 1" / "broken.jpg").write_bytes(photos[0].content[:100])
    (root / "alone.jpg").write_bytes(photos[0].content)
    return root


@pytest.fixture(scope="module")
def every_class(schreger: Run, bundle_folder: Path, few: Path) -> list[Row]:
    """The rows of those photos with every class."""
    done = schreger("classify", few, "--top", "0", "--bundle", bundle_folder)
    assert done.returncode == 3
    return rows_of(done.stdout)


def test_top_0_gives_every_class_and_they_sum_to_1(every_class: list[Row], bundle_folder: Path) -> None:
    classes = load_bundle(bundle_folder).description.classes
    for row in (row for row in every_class if not row["error"]):
        top = top_of(row)
        assert set(top) == set(classes)
        assert sum(top.values()) == pytest.approx(1, abs=0.00005 * len(classes))
        assert {len(pair.partition(".")[2]) for pair in row["top"].split(";")} == {4}


def test_a_row_names_its_bundle(every_class: list[Row], bundle_folder: Path) -> None:
    assert {row["bundle"] for row in every_class} == {load_bundle(bundle_folder).id}


def test_a_photo_alone_is_answered_as_among_others(classify: Run, every_class: list[Row], few: Path) -> None:
    for row in (every_class[0], every_class[1]):
        (alone,) = rows_of(classify(row["path"], "--top", "0").stdout)
        known = top_of(row)
        assert max(abs(share - known[key]) for key, share in top_of(alone).items()) <= 0.005
        assert float(alone["unfamiliarity"]) == pytest.approx(float(row["unfamiliarity"]), abs=0.02)
        for column in ("path", "sha256", "advice", "bundle"):
            assert alone[column] == row[column]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_file_holds_what_stdout_would_get(
    classify: Run, every_class: list[Row], few: Path, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"out{ending}"
    done = classify(few, "--top", "0", "--out", out, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert list(tmp_path.iterdir()) == [out]
    match ending:
        case ".csv":
            found = rows_of(out.read_text())
        case ".jsonl":
            found = [json.loads(line) for line in out.read_text().splitlines()]
            assert all((row.pop("rule") is None) == (row["error"] is not None) for row in found)
        case _:
            found = pyarrow.parquet.read_table(out).to_pylist()
    for row in found:
        assert list(row) == COLUMNS
        assert isinstance(row["probability"], float | None) or ending == ".csv"
    assert [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in found] == every_class


def test_json_gives_a_line_for_each_row_and_top_as_many_as_asked_for(
    classify: Run, every_class: list[Row], few: Path
) -> None:
    done = classify(few, "--json", "--top", "2")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(row) for row in found] == [[*COLUMNS, "rule"]] * len(every_class)
    for row, known in zip(found, every_class, strict=True):
        if known["error"]:
            filled = {name for name, cell in row.items() if cell is not None}
            assert filled - {"sha256"} == FILLED_IN_AN_ERRORS_ROW
        else:
            assert row["top"].split(";") == known["top"].split(";")[:2]
            assert row["rule"] in RULES[row["status"]]
            assert row["probability"] == float(known["probability"])


def test_photos_of_a_folder_share_the_items_answer_and_keep_what_is_theirs(
    classify: Run, every_class: list[Row], few: Path
) -> None:
    done = classify(few, "--item", "folder", "--top", "0")
    assert done.returncode == 3
    rows = rows_of(done.stdout)
    for row, alone in zip(rows, every_class, strict=True):
        assert row["item"] == str(Path(row["path"]).parent)
        assert [row[name] for name in ("path", "sha256", "advice", "error")] == [
            alone[name] for name in ("path", "sha256", "advice", "error")
        ]
        if row["item"] == str(few):  # its photo is alone in its folder
            assert {**row, "item": ""} == alone
    for item in ("item 0", "item 1"):
        shared = {
            tuple(row[name] for name in ("status", "answer", "name", "probability", "top", "unfamiliarity", "cites"))
            for row in rows
            if row["item"] == str(few / item) and not row["error"]
        }
        assert len(shared) == 1


def test_a_path_that_cannot_be_read_has_its_row_in_the_order_given(classify: Run, few: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    alone = few / "alone.jpg"
    wrong = [
        Path("nowhere.jpg"),
        tmp_path / "pipe",
        tmp_path / ("a" * 300),
        alone / "below",
        Path("--", "x"),
        Path("-"),
    ]
    done = classify("--", alone, *wrong, alone, env={"LC_ALL": "C"}, cwd=tmp_path)
    assert done.returncode == 3
    first, *rows, last = rows_of(done.stdout)
    assert [unguarded(row["path"]) for row in rows] == [str(path) for path in wrong]
    for row in rows:
        check_error(row)
    check_answer(first, alone)
    assert first == last


def test_photos_that_are_all_well_are_status_0(classify: Run, few: Path) -> None:
    done = classify(few / "item 0")
    assert (done.returncode, done.stderr) == (0, "Classified 4 of 4.\n")


def test_folders_without_files_are_refused(classify: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folders, said in (
        (("empty",), "There are no files in 'empty'; check its name.\n"),
        (("empty", "."), "There are no files in 'empty', '.'; check the names.\n"),
    ):
        done = classify(*folders, "--out", "out.csv", cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_results_among_the_photos_are_no_input_of_the_next_run(
    classify: Run, photos: list[Any], tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(photos[0].content)
    for _ in range(2):
        assert classify(".", "--out", "out.csv", cwd=tmp_path).returncode == 0
        assert [row["path"] for row in rows_of((tmp_path / "out.csv").read_text())] == ["photo.jpg"]


@pytest.mark.parametrize("out", ["out.xlsx", "nowhere/out.csv", "."])
def test_results_that_cannot_be_written_are_status_2(classify: Run, few: Path, tmp_path: Path, out: str) -> None:
    done = classify(few, "--out", out, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_status_2(classify: Run, few: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = classify(few, stdout=full)
    assert (done.returncode, done.stderr) == (2, "stdout cannot be written: No space left on device.\n")


def test_a_closed_stdout_is_status_2(bundle_folder: Path, few: Path) -> None:
    command = ["sh", "-c", 'exec "$0" "$@" >&-', COMMAND, "classify", few, "--bundle", bundle_folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "stdout is closed; name a file for the results with --out.\n")


# While it runs


@pytest.fixture(scope="module")
def many(photos: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with more photos than a pipe holds rows."""
    root = tmp_path_factory.mktemp("many")
    for number in range(1000):
        (root / f"{number:04d}.jpg").write_bytes(photos[0].content)
    return root


def test_a_reader_that_has_seen_enough_ends_it_quietly(bundle_folder: Path, many: Path) -> None:
    with started(bundle_folder, many) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"path,")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(120) == 0


def test_a_file_that_changes_or_vanishes_meanwhile_has_its_row(
    bundle_folder: Path, many: Path, photos: list[Any]
) -> None:
    changed, gone = many / "0998.jpg", many / "0999.jpg"
    with started(bundle_folder, many) as process:
        assert process.stdout is not None
        head = b"".join(process.stdout.readline() for _ in range(20))  # it waits for its reader, far from these files
        changed.write_bytes(photos[0].content[:100])
        gone.unlink()
        rows = rows_of((head + process.stdout.read()).decode())
        assert process.wait(120) == 3
    for file in (changed, gone):
        file.write_bytes(photos[0].content)
    assert len(rows) == 1000
    assert {row["error"] for row in rows[:-2]} == {""}
    for row in rows[-2:]:
        check_error(row)


def test_ctrl_c_stops_it_and_keeps_what_was_written(bundle_folder: Path, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    hears = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}  # else not in background
    with started(bundle_folder, *[many] * 50, "--out", out, **hears) as process:
        assert process.stderr is not None
        partial = tmp_path / "out.csv.partial"
        while process.poll() is None and not (partial.exists() and partial.read_bytes().count(b"\n") > 20):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
        assert process.stderr.read() == b"Stopped.\n"
    rows = rows_of(partial.read_text())
    assert 20 <= len(rows) < 50_000
    assert {row["error"] for row in rows} == {""}
    assert not out.exists()


def on_a_terminal(bundle: Path, *arguments: str | Path, stdout_too: bool) -> tuple[str, str]:
    """What a terminal shows, and what stdout gets when that is elsewhere."""
    ours, theirs = pty.openpty()
    options = {"env": {**os.environ, "TERM": "xterm", "COLUMNS": "80"}, "stderr": theirs}
    with started(bundle, *arguments, **options | ({"stdout": theirs} if stdout_too else {})) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # how Linux says that nobody holds the other end
            pass
        finally:
            os.close(ours)
        return shown.decode(), process.stdout.read().decode() if process.stdout else ""


def test_a_terminal_shows_progress_and_stdout_stays_clean(bundle_folder: Path, few: Path) -> None:
    shown, stdout = on_a_terminal(bundle_folder, few, stdout_too=False)
    assert "photos" in shown
    assert "/10" in shown
    assert "Classified 9 of 10" in shown
    assert len(rows_of(stdout)) == 10


def test_rows_on_a_terminal_are_not_mixed_with_progress(bundle_folder: Path, few: Path) -> None:
    shown, _ = on_a_terminal(bundle_folder, few, stdout_too=True)
    *lines, closing = shown.replace("\r\n", "\n").splitlines()
    assert len(rows_of("\n".join(lines))) == 10
    assert closing.startswith("Classified 9 of 10")


def test_a_quiet_terminal_shows_nothing(bundle_folder: Path, few: Path) -> None:
    shown, stdout = on_a_terminal(bundle_folder, few, "--quiet", stdout_too=False)
    assert shown == ""
    assert len(rows_of(stdout)) == 10


# Memory

MEASURED = """
import re, sys
from serve.cli import main
try:
    main()
finally:
    print(*re.findall(r"Vm(?:HWM|RSS):\\s+(\\d+)", open("/proc/self/status").read()), file=sys.stderr)
"""


def memory(bundle: Path, folder: Path) -> tuple[int, int]:
    """The most memory that the command held, and what it holds at its end, in kB."""
    command = [sys.executable, "-c", MEASURED, "classify", folder, "--quiet", "--bundle", bundle]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(rows_of(done.stdout)) == len(list(folder.iterdir()))
    peak, end = map(int, done.stderr.split())
    return peak, end


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("few", "many"), [(100, 300), pytest.param(400, 2000, marks=pytest.mark.soak)], ids=["three times", "five times"]
)
def test_memory_does_not_grow_with_the_photos(
    bundle_folder: Path, photos: list[Any], tmp_path: Path, few: int, many: int
) -> None:
    measured = []
    for count in (few, many):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            photo = photos[number % len(photos)]
            (folder / f"{number}.{photo.ending}").write_bytes(photo.content)
        measured.append(memory(bundle_folder, folder))
    for with_few, with_many in zip(*measured, strict=True):
        assert with_many <= 1.1 * with_few
