"""The manifest: that a good one is read as it is, and that each fault is one sentence with file and line."""

import csv
from dataclasses import astuple
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.manifest import REQUIRED, ManifestError, Row, Split, read_manifest

GOOD = {
    "file": "photos/a.webp", "sha256": "00ff", "label": "ivory", "split": "train", "group": "g1", "source": "museum",
    "licence": "CC0", "attribution": "A. Person", "width": "640", "height": "480", "note": "",
}  # fmt: skip


def written(file: Path, *rows: dict[str, str], columns: tuple[str, ...] = REQUIRED, encoding: str = "utf-8") -> Path:
    with file.open("w", encoding=encoding, newline="") as lines:
        writer = csv.DictWriter(lines, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


def refusal(file: Path) -> str:
    with pytest.raises(ManifestError) as raised:
        read_manifest(file)
    message = str(raised.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert str(file) in message
    return message.removeprefix(str(file))


def test_a_manifest_with_a_mark_of_byte_order_and_other_columns_is_read(tmp_path: Path) -> None:
    columns = ("detail", *reversed(REQUIRED))
    file = written(
        tmp_path / "m.csv",
        {**GOOD, "detail": "netsuke"},
        {**GOOD, "file": 'ö, "b"\n.webp', "note": "象牙"},
        columns=columns,
        encoding="utf-8-sig",
    )
    first, second = read_manifest(file)
    assert first == Row("photos/a.webp", "00ff", "ivory", "train", "g1", "museum", "CC0", "A. Person", 640, 480, "")
    assert (second.file, second.note) == ('ö, "b"\n.webp', "象牙")


def test_a_manifest_without_rows_is_read(tmp_path: Path) -> None:
    assert read_manifest(written(tmp_path / "m.csv")) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"split": "holdout"}, ", line 3: split is 'holdout', not one of train, val, test, source_test."),
        ({"split": ""}, ", line 3: the photo has no split yet: run `schreger dataset split`."),
        ({"file": ""}, ", line 3: a photo needs a file, a label and a group."),
        ({"label": ""}, ", line 3: a photo needs a file, a label and a group."),
        ({"group": ""}, ", line 3: a photo needs a file, a label and a group."),
        ({"width": "wide"}, ", line 3: width and height must be whole numbers of pixels."),
        ({"height": ""}, ", line 3: width and height must be whole numbers of pixels."),
        ({"height": "1.5"}, ", line 3: width and height must be whole numbers of pixels."),
        ({"split": "val"}, ", line 3: group 'g1' is in both train and val."),
    ],
)
def test_a_malformed_row_is_named(change: dict[str, str], says: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "m.csv", GOOD, {**GOOD, **change})) == says


def test_a_draft_may_lack_splits_and_have_a_group_in_two(tmp_path: Path) -> None:
    file = written(tmp_path / "m.csv", GOOD, {**GOOD, "split": "val"}, {**GOOD, "split": ""})
    assert [row.split for row in read_manifest(file, draft=True)] == ["train", "val", ""]
    with pytest.raises(ManifestError, match="line 2: split is 'exam'"):
        read_manifest(written(tmp_path / "m.csv", {**GOOD, "split": "exam"}), draft=True)


def test_the_same_photo_in_two_splits_is_named_by_its_files(tmp_path: Path) -> None:
    other = GOOD | {"file": "photos/b.webp", "split": "test", "group": "g2"}
    file = written(tmp_path / "m.csv", GOOD, other)
    says = ": photos/a.webp in train and photos/b.webp in test are the same photo: keep it in one split."
    assert refusal(file) == says
    assert len(read_manifest(file, draft=True)) == 2
    unknown = (GOOD | {"sha256": ""}, other | {"sha256": ""})  # two that nobody hashed are no copies
    assert len(read_manifest(written(tmp_path / "n.csv", *unknown))) == 2


def test_a_short_row_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "m.csv", GOOD)
    with file.open("a") as lines:
        lines.write("photos/b.webp,00ff,ivory\n")
    assert refusal(file) == ", line 3: split is None, not one of train, val, test, source_test."


@pytest.mark.parametrize("column", REQUIRED)
def test_a_missing_column_is_named(column: str, tmp_path: Path) -> None:
    columns = tuple(name for name in REQUIRED if name != column)
    assert refusal(written(tmp_path / "m.csv", GOOD, columns=columns)) == f" lacks the column {column!r}."


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    assert refusal(tmp_path / "empty.csv") == " lacks the column 'file'."
    (tmp_path / "photo.csv").write_bytes(b"\xff\xd8\xff\xe0")
    assert "cannot be read as a manifest" in refusal(tmp_path / "photo.csv")
    assert "cannot be read as a manifest" in refusal(tmp_path / "nowhere.csv")
    assert "cannot be read as a manifest" in refusal(tmp_path)


text = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1)
rows = st.builds(
    Row, text, text, text, st.just("test"), text, text, text, text, st.integers(1, 9999), st.integers(1, 9999), text
)


@given(st.lists(rows, max_size=4))
def test_any_rows_come_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, given: list[Row]) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    assert get_args(Split) == ("train", "val", "test", "source_test")
    cells = [dict(zip(Row.__slots__, map(str, astuple(row)), strict=True)) for row in given]
    assert read_manifest(written(file, *cells)) == given


@given(st.binary(max_size=300) | text.map(lambda tail: (",".join(REQUIRED) + "\n" + tail).encode()))
def test_no_bytes_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.csv"
    file.write_bytes(content)
    assert "\n" not in said_of(file)


def said_of(file: Path) -> str:
    try:
        read_manifest(file)
    except ManifestError as error:
        return str(error)
    return ""
