"""`schreger train`: from a recipe and labelled photos to a bundle."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from safetensors.torch import load_file

from model.bundle import CARD, METRICS, NETWORK, RECIPE, Description, Input, write_description
from model.certainty import Certainty
from model.classifier import Classifier
from model.errors import SchregerError
from model.manifest import read_manifest
from model.taxonomy import load_taxonomy
from training.card import write_card
from training.certify import certify
from training.classes import choose_classes
from training.evaluate import print_figures, write_metrics
from training.export import export_network
from training.figures import all_figures
from training.fit import CHECKPOINT, Fit, new_backbone, new_network
from training.measure import measure
from training.memory import keep_freed_memory
from training.photos import Photos
from training.recipe import read_recipe, write_recipe
from training.refit import refit_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.manifest import Row
    from model.network import Network
    from training.classes import Classes
    from training.figures import Figure
    from training.recipe import Recipe

UNFITTED = Certainty(temperature=1, threshold=0.5, target_error=0.05, familiarity=(0, 1), unfamiliar_from=1)


class TrainError(SchregerError):
    """Training cannot start."""


def command(recipe: Path, out: Path, data: Path | None, resume: bool, final: bool) -> None:
    """Train, export, fit the certainty on validation photos, measure, and describe what came of it."""
    if data is None:
        raise TrainError("Name labelled photos: --data FOLDER (with manifest.csv), or set SCHREGER_DATA.")
    if (out / CHECKPOINT).exists() and not resume:
        raise TrainError(f"{out} holds a run already: go on with it by --resume, or choose another folder.")
    read, rows, taxonomy = read_recipe(recipe), read_manifest(data / "manifest.csv"), load_taxonomy()
    classes = choose_classes(rows, taxonomy, read.min_train_photos)
    if len(classes.keys) < 2:
        raise TrainError(
            f"Fewer than two labels have {read.min_train_photos} train photos; there is nothing to tell apart."
        )
    if resume and (out / RECIPE).exists() and read_recipe(out / RECIPE) != read:
        raise TrainError(
            f"The run in {out} follows another recipe, {out / RECIPE}: go on with that, or use a new folder."
        )
    out.mkdir(parents=True, exist_ok=True)
    write_recipe(read, out / RECIPE)
    keep_freed_memory()
    fit = Fit(read, classes, rows, data, out)
    network = new_network(read, len(classes.keys))
    network.load_state_dict(load_file(fit.run(Console(stderr=True))))
    if read.keep_pretrained:
        network.add_pretrained(new_backbone(read))
    refit_head(network, Photos(fit.train.rows, data, classes, read.input_size), read)
    make_bundle(read, classes, rows, data, network, out / "bundle", final)
    Console(stderr=True).print(f"The bundle is in {out / 'bundle'}.")


def make_bundle(
    recipe: Recipe, classes: Classes, rows: Sequence[Row], data: Path, network: Network, folder: Path, final: bool
) -> None:
    """Write a bundle's files; `final` measures it on test and source_test rows too, which no choice may rest on."""
    folder.mkdir(parents=True, exist_ok=True)
    export_network(network, recipe.input_size, folder / NETWORK)
    write_recipe(recipe, folder / RECIPE)
    described = Description(
        name=recipe.name,
        backbone=recipe.backbone.name,
        classes=classes.keys,
        input=Input(size=recipe.input_size, mean=recipe.mean, std=recipe.std),
        certainty=UNFITTED,
        training_manifest=hashlib.sha256((data / "manifest.csv").read_bytes()).hexdigest(),
        files={},
    )
    write_description(folder, described)
    described = described.model_copy(update={"certainty": certify(folder, rows, data, classes, network)})
    write_description(folder, described)
    metrics = _measure(folder, rows, data, ("val", "test", "source_test") if final else ("val",))
    write_metrics(metrics, folder / METRICS)
    write_card(described, metrics, rows, classes, folder / CARD)
    write_description(folder, described)


def _measure(folder: Path, rows: Sequence[Row], data: Path, splits: Sequence[str]) -> dict[str, dict[str, Figure]]:
    """Figures by split."""
    classifier = Classifier.load(str(folder))
    figures = {}
    for split in splits:
        measured = measure(classifier, [row for row in rows if row.split == split], lambda row: data / row.file)
        if measured.rows:
            figures[split] = all_figures(measured.predictions(classifier.classes), classifier.taxonomy)
    print_figures(figures, folder.as_posix())
    return figures
