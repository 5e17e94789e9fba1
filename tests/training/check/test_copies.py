"""Copies: what is the same picture is found however it was saved, cut or scaled; what only looks like it is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from model.classifier import Classifier
from model.manifest import Row
from model.photo import open_photo
from training.check.copies import close_pairs, copy_issues, find_copies, join_groups
from training.check.hashes import as_vectors, perceptual_hash
from training.check.keypoints import keypoints, same_picture
from training.check.look import look

PICTURES = ("astronaut", "chelsea", "coffee", "rocket")


def picture(name: str) -> Image.Image:
    return Image.fromarray(getattr(skimage.data, name)())


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "scaled": lambda image: image.resize((image.width // 2, image.height // 2)),
    "cropped": lambda image: image.crop((image.width // 4, image.height // 5, image.width, image.height * 9 // 10)),
    "turned": lambda image: image.rotate(15, expand=True),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
}


def saved(image: Image.Image, file: Path, **options: Any) -> Path:
    image.save(file, **options)
    return file


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_a_changed_copy_is_the_same_picture(name: str, change: str, tmp_path: Path) -> None:
    one = keypoints(saved(picture(name), tmp_path / "one.png"))
    other = keypoints(saved(CHANGES[change](picture(name)), tmp_path / "other.jpg", quality=70))
    assert one
    assert other
    assert same_picture(one, other)
    assert same_picture(other, one)


def test_other_pictures_and_those_that_share_a_logo_alone_are_not_the_same(tmp_path: Path) -> None:
    logo = picture("astronaut").resize((90, 90))
    marked = []
    for name in PICTURES:
        image = picture(name).convert("RGB")
        image.paste(logo, (5, 5))
        marked.append(keypoints(saved(image, tmp_path / f"{name}.png")))
    pairs = [(one, other) for at, one in enumerate(marked) for other in marked[at + 1 :] if one and other]
    assert len(pairs) == 6
    assert [pair for pair in pairs if same_picture(*pair)] == []


def test_a_picture_with_nothing_to_compare_has_no_keypoints(tmp_path: Path) -> None:
    assert keypoints(saved(Image.new("RGB", (200, 200), "white"), tmp_path / "blank.png")) is None
    assert keypoints(tmp_path / "nowhere.png") is None


@pytest.mark.parametrize("name", PICTURES)
def test_hashes_hardly_change_by_size_codec_and_brightness(name: str, tmp_path: Path) -> None:
    image = picture(name)
    files = [saved(image, tmp_path / "a.png")]
    files += [
        saved(CHANGES[change](image), tmp_path / f"{change}.jpg", quality=50) for change in ("scaled", "brighter")
    ]
    vectors = as_vectors(np.stack([perceptual_hash(open_photo(file).pixels) for file in files]))
    bits = np.rint((1 - vectors @ vectors.T) * 128)
    assert bits.max() <= 20
    others = as_vectors(np.stack([perceptual_hash(np.asarray(picture(other).convert("RGB"))) for other in PICTURES]))
    assert np.sort(np.rint((1 - vectors[:1] @ others.T) * 128)[0])[1] > 64


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40), st.floats(-0.5, 1))
def test_close_pairs_are_those_of_a_loop(seeds: list[int], least: float) -> None:
    vectors = np.stack([np.random.default_rng(seed % 7).normal(size=4) for seed in seeds]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = {
        (one, other) for other in range(len(seeds)) for one in range(other) if vectors[one] @ vectors[other] >= least
    }
    unsure = {tuple(pair) for pair in np.argwhere(np.abs(vectors @ vectors.T - least) < 1e-5).tolist()}
    assert set(map(tuple, close_pairs(vectors, least).tolist())) - unsure == expected - unsure


def row(file: str, group: str, label: str = "ivory", split: Any = "train") -> Row:
    return Row(file, "", label, split, group, "s", "CC0", "", 1, 1, "")


def test_groups_that_share_a_picture_become_one_named_by_the_first_row() -> None:
    rows = [row("0", "b"), row("1", "a"), row("2", "c"), row("3", "a"), row("4", "d")]
    sets = np.array([0, 1, 0, 2, 3])
    assert join_groups(rows, sets) == {"b": "b", "a": "a", "c": "b", "d": "d"}
    assert join_groups(rows, np.array([0, 1, 2, 0, 1])) == {"b": "b", "a": "b", "c": "c", "d": "b"}


def found(rows: list[Row], folder: Path, one_embedding: bool = False) -> list[tuple[str, list[str]]]:
    """Kinds of issues with the files that they concern."""

    def locate(row: Row) -> Path:
        return folder / row.file

    looks = look(rows, locate, Classifier.load(), folder / "looks.npy")
    if one_embedding:
        looks.table["embedding"] = looks.table["embedding"][0]
    issues = copy_issues(looks, find_copies(looks, locate))
    return sorted((issue.kind, [row.file for row in issue.rows]) for issue in issues)


def test_sets_of_copies_are_told_by_what_is_wrong_with_them(tmp_path: Path) -> None:
    cat, cup = picture("chelsea"), picture("coffee")
    saved(cat, tmp_path / "cat.png")
    saved(cat, tmp_path / "cat-again.bmp")
    saved(CHANGES["scaled"](cat), tmp_path / "cat-small.jpg")
    saved(cup, tmp_path / "cup.png")
    saved(CHANGES["turned"](cup), tmp_path / "cup-turned.png")
    rows = [
        row("cat.png", "g1"),
        row("cat-again.bmp", "g2", split="test"),
        row("cat-small.jpg", "g3", label="bone"),
        row("cup.png", "g4"),
        row("cup-turned.png", "g5"),
    ]
    cats = ["cat.png", "cat-again.bmp", "cat-small.jpg"]
    assert found(rows, tmp_path) == [
        ("copy_across_splits", cats[:2]),
        ("near_copy", ["cup.png", "cup-turned.png"]),
        ("near_copy_across_splits", cats),
        ("near_copy_other_label", cats),
    ]


def test_copies_in_one_group_are_a_burst_and_no_issue(draw: Any, tmp_path: Path) -> None:
    image = draw("bone", 1)
    saved(image, tmp_path / "a.png")
    saved(image.crop((3, 3, *image.size)), tmp_path / "b.png")
    assert found([row("a.png", "g"), row("b.png", "g")], tmp_path) == []
    assert found([row("a.png", "g"), row("b.png", "h")], tmp_path) == [("near_copy", ["a.png", "b.png"])]


def test_look_alikes_that_are_no_copies_are_noted_by_the_embedding(draw: Any, tmp_path: Path) -> None:
    files = [f"{number}.png" for number in range(4)]
    for number, file in enumerate(files):
        saved(draw("ivory", number), tmp_path / file)
    apart = [row(file, file, split=("train", "val")[number % 2]) for number, file in enumerate(files)]
    assert found(apart, tmp_path, one_embedding=True) == [("look_alike_across_splits", files)]
    labels = ("ivory", "bone", "ivory", "bone")
    other = [row(file, file, label) for file, label in zip(files, labels, strict=True)]
    assert found(other, tmp_path, one_embedding=True) == [("look_alike_other_label", files)]
    assert found([row(file, file) for file in files], tmp_path, one_embedding=True) == [("look_alike", files)]
