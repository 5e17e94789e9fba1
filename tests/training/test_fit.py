"""Training: that it learns, leaves alone what is frozen, keeps the best, and goes on as if it had never stopped."""

import csv
import gc
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor

from model.backbones import packaged_weights
from model.bundle import load_bundle
from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.classes import choose_classes
from training.fit import CHECKPOINT, LOG, WEIGHTS, Fit, FitError, LogitsAlone, new_network
from training.optimize import is_frozen
from training.recipe import Backbone, Recipe, RecipeError, Stage
from training.recipe_file import read_recipe
from training.validate import validate

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def log_of(out: Path) -> list[dict[str, float]]:
    with (out / LOG).open(newline="") as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def checkpoint(out: Path) -> dict[str, dict[str, Tensor]]:
    content: dict[str, dict[str, Tensor]] = torch.load(out / CHECKPOINT, weights_only=True)
    return content


def fit(recipe: Recipe, rows: list[Row], photos: Path, out: Path) -> Fit:
    out.mkdir(exist_ok=True)
    return Fit(recipe, choose_classes(rows, load_taxonomy()), rows, photos, out)


def small(*stages: Stage, **fields: object) -> Recipe:
    given = {"name": "small", "backbone": Backbone(name="mobilenetv3_small_050", weights="none"), "input_size": 32,
             "batch_size": 16, "precision": "float32", "workers": 0, "stages": stages, **fields}  # fmt: skip
    return Recipe.model_validate(given)


QUIET = Console(quiet=True)


def test_it_learns_the_toy_photos_above_chance(run: Path) -> None:
    log = log_of(run)
    assert [row["epoch"] for row in log] == [1, 2, 3, 4]
    assert log[-1]["loss"] < log[0]["loss"]
    assert max(row["val_accuracy"] for row in log) > 0.6  # chance is 1/6
    assert all(0 <= row["val_recall"] <= 1 for row in log)


def test_frozen_parameters_and_all_statistics_stay_as_they_were(run: Path) -> None:
    before = packaged_weights("tf_efficientnet_lite0")
    after = {name.removeprefix("backbone."): tensor for name, tensor in checkpoint(run)["network"].items()}
    frozen = read_recipe(run / "recipe.yaml").stages[-1].frozen
    moved = {name for name, tensor in after.items() if name in before and not torch.equal(tensor, before[name])}
    assert moved
    assert not [name for name in moved if is_frozen(name, frozen)]
    assert not [name for name in moved if "running_" in name]
    assert {name.split(".")[0] for name in moved} == {"blocks", "conv_head", "bn2"}


def test_a_run_that_was_killed_goes_on_to_the_same_weights(
    run: Path, toy: Path, recipe_file: Path, tmp_path: Path, start_schreger: Start
) -> None:
    out = tmp_path / "broken"
    words = ("train", "--recipe", recipe_file, "--out", out, "--data", toy)
    with start_schreger(*words) as process:
        while not (out / CHECKPOINT).exists() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(np.random.default_rng().uniform(0, 1))
        process.send_signal(signal.SIGKILL)
    seen = len(log_of(out))
    with start_schreger(*words, "--resume") as process:
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    unbroken, resumed = load_file(run / WEIGHTS), load_file(out / WEIGHTS)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in unbroken.items()), f"killed after epoch {seen}"
    assert log_of(out) == log_of(run)


def test_two_processes_share_each_batch_and_end_with_one_bundle(
    toy: Path, recipe_file: Path, tmp_path: Path, torchrun: Start
) -> None:
    out = tmp_path / "two"
    process = torchrun(2, "train", "--recipe", recipe_file, "--set", "stages.1.epochs=1", "--out", out, "--data", toy)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    log = log_of(out)
    assert [row["epoch"] for row in log] == [1, 2]
    assert log[1]["loss"] < log[0]["loss"]
    assert load_bundle(out / "bundle").description.name == "toy"


def test_only_an_improvement_is_kept(toy_rows: list[Row], toy: Path, tmp_path: Path) -> None:
    good = Stage(epochs=1, frozen=("*",), head_rate=0.01, warmup_steps=0)
    ruin = Stage(epochs=2, head_rate=10, backbone_rate=1e-4, warmup_steps=0)
    recipe = small(good, ruin, backbone=Backbone(name="tf_efficientnet_lite0"), ema_decay=0, input_size=48)
    training = fit(recipe, toy_rows, toy, tmp_path / "run")
    weights = training.run(QUIET)
    log = log_of(tmp_path / "run")
    assert log[0]["val_loss"] < min(row["val_loss"] for row in log[1:])
    network = new_network(recipe, 6)
    network.load_state_dict(load_file(weights))
    assert validate(network, training.val, recipe) == (log[0]["val_loss"], log[0]["val_accuracy"], log[0]["val_recall"])
    assert not torch.equal(checkpoint(tmp_path / "run")["average"]["head.weight"], load_file(weights)["head.weight"])


def test_it_stops_when_patience_is_over_and_a_stopped_run_stays_stopped(
    toy_rows: list[Row], toy: Path, tmp_path: Path
) -> None:
    stuck = Stage(epochs=9, frozen=("*",), head_rate=1e-30, warmup_steps=0)
    recipe = small(stuck, patience=2)
    fit(recipe, toy_rows, toy, tmp_path).run(QUIET)
    assert len(log_of(tmp_path)) == 3
    fit(recipe, toy_rows, toy, tmp_path).run(QUIET)
    assert len(log_of(tmp_path)) == 3


