"""Spoilt photos: that each disturbance does what its name says, always the same, to photos of any shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data

from model.photo import open_photo
from training.evaluate.background import object_mask, swap_background
from training.evaluate.disturb import DISTURBANCES
from training.evaluate.drawn import ground, nonsense
from training.evaluate.measure import as_png

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return np.ascontiguousarray(data.astronaut()[:400])


@pytest.fixture(scope="module")
def on_plain_ground() -> Pixels:
    """A brown disc on a grey ground with a little noise."""
    rows, columns = np.mgrid[:240, :320]
    disc = (rows - 120) ** 2 + (columns - 160) ** 2 < 70**2
    picture = np.where(disc[..., None], (120, 70, 30), (190, 190, 195)) + np.random.default_rng(0).normal(
        0, 2, (240, 320, 3)
    )
    return picture.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbance_is_the_same_each_time_and_leaves_the_photo_as_it_was(name: str, on_plain_ground: Pixels) -> None:
    before = on_plain_ground.copy()
    first, second = (DISTURBANCES[name](on_plain_ground) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first, second)
    assert np.array_equal(before, on_plain_ground)
    assert first.dtype == np.uint8
    assert first.shape != before.shape or not np.array_equal(first, before)


@settings(max_examples=25)
@given(st.integers(4, 90), st.integers(4, 90), st.integers(0, 9))
def test_photos_of_any_shape_can_be_spoilt_and_opened_again(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    for name, disturb in DISTURBANCES.items():
        spoilt = disturb(pixels)
        if spoilt is not None:
            opened = open_photo(as_png(spoilt), 4096)
            assert np.array_equal(opened.pixels, spoilt), name


def test_shapes_are_what_the_names_say(photo: Pixels) -> None:
    height, width = photo.shape[:2]
    shapes = {
        name: spoilt.shape[:2] for name, disturb in DISTURBANCES.items() if (spoilt := disturb(photo)) is not None
    }
    assert max(shapes["200 pixels"]) == 200
    assert shapes["200 pixels"][0] / shapes["200 pixels"][1] == pytest.approx(height / width, abs=0.01)
    assert shapes["cropped to 75%"] == (height * 3 // 4, width * 3 // 4)
    assert shapes["border"] == (height + 2 * (max(height, width) // 8), width + 2 * (max(height, width) // 8))
    assert shapes["screenshot"][1] == width
    assert shapes["screenshot"][0] > height
    for name in ("JPEG quality 30", "watermark", "price banner", "blurred", "dark"):
        assert shapes[name] == (height, width)


def test_they_do_what_the_names_say(photo: Pixels) -> None:
    spoilt = {
        name: np.asarray(disturb(photo), float) for name, disturb in DISTURBANCES.items() if name != "other background"
    }
    height = len(photo)
    assert spoilt["dark"].mean() == pytest.approx(0.3 * photo.mean(), rel=0.01)
    assert np.abs(np.diff(spoilt["blurred"], axis=0)).mean() < 0.6 * np.abs(np.diff(photo.astype(float), axis=0)).mean()
    assert 1 < np.abs(spoilt["JPEG quality 30"] - photo).mean() < 10
    assert np.array_equal(spoilt["price banner"][: height * 4 // 5], photo[: height * 4 // 5])
    assert np.median(spoilt["price banner"][-height // 8 :], axis=(0, 1)).tolist() == [200, 30, 40]
    assert (spoilt["watermark"] >= photo.astype(float) - 1).all()
    assert 0.02 < (spoilt["watermark"] > photo.astype(float) + 20).any(axis=-1).mean() < 0.4
    top = round(0.16 * photo.shape[1])
    assert np.array_equal(spoilt["screenshot"][top : top + height], photo)


def test_the_object_keeps_its_pixels_and_the_ground_changes(on_plain_ground: Pixels) -> None:
    rows, columns = np.mgrid[:240, :320]
    distance = np.hypot(rows - 120, columns - 160)
    mask, swapped = object_mask(on_plain_ground), swap_background(on_plain_ground)
    assert mask is not None
    assert swapped is not None
    assert mask[distance < 66].all()
    assert not mask[distance > 74].any()
    assert np.array_equal(swapped[distance < 60], on_plain_ground[distance < 60])
    assert np.abs(swapped[distance > 80].astype(float) - on_plain_ground[distance > 80]).mean() > 10


def test_what_has_no_plain_ground_or_no_object_is_left_alone(photo: Pixels, on_plain_ground: Pixels) -> None:
    assert swap_background(photo) is None
    assert swap_background(np.full((100, 100, 3), 200, np.uint8)) is None
    pale = np.where((on_plain_ground < 150).any(axis=-1, keepdims=True), (205, 205, 205), on_plain_ground)
    assert swap_background(pale.astype(np.uint8)) is None  # the object is hardly of another colour


def test_grounds_and_nonsense_differ_by_their_number_alone() -> None:
    grounds = [ground(60, 80, number) for number in range(6)]
    assert all(np.array_equal(drawn, ground(60, 80, number)) for number, drawn in enumerate(grounds))
    drawings = [nonsense(number) for number in range(12)]
    assert all(np.array_equal(drawn, nonsense(number)) for number, drawn in enumerate(drawings))
    assert len({drawn.tobytes() for drawn in (*grounds, *drawings)}) == 18
    assert all(drawn.std() > 5 for drawn in (*grounds, *drawings))
