"""`schreger train`: from a recipe and labelled photos to a bundle."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from safetensors.torch import load_file

from model.bundle import RECIPE, find_bundle, load_bundle
from model.errors import SchregerError
from model.manifest import read_manifest
from model.taxonomy import load_taxonomy
from training.classes import choose_classes
from training.debug import few_rows, short_recipe
from training.decoded import Decoded
from training.extend import extend
from training.fit import CHECKPOINT, Fit, new_backbone, new_network
from training.labelled import find_photos
from training.make import make_bundle
from training.memory import keep_freed_memory
from training.photos import Photos
from training.recipe_file import read_recipe, write_recipe
from training.refit import refit_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.manifest import Row
    from training.recipe import Recipe

DECODED = "decoded"


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
    manifest, _ = find_photos(None, data)
    known = load_bundle(find_bundle(bundle)) if bundle else None
    if recipe is None and known is None:
        raise TrainError("Name a recipe: --recipe FILE, such as one of training/recipes.")
    read = read_recipe(recipe or known.folder / RECIPE, changes)  # type: ignore[union-attr]
    rows, data = read_manifest(manifest), manifest.parent
    if debug:
        read, rows = short_recipe(read), few_rows(rows, read.min_train_photos)
    begin(out, read, resume)
    if known is None:
        train(read, rows, data, out, cache, final)
    else:
        extend(known, read, rows, data, out / "bundle", final)
    Console(stderr=True).print(f"The bundle is in {out / 'bundle'}.")


def train(recipe: Recipe, rows: Sequence[Row], data: Path, out: Path, cache: Path | None, final: bool) -> None:
    """Train from the recipe's weights, and make a bundle of what did best; of several processes, the first makes it."""
    classes = choose_classes(rows, load_taxonomy(), recipe.min_train_photos)
    if len(classes.keys) < 2:
        raise TrainError(
            f"Fewer than two labels have {recipe.min_train_photos} train photos; there is nothing to tell apart."
        )
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
    shutil.rmtree(out / DECODED, ignore_errors=True)


def begin(out: Path, recipe: Recipe, resume: bool) -> None:
    """Make the folder of a run, with its recipe in it.

    Raises:
        TrainError: The folder holds a run that is not to be gone on with, or one that follows another recipe.
    """
    if (out / CHECKPOINT).exists() and not resume:
        raise TrainError(f"{out} holds a run already: go on with it by --resume, or choose another folder.")
    if resume and (out / RECIPE).exists() and read_recipe(out / RECIPE) != recipe:
        raise TrainError(
            f"The run in {out} follows another recipe, {out / RECIPE}: go on with that, or use a new folder."
        )
    out.mkdir(parents=True, exist_ok=True)
    write_recipe(recipe, out / RECIPE)
    keep_freed_memory()