def test_each_stage_has_its_own_warm_up_and_decay_even_when_two_are_alike(
    toy_rows: list[Row], toy: Path, tmp_path: Path
) -> None:
    stage = Stage(epochs=1, frozen=("*",), head_rate=1e-3, warmup_steps=0)
    fit(small(stage, stage.model_copy()), toy_rows, toy, tmp_path).run(QUIET)
    content = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert content["state"]["epoch"] == 2
    assert all(group["lr"] < 0.3e-3 for group in content["optimizer"]["param_groups"])


def test_what_an_epoch_is_trained_through_does_not_outlive_it(toy_rows: list[Row], toy: Path, tmp_path: Path) -> None:
    training = fit(small(Stage(epochs=2, frozen=("*",), warmup_steps=0)), toy_rows, toy, tmp_path)
    training.run(QUIET)
    assert not [each for each in gc.get_objects() if type(each) is LogitsAlone]


def test_bfloat16_learns_too(toy_rows: list[Row], toy: Path, tmp_path: Path) -> None:
    stage = Stage(epochs=1, frozen=("*",), head_rate=0.01, warmup_steps=0)
    lite = Backbone(name="tf_efficientnet_lite0")
    fit(small(stage, backbone=lite, input_size=48, precision="bfloat16"), toy_rows, toy, tmp_path).run(QUIET)
    assert log_of(tmp_path)[0]["val_accuracy"] > 0.3


def test_what_stops_a_run_from_starting_is_one_sentence(toy_rows: list[Row], toy: Path, tmp_path: Path) -> None:
    stage = Stage(epochs=1, warmup_steps=0)
    no_val = [row for row in toy_rows if row.split != "val"]
    with pytest.raises(FitError, match=r"^The manifest has no photos in split val that show a class; .*\.$"):
        fit(small(stage), no_val, toy, tmp_path)
    misspelt = Stage(epochs=1, frozen=("conv_stem", "block.0"))
    with pytest.raises(
        RecipeError, match=r"^The recipe is wrong at stages\.1\.frozen: the backbone has no 'block\.0'\.$"
    ):
        fit(small(stage, misspelt), toy_rows, toy, tmp_path)


def test_a_run_that_diverges_is_one_sentence(toy_rows: list[Row], toy: Path, tmp_path: Path) -> None:
    stage = Stage(epochs=1, frozen=("*",), head_rate=1e37, warmup_steps=0)
    with pytest.raises(FitError, match=r"^No epoch had a finite loss on the validation photos: .*\.$"):
        fit(small(stage), toy_rows, toy, tmp_path).run(QUIET)


def test_a_run_of_other_photos_or_another_network_is_not_gone_on_with(
    toy_rows: list[Row], toy: Path, tmp_path: Path
) -> None:
    stage = Stage(epochs=1, frozen=("*",), warmup_steps=0)
    fit(small(stage), toy_rows, toy, tmp_path).run(QUIET)
    fewer = [row for row in toy_rows if row.label != "bone"]
    relabelled = [replace(toy_rows[0], label="ivory"), *toy_rows[1:]]
    moved = [replace(toy_rows[0], split="val"), *toy_rows[1:]]
    exchanged = [replace(toy_rows[0], sha256="0" * 64), *toy_rows[1:]]
    for rows in (fewer, relabelled, moved, exchanged):
        with pytest.raises(FitError, match=r"is of other photos, labels, splits or classes: use a new folder\.$"):
            fit(small(stage), rows, toy, tmp_path).run(QUIET)
    with pytest.raises(FitError, match=r"is of another backbone: use a new folder\.$"):
        fit(small(stage, backbone=Backbone(name="resnet18", weights="none")), toy_rows, toy, tmp_path).run(QUIET)
    not_learned = [replace(row, label="ivory") if row.split == "test" else row for row in toy_rows]
    fit(small(stage), not_learned, toy, tmp_path).run(QUIET)


def test_what_is_damaged_of_a_run_is_one_sentence(toy_rows: list[Row], toy: Path, tmp_path: Path) -> None:
    stage = Stage(epochs=1, frozen=("*",), warmup_steps=0)
    fit(small(stage), toy_rows, toy, tmp_path).run(QUIET)
    whole = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / WEIGHTS).rename(tmp_path / "away")
    for content in (None, b"", (tmp_path / "away").read_bytes()[:-100]):
        if content is not None:
            (tmp_path / WEIGHTS).write_bytes(content)
        with pytest.raises(FitError, match=rf"{WEIGHTS} is missing or damaged: begin anew in another folder\.$"):
            fit(small(stage), toy_rows, toy, tmp_path).run(QUIET)
    for content in (b"", b"damaged", whole[: len(whole) // 2], whole[:1000] + bytes(1000) + whole[2000:]):
        (tmp_path / CHECKPOINT).write_bytes(content)
        with pytest.raises(FitError, match=rf"{CHECKPOINT} is damaged: begin anew in another folder\.$"):
            fit(small(stage), toy_rows, toy, tmp_path).run(QUIET)


def test_the_progress_of_an_epoch_ends_at_its_end(toy_rows: list[Row], toy: Path, tmp_path: Path) -> None:
    said = StringIO()
    stage = Stage(epochs=1, frozen=("*",), warmup_steps=0)
    fit(small(stage), toy_rows, toy, tmp_path).run(Console(file=said))
    assert "100% 0:00:00" in said.getvalue()
