"""Intervals: that they are of groups, hold what they should hold, and are honest where resamples cannot differ."""

import numpy as np
import pytest
from scipy.stats import beta

from training.evaluate.bootstrap import (
    BLOCK,
    Figure,
    count_changed,
    difference,
    intervals,
    ratio,
    share,
    with_interval,
)
from training.evaluate.predictions import Floats
from training.evaluate.statistics import auc, mean_f1, mean_recall


def width(figure: Figure) -> float:
    assert figure.low is not None
    assert figure.high is not None
    return figure.high - figure.low


def test_the_interval_is_of_groups_not_of_photos() -> None:
    generator = np.random.default_rng(1)
    right = generator.random(60) < 0.7
    groups = [f"g{number // 2}" for number in range(60)]
    once = with_interval(share(right), groups)
    doubled = with_interval(share(np.tile(right, 2)), groups * 2)
    assert (doubled.value, doubled.low, doubled.high) == pytest.approx((once.value, once.low, once.high))
    assert (once.n, doubled.n) == (60, 120)
    alone = with_interval(share(np.tile(right, 2)), [str(number) for number in range(120)])
    assert width(alone) < width(doubled)
    assert once.low is not None
    assert once.high is not None


def test_where_resamples_do_not_differ_there_is_no_interval() -> None:
    right, apart = np.arange(10) < 7, [str(number) for number in range(10)]
    assert with_interval(share(right), ["g"] * 10) == Figure(0.7, None, None, 10)
    labels = np.array(["bone", "ivory"] * 5)
    for perfect in (mean_recall(labels, labels), mean_f1(labels, labels), auc(labels == "ivory", np.arange(10) % 2)):
        assert with_interval(perfect, apart) == Figure(1, None, None, 10)
    change = difference(share(np.array([False])), share(np.array([True])), ["a"], 100)
    assert change == Figure(1, None, None, 1)


def test_groups_that_change_are_counted_where_they_have_a_part() -> None:
    among = np.array([True, True, True, False])
    before, after = np.array([True, True, False, False]), np.array([True, False, False, True])
    assert count_changed(share(before, among), share(after, among), list("abcd")) == 1
    assert count_changed(share(before), share(after), list("abbb")) == 1


def test_the_interval_of_a_share_is_about_two_standard_errors_each_way() -> None:
    right = np.arange(400) % 4 != 0
    figure = with_interval(share(right), [str(number) for number in range(400)])
    error = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert figure.low == pytest.approx(0.75 - error, abs=0.006)
    assert figure.high == pytest.approx(0.75 + error, abs=0.006)


def test_most_intervals_hold_the_truth_though_photos_of_a_group_agree() -> None:
    held, tries = 0, 150
    for seed in range(tries):
        generator = np.random.default_rng(seed)
        groups = np.repeat(np.arange(80), generator.integers(1, 6, 80))
        right = (generator.random(80) < 0.6)[groups]
        figure = with_interval(share(right), groups.astype(str), resamples=200)
        held += figure.low <= 0.6 <= figure.high
    assert 0.88 <= held / tries <= 1


@pytest.mark.parametrize("right", [True, False])
def test_a_share_of_all_or_none_has_the_exact_binomial_interval(right: bool) -> None:
    groups = [f"g{number // 2}" for number in range(20)]
    figure = with_interval(share(np.full(20, right)), groups)
    bound = beta.ppf(0.025, 10, 1)
    expected = (1.0, bound, 1.0, 20) if right else (0.0, 0.0, 1 - bound, 20)
    assert (figure.value, figure.low, figure.high, figure.n) == pytest.approx(expected)


def test_a_share_of_some_photos_counts_those_alone() -> None:
    right, among = np.array([True, True, False, False]), np.array([True, True, False, False])
    figure = with_interval(share(right, among), ["a", "b", "c", "d"])
    assert (figure.value, figure.n) == (1, 2)
    assert figure.low == pytest.approx(0.025**0.5)


def test_a_difference_is_of_the_same_draws() -> None:
    generator = np.random.default_rng(0)
    before = generator.random(300) < 0.5
    after = before.copy()
    after[np.flatnonzero(~before)[:15]] = True
    groups = [str(number) for number in range(300)]
    change = difference(share(before), share(after), groups, 500)
    assert change.value == pytest.approx(0.05)
    assert 0.02 < change.low < 0.05 < change.high < 0.08
    apart = [with_interval(share(each), groups, 500) for each in (before, after)]
    assert apart[0].high > apart[1].low  # alone, they could not be told apart


def test_where_no_photo_changes_a_few_could_have() -> None:
    right = np.arange(50) % 3 > 0
    change = difference(share(right), share(right.copy()), [str(number) for number in range(50)], 100)
    assert (change.value, change.low, change.high) == pytest.approx((0, -(1 - 0.025**0.02), 1 - 0.025**0.02))


def test_many_values_have_each_their_interval_and_blocks_do_not_matter() -> None:
    values = np.random.default_rng(3).random((40, 3))
    values[:, 2] = np.nan

    def means(weights: Floats) -> Floats:
        return weights @ values / weights.sum(axis=1, keepdims=True)

    found = intervals(means, [str(number) for number in range(40)], BLOCK + 7)
    assert found.value[:2] == pytest.approx(values[:, :2].mean(axis=0))
    assert (found.low[:2] < found.value[:2]).all()
    assert (found.value[:2] < found.high[:2]).all()
    assert np.isnan([found.value[2], found.low[2], found.high[2]]).all()


def test_nothing_of_nothing_is_no_number() -> None:
    assert np.isnan(ratio(np.zeros(1), np.zeros(1))).all()
