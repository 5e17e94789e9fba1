"""`schreger train`: from a recipe and labelled photos to a bundle."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from safetensors.torch import load_file

from model.bundle import DESCRIPTION, RECIPE, find_bundle, load_bundle
from model.classifier import Classifier
from model.errors import SchregerError
from model.taxonomy import load_taxonomy
from training.atomic import writing
from training.classes import choose_classes, left_out
from training.corrections import CORRECTIONS, correct, read_corrections
from training.debug import few_rows, short_recipe
from training.decoded import Decoded
from training.extend import extend, with_input_of
from training.fit import CHECKPOINT, Fit, new_backbone, new_network
from training.labelled import licensed, read_labelled
from training.make import make_bundle
from training.memory import keep_freed_memory
from training.photos import Photos
from training.recipe_file import read_recipe, write_recipe
from training.refit import refit_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.manifest import Row
    from training.recipe import Recipe

DECODED, EVALUATION, HEAPS = "decoded", "evaluation", "heaps"
OF_KNOWN_PHOTOS = ("manifests=[]", "corrections=null", "licences=[]", "heaps=0")
"""What a bundle's recipe says of the photos that it was trained on, and not of those that it is to learn."""


class TrainError(SchregerError):
    """Training cannot start."""


def command(
    recipe: Path | None,
    bundle: str | None,
    changes: Sequence[str],
    out: Path,
    data: Path | None,
    cache: Path | None,
    resume: bool,
    final: bool,
    debug: bool,
) -> None:
    """Train by a recipe, or let a bundle learn more; export, fit the certainty, measure, describe what came of it."""
    if bundle and (cache or resume):
        raise TrainError("With --from a bundle learns in one go: leave --cache and --resume away.")
    known = load_bundle(find_bundle(bundle)) if bundle else None
    if recipe:
        read = read_recipe(recipe, changes)
    elif known:
        read = read_recipe(known.folder / RECIPE, (*OF_KNOWN_PHOTOS, *changes))
    else:
        raise TrainError("Name a recipe: --recipe FILE, such as one of training/recipes.")
    rows, folder = read_labelled(read.manifests, data)
    rows = corrected(licensed(rows, read.licences), read)
    if debug:
        read, rows = short_recipe(read), few_rows(rows, read.min_train_photos)
    if known:
        read = with_input_of(known, read)
    read = begin(out, read, resume)
    keep_freed_memory()
    rows += drawn(read, rows, folder, out)
    if known is None:
        train(read, rows, folder, out, cache, final)
    else:
        extend(known, read, rows, folder, out / "bundle", final)
        evaluate(read, rows, folder, out)


def corrected(rows: list[Row], recipe: Recipe) -> list[Row]:
    """The rows as the recipe's corrections put them right, and a sentence on how many did."""
    labels = corrections_of(recipe)
    if not labels:
        return rows
    done = correct(rows, labels)
    on_test = f"; of test photos, whose labels stay: {done.on_test}" if done.on_test else ""
    Console(stderr=True).print(f"{done.applied} of {len(labels)} corrections were applied{on_test}.")
    return done.rows


def drawn(recipe: Recipe, rows: Sequence[Row], data: Path, out: Path) -> list[Row]:
    """Rows of the heaps that the recipe wants drawn of train photos, which are put into the run's folder."""
    if not recipe.heaps:
        return []
    from training.heaps.heaps import NoScalesError, draw_heaps

    train = [row for row in rows if row.split == "train"]
    try:
        heaps = draw_heaps(train, lambda row: data / row.file, out / HEAPS, recipe.heaps, recipe.seed)
    except NoScalesError as error:
        raise TrainError(f"{str(error).rstrip('.')}; train without them: --set heaps=0.") from error
    return [replace(row, file=str((out / HEAPS / row.file).absolute())) for row in heaps]


def corrections_of(recipe: Recipe) -> dict[str, str]:
    """The true labels that a recipe gives, by sha256."""
    return read_corrections(recipe.corrections, load_taxonomy()) if recipe.corrections else {}


def train(recipe: Recipe, rows: Sequence[Row], data: Path, out: Path, cache: Path | None, final: bool) -> None:
    """Train from the recipe's weights, and make a bundle of what did best; of several processes, the first makes it."""
    classes = choose_classes(rows, load_taxonomy(), recipe.min_train_photos)
    if len(classes.keys) < 2:
        raise TrainError(
            f"Fewer than two labels have {recipe.min_train_photos} train photos; there is nothing to tell apart."
        )
    if few := left_out(rows, classes):
        Console(stderr=True).print(few)
    with writing(cache or out, TrainError):
        decoded = Decoded(cache or out / DECODED)
    fit = Fit(recipe, classes, rows, data, out, decoded)
    weights = fit.run(Console(stderr=True))
    if not fit.accelerator.is_main_process:
        return
    network = new_network(recipe, len(classes.keys))
    network.load_state_dict(load_file(weights))
    if recipe.keep_pretrained:
        network.add_pretrained(new_backbone(recipe))
    photos = Photos(fit.train.rows, data, classes, recipe.input_size, decoded=decoded)
    refit_head(network.to(fit.device), photos, recipe)
    make_bundle(recipe, classes, rows, data, network.cpu(), out / "bundle", final)
    if not cache:
        shutil.rmtree(decoded.folder, ignore_errors=True)
    evaluate(recipe, rows, data, out)


def evaluate(recipe: Recipe, rows: Sequence[Row], data: Path, out: Path) -> None:
    """Write what the recipe asks to know of the run's bundle, from its validation photos, if there are any."""
    val = [row for row in rows if row.split == "val"]
    if not val or not any(recipe.evaluation.model_dump().values()):
        return
    from training.evaluate import commands

    classifier = Classifier.load(str(out / "bundle"))
    digest = classifier.bundle.description.training_manifest
    (out / EVALUATION).mkdir(exist_ok=True)
    photos = commands.EvaluationSet(val, "val", list(rows), digest, lambda row: data / row.file)
    commands.evaluate_bundle(classifier, photos, out / EVALUATION, recipe.evaluation)


def begin(out: Path, recipe: Recipe, resume: bool) -> Recipe:
    """Make the folder of a run, with its recipe in it; return that, which names the run's own copy of the corrections.

    Raises:
        TrainError: The folder holds a run that is not to be gone on with, one that follows another recipe, or a bundle;
            or it cannot be written to.
    """
    begun = (out / CHECKPOINT).exists()
    if begun and not resume:
        raise TrainError(f"{out} holds a run already: go on with it by --resume, or choose another folder.")
    if not begun and (out / "bundle" / DESCRIPTION).exists():
        raise TrainError(f"{out} holds a bundle already: choose another folder.")
    if begun and (out / RECIPE).exists() and not _alike(read_recipe(out / RECIPE), recipe):
        raise TrainError(
            f"The run in {out} follows another recipe, {out / RECIPE}: go on with that, or use a new folder."
        )
    with writing(out, TrainError):
        out.mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, out / RECIPE)
    return recipe.model_copy(update={"corrections": recipe.corrections and out / CORRECTIONS})


def _alike(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes lead to the same weights; of corrections their content, as a run keeps a copy of its own."""
    aside = {"corrections", "workers", "evaluation"}
    same = one.model_dump(exclude=aside) == other.model_dump(exclude=aside)
    return same and corrections_of(one) == corrections_of(other)
