"""Exemplars: that a class is found again from the few bytes that stand for its photos, and damage is one sentence."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model.bundle import BundleError
from model.exemplars import Exemplars, read_exemplars, write_exemplars


def drawn(count: int = 60, width: int = 400, classes: int = 3, signed: bool = False) -> Exemplars:
    """Embeddings as networks make them: most values small, some large; of three classes that differ."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % classes
    features = generator.exponential(1, (count, width)) * generator.exponential(1, (classes, width))[labels]
    if signed:
        features *= generator.choice([-1, 1], (classes, width))[labels]
    norms = np.linalg.norm(features, axis=1)
    return Exemplars((features / norms[:, None]).astype(np.float32), norms.astype(np.float32), labels)


def refusal(file: Path, classes: int = 3) -> str:
    with pytest.raises(BundleError) as raised:
        read_exemplars(file, classes)
    message = str(raised.value)
    assert "\n" not in message
    assert message.endswith("get the bundle anew.")
    return message


@pytest.mark.parametrize("signed", [False, True])
def test_what_is_read_points_where_what_was_written_pointed(signed: bool, tmp_path: Path) -> None:
    exemplars, file = drawn(signed=signed), tmp_path / "exemplars.npz"
    write_exemplars(exemplars, file)
    read = read_exemplars(file, 3)
    assert np.allclose(np.linalg.norm(read.embeddings, axis=1), 1, atol=1e-5)
    assert ((read.embeddings * exemplars.embeddings).sum(axis=1) > 0.97).all()
    assert np.allclose(read.norms, exemplars.norms)
    assert read.labels.tolist() == exemplars.labels.tolist()
    assert read.features == pytest.approx(read.embeddings * read.norms[:, None])


def test_the_same_exemplars_are_the_same_few_bytes(tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        write_exemplars(drawn(), tmp_path / name)
    content = (tmp_path / "one.npz").read_bytes()
    assert content == (tmp_path / "two.npz").read_bytes()
    assert len(content) < 60 * 400 * 0.6  # a good half of a byte for each number


@given(content=st.binary(max_size=300), cut=st.integers(0, 2000), flipped=st.integers(0, 2000))
def test_no_content_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cut: int, flipped: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.npz"
    file.write_bytes(content)
    refusal(file)
    write_exemplars(drawn(6, 20), file)
    whole = file.read_bytes()
    file.write_bytes(whole[: cut % len(whole)])
    refusal(file)
    spoilt = bytearray(whole)
    spoilt[flipped % len(whole)] ^= 255
    file.write_bytes(spoilt)
    with contextlib.suppress(BundleError):  # a few bytes of a zip mean nothing
        read_exemplars(file, 3)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path / "no.npz") == f"{tmp_path}/no.npz holds no exemplars that can be read: get the bundle anew."
    )


def test_exemplars_of_other_classes_or_shapes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "exemplars.npz"
    write_exemplars(drawn(), file)
    assert refusal(file, classes=2) == f"The exemplars in {file} are not of the bundle's classes: get the bundle anew."
    with np.load(file) as arrays_of:
        whole = dict(arrays_of)
    for name, value in (
        ("scale", whole["scale"][:-1]),
        ("labels", whole["labels"][:-1]),
        ("norms", np.float32(1)),
        ("steps", whole["steps"][0]),
        ("steps", whole["steps"][:0]),
        ("labels", np.array(["ivory"] * 60)),
        ("labels", -whole["labels"].astype(np.int64)),
        ("scale", np.array(["wide"] * 400)),
    ):
        np.savez_compressed(file, **(whole | {name: value}))
        refusal(file)
    np.savez_compressed(file, **{name: value for name, value in whole.items() if name != "steps"})
    refusal(file)
    np.savez_compressed(file, **(whole | {"steps": np.array([[{}]], object)}))  # needs pickle
    refusal(file)


@given(arrays.arrays(np.float32, (4, 6), elements=st.floats(0.125, 50, width=32)))
def test_norms_and_directions_make_the_features(features: np.ndarray) -> None:
    norms = np.linalg.norm(features, axis=1)
    made = Exemplars(features / norms[:, None], norms, np.zeros(4, np.int64)).features
    assert np.allclose(made, features, rtol=1e-4)
