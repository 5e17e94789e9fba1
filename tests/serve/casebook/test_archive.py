"""A case that is handed over comes in whole or not at all."""

import hashlib
import json
import random
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from serve.casebook import Casebook, CasebookError, create_casebook, export_case, import_case, verify

Rows = Callable[[Casebook], dict[str, Sequence[object]]]
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def archive(kept: Casebook, tmp_path: Path) -> Path:
    export_case(kept, "C-1", tmp_path / "C-1.zip", "Amina")
    return tmp_path / "C-1.zip"


@pytest.fixture
def other(new_url: Callable[[], str], keys: Path) -> Casebook:
    """Where the case is handed over to."""
    return create_casebook(new_url(), keys, "Chidi")


def test_a_case_that_is_handed_over_is_the_same_case(kept: Casebook, archive: Path, other: Casebook) -> None:
    import_case(other, archive, "Chidi")
    given, taken = kept.case("C-1"), other.case("C-1")
    assert (taken.case, taken.items, taken.notes, taken.digest) == (given.case, given.items, given.notes, given.digest)
    assert all(
        other.original(photo.sha256) == kept.original(photo.sha256) for item in taken.items for photo in item.photos
    )
    assert [entry.body.action for entry in taken.entries] == ["import"]
    assert taken.entries[0].body.about["casebook"] == kept.id
    assert given.entries[-1].body.action == "export"
    for casebook in (kept, other):
        assert verify(str(casebook.database.engine.url.render_as_string(False)), casebook.keys.folder) == ()


def test_a_case_goes_through_several_hands_with_all_its_logs(
    archive: Path, other: Casebook, new_url: Callable[[], str], keys: Path, tmp_path: Path
) -> None:
    import_case(other, archive, "Chidi")
    other.note("C-1", "Received in good order", "Chidi")
    export_case(other, "C-1", tmp_path / "again.zip", "Chidi")
    third = create_casebook(new_url(), keys, "Dana")
    import_case(third, tmp_path / "again.zip", "Dana")
    assert third.case("C-1").digest == other.case("C-1").digest
    logs = third.case("C-1").entries[0].body.files
    assert [b'"action\\":\\"add case' in third.original(sha256) for sha256 in logs] == [False, True]


def test_a_case_of_another_sender_is_refused(kept: Casebook, archive: Path, other: Casebook) -> None:
    with pytest.raises(CasebookError, match="not signed with the key of the sender"):
        import_case(other, archive, "Chidi", sender=other.public_key)
    import_case(other, archive, "Chidi", sender=kept.public_key)


def test_a_case_is_not_taken_in_twice(kept: Casebook, archive: Path, rows: Rows) -> None:
    before = rows(kept)
    with pytest.raises(CasebookError, match="is in this casebook already"):
        import_case(kept, archive, "Amina")
    assert rows(kept) == before


def test_a_file_that_is_there_is_not_written_over(kept: Casebook, archive: Path) -> None:
    content = archive.read_bytes()
    with pytest.raises(CasebookError, match="is there already"):
        export_case(kept, "C-1", archive, "Amina")
    assert archive.read_bytes() == content


def test_an_altered_byte_is_refused_wherever_it_is(archive: Path, other: Casebook, rows: Rows, tmp_path: Path) -> None:
    content, chance, before = archive.read_bytes(), random.Random(3), rows(other)  # noqa: S311
    refused = 0
    for _ in range(60):
        copy = bytearray(content)
        copy[chance.randrange(len(copy))] ^= 1 << chance.randrange(8)
        (tmp_path / "copy.zip").write_bytes(copy)
        try:
            read = zipfile.ZipFile(tmp_path / "copy.zip")
            same = all(read.read(name) == zipfile.ZipFile(archive).read(name) for name in read.namelist())
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, UnicodeError, EOFError, KeyError, OSError):
            same = False
        if same:  # a byte of the container, such as a time, that no file in it uses
            continue
        refused += 1
        with pytest.raises(CasebookError):
            import_case(other, tmp_path / "copy.zip", "Chidi")
    assert refused > 40
    assert rows(other) == before


