"""What adverts do to photos, as augmentation."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.adverts import TRANSFORMS
from training.augment import Augmenter
from training.evaluate.disturb import DISTURBANCES
from training.recipe import Recipe, Stage

Pixels = NDArray[np.uint8]


def augmenter(*steps: dict[str, dict[str, Any]]) -> Augmenter:
    return Augmenter(Recipe(name="a", stages=(Stage(epochs=1),), input_size=96, augmentation=steps))


@pytest.fixture
def ball() -> Pixels:
    """A bright ball on a dark ground, large enough to be told from it."""
    rows, columns = np.mgrid[:120, :160]
    inside = (rows - 60) ** 2 + (columns - 80) ** 2 < 40**2
    return np.where(inside[..., None], (230, 220, 190), (30, 30, 40)).astype(np.uint8)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_seed_decides_what_an_advert_looks_like(name: str, ball: Pixels) -> None:
    once = augmenter({name: {"p": 1.0}})
    plain = augmenter()(ball, 0)
    drawn = [once(ball, seed) for seed in range(8)]
    assert all(np.array_equal(once(ball, seed), drawn[seed]) for seed in range(8))
    assert len({each.tobytes() for each in drawn}) >= 7
    assert sum(not np.array_equal(each, plain) for each in drawn) >= 7


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 300, 3), (300, 3, 3)])
def test_photos_of_any_shape_pass(name: str, shape: tuple[int, int, int]) -> None:
    for seed in range(5):
        assert augmenter({name: {"p": 1.0}})(np.full(shape, 90, np.uint8), seed).shape == (96, 96, 3)


def test_the_object_stays_where_its_ground_is_another(ball: Pixels) -> None:
    plain, other = augmenter()(ball, 1), augmenter({"OtherGround": {"p": 1.0}})(ball, 1)
    assert np.abs(plain[40:56, 40:56].astype(int) - other[40:56, 40:56]).max() <= 2
    assert np.abs(plain[:8].astype(int) - other[:8]).mean() > 10


def test_what_is_learned_from_is_not_what_is_judged_by(ball: Pixels) -> None:
    for name, judged in (("Watermark", "watermark"), ("Banner", "price banner"), ("Screen", "screenshot")):
        by = augmenter()(DISTURBANCES[judged](ball), 0)  # type: ignore[arg-type]
        assert not any(np.array_equal(augmenter({name: {"p": 1.0}})(ball, seed), by) for seed in range(20))
