"""The picture in a photo: that frames of every kind are taken off, and that nothing else is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from skimage import data

from model.classifier import in_photo
from model.photo import open_photo

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.classifier import Classifier

PHOTOS = {"cat": data.chelsea, "coffee": data.coffee, "astronaut": data.astronaut, "retina": data.retina}
WHITE, BLACK, SCREEN = (255, 255, 255), (0, 0, 0), (242, 242, 245)


def photo(name: str, side: int = 480) -> Image.Image:
    return ImageOps.contain(Image.fromarray(PHOTOS[name]()), (side, side))


def put_on(ground: tuple[int, int, int], left: int, top: int, right: int, bottom: int, name: str) -> Image.Image:
    inner = photo(name)
    outer = Image.new("RGB", (inner.width + left + right, inner.height + top + bottom), ground)
    outer.paste(inner, (left, top))
    return outer


def on_a_phone(name: str) -> Image.Image:
    shown = put_on(SCREEN, 0, 80, 0, 230, name)
    draw, below = ImageDraw.Draw(shown), shown.height - 230
    for line, text in enumerate(["12:41   Marketplace", "$49.99   Carving, very old", "Ships worldwide in 5 days"]):
        draw.text((20, 30 if line == 0 else below + 40 * line), text, BLACK, font_size=26)
    draw.rectangle((30, shown.height - 60, shown.width - 30, shown.height - 15), (200, 30, 40))
    return shown


def as_jpeg(image: Image.Image, quality: int = 80) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


FRAMES: dict[str, tuple[Callable[[str], Image.Image], int, int]] = {
    "white border": (lambda name: put_on(WHITE, 50, 50, 50, 50, name), 50, 50),
    "black bars above and below": (lambda name: put_on(BLACK, 0, 120, 0, 120, name), 0, 120),
    "black bars at the sides": (lambda name: put_on(BLACK, 140, 0, 140, 0, name), 140, 0),
    "caption below": (lambda name: put_on(WHITE, 0, 0, 0, 60, name), 0, 0),
    "a phone's screen": (on_a_phone, 0, 80),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("name", ["cat", "coffee", "astronaut"])
@pytest.mark.parametrize("quality", [90, 60])
def test_what_is_around_a_picture_is_taken_off(frame: str, name: str, quality: int) -> None:
    around, left, top = FRAMES[frame]
    opened, inner = open_photo(as_jpeg(around(name), quality)), photo(name)
    assert opened.inside == pytest.approx((top, top + inner.height, left, left + inner.width), abs=6)
    assert opened.picture.shape == pytest.approx((inner.height, inner.width, 3), abs=12)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_without_a_frame_is_seen_whole(name: str) -> None:
    opened = open_photo(as_jpeg(photo(name)))
    assert opened.picture.shape == opened.pixels.shape


def test_the_ground_around_an_object_is_no_frame() -> None:
    for ground in (WHITE, BLACK, (128, 128, 128)):
        image = Image.new("RGB", (500, 400), ground)
        ImageDraw.Draw(image).ellipse((150, 60, 350, 340), (190, 170, 130), (90, 70, 40), 6)
        assert open_photo(as_jpeg(image)).inside == (0, 400, 0, 500)


@pytest.mark.parametrize("ground", [WHITE, BLACK])
def test_of_a_collage_every_picture_is_seen(ground: tuple[int, int, int]) -> None:
    one, other = photo("cat", 300), photo("coffee", 300)
    collage = Image.new("RGB", (one.width + other.width + 20, max(one.height, other.height)), ground)
    collage.paste(one, (0, 0))
    collage.paste(other, (one.width + 20, 0))
    assert open_photo(as_jpeg(collage)).inside == pytest.approx((0, collage.height, 0, collage.width), abs=6)


@pytest.mark.parametrize("colour", [WHITE, BLACK])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (640, 480)])
def test_a_blank_photo_of_any_size_is_seen_whole(colour: tuple[int, int, int], size: tuple[int, int]) -> None:
    opened = open_photo(as_jpeg(Image.new("RGB", size, colour)))
    assert opened.picture.shape == (size[1], size[0], 3)


def test_a_detail_in_a_large_frame_is_not_the_picture() -> None:
    detail = put_on(WHITE, 400, 400, 400, 400, "cat").resize((500, 430))
    assert open_photo(as_jpeg(detail)).inside == (0, 430, 0, 500)


def test_quality_is_that_of_the_picture() -> None:
    framed, plain = open_photo(as_jpeg(on_a_phone("cat"))), open_photo(as_jpeg(photo("cat")))
    assert framed.quality.usable_side == pytest.approx(plain.quality.usable_side, abs=6)
    assert framed.quality.brightness == pytest.approx(plain.quality.brightness, abs=0.02)


def test_a_screenshot_is_answered_as_its_picture_is(classifier: Classifier) -> None:
    plain = classifier.classify([open_photo(as_jpeg(photo("cat")))])
    shown = classifier.classify([open_photo(as_jpeg(on_a_phone("cat")))], evidence=True)
    assert dict(shown.probabilities)[plain.probabilities[0][0]] == pytest.approx(plain.probabilities[0][1], abs=0.15)
    [evidence] = shown.evidence
    assert evidence.any()
    assert not evidence[[0, -1]].any(), "nothing speaks for an answer outside the picture"


def test_evidence_lies_where_the_picture_does() -> None:
    evidence = np.arange(1, 17, dtype=np.float32).reshape(4, 4)
    assert in_photo(evidence, (0, 1, 0, 1)) is evidence
    placed = in_photo(evidence, (0.5, 1, 0, 1))
    assert not placed[:2].any()
    assert placed[2:].tolist() == [evidence[1].tolist(), evidence[3].tolist()]
    assert in_photo(evidence, (0, 1, 0.25, 0.75))[:, 0].tolist() == [0, 0, 0, 0]
