"""Calibration: that fitting finds what was put in, and that the threshold keeps the error that it was fitted for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.certainty import energy, roll_up, softmax
from model.taxonomy import load_taxonomy
from training.calibrate import THRESHOLDS, fit_certainty, fit_temperature, fit_threshold, is_right

TAXONOMY = load_taxonomy()
CLASSES = ["agapornis", "amazona_aestiva", "bone", "ceramic", "ivory", "marine_ivory"]


def photos(count: int, sharpness: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, C), and labels (N,) drawn with the probabilities that the logits stand for."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, sharpness, (count, len(CLASSES))).astype(np.float32)
    probabilities = softmax(logits, 1).astype(float)
    draws = (probabilities.cumsum(axis=1) < generator.random((count, 1)) * (1 - 1e-6)).sum(axis=1)
    return logits, draws


@given(st.floats(0.3, 5))
def test_the_temperature_recovers_a_known_scaling(scale: float) -> None:
    logits, labels = photos(3000, 2)
    assert fit_temperature(logits * np.float32(scale), labels) == pytest.approx(scale, rel=0.1)


@given(st.integers(0, 99), st.floats(0.01, 0.3))
def test_the_threshold_keeps_the_error_it_was_fitted_for_and_a_lower_one_does_not(seed: int, target: float) -> None:
    logits, drawn = photos(60, 3, seed)
    probabilities, labels = softmax(logits, 1), [CLASSES[number] for number in drawn]

    def error(threshold: float) -> float:
        answers = [roll_up(row, CLASSES, TAXONOMY, threshold).node for row in probabilities]
        right = [is_right(a, label, TAXONOMY) for a, label in zip(answers, labels, strict=True) if a is not None]
        return right.count(False) / len(right) if right else 1.0

    threshold = fit_threshold(probabilities, labels, CLASSES, TAXONOMY, target)
    assert threshold in THRESHOLDS
    if threshold < THRESHOLDS[-1]:
        assert error(threshold) <= target
    assert all(error(float(lower)) > target for lower in THRESHOLDS if lower < threshold)


def test_an_answer_is_right_when_it_is_the_label_or_above_it() -> None:
    assert is_right("ivory", "ivory", TAXONOMY)
    assert is_right("tusk_ivory", "ivory", TAXONOMY)
    assert is_right("psittaciformes", "agapornis_fischeri", TAXONOMY)
    assert not is_right("marine_ivory", "ivory", TAXONOMY)
    assert not is_right("agapornis_fischeri", "agapornis", TAXONOMY)


def test_what_is_fitted_fits_the_photos_that_it_was_fitted_on() -> None:
    logits, drawn = photos(400, 3)
    labels = [CLASSES[number] for number in drawn]
    fitted = fit_certainty(logits * 2, labels, CLASSES, TAXONOMY)
    assert fitted.temperature == pytest.approx(2, rel=0.2)
    assert fitted.target_error == 0.05
    assert len(fitted.familiarity) == 101
    assert list(fitted.familiarity) == sorted(fitted.familiarity)
    energies = energy(logits * 2)
    assert fitted.familiarity[0] == pytest.approx(energies.min())
    assert fitted.familiarity[-1] == pytest.approx(energies.max())


def test_a_label_that_is_no_class_counts_for_the_threshold_alone() -> None:
    logits, drawn = photos(200, 3)
    labels = [CLASSES[number] for number in drawn]
    strange = np.full((50, len(CLASSES)), -9, np.float32)
    strange[:, CLASSES.index("agapornis")] = 9  # sure of a genus that includes them
    with_strangers = fit_certainty(
        np.concatenate([logits, strange]), labels + ["agapornis_taranta"] * 50, CLASSES, TAXONOMY
    )
    without = fit_certainty(logits, labels, CLASSES, TAXONOMY)
    assert with_strangers.temperature == without.temperature
    assert with_strangers.threshold <= without.threshold


def test_no_label_that_is_a_class_leaves_the_logits_as_they_are() -> None:
    logits, _ = photos(20, 3)
    assert fit_certainty(logits, ["wood"] * 20, CLASSES, TAXONOMY).temperature == 1
