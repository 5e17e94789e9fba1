"""Making a bundle of a trained network: export, certainty, figures, card."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rich.console import Console

from model.bundle import CARD, METRICS, NETWORK, RECIPE, SELF_CHECK, Bundle, Description, Input, write_description
from model.certainty import Certainty
from model.classifier import Classifier
from model.engine import load_engine, write_self_check
from model.taxonomy import load_taxonomy
from training.card import write_card
from training.certify import certify
from training.evaluate.figures import all_figures
from training.evaluate.measure import measure
from training.evaluate.write import print_figures, write_metrics
from training.export import export_network
from training.recipe_file import write_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model.manifest import Row
    from model.network import Network
    from training.classes import Classes
    from training.evaluate.bootstrap import Figure
    from training.recipe import Recipe

UNFITTED = Certainty(temperature=1, threshold=0.5, familiarity=(0, 1), unfamiliar_from=1)


def make_bundle(
    recipe: Recipe, classes: Classes, rows: Sequence[Row], data: Path, network: Network, folder: Path, final: bool
) -> None:
    """Write a bundle's files; `final` measures it on test and source_test rows too, which no choice may rest on."""
    folder.mkdir(parents=True, exist_ok=True)
    export_network(network, recipe.input_size, folder / NETWORK)
    described = Description(
        name=recipe.name,
        backbone=recipe.backbone.name,
        classes=classes.keys,
        input=Input(size=recipe.input_size, mean=recipe.mean, std=recipe.std),
        certainty=UNFITTED,
        training_manifest=digest_of(recipe, data),
        files={},
    )
    certainty = certify(_classifier(described, folder), rows, data, classes, network, recipe.export.target_error)
    finish_bundle(described.model_copy(update={"certainty": certainty}), recipe, classes, rows, data, folder, final)


def finish_bundle(
    described: Description,
    recipe: Recipe,
    classes: Classes,
    rows: Sequence[Row],
    data: Path,
    folder: Path,
    final: bool,
) -> None:
    """Write what a bundle with a network still lacks: self-check, recipe, figures, card, the seal; say where it is."""
    write_self_check(Bundle(folder, "", described), folder / SELF_CHECK)
    write_recipe(recipe, folder / RECIPE)
    splits = ("val", "test", "source_test") if final else ("val",)
    metrics = _measure(_classifier(described, folder), rows, data, splits)
    write_metrics(metrics, folder / METRICS)
    write_card(described, metrics, rows, classes, folder / CARD)
    write_description(folder, described)
    Console(stderr=True).print(f"The bundle is in {folder}.")


def digest_of(recipe: Recipe, data: Path) -> str:
    """The sha256 of the recipe's manifests, one after the other, or of the data folder's own."""
    manifests = recipe.manifests or (data / "manifest.csv",)
    return hashlib.sha256(b"".join(file.read_bytes() for file in manifests)).hexdigest()


def _classifier(described: Description, folder: Path) -> Classifier:
    """The classifier of a bundle whose bundle.json is not yet there, so that nobody takes a half-made one for whole."""
    bundle = Bundle(folder, "", described)
    return Classifier(bundle, load_engine(bundle), load_taxonomy())


def _measure(
    classifier: Classifier, rows: Sequence[Row], data: Path, splits: Sequence[str]
) -> dict[str, dict[str, Figure]]:
    """Figures by split; photos that cannot be opened are named on stderr."""
    figures, console = {}, Console(stderr=True, soft_wrap=True, markup=False)
    for split in splits:
        measured = measure(classifier, [row for row in rows if row.split == split], lambda row: data / row.file)
        for row, error in measured.unreadable:
            console.print(f"{row.file} is not measured: {error}")
        if measured.rows:
            figures[split] = all_figures(measured.predictions(classifier.classes), classifier.taxonomy)
    if figures:
        print_figures(figures, classifier.bundle.folder.as_posix())
    return figures
