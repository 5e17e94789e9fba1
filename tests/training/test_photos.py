"""Photos in batches: that seed and epoch alone decide draws and pixels, and that no source or class drowns others."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model.classifier import DECODE_SIDE
from model.manifest import Row
from model.photo import open_photo, squash
from model.taxonomy import load_taxonomy
from training.augment import Augmenter
from training.classes import Classes, choose_classes
from training.photos import Balanced, Batches, InOrder, Photos, PhotosError, draw_weights
from training.recipe import Recipe, Sampling, Stage

RECIPE = Recipe(
    name="a",
    stages=(Stage(epochs=1),),
    input_size=64,
    augmentation=({"RandomResizedCrop": {"scale": [0.4, 1.0]}}, {"GaussNoise": {"p": 1.0}}),
)


@pytest.fixture
def classes(toy_rows: list[Row]) -> Classes:
    return choose_classes(toy_rows, load_taxonomy())


def train(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.split == "train"]


def test_unaugmented_pixels_are_those_that_the_classifier_sees(
    toy_rows: list[Row], toy: Path, classes: Classes
) -> None:
    photos = Photos(toy_rows, toy, classes, 64)
    for index in range(0, len(photos), 7):
        item = photos[0, index]
        assert not isinstance(item, PhotosError)
        pixels, target = item
        expected = squash(open_photo(toy / toy_rows[index].file, max_side=DECODE_SIDE).picture, 64)
        assert np.array_equal(pixels.numpy(), expected)
        assert classes.keys[target] == toy_rows[index].label


def test_large_photos_too_are_seen_as_the_classifier_sees_them(
    toy_rows: list[Row], classes: Classes, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 1500, 3), np.uint8)
    row = toy_rows[0]
    (tmp_path / "photos").mkdir()
    Image.fromarray(noise).save(tmp_path / row.file)
    item = Photos([row], tmp_path, classes, 64)[0, 0]
    assert not isinstance(item, PhotosError)
    assert np.array_equal(item[0], squash(open_photo(tmp_path / row.file, max_side=DECODE_SIDE).picture, 64))


def test_the_same_seed_gives_the_same_batches_in_one_process_and_in_workers(
    toy_rows: list[Row], toy: Path, classes: Classes
) -> None:
    rows = train(toy_rows)
    seen = []
    for workers in (0, 2):
        photos = Photos(rows, toy, classes, 64, Augmenter(RECIPE))
        order = Balanced(rows, photos.targets, Sampling(), seed=1)
        seen.append(list(Batches(photos, order, 16, workers)))
    assert len(seen[0]) == len(seen[1]) == 3
    for (pixels, targets), (again, targets_again) in zip(*seen, strict=True):
        assert pixels.shape == (16, 64, 64, 3)
        assert pixels.dtype == torch.uint8
        assert torch.equal(pixels, again)
        assert torch.equal(targets, targets_again)


def test_draws_depend_on_seed_and_epoch_alone(toy_rows: list[Row]) -> None:
    rows = train(toy_rows)
    targets = [sorted({row.label for row in rows}).index(row.label) for row in rows]

    def draws(seed: int, epoch: int) -> list[tuple[int, int]]:
        order = Balanced(rows, targets, Sampling(), seed)
        order.epoch = epoch
        np.random.default_rng(0).random(seed)  # noise from elsewhere
        return list(order)

    assert draws(1, 4) == draws(1, 4)
    assert len({tuple(draws(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    assert len(draws(1, 0)) == len(rows)
    assert {index for epoch in range(20) for _, index in draws(1, epoch)} == set(range(len(rows)))


def test_in_order_is_in_order() -> None:
    assert list(InOrder(3)) == [(0, 0), (0, 1), (0, 2)]


photos = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=60)
powers = st.floats(0, 1)


@given(photos, powers, powers)
def test_weights_are_probabilities_and_obey_their_powers(
    given: list[tuple[str, int]], class_power: float, source_power: float
) -> None:
    sources, targets = [source for source, _ in given], [target for _, target in given]
    weights = draw_weights(sources, targets, Sampling(class_power=class_power, source_power=source_power))
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()
    photos_of_class, photos_of_pair = Counter(targets), Counter(given)
    mass_of_class, mass_of_pair = Counter[int](), Counter[tuple[str, int]]()
    for pair, weight in zip(given, weights.tolist(), strict=True):
        mass_of_class[pair[1]] += weight
        mass_of_pair[pair] += weight
    first_class, first_pair = targets[0], given[0]
    for target, mass in mass_of_class.items():
        ratio = (photos_of_class[target] / photos_of_class[first_class]) ** (1 - class_power)
        assert mass / mass_of_class[first_class] == pytest.approx(ratio)
    for pair, mass in mass_of_pair.items():
        if pair[1] == first_class:
            ratio = (photos_of_pair[pair] / photos_of_pair[first_pair]) ** (1 - source_power)
            assert mass / mass_of_pair[first_pair] == pytest.approx(ratio)


def test_at_power_one_classes_and_sources_weigh_alike_and_at_zero_photos_do() -> None:
    sources, targets = list("aaaabbac"), [0, 0, 0, 0, 0, 1, 1, 1]
    assert draw_weights(sources, targets, Sampling(class_power=0, source_power=0)).tolist() == pytest.approx(
        [1 / 8] * 8
    )
    equal = draw_weights(sources, targets, Sampling(class_power=1, source_power=1))
    assert equal.tolist() == pytest.approx([1 / 16] * 4 + [1 / 4] + [1 / 6] * 3)


def test_a_missing_photo_is_named_before_anything_is_learned(
    toy_rows: list[Row], toy: Path, classes: Classes, tmp_path: Path
) -> None:
    with pytest.raises(PhotosError) as raised:
        Photos(toy_rows, tmp_path, classes, 64)
    assert str(raised.value) == f"{tmp_path / toy_rows[0].file} is in the manifest and not in the folder."


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_photo_is_named_from_a_worker_too(
    workers: int, toy_rows: list[Row], classes: Classes, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    for row in toy_rows[:5]:
        (tmp_path / row.file).write_bytes(b"not a photo")
    loaded = Batches(Photos(toy_rows[:5], tmp_path, classes, 64), InOrder(5), 2, workers)
    with pytest.raises(PhotosError) as raised:
        list(loaded)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / toy_rows[0].file} cannot be learned from: ")
    assert message.endswith(".")
    assert "\n" not in message
