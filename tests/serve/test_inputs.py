"""Every file that could be a photo is an input, in a fixed order, and nothing else is touched."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.inputs import find_inputs

part = st.binary(min_size=1, max_size=6).filter(lambda name: not set(name) & set(b"/\0") and name[:1] != b".")
trees = st.dictionaries(st.lists(part, min_size=1, max_size=3).map(tuple), st.booleans(), max_size=12)


def inputs(*paths: Path, out: Path | None = None) -> list[Path]:
    return list(find_inputs(paths, out))


@given(tree=trees)
def test_below_a_folder_every_file_is_found_once_in_order_of_its_path(tree: dict[tuple[bytes, ...], bool]) -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        for parts in tree:
            path = root.joinpath(*map(os.fsdecode, parts))
            if not path.exists() and all(above.is_dir() for above in path.parents if above.exists()):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        made = {Path(folder, file) for folder, _, files in os.walk(root) for file in files}
        assert inputs(root) == sorted(made)


def test_paths_stay_in_the_order_given_and_may_come_twice(tmp_path: Path) -> None:
    for name in ("b", "a", "folder/d", "folder/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    b, folder, a = tmp_path / "b", tmp_path / "folder", tmp_path / "a"
    assert inputs(b, folder, a, b) == [b, folder / "c", folder / "d", a, b]


def test_hidden_files_and_folders_are_passed_over_below_a_folder_and_taken_when_named(tmp_path: Path) -> None:
    left_by_windows = ("folder/Thumbs.db", "folder/desktop.ini")
    for name in (".hidden.jpg", ".git/photo.jpg", "folder/.hidden.jpg", "folder/seen.jpg", *left_by_windows):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert inputs(tmp_path) == [tmp_path / "folder/seen.jpg"]
    assert inputs(tmp_path / ".hidden.jpg", tmp_path / ".git") == [
        tmp_path / ".hidden.jpg",
        tmp_path / ".git/photo.jpg",
    ]


def test_links_are_followed_to_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "photo.jpg").touch()
    for name, target in {
        "around": folder,
        "dangling.jpg": "nowhere",
        "loop.jpg": "loop.jpg",
        "there.jpg": "back.jpg",
        "back.jpg": "there.jpg",
        "too long.jpg": "a" * 300,
        "to a file.jpg": tmp_path / "photo.jpg",
        "to a pipe": "/dev/null",
    }.items():
        (folder / name).symlink_to(target)
    found = ["back.jpg", "dangling.jpg", "loop.jpg", "there.jpg", "to a file.jpg", "too long.jpg"]
    assert inputs(folder) == [folder / name for name in found]
    assert inputs(folder / "around") == [folder / "around" / name for name in found]


def test_pipes_and_sockets_below_a_folder_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mknod(tmp_path / "socket.jpg", stat.S_IFSOCK | 0o600)
    assert inputs(tmp_path) == []


def test_what_cannot_be_there_is_an_input_so_that_its_row_can_say_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    missing = [tmp_path / "none.jpg", tmp_path / "file" / "below.jpg", tmp_path / ("a" * 300), Path("a\0b")]
    assert inputs(*missing) == missing


def test_a_folder_as_deep_as_paths_go_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory() as name:  # made and cleared away here, since others do it by calls within calls
        monkeypatch.chdir(name)
        folders = [Path("/".join("d" * depth)) for depth in range(1, 1500)]
        photo = folders[-1] / "photo.jpg"
        try:
            for folder in folders:
                folder.mkdir()
            photo.touch()
            assert inputs(Path("d")) == [photo]
        finally:
            photo.unlink()
            for folder in reversed(folders):
                folder.rmdir()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may enter too; meanwhile, root is someone else, whom permissions bind."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)


def test_a_folder_that_may_not_be_read_is_one_input_and_its_files_are_not_lost(open_folder: Path) -> None:
    for name, mode in (("closed", 0o000), ("listed", 0o400)):
        (open_folder / name).mkdir()
        (open_folder / name / "photo.jpg").touch()
        (open_folder / name).chmod(mode)
    try:
        assert inputs(open_folder) == [open_folder / "closed", open_folder / "listed/photo.jpg"]
    finally:
        for name in ("closed", "listed"):
            (open_folder / name).chmod(0o700)


def test_the_results_are_no_input_however_their_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "out.csv", "out.csv.partial", "other.csv"):
        (folder / name).touch()
    (tmp_path / "link").symlink_to(folder)
    for out in (folder / "out.csv", tmp_path / "link" / "out.csv", folder / ".." / "photos" / "out.csv"):
        assert inputs(folder, out=out) == [folder / "a.jpg", folder / "other.csv"]
    assert inputs(folder, out=tmp_path / "out.csv") == sorted(folder.iterdir())
