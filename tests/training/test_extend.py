"""`schreger train --from`: that a bundle learns a new class and keeps the old ones, without the old photos."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

from model.bundle import EXEMPLARS, RECIPE, load_bundle
from model.classifier import Classifier
from model.exemplars import read_exemplars
from model.manifest import REQUIRED, Row, read_manifest
from training.recipe_file import read_recipe

Command = Callable[..., Result]


def chequered(number: int) -> Image.Image:
    """A chequered patch, unlike what the toy photos show, on a ground of any grey."""
    generator = np.random.default_rng((number, 77))
    picture = np.full((80, 80, 3), generator.integers(40, 255), float)
    squares = np.indices((64, 64)).sum(axis=0) // 8 % 2
    picture[8:72, 8:72] = np.where(squares[..., None], (60, 160, 70), (20, 60, 30))
    return Image.fromarray((picture + generator.normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8))


def folder_of(folder: Path, label: str, splits: tuple[str, ...]) -> Path:
    """A folder with a manifest of chequered photos that are said to show this label."""
    rows = []
    folder.mkdir(parents=True)
    for number, split in enumerate(splits):
        file = folder / f"{number}.png"
        chequered(number).save(file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        rows.append((file.name, digest, label, split, str(number), "mine", "CC0", "drawn", 80, 80, ""))
    with (folder / "manifest.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([REQUIRED, *rows])
    return folder


@pytest.fixture(scope="module")
def new_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("new") / "wood", "wood", ("train",) * 12 + ("val",) * 4 + ("test",) * 6)


@pytest.fixture(scope="module")
def extended(run: Path, new_photos: Path, schreger: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extended") / "run"
    words = ("--from", run / "bundle", "--data", new_photos, "--set", "name=more", "--out", out)
    done = schreger("train", *words, "--final")
    assert done.exit_code == 0, done.stderr
    return out / "bundle"


def share_right(bundle: Path, rows: list[Row], folder: Path) -> float:
    results = list(Classifier.load(str(bundle)).stream(folder / row.file for row in rows))
    return float(np.mean([result[1].top[0][0] == row.label for row, result in zip(rows, results, strict=True)]))


def test_the_new_class_is_learned_and_the_old_ones_do_not_fade(
    run: Path, extended: Path, new_photos: Path, toy: Path, toy_rows: list[Row]
) -> None:
    old_rows = [row for row in toy_rows if row.split in ("test", "source_test")]
    before = share_right(run / "bundle", old_rows, toy)
    assert before > 0.6
    assert share_right(extended, old_rows, toy) >= before - 0.02
    new_rows = [row for row in read_manifest(new_photos / "manifest.csv") if row.split == "test"]
    assert share_right(extended, new_rows, new_photos) == 1


def test_the_bundle_says_where_it_comes_from(run: Path, extended: Path) -> None:
    old, new = load_bundle(run / "bundle"), load_bundle(extended)
    assert new.description.name == "more"
    assert new.description.classes == (*old.description.classes, "wood")
    assert new.description.continued_from == old.id
    assert new.description.certainty == old.description.certainty
    card = (extended / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"on top of what {old.id} knew" in card
    assert f"- Validation: nothing was fitted on it, the certainty is that of {old.id}." in card
    assert "| wood | 12 | 1* | 100% |" in card
    assert "| ivory | 0 | 0 | - | |" in card
    assert json.loads((extended / "metrics.json").read_text())["test"]["all labels top-1"]["value"] == 1


def test_it_carries_exemplars_of_old_and_new_so_that_it_can_learn_again(
    extended: Path, schreger: Command, tmp_path: Path
) -> None:
    exemplars = read_exemplars(extended / EXEMPLARS, 7)
    assert set(exemplars.labels.tolist()) == set(range(7))
    stone = folder_of(tmp_path / "stone", "stone", ("train",) * 6)
    done = schreger("train", "--from", extended, "--data", stone, "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr  # nothing was measured, so there is no table
    assert "Nothing was measured." in (tmp_path / "out" / "bundle" / "MODEL_CARD.md").read_text()
    assert load_bundle(tmp_path / "out" / "bundle").description.classes[-2:] == ("wood", "stone")


def test_the_recipe_beside_it_has_the_input_that_the_network_keeps(
    run: Path, new_photos: Path, schreger: Command, tmp_path: Path
) -> None:
    words = ("--from", run / "bundle", "--data", new_photos, "--set", "input_size=320", "--debug")
    done = schreger("train", *words, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    for folder in (tmp_path / "out", tmp_path / "out" / "bundle"):
        assert read_recipe(folder / RECIPE).input_size == 64
    assert load_bundle(tmp_path / "out" / "bundle").description.input.size == 64


def test_photos_that_teach_nothing_are_one_sentence(run: Path, schreger: Command, tmp_path: Path) -> None:
    for name, label, says in (
        ("few", "wood", "No photo in split train shows a class of toy@"),
        ("misspelt", "woood", "0.png is labelled 'woood', which is no key of the taxonomy."),
    ):
        data = folder_of(tmp_path / name, label, ("train",) * 3 + ("val",))
        done = schreger("train", "--from", run / "bundle", "--data", data, "--out", tmp_path / f"{name}-out")
        assert done.exit_code == 2, done.stderr
        assert done.stderr.startswith(says)
        assert done.stderr.count("\n") == 1
    done = schreger("train", "--from", "nowhere", "--data", tmp_path / "few", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "There is no bundle at 'nowhere'" in done.stderr
    for word in (("--resume",), ("--cache", tmp_path / "cache")):
        done = schreger("train", "--from", run / "bundle", "--data", tmp_path / "few", "--out", tmp_path / "out", *word)
        says = "With --from a bundle learns in one go: leave --cache and --resume away.\n"
        assert (done.exit_code, done.stderr) == (2, says)
    done = schreger("train", "--data", tmp_path / "few", "--out", tmp_path / "out")
    assert (done.exit_code, done.stderr) == (2, "Name a recipe: --recipe FILE, such as one of training/recipes.\n")


def test_a_photo_that_cannot_be_learned_from_is_one_sentence(run: Path, schreger: Command, tmp_path: Path) -> None:
    data = folder_of(tmp_path / "wood", "wood", ("train",) * 8 + ("val",))
    words = ("train", "--from", run / "bundle", "--data", data, "--out", tmp_path / "out")
    (data / "3.png").write_bytes(b"no photo")
    done = schreger(*words)
    assert done.exit_code == 2, done.stderr
    assert done.stderr.startswith(f"{data / '3.png'} cannot be learned from: ")
    (data / "3.png").unlink()
    done = schreger(*words)
    assert (done.exit_code, done.stderr) == (2, f"{data / '3.png'} is in the manifest and not in the folder.\n")
    assert not (tmp_path / "out" / "bundle").exists()


def test_photos_that_are_not_measured_or_not_learned_are_named(run: Path, schreger: Command, tmp_path: Path) -> None:
    data = folder_of(tmp_path / "wood", "wood", ("train",) * 6 + ("val",) * 2 + ("test",) * 2)
    with (data / "manifest.csv").open("a") as lines:
        lines.write("0.png,,coral,train,few,mine,CC0,drawn,80,80,\n")
    for number in (7, 9):
        (data / f"{number}.png").write_bytes(b"no photo")
    done = schreger("train", "--from", run / "bundle", "--data", data, "--out", tmp_path / "out", "--final")
    assert done.exit_code == 0, done.stderr
    assert "Photos of coral (1) are left out" in done.stderr
    for number in (7, 9):
        assert f"{number}.png is not measured: " in done.stderr
