"""Splits: whole groups, every label in every split where it can be, and what is once in a split stays there."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from model.manifest import REQUIRED, Row, read_manifest
from training.classes import MIN_TRAIN_PHOTOS
from training.split import SplitError, source_folds, split

Command = Callable[..., Result]

LABELS, SOURCES = ("ivory", "bone", "resin"), ("museum", "shop", "market")


def row(file: str, group: str, label: str = "ivory", source: str = "museum", split: Any = "") -> Row:
    return Row(file, "", label, split, group, source, "CC0", "", 1, 1, "")


@st.composite
def photos(draw: st.DrawFn, most: int = 60, splits: Sequence[str] = ("",)) -> list[Row]:
    """Rows of groups of one to four photos, of one source each; a group may have two labels."""
    rows: list[Row] = []
    for number in range(draw(st.integers(0, most))):
        source, label = draw(st.sampled_from(SOURCES)), draw(st.sampled_from(LABELS))
        name = f"{draw(st.integers(0, 10**6))}-{number}"
        given = draw(st.sampled_from(splits))
        for photo in range(draw(st.integers(1, 4))):
            other = label if photo < 3 else draw(st.sampled_from(LABELS))
            rows.append(row(f"{name}-{photo}", name, other, source, given if photo == 0 else ""))
    return rows


def splits_of(rows: Sequence[Row]) -> dict[str, str]:
    return {row.file: row.split for row in rows}


# What must hold for all photos


@given(photos(splits=("", "", "train", "val", "test", "source_test")))
def test_every_group_is_in_one_split_and_what_has_a_split_keeps_it(rows: list[Row]) -> None:
    assigned = split(rows)
    assert [replace(new, split=old.split) for new, old in zip(assigned, rows, strict=True)] == rows
    assert all(new.split == old.split for new, old in zip(assigned, rows, strict=True) if old.split)
    splits = defaultdict(set)
    for each in assigned:
        splits[each.group].add(each.split)
    assert all(len(found) == 1 and "" not in found for found in splits.values())


@given(photos(), photos(), st.integers(0, 3))
def test_rows_that_are_added_move_no_other(rows: list[Row], more: list[Row], seed: int) -> None:
    before = split(rows, seed=seed)
    old = {row.group for row in rows}
    added = [each for each in more if each.group not in old]
    added += [replace(each, file=f"new-{each.file}") for each in rows[::3]]  # more photos of groups that were there
    after = splits_of(split([*added, *before], seed=seed))
    assert all(after[file] == given for file, given in splits_of(before).items())
    of_group = {row.group: row.split for row in before}
    assert all(after[each.file] == of_group[each.group] for each in added if each.group in of_group)


@given(photos(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert splits_of(split(rows)) == splits_of(split(shuffled))


@settings(max_examples=50)
@given(photos(most=120), st.sampled_from([(0.15, 0.15), (0.1, 0.3), (0.2, 0.0)]))
def test_shares_are_met_label_by_label_as_closely_as_groups_allow(rows: list[Row], shares: tuple[float, float]) -> None:
    assigned = split(rows, *shares)
    counts = Counter((each.label, each.split) for each in assigned)
    for label in LABELS:
        total = sum(each.label == label for each in rows)
        assert counts[label, "train"] >= min(total, MIN_TRAIN_PHOTOS)
        for name, share in zip(("val", "test"), shares, strict=True):
            assert abs(counts[label, name] - share * total) <= 4 + MIN_TRAIN_PHOTOS


def test_shares_of_many_photos_are_met_within_a_photo_and_sources_are_spread() -> None:
    rows = [row(str(n), str(n), LABELS[n % 3], SOURCES[n // 3 % 3]) for n in range(900)]
    counts = Counter((each.label, each.source, each.split) for each in split(rows))
    for label in LABELS:
        for source in SOURCES:
            for name, expected in (("train", 70), ("val", 15), ("test", 15)):
                assert abs(counts[label, source, name] - expected) <= 1
    assert splits_of(split(rows)) != splits_of(split(rows, seed=1))


def test_the_first_photos_of_a_label_are_for_training() -> None:
    few = [row(str(n), str(n)) for n in range(MIN_TRAIN_PHOTOS)]
    assert {each.split for each in split(few)} == {"train"}
    more = [row(str(n), str(n)) for n in range(MIN_TRAIN_PHOTOS + 2)]
    assert Counter(each.split for each in split(more)) == {"train": MIN_TRAIN_PHOTOS, "val": 1, "test": 1}


# Held-out sources


def test_held_out_sources_go_to_source_test_whole_even_from_other_splits() -> None:
    rows = [row(str(n), str(n), source=SOURCES[n % 3], split="train" if n < 15 else "") for n in range(60)]
    rows.append(row("shared", "1", source="market"))  # group 1 is of the shop
    assigned = split(rows, hold_out=["sh*p"])
    assert {each.split for each in assigned if each.source == "shop"} == {"source_test"}
    assert {each.file for each in assigned if each.source != "shop" and each.split == "source_test"} == {"shared"}


def test_new_photos_of_a_source_that_was_held_out_go_there_too() -> None:
    rows = [row("old", "a", source="shop", split="source_test"), row("new", "b", source="shop")]
    rows += [row("both", "c", source="market", split="source_test"), row("train", "d", source="market", split="train")]
    rows += [row("more", "e", source="market")]
    assert splits_of(split(rows)) == {
        "old": "source_test", "new": "source_test", "both": "source_test", "train": "train", "more": "train"
    }  # fmt: skip


@settings(max_examples=50)
@given(photos(), st.integers(1, 5))
def test_folds_hold_out_whole_sources_once_and_leak_no_group(rows: list[Row], count: int) -> None:
    rows += [row(f"shared-{n}", f"shared-{n // 2}", source=SOURCES[n % 3]) for n in range(6)]
    folds = source_folds(rows, count)
    assert len(folds) == min(count, len({row.source for row in rows}))
    assert sorted(each.file for _, held in folds for each in held) == sorted(each.file for each in rows)
    for learned, held in folds:
        assert not {each.source for each in learned} & {each.source for each in held}
        assert not {each.group for each in learned} & {each.group for each in held}
        groups = {each.group for each in held}
        left_out = {each.file for each in rows} - {each.file for each in (*learned, *held)}
        assert left_out == {each.file for each in rows if each.group in groups} - {each.file for each in held}


def test_with_as_many_folds_as_sources_each_is_left_out_alone_and_labels_are_spread() -> None:
    rows = [row(f"{s}-{n}", f"{s}-{n}", LABELS[s % 3], f"source-{s}") for s in range(12) for n in range(1 + s % 4)]
    for _, held in source_folds(rows, 99):
        assert len({each.source for each in held}) == 1
    for _, held in source_folds(rows, 4):
        assert len({each.label for each in held}) == 3


# What cannot be split


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"val": 0.5, "test": 0.5}, "val 0.5 and test 0.5 must not be negative and must leave a share to train."),
        ({"val": -0.1}, "val -0.1 and test 0.15 must not be negative"),
        ({"hold_out": ["shoop"]}, "No source is called 'shoop'; did you mean 'shop'?"),
        ({"hold_out": ["zz*"]}, "No source is called 'zz*'."),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SplitError) as raised:
        split([row("a", "a", source="shop"), row("b", "b", source="museum")], **options)
    assert str(raised.value).startswith(says)


def test_a_group_in_two_splits_is_refused() -> None:
    rows = [row("a", "g", split="train"), row("b", "g", split="val")]
    with pytest.raises(SplitError, match=r"^Group 'g' is in both train and val: `schreger dataset check` names all"):
        split(rows)


# The command


def written(file: Path, rows: Sequence[Row], **columns: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="", encoding="utf-8-sig") as lines:
        writer = csv.DictWriter(lines, [*columns, *REQUIRED])
        writer.writeheader()
        writer.writerows({**columns, **{name: getattr(row, name) for name in REQUIRED}} for row in rows)
    return file


def test_the_command_fills_the_splits_and_keeps_all_else(schreger: Command, tmp_path: Path) -> None:
    rows = [row(f'ö "{n}", n', str(n), LABELS[n % 3]) for n in range(60)] + [row("z", "z", "amber")]
    old = written(tmp_path / "old.csv", rows, detail="netsuke\n, carved")
    done = schreger("dataset", "split", "--manifest", old, "--out", tmp_path / "new.csv", "--seed", "7")
    assert done.exit_code == 0, done.stderr
    assert read_manifest(tmp_path / "new.csv") == split(rows, seed=7)
    with (tmp_path / "new.csv").open(newline="") as lines:
        new = list(csv.DictReader(lines))
    assert list(new[0]) == ["detail", *REQUIRED]
    assert {cells["detail"] for cells in new} == {"netsuke\n, carved"}
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
    cells = {line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]]
             for line in done.stdout.splitlines() if line.startswith("│")}  # fmt: skip
    assert cells["ivory"] == ["14", "3", "3", ""]
    assert cells["amber"] == ["1", "0", "0", "1 photo, and the first 5 are for training"]
    assert cells["all"] == ["43", "9", "9", ""]


def test_a_manifest_may_be_replaced_by_its_split(schreger: Command, tmp_path: Path) -> None:
    rows = [row(str(n), str(n), source=SOURCES[n % 3], split="train" if n % 2 else "") for n in range(30)]
    manifest = written(tmp_path / "m.csv", rows)
    words = ("--manifest", manifest, "--out", manifest, "--val", "0.3", "--test", "0", "--hold-out", "shop")
    done = schreger("dataset", "split", *words)
    assert done.exit_code == 0, done.stderr
    assert "5 photos were moved to source_test, as --hold-out asks." in done.stderr
    assert read_manifest(manifest) == split(rows, 0.3, 0, ["shop"])


def test_a_source_that_a_group_tears_apart_is_named(schreger: Command, tmp_path: Path) -> None:
    rows = [row(str(n), str(n), source=SOURCES[n % 3]) for n in range(30)]
    torn = [replace(each, group="0") if each.file in (rows[0].file, rows[1].file) else each for each in rows]
    for name, of, says in (("whole", rows, ""), ("torn", torn, SOURCES[1])):
        manifest = written(tmp_path / f"{name}.csv", of)
        done = schreger("dataset", "split", "--manifest", manifest, "--out", manifest, "--hold-out", SOURCES[0])
        assert done.exit_code == 0, done.stderr
        assert done.stderr.endswith(f"to source_test, and not the others: {says}.\n") is bool(says)


def test_copies_are_joined_when_asked(schreger: Command, toy: Path, tmp_path: Path) -> None:
    rows = [replace(each, split="", group=each.file) for each in read_manifest(toy / "manifest.csv")[:12]]
    folder = written(tmp_path / "data" / "manifest.csv", rows).parent
    (folder / "photos").mkdir()
    for each in rows[:-1]:
        with Image.open(toy / each.file) as picture:
            picture.save(folder / each.file)
    copy = replace(rows[0], file="photos/again.png", group="again")
    with Image.open(folder / rows[0].file) as picture:
        picture.save(folder / copy.file)
    split_already = [replace(rows[1], file="photos/val.png", group="val", split="val"), replace(rows[1], split="train")]
    with Image.open(folder / rows[1].file) as picture:
        picture.save(folder / "photos/val.png")
    written(folder / "manifest.csv", [rows[0], split_already[1], *rows[2:], copy, split_already[0]])
    done = schreger("dataset", "split", "--data", folder, "--out", folder / "split.csv", "--join-duplicates")
    assert done.exit_code == 3, done.stderr  # one photo is missing
    groups = {each.file: each.group for each in read_manifest(folder / "split.csv", draft=True)}
    assert groups[copy.file] == groups[rows[0].file] == rows[0].group
    assert groups["photos/val.png"] == "val"
    assert "1 groups were joined to others for their copies." in done.stderr
    assert "1 sets of copies are in several splits already: see `schreger dataset check`." in done.stderr


def test_what_cannot_be_written_or_read_is_one_sentence(schreger: Command, tmp_path: Path) -> None:
    manifest = written(tmp_path / "m.csv", [row("a", "a")])
    for words, says in (
        ((), "Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA.\n"),
        (
            ("--manifest", tmp_path / "no.csv"),
            f"{tmp_path / 'no.csv'} cannot be read as a manifest: No such file or directory.\n",
        ),
        (
            ("--data", tmp_path),
            f"There is no manifest.csv in '{tmp_path}'; `schreger dataset collect` makes one (docs/collect.md).\n",
        ),
        (("--manifest", manifest, "--out", tmp_path / "no" / "new.csv"), "new.csv cannot be written: No such file"),
        (("--manifest", manifest, "--out", "."), ". cannot be written: "),
        (("--manifest", written(tmp_path / "empty.csv", [])), f"{tmp_path / 'empty.csv'} has no photos.\n"),
        (("--manifest", manifest, "--hold-out", "nobody"), "No source is called 'nobody'.\n"),
    ):
        done = schreger("dataset", "split", "--out", tmp_path / "new.csv", *words)
        assert done.exit_code == 2
        assert says in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "new.csv").exists()
