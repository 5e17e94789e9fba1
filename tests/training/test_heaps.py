"""Heaps drawn of pangolin scales and look-alikes: further photos for training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from model.manifest import REQUIRED, Row, read_manifest
from model.photo import open_photo
from serve.cli import app
from training.heaps.heap import FORMS, draw_heap, draw_skin
from training.heaps.heaps import FEW, HeapsError, draw_heaps
from training.heaps.piece import Cut, chip, scale
from training.recipe import Recipe
from training.train import drawn

Pixels = NDArray[np.uint8]


@pytest.fixture
def armour() -> Pixels:
    """Overlapping brown arcs, as a crop of a pangolin shows."""
    rows, columns = np.mgrid[:120, :160]
    arcs = np.hypot((rows % 24) - 12, (columns + 12 * (rows // 24 % 2)) % 24 - 12) / 17
    return (np.array([140, 105, 70]) * (0.5 + arcs[..., None].clip(0, 0.5))).astype(np.uint8)


@pytest.fixture
def rows(armour: Pixels, tmp_path: Path) -> list[Row]:
    """A crop of a living animal for training, one for validation, a look-alike, a test photo and a photo of bone."""
    Image.fromarray(armour).save(tmp_path / "photo.png")
    crop = Row("photo.png", "1", "pangolin_scale", "train", "a", "zoo", "CC0", "me", 160, 120, "crop")
    return [
        crop,
        replace(crop, sha256="2", split="val", group="b", source="park"),
        replace(crop, sha256="3", label="goods", group="c", note="scale_lookalike"),
        replace(crop, sha256="4", split="test", group="d"),
        replace(crop, sha256="5", label="bone", group="e", note=""),
    ]


@pytest.mark.parametrize("cut", [scale, chip])
def test_a_piece_lies_within_its_square_and_has_a_clear_edge(cut: Cut, armour: Pixels) -> None:
    for number in range(12):
        piece = cut(armour, 40, np.random.default_rng(number))
        assert piece.colours.shape == (40, 40, 3)
        assert all(np.isfinite(part).all() for part in piece)
        assert 0.1 < piece.cover.mean() < 0.9
        assert ((piece.cover > 0.02) & (piece.cover < 0.98)).mean() < 0.2


@pytest.mark.parametrize("cut", [scale, chip])
def test_a_seed_decides_what_a_heap_looks_like(cut: Cut, armour: Pixels) -> None:
    drawn = [draw_heap(armour, cut, np.random.default_rng(seed)) for seed in range(6)]
    assert np.array_equal(draw_heap(armour, cut, np.random.default_rng(0)), drawn[0])
    assert len({each.tobytes() for each in drawn}) == 6
    assert all(288 <= side <= 448 for each in drawn for side in each.shape[:2])


@pytest.mark.parametrize("form", sorted(set(FORMS)))
def test_every_form_is_drawn_of_a_photo_of_any_shape(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.heaps.heap.FORMS", (form,))
    for shape in ((1, 1, 3), (3, 300, 3), (300, 3, 3)):
        heap = draw_heap(np.full(shape, 90, np.uint8), scale, np.random.default_rng(1))
        assert heap.std() > 5


def test_a_heap_has_the_colour_of_its_photo_more_than_another() -> None:
    red, blue = (np.broadcast_to(np.array(colour, np.uint8), (60, 60, 3)) for colour in ((200, 60, 40), (40, 60, 200)))
    for seed in range(4):
        one, other = (draw_heap(photo, chip, np.random.default_rng(seed)).mean(axis=(0, 1)) for photo in (red, blue))
        assert one[0] > other[0] + 3
        assert one[2] < other[2] - 3


def test_a_skin_is_drawn_within_its_ground(armour: Pixels) -> None:
    skin = draw_skin(armour, np.random.default_rng(2))
    assert np.array_equal(skin, draw_skin(armour, np.random.default_rng(2)))
    assert skin[len(skin) // 2, skin.shape[1] // 2].mean() < 200


def test_drawn_photos_keep_split_group_and_source_and_no_test_photo_is_used(rows: list[Row], tmp_path: Path) -> None:
    out = tmp_path / "heaps"
    drawn = draw_heaps(rows, lambda row: tmp_path / row.file, out, each=2)
    assert drawn == read_manifest(out / "manifest.csv")
    assert [(row.label, row.split, row.group, row.source) for row in drawn[::2]] == [
        ("pangolin_scale", "train", "a", "zoo"), ("goods", "train", "c", "zoo"), ("pangolin_scale", "val", "b", "park"),
    ]  # fmt: skip
    assert [row.note for row in drawn[::2]] == ["drawn_heap", "drawn_heap; scale_lookalike", "drawn_heap"]
    for row in drawn:
        photo = open_photo(out / row.file)
        assert (photo.width, photo.height, photo.sha256) == (row.width, row.height, row.sha256)


def test_a_few_photos_of_what_is_hard_and_dry_are_look_alikes_too(rows: list[Row], tmp_path: Path) -> None:
    horns = [replace(rows[4], label="horn", sha256=f"h{number}", group=f"h{number}") for number in range(FEW + 3)]
    drawn = draw_heaps([*rows, *horns], lambda row: tmp_path / row.file, tmp_path / "heaps", each=1)
    of_horn = [row for row in drawn if row.group.startswith("h")]
    assert [(row.label, row.note) for row in of_horn] == [("goods", "drawn_heap; scale_lookalike")] * FEW


def test_the_same_seed_writes_the_same_photos_and_another_seed_others(rows: list[Row], tmp_path: Path) -> None:
    files = [
        [row.sha256 for row in draw_heaps(rows, lambda row: tmp_path / row.file, tmp_path / name, 1, seed)]
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert files[0] == files[1]
    assert not set(files[0]) & set(files[2])


def test_no_heap_is_drawn_of_a_drawn_heap(rows: list[Row], tmp_path: Path) -> None:
    once = draw_heaps(rows, lambda row: tmp_path / row.file, tmp_path / "heaps", each=1)
    again = draw_heaps([*once, *rows], lambda row: tmp_path / row.file, tmp_path / "again", each=1)
    assert again == once


def test_a_photo_that_does_not_open_is_passed_over(rows: list[Row], tmp_path: Path) -> None:
    broken = [*rows, replace(rows[0], file="none.png", sha256="6", group="f")]
    drawn = draw_heaps(broken, lambda row: tmp_path / row.file, tmp_path / "heaps", each=1)
    assert {row.group for row in drawn} == {"a", "b", "c"}


def write(rows: list[Row], file: Path) -> None:
    lines = [",".join(REQUIRED), *(",".join(str(getattr(row, name)) for name in REQUIRED) for row in rows)]
    file.write_text("\n".join(lines))


def test_a_manifest_of_photos_that_were_not_drawn_is_never_overwritten(rows: list[Row], tmp_path: Path) -> None:
    write(rows, tmp_path / "manifest.csv")
    before = (tmp_path / "manifest.csv").read_bytes()
    done = CliRunner().invoke(app, ["dataset", "heaps", "--data", str(tmp_path), "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.endswith("lists photos that were not drawn, and would be overwritten: use another folder.\n")
    assert (tmp_path / "manifest.csv").read_bytes() == before


def test_heaps_that_were_drawn_are_drawn_anew(rows: list[Row], tmp_path: Path) -> None:
    once = draw_heaps(rows, lambda row: tmp_path / row.file, tmp_path / "heaps", 1, seed=0)
    again = draw_heaps(rows, lambda row: tmp_path / row.file, tmp_path / "heaps", 1, seed=1)
    assert again == read_manifest(tmp_path / "heaps" / "manifest.csv") != once


def test_what_corrections_leave_out_is_not_drawn(rows: list[Row], tmp_path: Path) -> None:
    write(rows, tmp_path / "manifest.csv")
    (tmp_path / "facts.csv").write_text("sha256,label,why\n1,,a copy of a test photo\n")
    options = ("--data", tmp_path, "--out", tmp_path / "heaps", "--corrections", tmp_path / "facts.csv", "--each", 1)
    done = CliRunner().invoke(app, ["dataset", "heaps", *map(str, options)])
    assert done.exit_code == 0, done.output
    assert {row.group for row in read_manifest(tmp_path / "heaps" / "manifest.csv")} == {"b", "c"}
    assert "1 photos of scales and 1 of look-alikes" in done.stderr


def test_without_scales_there_is_one_plain_sentence(rows: list[Row], tmp_path: Path) -> None:
    with pytest.raises(HeapsError, match="labelled pangolin_scale"):
        draw_heaps(rows[2:], lambda row: tmp_path / row.file, tmp_path / "heaps")


def test_a_folder_that_cannot_be_written_to_is_named(rows: list[Row], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HeapsError, match="cannot be written to"):
        draw_heaps(rows, lambda row: tmp_path / row.file, tmp_path / "file" / "heaps")


def test_a_recipe_has_heaps_drawn_of_its_train_photos(rows: list[Row], tmp_path: Path) -> None:
    stages = ({"epochs": 1},)
    recipe = Recipe.model_validate({"name": "toy", "stages": stages, "heaps": 2})
    heaps = drawn(recipe, rows, tmp_path, tmp_path / "run")
    assert [(row.split, row.label) for row in heaps] == [("train", "pangolin_scale")] * 2 + [("train", "goods")] * 2
    assert all(open_photo(row.file).pixels.any() for row in heaps)
    assert drawn(recipe.model_copy(update={"heaps": 0}), rows, tmp_path, tmp_path / "run") == []
