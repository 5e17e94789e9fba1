"""Certainty: that no answer claims more than its probabilities carry, whatever they are."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pydantic import ValidationError

from model.certainty import (
    MIN_CONTRAST,
    MIN_SIDE,
    Certainty,
    combine,
    decide,
    distance,
    energy,
    familiarity,
    is_usable,
    node_probabilities,
    roll_up,
    softmax,
    unfamiliarity,
    way_down,
)
from model.photo import Quality
from model.taxonomy import load_taxonomy

Floats = NDArray[np.float32]

TAXONOMY = load_taxonomy()
FITTED = Certainty(temperature=1, threshold=0.6, target_error=0.05, familiarity=(0, 1, 2), unfamiliar_from=0.99)
GOOD = Quality(sharpness=0.5, brightness=0.5, contrast=0.8, usable_side=500, advice=())
BLANK = Quality(sharpness=0.0, brightness=0.5, contrast=0.0, usable_side=500, advice=("low_contrast",))

finite = st.floats(-80, 80, width=32)
logits = arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=finite)
temperatures = st.floats(0.1, 10)
thresholds = st.floats(0, 1)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Floats, list[str]]:
    """Probabilities of some classes, which may be any nodes of the tree, one above another too."""
    classes = draw(st.lists(st.sampled_from(sorted(TAXONOMY)), min_size=2, max_size=30, unique=True))
    weights = draw(st.lists(st.floats(0, 1, width=32), min_size=len(classes), max_size=len(classes)).filter(any))
    return np.array(weights, np.float32) / np.float32(sum(weights)), classes


def depth(node: str | None) -> int:
    return 0 if node is None else len(TAXONOMY.lineage(node))


@given(logits, temperatures)
def test_probabilities_sum_to_one_and_keep_the_order_of_the_logits(values: Floats, temperature: float) -> None:
    probabilities = softmax(values, temperature)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities >= 0).all()
    assert (
        np.take_along_axis(probabilities, values.argmax(axis=1)[:, None], 1)[:, 0] == probabilities.max(axis=1)
    ).all()


@given(logits, st.floats(-20, 20, width=32))
def test_energy_rises_with_every_logit(values: Floats, more: float) -> None:
    assert np.allclose(energy(values + np.float32(more)), energy(values) + more, atol=1e-3)
    assert np.allclose(energy(values), [math.log(sum(math.exp(v) for v in row.tolist())) for row in values], atol=1e-3)


vectors = arrays.arrays(np.float32, st.tuples(st.integers(1, 6), st.just(4)), elements=st.floats(0.125, 9, width=32))


@given(vectors, vectors)
def test_the_distance_is_from_the_nearest_exemplar_and_no_length_changes_it(photos: Floats, exemplars: Floats) -> None:
    exemplars = exemplars / np.linalg.norm(exemplars, axis=1, keepdims=True)
    found = distance(photos, exemplars)
    assert found.shape == (len(photos),)
    assert ((found >= -1e-5) & (found <= 1 + 1e-5)).all()
    assert np.allclose(distance(photos * 7, exemplars), found, atol=1e-5)
    assert np.allclose(distance(exemplars, exemplars), 0, atol=1e-5)
    assert np.allclose(found, np.min([distance(photos, one[None]) for one in exemplars], axis=0), atol=1e-6)


def test_far_from_every_exemplar_is_less_familiar_than_near_one_whatever_the_logits() -> None:
    near, far = np.array([[1.0, 0.1]], np.float32), np.array([[0.1, 1.0]], np.float32)
    exemplars, same = np.array([[1.0, 0.0]], np.float32), np.array([[3.0, 1.0]], np.float32)
    weighing = FITTED.model_copy(update={"distance_weight": 2.0})
    assert familiarity(same, far, exemplars, weighing) < familiarity(same, near, exemplars, weighing)
    assert familiarity(same, near, exemplars, weighing) < familiarity(same + 1, near, exemplars, weighing)
    for fitted, where in ((FITTED, exemplars), (FITTED, None), (weighing, None)):
        assert familiarity(same, far, where, fitted) == energy(same)


@given(arrays.arrays(np.float32, st.integers(1, 9), elements=finite), st.lists(finite, min_size=2).map(sorted))
def test_unfamiliarity_is_a_share_and_falls_as_familiarity_rises(familiar: Floats, quantiles: Sequence[float]) -> None:
    shares = unfamiliarity(familiar, quantiles)
    assert shares.dtype == np.float32
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (np.diff(shares[np.argsort(familiar, kind="stable")]) <= 1e-6).all()


def test_unfamiliarity_is_the_share_of_known_photos_that_are_more_familiar() -> None:
    quantiles = (0.0, 1.0, 2.0, 3.0, 4.0)  # 0, 25, 50, 75, 100 %
    familiar = np.array([-9.0, 0.0, 1.0, 1.5, 4.0, 9.0], np.float32)
    assert unfamiliarity(familiar, quantiles).tolist() == [1, 1, 0.75, 0.625, 0, 0]


@given(answers())
def test_a_node_has_its_own_probability_and_its_descendants(given: tuple[Floats, list[str]]) -> None:
    probabilities, classes = given
    nodes = node_probabilities(probabilities, classes, TAXONOMY)
    own = dict(zip(classes, probabilities.tolist(), strict=True))
    for node, probability in nodes.items():
        below = [own[key] for key in classes if node in TAXONOMY.lineage(key)]
        assert probability == pytest.approx(sum(below), abs=1e-6)
        parent = TAXONOMY[node].parent
        assert parent is None or nodes[parent] >= probability - 1e-6
    assert sum(nodes[node] for node in nodes if TAXONOMY[node].parent is None) == pytest.approx(1, abs=1e-5)


@given(answers(), thresholds)
def test_no_answer_is_less_sure_than_the_threshold(given: tuple[Floats, list[str]], threshold: float) -> None:
    probabilities, classes = given
    answer = roll_up(probabilities, classes, TAXONOMY, threshold)
    nodes = node_probabilities(probabilities, classes, TAXONOMY)
    assert 0 <= answer.probability <= 1
    if answer.node is None:
        assert not any(nodes[node] >= threshold for node in nodes if TAXONOMY[node].parent is None)
        assert answer.status == "rolled_up"
        assert answer.probability == probabilities.max()
    else:
        assert nodes[answer.node] >= threshold
        assert answer.probability == pytest.approx(nodes[answer.node], abs=1e-6)
        assert answer.status == ("recognised" if answer.node == classes[int(probabilities.argmax())] else "rolled_up")


@given(answers(), st.floats(0.51, 1))
def test_no_node_deeper_than_the_answer_is_sure_enough(given: tuple[Floats, list[str]], threshold: float) -> None:
    probabilities, classes = given
    answer = roll_up(probabilities, classes, TAXONOMY, threshold)
    nodes = node_probabilities(probabilities, classes, TAXONOMY)
    assert depth(answer.node) == max((depth(node) for node in nodes if nodes[node] >= threshold), default=0)


@given(answers(), thresholds, thresholds)
def test_a_higher_threshold_never_answers_deeper(given: tuple[Floats, list[str]], one: float, other: float) -> None:
    low, high = sorted((one, other))
    broad, narrow = (roll_up(*given, TAXONOMY, threshold).node for threshold in (high, low))
    assert broad is None or (narrow is not None and broad in TAXONOMY.lineage(narrow))


@given(answers(), thresholds)
def test_the_way_down_names_every_answer_that_a_threshold_may_give(
    given: tuple[Floats, list[str]], threshold: float
) -> None:
    way = way_down(*given, TAXONOMY)
    sure = [probability for _, probability in way]
    assert [TAXONOMY[node].parent for node, _ in way] == [None, *(node for node, _ in way[:-1])]
    assert sure == pytest.approx(sorted(sure, reverse=True), abs=1e-6)
    assert roll_up(*given, TAXONOMY, threshold).node in (None, *(node for node, _ in way))


def test_many_unsure_parrots_are_a_parrot_although_another_class_is_likeliest() -> None:
    classes = ["ivory", "amazona_aestiva", "agapornis_fischeri", "psittacus_erithacus"]
    answer = roll_up(np.array([0.3, 0.25, 0.25, 0.2], np.float32), classes, TAXONOMY, 0.6)
    assert (answer.node, answer.status) == ("psittaciformes", "rolled_up")
    assert answer.probability == pytest.approx(0.7)


def test_what_is_sure_is_recognised_and_what_is_not_rolls_up() -> None:
    classes = ["bone", "ivory", "marine_ivory"]
    for probabilities, expected in (
        ([0.1, 0.8, 0.1], ("ivory", "recognised")),
        ([0.2, 0.5, 0.3], ("tusk_ivory", "rolled_up")),
        ([0.45, 0.5, 0.05], ("material", "rolled_up")),
    ):
        answer = roll_up(np.array(probabilities, np.float32), classes, TAXONOMY, 0.6)
        assert (answer.node, answer.status) == expected


@given(answers(), st.floats(0, 1), st.lists(st.sampled_from([GOOD, BLANK]), min_size=1, max_size=4))
def test_unusable_comes_before_unfamiliar_and_both_before_any_answer(
    given: tuple[Floats, list[str]], strange: float, quality: list[Quality]
) -> None:
    probabilities, classes = given
    answer = decide(probabilities, strange, quality, classes, TAXONOMY, FITTED)
    if GOOD not in quality:
        assert answer == (None, probabilities.max(), "unusable")
    elif strange >= FITTED.unfamiliar_from:
        assert answer == (None, probabilities.max(), "unfamiliar")
    else:
        assert answer == roll_up(probabilities, classes, TAXONOMY, FITTED.threshold)


@pytest.mark.parametrize(
    ("side", "contrast", "usable"),
    [(MIN_SIDE, MIN_CONTRAST, True), (MIN_SIDE - 1, 1.0, False), (9999, MIN_CONTRAST / 2, False)],
)
def test_a_photo_of_a_few_pixels_or_of_nothing_is_unusable(side: int, contrast: float, usable: bool) -> None:
    assert is_usable(Quality(0.5, 0.5, contrast, side, ())) is usable


@given(st.lists(answers().map(lambda given: given[0]), min_size=1, max_size=5))
def test_photos_of_an_item_count_alike_and_their_answer_sums_to_one(photos: list[Floats]) -> None:
    width = min(len(each) for each in photos)
    rows = np.stack([each[:width] + np.float32(1e-3) for each in photos])
    rows /= rows.sum(axis=1, keepdims=True)
    combined = combine(rows)
    assert combined.shape == (width,)
    assert combined.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(combine(rows[::-1]), combined, atol=1e-5)
    assert np.allclose(combine(np.concatenate([rows, rows])), combined, atol=1e-5)
    assert np.allclose(combine(rows[:1]), rows[0], atol=1e-5)


def test_photos_that_agree_are_no_surer_than_each_and_one_that_speaks_against_a_class_is_heard() -> None:
    alike = np.array([[0.8, 0.2], [0.8, 0.2]], np.float32)
    assert combine(alike) == pytest.approx([0.8, 0.2], abs=1e-6)
    against = np.array([[0.6, 0.4], [0.6, 0.4], [0.01, 0.99]], np.float32)
    assert combine(against)[0] < 0.25 < against.mean(axis=0)[0]


def test_a_photo_that_is_sure_of_nothing_else_cannot_rule_a_class_out_alone() -> None:
    assert combine(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)) == pytest.approx([0.5, 0.5])
    assert np.isfinite(combine(np.zeros((3, 2), np.float32))).all()


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0}, {"threshold": 1.1}, {"target_error": 0}, {"familiarity": (1,)}, {"unfamiliar_from": 0},
     {"distance_weight": -1}, {"distance_weight": math.inf}, {"unseen_error": 1.5}],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Certainty.model_validate({**FITTED.model_dump(), **change})


def test_parameters_of_before_distances_and_unseen_sources_are_taken_as_they_are() -> None:
    old = {"temperature": 1, "threshold": 0.6, "target_error": 0.05, "familiarity": (0, 1, 2), "unfamiliar_from": 0.99}
    fitted = Certainty.model_validate(old)
    assert (fitted.distance_weight, fitted.unseen_error) == (0, None)
    assert fitted == FITTED
