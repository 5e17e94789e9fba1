"""`schreger train`: that a recipe and photos become a whole bundle, and that what stops it is one sentence."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file

import training
from model.bundle import CARD, EXEMPLARS, METRICS, NETWORK, RECIPE, SELF_CHECK, load_bundle
from model.certainty import familiarity
from model.classifier import Classifier
from model.engine import Output
from model.exemplars import read_exemplars
from model.manifest import Row
from model.network import normalise
from model.photo import open_photo, squash
from training.fit import CHECKPOINT, LOG, WEIGHTS, new_network
from training.recipe import Evaluation
from training.recipe_file import read_recipe
from training.train import DECODED, TrainError, begin

Command = Callable[..., Result]


def test_a_run_leaves_a_whole_bundle(run: Path, toy: Path, recipe_file: Path, schreger: Command) -> None:
    bundle = load_bundle(run / "bundle")
    described = bundle.description
    assert set(described.files) == {NETWORK, METRICS, RECIPE, CARD, EXEMPLARS, SELF_CHECK}
    assert described.name == "toy"
    assert described.classes == ("bone", "ceramic", "ivory", "pangolin_scale", "psittacus_erithacus", "resin")
    assert described.input.size == 64
    assert described.training_manifest == hashlib.sha256((toy / "manifest.csv").read_bytes()).hexdigest()
    assert read_recipe(run / "bundle" / RECIPE) == read_recipe(run / RECIPE) == read_recipe(recipe_file)
    done = schreger("bundle", "verify", run / "bundle")
    assert done.exit_code == 0, done.stderr


def test_the_bundle_says_what_the_best_weights_say(run: Path, toy: Path, toy_rows: list[Row]) -> None:
    network = new_network(read_recipe(run / RECIPE), 6).eval()
    network.load_state_dict(load_file(run / WEIGHTS))
    pixels = np.stack([squash(open_photo(toy / row.file).pixels, 64) for row in toy_rows[::5]])
    with torch.inference_mode():
        expected = network.logits(normalise(torch.from_numpy(pixels), (0.5,) * 3, (0.5,) * 3)).numpy()
    said = Classifier.load(str(run / "bundle"), precision="f32").engine.run(pixels).logits
    assert np.abs(said - expected).max() < 0.06  # what rounding weights to bfloat16 costs


def test_a_kept_pretrained_backbone_is_in_the_bundle(
    toy: Path, toy_rows: list[Row], recipe_file: Path, tmp_path: Path, schreger: Command
) -> None:
    recipe, out = tmp_path / "both.yaml", tmp_path / "run"
    once = recipe_file.read_text().replace("epochs: 3", "epochs: 1")
    recipe.write_text(f"{once}keep_pretrained: true\nrefit: 1\n")
    done = schreger("train", "--recipe", recipe, "--out", out, "--data", toy)
    assert done.exit_code == 0, done.stderr
    classifier = Classifier.load(str(out / "bundle"))
    train = [row for row in toy_rows if row.split == "train"]
    pixels = np.stack([squash(open_photo(toy / row.file).pixels, 64) for row in train])
    said = classifier.engine.run(pixels)
    assert said.embedding.shape == (len(train), 2 * 1280)
    right = [classifier.classes[best] == row.label for best, row in zip(said.logits.argmax(axis=1), train, strict=True)]
    assert np.mean(right) > 0.9


def said_of(split: str, classifier: Classifier, toy: Path, toy_rows: list[Row]) -> tuple[list[Row], Output]:
    rows = [row for row in toy_rows if row.split == split]
    return rows, classifier.engine.run(np.stack([squash(open_photo(toy / row.file).picture, 64) for row in rows]))


def test_the_certainty_is_fitted_on_the_validation_photos(run: Path, toy: Path, toy_rows: list[Row]) -> None:
    classifier = Classifier.load(str(run / "bundle"))
    fitted = classifier.certainty
    _, said = said_of("val", classifier, toy, toy_rows)
    familiar = familiarity(said.logits, said.embedding, classifier.exemplars, fitted)
    assert fitted.distance_weight > 0
    assert fitted.familiarity[0] == pytest.approx(familiar.min(), abs=0.05)
    assert fitted.familiarity[-1] == pytest.approx(familiar.max(), abs=0.05)
    assert fitted.temperature != 1
    assert fitted.unseen_error is not None


def test_the_exemplars_are_the_train_photos_as_the_head_takes_them(run: Path, toy: Path, toy_rows: list[Row]) -> None:
    classifier = Classifier.load(str(run / "bundle"))
    exemplars = read_exemplars(run / "bundle" / EXEMPLARS, len(classifier.classes))
    rows, said = said_of("train", classifier, toy, toy_rows)
    embeddings = said.embedding / np.linalg.norm(said.embedding, axis=1, keepdims=True)
    nearest = (exemplars.embeddings @ embeddings.T).argmax(axis=1)
    assert sorted(nearest) == list(range(len(rows)))  # eight photos a class, all of them kept
    assert [classifier.classes[label] for label in exemplars.labels] == [rows[number].label for number in nearest]
    head = load_file(run / WEIGHTS)
    logits = exemplars.features @ head["head.weight"].numpy().T + head["head.bias"].numpy()
    assert np.abs(logits - said.logits[nearest]).mean() < 0.1 * said.logits.std()


def test_metrics_are_of_every_split_when_final(run: Path) -> None:
    metrics = json.loads((run / "bundle" / METRICS).read_text())
    assert list(metrics) == ["val", "test", "source_test"]
    for split, photos in (("val", 18), ("test", 24), ("source_test", 18)):
        assert metrics[split]["all labels top-1"]["n"] == photos


def test_the_card_is_generated_from_the_run(run: Path) -> None:
    card = (run / "bundle" / CARD).read_text(encoding="utf-8")
    metrics = json.loads((run / "bundle" / METRICS).read_text())
    assert card.startswith("# toy\n")
    assert "tf_efficientnet_lite0 at 64 px,\ntrained on 48 photos" in card
    assert "## Limits" in card
    assert "| ivory | 8 | 3 |" in card
    assert f"{metrics['test']['AUC']['value']:.3f} (" in card


def test_a_run_that_is_whole_is_not_begun_again_but_may_be_gone_on_with(
    run: Path, toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(run, tmp_path / "again"))
    words = ("train", "--recipe", recipe_file, "--out", out, "--data", toy)
    done = schreger(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"{out} holds a run already: go on with it by --resume, or choose another folder.\n"
    other = tmp_path / "other.yaml"
    other.write_text(recipe_file.read_text().replace("seed: 3", "seed: 4"))
    done = schreger("train", "--recipe", other, "--out", out, "--data", toy, "--resume")
    assert done.exit_code == 2
    assert (
        done.stderr
        == f"The run in {out} follows another recipe, {out / RECIPE}: go on with that, or use a new folder.\n"
    )
    done = schreger(*words, "--resume", "--set", "workers=1", "--cache", out / DECODED)
    assert done.exit_code == 0, done.stderr
    assert (out / DECODED).exists()  # it was asked for
    assert load_file(out / WEIGHTS).keys() == load_file(run / WEIGHTS).keys()
    assert list(json.loads((out / "bundle" / METRICS).read_text())) == ["val"]  # not final


def test_a_recipe_may_change_until_there_is_something_to_go_on_with(recipe_file: Path, tmp_path: Path) -> None:
    recipe, out = read_recipe(recipe_file), tmp_path / "run"
    begin(out, recipe, resume=False)
    other = recipe.model_copy(update={"seed": 4})
    begin(out, other, resume=True)
    (out / CHECKPOINT).touch()
    begin(out, other.model_copy(update={"workers": 1, "evaluation": Evaluation(sheets=True)}), resume=True)
    with pytest.raises(TrainError, match="follows another recipe"):
        begin(out, recipe, resume=True)


def test_a_bundle_is_never_replaced_unasked(
    run: Path, toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(run / "bundle", out / "bundle")
    before = load_bundle(out / "bundle").id
    for words in (("--from", out / "bundle"), ("--recipe", recipe_file), ("--recipe", recipe_file, "--resume")):
        done = schreger("train", *words, "--data", toy, "--out", out)
        assert (done.exit_code, done.stderr) == (2, f"{out} holds a bundle already: choose another folder.\n")
    assert load_bundle(out / "bundle").id == before


def test_what_cannot_be_a_folder_is_one_sentence(
    toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    (file := tmp_path / "file").touch()
    for words, folder in (
        (("--out", file), file),
        (("--out", "/proc/run"), "/proc/run"),
        (("--out", tmp_path / "out", "--cache", file), file),
    ):
        done = schreger("train", "--recipe", recipe_file, "--data", toy, *words)
        assert done.exit_code == 2, done.stderr
        assert done.stderr.startswith(f"{folder} cannot be written to: ")
        assert done.stderr.count("\n") == 1


def changed(toy: Path, folder: Path, change: Callable[[dict[str, str]], bool]) -> Path:
    """A copy of the toy folder whose rows are changed, or left out where `change` says False."""
    shutil.copytree(toy, folder)
    with (toy / "manifest.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if change(row)]
    with (folder / "manifest.csv").open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def misspell(row: dict[str, str]) -> bool:
    row["label"] = row["label"].replace("bone", "bones")
    return True


def lose(row: dict[str, str]) -> bool:
    row["file"] = row["file"].replace("ivory-3", "lost")
    return True


def test_photos_whose_label_becomes_no_class_are_named(
    toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    data = changed(toy, tmp_path / "data", lambda row: row["group"] not in ("bone-train-0", "bone-train-1"))
    small = (
        "--set",
        "backbone={name: mobilenetv3_small_050, weights: none}",
        "--set",
        'stages=[{epochs: 1, frozen: ["*"]}]',
    )
    done = schreger("train", "--recipe", recipe_file, *small, "--out", tmp_path / "run", "--data", data)
    assert done.exit_code == 0, done.stderr
    says = "Photos of bone (4) are left out: too few for a class, and there is no class above."
    assert says in " ".join(done.stderr.split())
    assert f"- {says}" in (tmp_path / "run" / "bundle" / CARD).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (misspell, "photos/bone-0.jpg is labelled 'bones', which is no key of the taxonomy.\n"),
        (lose, "{data}/photos/lost.jpg is in the manifest and not in the folder.\n"),
        (
            lambda row: row["label"] == "ivory",
            "Fewer than two labels have 5 train photos; there is nothing to tell apart.\n",
        ),
        (lambda row: row["split"] != "val", "The manifest has no photos in split val that show a class; "),
    ],
)
def test_photos_that_nothing_can_be_learned_from_are_one_sentence(
    change: Callable[[dict[str, str]], bool], says: str, toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    data = changed(toy, tmp_path / "data", change)
    done = schreger("train", "--recipe", recipe_file, "--out", tmp_path / "out", "--data", data)
    assert done.exit_code == 2, done.stderr
    assert done.stderr.startswith(says.format(data=data))
    assert done.stderr.count("\n") == 1


def test_a_recipe_that_draws_heaps_of_no_scales_says_how_to_do_without(
    toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    data = changed(toy, tmp_path / "data", lambda row: row["label"] != "pangolin_scale")
    done = schreger("train", "--recipe", recipe_file, "--out", tmp_path / "out", "--data", data, "--set", "heaps=1")
    assert done.exit_code == 2
    assert done.stderr == (
        "No photo in split train or val is labelled pangolin_scale: there is nothing to draw heaps of; "
        "train without them: --set heaps=0.\n"
    )


@pytest.mark.parametrize("out", ["file", "file/deep", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(
    toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path, out: str
) -> None:
    (tmp_path / "file").touch()
    done = schreger("train", "--recipe", recipe_file, "--out", tmp_path / out, "--data", toy)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"{tmp_path / out} cannot be written to: ")
    assert done.stderr.endswith("; choose another folder.\n")


def test_a_photo_damaged_in_the_middle_of_a_run_is_one_sentence(
    toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    data = changed(toy, tmp_path / "data", lambda _: True)
    damaged = data / "photos" / "resin-10.png"  # a validation photo
    damaged.write_bytes(damaged.read_bytes()[:400])
    done = schreger("train", "--recipe", recipe_file, "--out", tmp_path / "out", "--data", data)
    assert done.exit_code == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"{damaged} cannot be learned from: This file is cut off or damaged" in done.stderr.splitlines()[-1]


def test_the_shipped_recipe_goes_from_photos_to_a_bundle_in_a_minute_when_debugged(
    data_dir: Path, schreger: Command, tmp_path: Path
) -> None:
    recipe = Path(training.__file__).parent / "recipes" / "lite2.yaml"
    done = schreger("train", "--recipe", recipe, "--out", tmp_path / "run", "--data", data_dir, "--debug")
    assert done.exit_code == 0, done.stderr
    bundle = load_bundle(tmp_path / "run" / "bundle")
    assert "ivory" in bundle.description.classes
    assert len(bundle.description.classes) == 8
    assert len(log := (tmp_path / "run" / LOG).read_text().splitlines()) == 1 + len(read_recipe(recipe).stages), log
    assert not (tmp_path / "run" / "decoded").exists()


def test_the_command_line_changes_the_recipe(toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path) -> None:
    words = ("train", "--recipe", recipe_file, "--out", tmp_path / "run", "--data", toy, "--debug")
    done = schreger(*words, "--set", "loss.tree=0.3", "--set", "stages.1.head_rate=0.002", "--set", "name=changed")
    assert done.exit_code == 0, done.stderr
    recipe = read_recipe(tmp_path / "run" / RECIPE)
    assert (recipe.name, recipe.loss.tree, recipe.stages[1].head_rate) == ("changed", 0.3, 0.002)
    for wrong, says in (
        ("loss.three=1", "is wrong at loss.three: extra inputs are not permitted.\n"),
        ("stages.7.epochs=1", "--set stages.7.epochs=1: the recipe has no field stages.7.epochs.\n"),
        ("epochs", "--set takes FIELD=VALUE, such as stages.0.epochs=5, not 'epochs'.\n"),
        ("seed=[", "--set seed=[: '[' is not a value.\n"),
    ):
        done = schreger("train", "--recipe", recipe_file, "--out", tmp_path / "wrong", "--data", toy, "--set", wrong)
        assert done.exit_code == 2
        assert done.stderr.endswith(says)
        assert done.stderr.count("\n") == 1


def test_without_photos_or_recipe_it_says_what_to_give(
    toy: Path, recipe_file: Path, schreger: Command, tmp_path: Path
) -> None:
    for words, says in (
        (("--recipe", recipe_file), "Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA.\n"),
        (
            ("--recipe", recipe_file, "--data", tmp_path),
            f"There is no manifest.csv in '{tmp_path}'; `schreger dataset collect` ",
        ),
        (("--recipe", tmp_path / "no.yaml", "--data", toy), f"The recipe {tmp_path}/no.yaml cannot be read: "),
    ):
        done = schreger("train", *words, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert done.stderr.startswith(says)
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "out").exists()
