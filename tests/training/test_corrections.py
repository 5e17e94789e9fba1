"""Corrections: that they put train and validation photos right, leave test photos alone, and stay with a run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import training
from model.bundle import RECIPE, load_bundle
from model.manifest import Row, Split
from model.taxonomy import load_taxonomy
from training.corrections import CORRECTIONS, CorrectionsError, correct, read_corrections
from training.recipe_file import read_recipe

Command = Callable[..., Result]

TAXONOMY = load_taxonomy()


def row(name: str, split: Split, label: str = "bone") -> Row:
    return Row(f"{name}.jpg", name, label, split, name, "shop", "CC0", "", 9, 9, "")


def test_labels_are_put_right_and_photos_left_out_in_train_and_val_alone() -> None:
    splits: tuple[Split, ...] = ("train", "val", "test", "source_test")
    rows = [row(f"{name}-{split}", split) for split in splits for name in ("wrong", "copy", "right")]
    facts = {f"wrong-{split}": "ivory" for split in splits} | {f"copy-{split}": "" for split in splits}
    done = correct(rows, facts | {"elsewhere": "ivory"})
    assert [(each.sha256, each.label) for each in done.rows] == [
        ("wrong-train", "ivory"), ("right-train", "bone"), ("wrong-val", "ivory"), ("right-val", "bone"),
        *((each.sha256, each.label) for each in rows[6:]),
    ]  # fmt: skip
    assert (done.applied, done.on_test) == (4, 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sha256,label\na,ivory\n", " lacks the column 'why'."),
        ("", " lacks the column 'sha256'."),
        ("sha256,label,why\na,ivory,seen\nb,ivry,seen\n", ", line 3: 'ivry' is no key of the taxonomy."),
        ("sha256,label,why\na,ivory,seen\na,,copy\n", ", line 3: the photo a is there twice."),
        ("sha256,label,why\na\n", ", line 2: a cell is missing."),
        ("sha256,label,why\na,ivory,seen\n ,ivory,seen\n", ", line 3: the photo's sha256 is missing."),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CorrectionsError) as raised:
        read_corrections(file, TAXONOMY)
    assert str(raised.value) == f"{file}{says}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    for file in (tmp_path / "nowhere.csv", tmp_path, tmp_path / "photo.jpg"):
        with pytest.raises(CorrectionsError, match="cannot be read as corrections"):
            read_corrections(file, TAXONOMY)


def test_those_of_the_shipped_recipe_can_be_read() -> None:
    recipe = read_recipe(Path(training.__file__).parent / "recipes" / "lite2.yaml")
    assert recipe.corrections
    assert len(read_corrections(recipe.corrections, TAXONOMY)) == 147


@pytest.fixture(scope="module")
def facts(toy_rows: list[Row], recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe of the toy photos with corrections: one label, one photo left out, a test photo, one elsewhere."""
    folder = tmp_path_factory.mktemp("facts")
    (folder / "toy.yaml").write_text(f"{recipe_file.read_text()}corrections: facts/mine.csv\n")
    (folder / "facts").mkdir()
    of = {(each.split, each.label): each.sha256 for each in toy_rows}
    lines = [f"{of['train', 'bone']},ivory,by eye", f"{of['train', 'resin']},,a copy"]
    lines += [f"{of['test', 'bone']},ivory,by eye", f"{'0' * 64},ivory,of other photos"]
    (folder / "facts" / "mine.csv").write_text("\n".join(["sha256,label,why", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def corrected(facts: Path, toy: Path, schreger: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run with corrections, and what it said."""
    out = tmp_path_factory.mktemp("corrected") / "run"
    words = ("train", "--recipe", facts / "toy.yaml", "--out", out, "--data", toy, "--debug", "--final")
    done = schreger(*words)
    assert done.exit_code == 0, done.stderr
    return out, done.stderr


def test_a_run_learns_from_corrected_photos_and_says_how_many(corrected: tuple[Path, str]) -> None:
    out, said = corrected
    assert "2 of 4 corrections were applied; of test photos, whose labels stay: 1." in said
    card = (out / "bundle" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for line in ("| bone | 7 |", "| ivory | 9 |", "| resin | 7 |", "| ceramic | 8 |"):
        assert line in card
    assert json.loads((out / "bundle" / "metrics.json").read_text())["test"]["all labels top-1"]["n"] == 24


def test_the_run_and_its_bundle_keep_the_corrections(corrected: tuple[Path, str], facts: Path) -> None:
    given = (facts / "facts" / "mine.csv").read_bytes()
    for folder in (corrected[0], corrected[0] / "bundle"):
        kept = read_recipe(folder / RECIPE).corrections
        assert kept == folder.resolve() / CORRECTIONS
        assert kept.read_bytes() == given
    assert CORRECTIONS in load_bundle(corrected[0] / "bundle").description.files


def test_a_run_is_not_gone_on_with_by_other_corrections(
    corrected: tuple[Path, str], facts: Path, toy: Path, schreger: Command, tmp_path: Path
) -> None:
    words = ("--out", corrected[0], "--data", toy, "--debug", "--resume")
    other = tmp_path / "other.csv"
    other.write_text("sha256,label,why\n")
    done = schreger("train", "--recipe", facts / "toy.yaml", "--set", f"corrections={other}", *words)
    assert done.exit_code == 2
    assert "follows another recipe" in done.stderr
    done = schreger("train", "--recipe", facts / "toy.yaml", *words)
    assert done.exit_code == 0, done.stderr


def test_a_bundle_that_learns_more_does_not_ask_for_them(
    corrected: tuple[Path, str], toy: Path, schreger: Command, tmp_path: Path
) -> None:
    done = schreger("train", "--from", corrected[0] / "bundle", "--data", toy, "--out", tmp_path / "more")
    assert done.exit_code == 0, done.stderr
    assert "corrections" not in done.stderr
    assert read_recipe(tmp_path / "more" / "bundle" / RECIPE).corrections is None
    assert CORRECTIONS not in load_bundle(tmp_path / "more" / "bundle").description.files


def test_corrections_that_are_not_there_are_one_sentence(
    toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    words = ("--recipe", recipe_file, "--set", "corrections=lost.csv", "--data", toy, "--out", tmp_path / "out")
    done = schreger("train", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{recipe_file.parent / 'lost.csv'} cannot be read as corrections: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
