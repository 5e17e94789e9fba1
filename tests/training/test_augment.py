"""Augmentation: that a seed decides every pixel, and that a transform nobody knows is named."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.augment import Augmenter
from training.recipe import Recipe, RecipeError, Stage

STEPS: tuple[dict[str, dict[str, Any]], ...] = (
    {"RandomResizedCrop": {"scale": [0.4, 1.0]}},
    {"ColorJitter": {"p": 1.0}},
    {"GaussNoise": {"p": 1.0}},
    {"CoarseDropout": {"p": 0.5}},
)


def augmenter(*steps: dict[str, dict[str, Any]]) -> Augmenter:
    return Augmenter(Recipe(name="a", stages=(Stage(epochs=1),), input_size=48, augmentation=steps))


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)


def test_the_same_seed_gives_the_same_pixels_whatever_came_before(pixels: NDArray[np.uint8]) -> None:
    one, other = augmenter(*STEPS), augmenter(*STEPS)
    first = one(pixels, 7)
    for seed in range(5):
        other(pixels, seed)
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(other(pixels, 7), first)
    assert np.array_equal(one(pixels, 7), first)
    assert len({one(pixels, seed).tobytes() for seed in range(10)}) == 10


def test_whether_one_transform_happens_says_nothing_of_the_next() -> None:
    both = augmenter({"ToGray": {"p": 0.5}}, {"InvertImg": {"p": 0.5}})
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    done = [both(red, seed)[0, 0].tolist() for seed in range(200)]
    grey = np.array([len(set(colour)) == 1 for colour in done])
    inverted = np.array([max(colour) == 255 or colour[1] > 128 for colour in done])
    assert all(30 <= count <= 70 for count in np.bincount(2 * grey + inverted, minlength=4))


def test_training_may_see_smaller_photos_than_the_classifier(pixels: NDArray[np.uint8]) -> None:
    recipe = Recipe(name="a", stages=(Stage(epochs=1),), input_size=48, train_size=32, augmentation=STEPS)
    assert Augmenter(recipe)(pixels, 7).shape == (32, 32, 3)


def test_pixels_given_are_not_changed(pixels: NDArray[np.uint8]) -> None:
    before = pixels.copy()
    pixels.setflags(write=False)
    augmenter(*STEPS)(pixels, 1)
    assert np.array_equal(pixels, before)


def test_without_steps_a_photo_is_only_made_square(pixels: NDArray[np.uint8]) -> None:
    plain = augmenter()(pixels, 1)
    assert plain.shape == (48, 48, 3)
    assert np.array_equal(plain, augmenter()(pixels, 2))


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"HorizonalFlip": {}}, ": albumentations knows no transform named 'HorizonalFlip'."),
        ({"Compose": {}}, ": albumentations knows no transform named 'Compose'."),
        ({"os": {}}, ": albumentations knows no transform named 'os'."),
        (
            {"HorizontalFlip": {"q": 0.5}},
            ".HorizontalFlip: Argument(s) 'q' are not valid for transform BasicTransform.",
        ),
        ({"HorizontalFlip": {"p": 2}}, ".HorizontalFlip.p: input should be less than or equal to 1."),
        ({"GaussNoise": {"std_range": [0.2, 0.1]}}, ".GaussNoise.std_range: "),
        ({"Normalize": {}}, ": it must keep bytes, so leave out Normalize."),
    ],
)
def test_a_wrong_step_is_named(step: dict[str, dict[str, Any]], says: str) -> None:
    with pytest.raises(RecipeError) as raised:
        augmenter(step)
    message = str(raised.value)
    assert message.startswith(f"The recipe is wrong at augmentation{says}")
    assert message.endswith(".")
    assert "\n" not in message
