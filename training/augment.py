"""Augmentation: the transforms that a recipe writes out, by their names in albumentations or `training.adverts`."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

# albumentations asks a server for its newest version when imported.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
import albumentations
import cv2
import numpy as np
from pydantic import ValidationError

from training.adverts import TRANSFORMS
from training.recipe import Recipe, RecipeError

if TYPE_CHECKING:
    from numpy.typing import NDArray


cv2.setNumThreads(0)  # the processes that augment share the cores already


class Augmenter:
    """Applies a recipe's augmentation; the same seed gives the same picture, in whatever process."""

    def __init__(self, recipe: Recipe) -> None:
        size = recipe.train_size or recipe.input_size
        resize = [albumentations.Resize(size, size, interpolation=cv2.INTER_AREA)]
        self._compose = albumentations.Compose([*(_transform(step, size) for step in recipe.augmentation), *resize])
        if self(np.zeros((size, size, 3), np.uint8), 0).dtype != np.uint8:
            raise RecipeError("The recipe is wrong at augmentation: it must keep bytes, so leave out Normalize.")

    def __call__(self, pixels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """Augment pixels (H, W, 3) into (size, size, 3).

        Each transform gets a seed of its own: Compose would give all the same one, and all would happen together.
        """
        seeds = np.random.SeedSequence(seed).generate_state(len(self._compose.transforms))
        for transform, own in zip(self._compose.transforms, seeds.tolist(), strict=True):
            transform.set_random_seed(own)
        augmented: NDArray[np.uint8] = self._compose(image=pixels)["image"]
        return augmented


def _transform(step: dict[str, dict[str, Any]], size: int) -> Any:
    """One transform, from `{Name: {parameter: value}}`.

    Raises:
        RecipeError: albumentations knows no such transform, or not these parameters.
    """
    [(name, parameters)] = step.items()
    transform = TRANSFORMS.get(name) or getattr(albumentations, name, None)
    if not (isinstance(transform, type) and issubclass(transform, albumentations.BasicTransform)):
        raise RecipeError(f"The recipe is wrong at augmentation: albumentations knows no transform named {name!r}.")
    if name == "RandomResizedCrop":
        parameters = {"size": (size, size), **parameters}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # albumentations only warns of a parameter that it does not know
            return transform(**parameters)
    except (TypeError, ValueError, UserWarning) as error:
        reason = f": {str(error).splitlines()[0]}"
        if isinstance(error.__cause__, ValidationError):
            first = error.__cause__.errors()[0]
            reason = f".{first['loc'][0]}: {first['msg'].lower()}"
        raise RecipeError(f"The recipe is wrong at augmentation.{name}{reason}.") from error
