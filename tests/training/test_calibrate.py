"""Calibration: that fitting finds what was put in, and that the threshold keeps the error that it was fitted for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.certainty import distance, energy, familiarity, roll_up, softmax, unfamiliarity, way_down
from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.calibrate import (
    CONFIDENCE,
    THRESHOLDS,
    deepest,
    fit_certainty,
    fit_temperature,
    fit_threshold,
    right,
    upper_bound,
)
from training.seen import Seen
from training.shift import Shift

Floats = NDArray[np.float32]

TAXONOMY = load_taxonomy()
CLASSES = ["agapornis", "amazona_aestiva", "bone", "ceramic", "ivory", "marine_ivory"]
EXEMPLARS = np.eye(len(CLASSES), dtype=np.float32)


def photos(count: int, sharpness: float, seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Logits (N, C), and labels (N,) drawn with the probabilities that the logits stand for."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, sharpness, (count, len(CLASSES))).astype(np.float32)
    probabilities = softmax(logits, 1).astype(float)
    draws = (probabilities.cumsum(axis=1) < generator.random((count, 1)) * (1 - 1e-6)).sum(axis=1)
    return logits, draws


def seen(logits: Floats, labels: list[str], groups: list[str] | None = None) -> Seen:
    """Photos that their labels are right for, with embeddings near the class that their logits favour."""
    named = groups or [f"group {number}" for number in range(len(labels))]
    rows = [
        Row(f"{number}.jpg", "", label, "val", group, "shop", "CC0", "", 9, 9, "")
        for number, (label, group) in enumerate(zip(labels, named, strict=True))
    ]
    embeddings = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Seen(rows, logits, (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32))


def error(probabilities: Floats, labels: list[str], threshold: float) -> float:
    """Share of the answers that are wrong."""
    answers = [roll_up(row, CLASSES, TAXONOMY, threshold).node for row in probabilities]
    true = right(answers, labels, TAXONOMY)
    given = np.array([answer is not None for answer in answers])
    return float(1 - true[given].mean()) if given.any() else 0.0


@given(st.floats(0.3, 5))
@settings(max_examples=30)
def test_the_temperature_recovers_a_known_scaling(scale: float) -> None:
    logits, labels = photos(3000, 2)
    assert fit_temperature(logits * np.float32(scale), labels) == pytest.approx(scale, rel=0.1)


@pytest.mark.parametrize("target", [0.05, 0.15])
def test_on_photos_that_were_not_fitted_on_the_error_is_seldom_above_the_target(target: float) -> None:
    """The promise itself: of many fits, each on few photos, at most 1 - CONFIDENCE break it on what comes after."""
    population, drawn = photos(4000, 3, seed=1)
    probabilities = softmax(population * 1.4, 1)  # surer than it should be, so that the threshold matters
    labels = [CLASSES[number] for number in drawn]
    true_error = {threshold: error(probabilities, labels, threshold) for threshold in THRESHOLDS}
    assert true_error[THRESHOLDS[0]] > target
    broken = []
    for seed in range(60):
        few = np.random.default_rng(seed).choice(len(labels), 300, replace=False)
        chosen = [labels[number] for number in few]
        groups = [str(number) for number in few]
        fitted = fit_threshold(probabilities[few], chosen, groups, CLASSES, TAXONOMY, target)
        broken.append(fitted is not None and true_error[fitted] > target)
    assert np.mean(broken) <= 1 - CONFIDENCE + 0.08  # two standard errors of 60 fits


@given(st.integers(0, 99), st.floats(0.02, 0.3))
@settings(max_examples=30)
def test_the_threshold_is_the_lowest_that_passes_before_one_fails(seed: int, target: float) -> None:
    logits, drawn = photos(200, 3, seed)
    probabilities, labels = softmax(logits, 1), [CLASSES[number] for number in drawn]
    fitted = fit_threshold(probabilities, labels, [str(n) for n in range(200)], CLASSES, TAXONOMY, target)
    if fitted is None:  # none passed
        return
    assert fitted in THRESHOLDS
    assert error(probabilities, labels, fitted) < target
    below = [threshold for threshold in THRESHOLDS if threshold < fitted]
    if below:
        answers = [deepest(way_down(row, CLASSES, TAXONOMY), float(below[-1])) for row in probabilities]
        count = sum(answer is not None for answer in answers)
        wrong = count - int(right(answers, labels, TAXONOMY).sum())
        assert upper_bound(wrong, count) > target


def test_too_few_photos_leave_the_strictest_threshold_and_no_promise() -> None:
    certain = softmax(np.eye(len(CLASSES), dtype=np.float32)[[4] * 20] * 50, 1)
    names = [str(number) for number in range(20)]
    assert fit_threshold(certain, ["ivory"] * 20, names, CLASSES, TAXONOMY, 0.05) is None
    assert fit_threshold(certain, ["ivory"] * 20, names, CLASSES, TAXONOMY, 0.2) == THRESHOLDS[0]
    logits, drawn = photos(20, 3)
    fitted = fit_certainty(seen(logits * 2, [CLASSES[number] for number in drawn]), CLASSES, TAXONOMY, Shift())
    assert (fitted.threshold, fitted.target_error) == (THRESHOLDS[-1], None)


def test_where_every_threshold_fails_nothing_is_promised() -> None:
    wrong = softmax(np.eye(len(CLASSES), dtype=np.float32)[[4] * 200] * 50, 1)
    assert fit_threshold(wrong, ["bone"] * 200, list(map(str, range(200))), CLASSES, TAXONOMY, 0.05) is None


def test_photos_of_one_group_count_as_one() -> None:
    certain = softmax(np.eye(len(CLASSES), dtype=np.float32)[[4] * 200] * 50, 1)
    labels = ["ivory"] * 200
    apart, together = [str(number) for number in range(200)], [str(number % 20) for number in range(200)]
    assert fit_threshold(certain, labels, apart, CLASSES, TAXONOMY, 0.05) == THRESHOLDS[0]
    assert fit_threshold(certain, labels, together, CLASSES, TAXONOMY, 0.05) is None


@given(st.floats(0, 50), st.floats(0.5, 500))
def test_the_bound_is_above_the_share_and_falls_with_more_photos(errors: float, right_ones: float) -> None:
    count = errors + right_ones
    bound = upper_bound(errors, count)
    assert errors / count < bound <= 1
    assert upper_bound(4 * errors, 4 * count) < bound


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    assert upper_bound(0, 44) > 0.05 > upper_bound(0, 45)  # 0.95 ** 45 < 1 - CONFIDENCE
    assert upper_bound(0, 0) == upper_bound(3, 3) == 1


@given(st.integers(0, 20), st.floats(0, 1))
@settings(max_examples=30)
def test_the_deepest_node_is_what_is_answered(seed: int, threshold: float) -> None:
    for row in softmax(photos(5, 2, seed)[0], 1):
        answer = roll_up(row, CLASSES, TAXONOMY, threshold).node
        assert deepest(way_down(row, CLASSES, TAXONOMY), threshold) == answer


def test_an_answer_is_right_when_it_is_the_label_or_above_it() -> None:
    answers = ["ivory", "tusk_ivory", "psittaciformes", "marine_ivory", "agapornis_fischeri", None, "ivory"]
    labels = ["ivory", "ivory", "agapornis_fischeri", "ivory", "agapornis", "ivory", "no key of the tree"]
    assert right(answers, labels, TAXONOMY).tolist() == [True, True, True, False, False, False, False]


def test_what_is_fitted_fits_the_photos_that_it_was_fitted_on() -> None:
    logits, drawn = photos(400, 3)
    photos_seen = seen(logits * 2, [CLASSES[number] for number in drawn])
    fitted = fit_certainty(photos_seen, CLASSES, TAXONOMY, Shift(), EXEMPLARS, target=0.2)
    assert fitted.temperature == pytest.approx(2, rel=0.2)
    assert (fitted.target_error, fitted.unseen_error) == (0.2, None)
    assert len(fitted.familiarity) == 101
    assert list(fitted.familiarity) == sorted(fitted.familiarity)
    familiar = familiarity(photos_seen.logits, photos_seen.embeddings, EXEMPLARS, fitted)
    assert fitted.familiarity[0] == pytest.approx(familiar.min())
    assert fitted.familiarity[-1] == pytest.approx(familiar.max())
    flagged = unfamiliarity(familiar, fitted.familiarity) >= fitted.unfamiliar_from
    assert flagged.mean() == pytest.approx(0.01, abs=0.005)


def test_energy_and_distance_weigh_alike_and_without_exemplars_energy_stands_alone() -> None:
    logits, drawn = photos(400, 3)
    photos_seen = seen(logits, [CLASSES[number] for number in drawn])
    fitted = fit_certainty(photos_seen, CLASSES, TAXONOMY, Shift(), EXEMPLARS)
    spread = distance(photos_seen.embeddings, EXEMPLARS).std()
    assert fitted.distance_weight * spread == pytest.approx(energy(logits).std(), rel=1e-4)
    alone = fit_certainty(photos_seen, CLASSES, TAXONOMY, Shift())
    assert alone.distance_weight == 0
    assert alone.familiarity[0] == pytest.approx(energy(logits).min())


def test_heat_raises_the_temperature_and_lowers_the_threshold_for_the_same_answers() -> None:
    logits, drawn = photos(1500, 3)
    photos_seen = seen(logits, [CLASSES[number] for number in drawn])
    cool = fit_certainty(photos_seen, CLASSES, TAXONOMY, Shift())
    warm = fit_certainty(photos_seen, CLASSES, TAXONOMY, Shift(1.5, 0.12))
    assert warm.temperature == pytest.approx(1.5 * cool.temperature)
    assert warm.threshold < cool.threshold
    assert warm.unseen_error == 0.12
    answered = [
        np.mean([deepest(way_down(row, CLASSES, TAXONOMY), each.threshold) is not None for row in softened])
        for each in (cool, warm)
        for softened in [softmax(logits, each.temperature)]
    ]
    assert answered[0] == pytest.approx(answered[1], abs=0.03)


def test_a_label_that_is_no_class_counts_for_the_threshold_alone() -> None:
    logits, drawn = photos(600, 3)
    labels = [CLASSES[number] for number in drawn]
    strange = np.full((150, len(CLASSES)), -9, np.float32)
    strange[:, CLASSES.index("agapornis")] = 9  # sure of a genus that includes them
    with_strangers = fit_certainty(
        seen(np.concatenate([logits, strange]), labels + ["agapornis_taranta"] * 150), CLASSES, TAXONOMY, Shift()
    )
    without = fit_certainty(seen(logits, labels), CLASSES, TAXONOMY, Shift())
    assert with_strangers.temperature == without.temperature
    assert with_strangers.threshold < without.threshold


def test_no_label_that_is_a_class_leaves_the_logits_as_they_are() -> None:
    logits, _ = photos(20, 3)
    assert fit_certainty(seen(logits, ["wood"] * 20), CLASSES, TAXONOMY, Shift()).temperature == 1
