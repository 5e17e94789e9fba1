"""The floor beside a bundle's figures: frozen features, and a regression on the photos that the bundle learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from model.bundle import RECIPE
from training.corrections import correct, read_corrections
from training.evaluate.figures import all_figures
from training.recipe_file import read_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model.classifier import Classifier
    from model.manifest import Row
    from model.photo import PhotoError
    from training.evaluate.bootstrap import Figure
    from training.evaluate.measure import Measured


class Floor(NamedTuple):
    """Its figures, and the train photos that could not be opened, which it did without."""

    figures: dict[str, Figure]
    unreadable: list[tuple[Row, PhotoError]]


def check_floor(classifier: Classifier, rows: Sequence[Row]) -> None:
    """Find out before the work whether a floor can be fitted.

    Raises:
        BaselineError: Fewer than two labels have enough train rows.
        CorrectionsError: The bundle's corrections cannot be used.
        RecipeError: The bundle's recipe cannot be used.
    """
    from training.baseline import learnable

    learnable(train_rows(classifier, rows))


def measure_floor(
    classifier: Classifier, measured: Measured, rows: Sequence[Row], locate: Callable[[Row], Path]
) -> Floor:
    """The figures of the floor on the photos measured; `rows` are those of the whole manifest.

    Raises:
        BaselineError: Too few train photos are there, or can be opened.
        CorrectionsError: The bundle's corrections cannot be used.
        RecipeError: The bundle's recipe cannot be used.
    """
    from training.baseline import baseline_predictions

    said = baseline_predictions(train_rows(classifier, rows), measured.rows, locate)
    return Floor(all_figures(said.predictions, classifier.taxonomy), said.unreadable)


def train_rows(classifier: Classifier, rows: Sequence[Row]) -> list[Row]:
    """The train rows as the bundle's own recipe takes them: under its licences, with its corrections."""
    train, bundle = [row for row in rows if row.split == "train"], classifier.bundle
    if RECIPE not in bundle.description.files:
        return train
    recipe = read_recipe(bundle.folder / RECIPE)
    licensed = [row for row in train if not recipe.licences or row.licence in recipe.licences]
    if not recipe.corrections:
        return licensed
    return correct(licensed, read_corrections(recipe.corrections, classifier.taxonomy)).rows
