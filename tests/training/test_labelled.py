"""Where labelled photos lie: in one folder, or beside several manifests that are read one after the other."""

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from model.bundle import RECIPE, load_bundle
from model.manifest import REQUIRED
from training.labelled import LabelledError, licensed, read_labelled
from training.recipe import Evaluation, Recipe, Stage
from training.recipe_file import read_recipe
from training.train import evaluate

Command = Callable[..., Result]


def manifest(file: Path, rows: Iterable[tuple[str, str]]) -> Path:
    """A manifest of photos that are named, and in a split; each is a group."""
    cells = [(name, "", "bone", split, Path(name).stem, "shop", "CC0", "", 9, 9, "") for name, split in rows]
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([REQUIRED, *cells])
    return file


def test_photos_lie_beside_their_manifest_or_in_the_data_folder(tmp_path: Path) -> None:
    for folder in ("one", "two", "data"):
        (tmp_path / folder).mkdir()
    one = manifest(tmp_path / "one" / "m.csv", [("a.jpg", "train")])
    two = manifest(tmp_path / "two" / "m.csv", [("b.jpg", "train"), ("c.jpg", "val")])
    places = [tmp_path / "one" / "a.jpg", tmp_path / "data" / "b.jpg", tmp_path / "two" / "c.jpg"]
    for place in places:
        place.touch()
    rows, folder = read_labelled([one, two], tmp_path / "data")
    assert [folder / row.file for row in rows] == places
    rows, folder = read_labelled([two], None)
    assert [folder / row.file for row in rows] == [tmp_path / "two" / name for name in ("b.jpg", "c.jpg")]
    manifest(tmp_path / "data" / "manifest.csv", [("b.jpg", "train")])
    rows, folder = read_labelled([], tmp_path / "data")
    assert [(folder, row.file) for row in rows] == [(tmp_path / "data", "b.jpg")]


def test_a_group_in_two_splits_of_two_manifests_is_one_sentence(tmp_path: Path) -> None:
    one, two = manifest(tmp_path / "1.csv", [("a.jpg", "train")]), manifest(tmp_path / "2.csv", [("a.jpg", "val")])
    with pytest.raises(LabelledError) as raised:
        read_labelled([one, two], None)
    assert str(raised.value) == "Group 'a' is in both train and val, in different manifests of the recipe."


def test_the_same_photo_in_two_splits_of_two_manifests_is_one_sentence(tmp_path: Path) -> None:
    one, two = manifest(tmp_path / "1.csv", [("a.jpg", "train")]), manifest(tmp_path / "2.csv", [("b.jpg", "test")])
    for file in (one, two):
        file.write_text(file.read_text().replace(".jpg,,", ".jpg,00ff,"))
    a, b = tmp_path / "a.jpg", tmp_path / "b.jpg"
    with pytest.raises(LabelledError) as raised:
        read_labelled([one, two], None)
    assert str(raised.value) == f"{a} in train and {b} in test are the same photo: keep it in one split."


def test_photos_under_other_licences_are_not_learned_from_but_measured_on(tmp_path: Path) -> None:
    names = [("a.jpg", "train"), ("b.jpg", "train"), ("c.jpg", "val"), ("d.jpg", "test")]
    rows, _ = read_labelled([manifest(tmp_path / "m.csv", names)], None)
    rows = [replace(row, licence=licence) for row, licence in zip(rows, ("CC0", "own", "own", "own"), strict=True)]
    assert [Path(row.file).name for row in licensed(rows, ["CC0"])] == ["a.jpg", "d.jpg"]
    assert licensed(rows, []) == rows
    with pytest.raises(LabelledError) as raised:
        licensed(rows, ["CC0", "CC BY"])
    assert str(raised.value) == "No photo is under the licence 'CC BY': word it as the manifest does."


@pytest.fixture(scope="module")
def halves(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The rows of the toy photos as two manifests, away from the photos."""
    folder = tmp_path_factory.mktemp("halves")
    header, *lines = (toy / "manifest.csv").read_text().splitlines()
    files = [folder / "first.csv", folder / "second.csv"]
    for file, half in zip(files, (lines[:50], lines[50:]), strict=True):
        file.write_text("\n".join([header, *half]) + "\n")
    return files


def test_a_recipe_names_its_manifests_its_evaluation_and_what_the_certainty_is_fitted_for(
    halves: list[Path], toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    changes = (f"manifests={list(map(str, halves))}", "evaluation.sheets=true", "export.target_error=0.2")
    words = [word for change in changes for word in ("--set", change)]
    out = tmp_path / "run"
    done = schreger("train", "--recipe", recipe_file, "--data", toy, "--out", out, "--debug", *words)
    assert done.exit_code == 0, done.stderr
    described = load_bundle(out / "bundle").description
    assert len(described.classes) == 6
    assert described.certainty.target_error == 0.2
    joined = b"".join(file.read_bytes() for file in halves)
    assert described.training_manifest == hashlib.sha256(joined).hexdigest()
    assert "val" in (out / "evaluation" / "index.html").read_text(encoding="utf-8")
    with (out / "evaluation" / "predictions.csv").open(newline="") as lines:
        assert {row["split"] for row in csv.DictReader(lines)} == {"val"}
    for folder in (out, out / "bundle"):
        assert read_recipe(folder / RECIPE).manifests == tuple(halves)


def test_without_asking_there_is_no_evaluation(run: Path) -> None:
    assert not (run / "evaluation").exists()


def test_without_validation_photos_there_is_no_evaluation(tmp_path: Path) -> None:
    recipe = Recipe(name="a", stages=(Stage(epochs=1),), evaluation=Evaluation(sheets=True))
    evaluate(recipe, [], tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []
