"""The recipe: that what it leaves out has a default, and that what is wrong in it is named in one sentence."""

from pathlib import Path

import pytest

import training
from training.augment import Augmenter
from training.recipe import Backbone, Recipe, RecipeError, Stage
from training.recipe_file import read_recipe, write_recipe

SHIPPED = sorted((Path(training.__file__).parent / "recipes").glob("*.yaml"))


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(file: Path) -> str:
    with pytest.raises(RecipeError) as raised:
        read_recipe(file)
    message = str(raised.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert message.startswith(f"The recipe {file} ")
    return message.removeprefix(f"The recipe {file} ")


def test_a_name_and_a_stage_are_enough(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, "{name: a, stages: [{epochs: 1}]}"))
    assert recipe == Recipe(name="a", stages=(Stage(epochs=1),))
    assert recipe.backbone == Backbone(name="tf_efficientnet_lite2", weights="package")
    assert recipe.mean == recipe.std == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{name: a, stages: [{epochs: 1}], bach_size: 8}", "is wrong at bach_size: extra inputs are not permitted."),
        ("{name: a, stages: [{epoch: 1}]}", "is wrong at stages.0.epochs: field required."),
        (
            "{name: a, stages: [{epochs: 1, frosen: []}]}",
            "is wrong at stages.0.frosen: extra inputs are not permitted.",
        ),
        (
            "{name: a, stages: [{epochs: 0}]}",
            "is wrong at stages.0.epochs: input should be greater than or equal to 1.",
        ),
        ("{name: a, stages: [{epochs: 1}], dropout: 1}", "is wrong at dropout: input should be less than 1."),
        ("{name: a, stages: [{epochs: 1}], dropout: .nan}", "is wrong at dropout: input should be "),
        ("{name: a, stages: [{epochs: 1}], std: [1, 0, 1]}", "is wrong at std.1: input should be greater than 0."),
        (
            "{name: a, stages: [{epochs: 1}], batch_size: many}",
            "is wrong at batch_size: input should be a valid integer",
        ),
        ("{name: a, stages: [{epochs: 1}], precision: float8}", "is wrong at precision: input should be 'float32' or "),
        (
            "{name: a, stages: [{epochs: 1}], augmentation: [Flip]}",
            "is wrong at augmentation.0: input should be a valid ",
        ),
        ("{name: a, stages: [{epochs: 1}], augmentation: [{A: {}, B: {}}]}", "is wrong at augmentation.0: dictionary "),
        ("{name: a, stages: [{epochs: 1}], manifests: a.csv}", "is wrong at manifests: input should be a valid tuple."),
        ("{name: a, stages: [{epochs: 1}], corrections: [a.csv]}", "is wrong at corrections: "),
        (
            "{name: a, stages: [{epochs: 1}], evaluation: {robust: true}}",
            "is wrong at evaluation.robust: extra inputs ",
        ),
        (
            "{name: a, stages: [{epochs: 1}], evaluation: {sheets: some}}",
            "is wrong at evaluation.sheets: input should ",
        ),
        (
            "{name: a, stages: [{epochs: 1}], export: {target_error: 5}}",
            "is wrong at export.target_error: input should ",
        ),
        ("{name: a, stages: []}", "is wrong at stages: tuple should have at least 1 item"),
        ("{name: A b, stages: [{epochs: 1}]}", "is wrong at name: string should match pattern"),
        ("{stages: [{epochs: 1}]}", "is wrong at name: field required."),
        ("", "is wrong: it should hold fields, such as name and stages."),
        ("- name: a\n- stages: []\n", "is wrong: it should hold fields, such as name and stages."),
        ("just words", "is wrong: it should hold fields, such as name and stages."),
        ("name: [a\nstages: }", "cannot be read: while parsing a flow sequence "),
        ("name: !!python/object/apply:os.getcwd []", "cannot be read: could not determine a constructor for the tag "),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path, text)).startswith(says)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere.yaml") == "cannot be read: No such file or directory."
    assert "Is a directory" in refusal(tmp_path)
    (tmp_path / "photo.yaml").write_bytes(b"\xff\xd8\xff")
    assert "cannot be read: " in refusal(tmp_path / "photo.yaml")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_recipes_load_build_and_come_back_as_written(file: Path, tmp_path: Path) -> None:
    recipe = read_recipe(file)
    assert recipe.name == file.stem
    Augmenter(recipe)
    write_recipe(recipe, tmp_path / "again.yaml")
    again = read_recipe(tmp_path / "again.yaml")
    assert again == recipe.model_copy(update={"corrections": again.corrections})
    assert (tmp_path / "again.yaml").read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


def test_corrections_are_told_from_the_recipe_and_kept_beside_it(tmp_path: Path) -> None:
    facts = tmp_path / "facts.csv"
    facts.write_text("sha256,label,why\n")
    recipe = read_recipe(written(tmp_path, "{name: a, stages: [{epochs: 1}], corrections: facts.csv}"))
    assert recipe.corrections == facts
    kept = tmp_path / "run" / "recipe.yaml"
    kept.parent.mkdir()
    for _ in range(2):  # the second time it is there already
        write_recipe(recipe, kept)
        recipe = read_recipe(kept)
        assert recipe.corrections == kept.with_name("corrections.csv")
        assert recipe.corrections.read_bytes() == facts.read_bytes()


def test_manifests_are_found_from_wherever_the_recipe_is_written(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    file = written(tmp_path / "mine", "{name: a, stages: [{epochs: 1}], manifests: [bone.csv, ../ours/ivory.csv]}")
    recipe = read_recipe(file)
    assert recipe.manifests == (tmp_path / "mine" / "bone.csv", tmp_path / "ours" / "ivory.csv")
    (tmp_path / "runs" / "one").mkdir(parents=True)
    write_recipe(recipe, tmp_path / "runs" / "one" / "recipe.yaml")
    assert read_recipe(tmp_path / "runs" / "one" / "recipe.yaml") == recipe


def test_there_is_a_shipped_recipe() -> None:
    assert SHIPPED
