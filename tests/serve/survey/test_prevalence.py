"""The corrected shares are right where the truth is known, and their intervals cover it as often as they say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.survey.exact import limits_in, limits_of
from serve.survey.prevalence import UNLABELLED, Rate, by_error_rates, by_labels, observed_rate

ALONE = np.arange(1000)


def survey_benchmark() -> object:
    pytest.importorskip("sklearn")
    from benchmarks import survey

    return survey


# Coverage


def covered(draws: object, surveys: int) -> list[float]:
    """Percent of surveys whose interval holds their own share; then mean width, and the same by seller."""
    row = list(survey_benchmark().table(draws, surveys))[2]
    assert "as shipped" in row
    return [float(cell.strip(" %")) for cell in row.split("|")[2:6]]


def test_labels_cover_the_share_of_surveys_resampled_by_seller(data_dir: Path) -> None:
    survey = survey_benchmark()
    posts, _ = survey.read_posts(data_dir)
    assert covered(survey.resampled(posts), 300)[0] >= 93


def test_labels_cover_the_share_where_one_advert_in_a_hundred_offers_the_thing() -> None:
    survey = survey_benchmark()
    generator = np.random.default_rng(0)
    offers = np.arange(2000) < 250
    flagged = generator.random(2000) < np.where(offers, 0.6, 0.005)
    photos = survey.Adverts(flagged * generator.integers(1, 3, 2000), offers, np.arange(2000))
    own, width, sellers, _ = covered(survey.generated(photos, photos.rates()), 300)
    assert own >= 93
    assert sellers >= 93
    assert width < 2


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_labels_cover_the_share_of_two_thousand_surveys(data_dir: Path, tmp_path: Path) -> None:
    survey = survey_benchmark()
    posts, largest = survey.read_posts(data_dir)
    others = posts.part(np.flatnonzero(posts.sellers != largest))
    photos = survey.judged_photos(data_dir, tmp_path, "test")
    assert covered(survey.resampled(posts), 2000)[0] >= 93
    own, _, sellers, _ = covered(survey.resampled(others), 2000)
    assert min(own, sellers) >= 93
    own, _, sellers, _ = covered(survey.generated(photos, photos.rates()), 2000)
    assert min(own, sellers) >= 93


def test_exact_limits_cover_whatever_the_share() -> None:
    total, sampled = 60, 20
    generator = np.random.default_rng(0)
    for having in range(total + 1):
        found = generator.hypergeometric(having, total - having, sampled, 400)
        held = [low <= having / total <= high for low, high in (limits_in(total, sampled, int(n)) for n in found)]
        assert np.mean(held) >= 0.93


def test_exact_limits_are_those_of_the_books() -> None:
    assert limits_of(0.0, 10) == (0.0, pytest.approx(0.3085, abs=1e-4))
    assert limits_of(0.5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert limits_in(10**6, 10, 5) == pytest.approx(limits_of(0.5, 10), abs=1e-4)
    assert limits_in(7, 7, 3) == (3 / 7, 3 / 7)
    assert limits_in(7, 0, 0) == (0, 1)


# By labels


@given(st.data())
def test_an_estimate_lies_within_its_intervals_and_all_within_0_and_1(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60))
    verdicts = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    labels = np.array(data.draw(st.lists(st.sampled_from([UNLABELLED, 0, 1]), min_size=count, max_size=count)))
    sellers = np.array(data.draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)))
    found = by_labels(verdicts, labels, sellers)
    if found is None:
        assert (labels == UNLABELLED).all()
        return
    share = found.share or 0.0
    assert -1e-9 <= found.seller_low <= found.low <= share + 1e-9
    assert share - 1e-9 <= found.high <= found.seller_high <= 1 + 1e-9


def test_where_all_adverts_are_labelled_their_share_is_known() -> None:
    labels = (ALONE % 50 == 0).astype(int)
    found = by_labels(ALONE % 3, labels, ALONE)
    assert found is not None
    assert found.low == pytest.approx(0.02) == found.high == found.share


def test_a_sample_drawn_by_verdict_gives_the_share_of_all() -> None:
    verdicts = np.where(ALONE < 100, 1, 0)
    offers = np.where(ALONE < 100, ALONE % 2, ALONE % 100 == 0)  # 50 of 100 alarms, 9 of the other 900
    labels = np.where((ALONE < 100) | (ALONE % 9 == 1), offers, UNLABELLED)
    found = by_labels(verdicts, labels, ALONE)
    assert found is not None
    assert found.share == pytest.approx(0.05 + 0.9 * np.mean(offers[(ALONE >= 100) & (ALONE % 9 == 1)]))
    assert found.low <= 0.059 <= found.high


def test_no_miss_among_the_labelled_does_not_mean_that_none_is_possible() -> None:
    verdicts = (ALONE < 10).astype(int)
    labels = np.where((ALONE < 5) | (ALONE % 10 == 0), verdicts, UNLABELLED)
    found = by_labels(verdicts, labels, ALONE)
    assert found is not None
    assert found.share == pytest.approx(0.01)
    assert found.high > 0.03


def test_few_sellers_who_offer_much_widen_the_interval_by_seller() -> None:
    sellers = ALONE // 50
    by_few, spread = (sellers == 3).astype(int), (ALONE % 20 == 3).astype(int)
    widths = []
    for offers in (by_few, spread):
        found = by_labels(np.zeros(1000, int), np.where(ALONE % 2, offers, UNLABELLED), sellers)
        assert found is not None
        widths.append(found.seller_high - found.seller_low)
    assert widths[0] > 2 * widths[1]


def test_nothing_is_said_without_a_label() -> None:
    assert by_labels(ALONE % 2, np.full(1000, UNLABELLED), ALONE) is None


# By error rates


def test_known_error_rates_correct_the_share_of_alarms() -> None:
    found = by_error_rates(Rate(0.03, 10_000), Rate(0.90, 1000), Rate(0.02, 10_000))
    assert found.share == pytest.approx(0.0114, abs=1e-4)
    assert 0.004 < found.low < 0.009
    assert 0.014 < found.high < 0.019


def test_fewer_alarms_than_false_ones_are_below_detection() -> None:
    found = by_error_rates(Rate(0.01, 1000), Rate(0.90, 100), Rate(0.02, 1000))
    assert found.share is None
    assert found.low == 0
    assert 0 < found.high < 0.02


def test_error_rates_that_are_little_known_widen_the_interval() -> None:
    well, little = (by_error_rates(Rate(0.03, 5000), Rate(0.8, n), Rate(0.01, 10 * n)) for n in (1000, 20))
    assert little.high - little.low > 2 * (well.high - well.low)


def test_alarms_by_one_seller_tell_less_than_as_many_by_many() -> None:
    alarms = ALONE < 100
    assert observed_rate(alarms, ALONE // 100).draws < 20 < 800 < observed_rate(alarms, ALONE).draws < 1100