def rewrite(archive: Path, change: Change, manifest: bool = True, compression: int = zipfile.ZIP_STORED) -> None:
    """Another archive with other files; its manifest agrees with them, unless it should not."""
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    if manifest:
        told = json.loads(files["manifest.json"])
        told["files"] = {n: hashlib.sha256(c).hexdigest() for n, c in files.items() if n != "manifest.json"}
        files["manifest.json"] = json.dumps(told).encode()
    with zipfile.ZipFile(archive, "w", compression) as opened:
        for name, content in files.items():
            opened.writestr(name, content)


def drop(prefix: str) -> Change:
    def change(files: dict[str, bytes]) -> None:
        for name in [name for name in files if name.startswith(prefix)]:
            del files[name]

    return change


def without_line(name: str, words: bytes) -> Change:
    def change(files: dict[str, bytes]) -> None:
        files[name] = b"".join(line for line in files[name].splitlines(True) if words not in line)

    return change


def with_words(name: str, old: bytes, new: bytes) -> Change:
    def change(files: dict[str, bytes]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return change


def without_note(files: dict[str, bytes]) -> None:
    without_line("records.jsonl", b'"table":"notes"')(files)
    without_line("log.jsonl", b'\\"action\\":\\"note\\"')(files)


TRICKS: dict[str, Change] = {
    "a path out": lambda files: files.update({"photos/../../evil.jpeg": b"x"}),
    "an absolute path": lambda files: files.update({"/etc/passwd": b"x"}),
    "another file": lambda files: files.update({"photos/readme.txt": b"x"}),
    "a photo more": lambda files: files.update({f"photos/{hashlib.sha256(b'x').hexdigest()}.jpeg": b"x"}),
    "a photo under a false name": lambda files: files.update({f"photos/{'0' * 64}.jpeg": b"x"}),
    "no photos": drop("photos/"),
    "no records": drop("records"),
    "no log": drop("log.jsonl"),
    "a note less": without_line("records.jsonl", b'"table":"notes"'),
    "the note and its entry less": without_note,
    "another word": with_words("records.jsonl", b"Haversian", b"Schreger "),
    "another answer": with_words("log.jsonl", b"Amina", b"Mallo"),
    "no export": without_line("log.jsonl", b'\\"action\\":\\"export\\"'),
    "another key": with_words("manifest.json", b'"public_key": "', b'"public_key": "00'),
    "no JSON": lambda files: files.update({"records.jsonl": b"[]\n"}),
    "another format": with_words("manifest.json", b"schreger case 1", b"schreger case 9"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_what_was_made_up_is_refused_and_nothing_is_written(
    trick: str, archive: Path, other: Casebook, rows: Rows
) -> None:
    before = rows(other)
    rewrite(archive, TRICKS[trick])
    with pytest.raises(CasebookError) as raised:
        import_case(other, archive, "Chidi")
    assert "\n" not in str(raised.value)
    assert rows(other) == before


def test_what_unpacks_to_more_than_it_is_is_refused_unread(archive: Path, other: Casebook) -> None:
    rewrite(archive, lambda files: files.update({"records.jsonl": bytes(200 << 20)}), compression=zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 1 << 20
    with pytest.raises(CasebookError, match="another program compressed it"):
        import_case(other, archive, "Chidi")


def test_a_name_that_is_there_twice_is_refused(archive: Path, other: Casebook) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(archive, "a") as opened:
        warnings.simplefilter("ignore")
        opened.writestr("records.jsonl", b"")
    with pytest.raises(CasebookError, match="one twice"):
        import_case(other, archive, "Chidi")


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no archive" * 100])
def test_what_is_no_archive_is_one_sentence(content: bytes, other: Casebook, tmp_path: Path) -> None:
    (tmp_path / "c.zip").write_bytes(content)
    with pytest.raises(CasebookError):
        import_case(other, tmp_path / "c.zip", "Chidi")
    with pytest.raises(CasebookError, match="cannot be read"):
        import_case(other, tmp_path / "gone.zip", "Chidi")


def test_an_export_that_cannot_be_written_leaves_no_file(kept: Casebook, tmp_path: Path) -> None:
    with pytest.raises(CasebookError, match="cannot be written"):
        export_case(kept, "C-1", tmp_path / "nowhere" / "C-1.zip", "Amina")
    assert list(tmp_path.rglob("*.partial")) == []
