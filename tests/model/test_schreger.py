"""Schreger angles: what is measured holds however a section is marked and held, and nothing is said without grounds."""

import json
import math
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from model.schreger import Measurement, Pair, Point, measure, record

RADIUS = 1000.0
EDGE = (RADIUS, 0.0)
MIDDLE = (0.0, 0.0)

degrees = st.floats(5, 175)
places = st.floats(0, 360)


def crossing(angle: float, place: float = 0.0, depth: float = 0.8, skew: float = 0.0) -> Pair:
    """Two lines that cross at a depth from middle (0) to edge (1); the radius halves their angle but for `skew`."""
    turn = math.radians(place)
    x, y = depth * RADIUS * math.cos(turn), depth * RADIUS * math.sin(turn)
    points = []
    for side in (0.5, -0.5):
        line = turn + math.radians(skew + side * angle)
        points += [(x + length * math.cos(line), y + length * math.sin(line)) for length in (-90, 110)]
    return points[0], points[1], points[2], points[3]


def section(*angles: float, spread: float = 360, edge_seen: bool = True, **crossed: float) -> Measurement:
    """Angles measured round a section, over so many degrees of it."""
    places = (spread * number / len(angles) for number in range(len(angles)))
    pairs = [crossing(angle, place, **crossed) for angle, place in zip(angles, places, strict=True)]
    return measure(MIDDLE, EDGE, edge_seen, pairs)


def moved(points: Callable[[Point], Point], pair: Pair) -> Pair:
    first, second, third, fourth = map(points, pair)
    return first, second, third, fourth


@given(degrees, places)
def test_the_angle_that_the_radius_halves_is_the_one_that_counts(angle: float, place: float) -> None:
    (measured,) = measure(MIDDLE, EDGE, True, [crossing(angle, place)]).angles
    assert measured.degrees == pytest.approx(angle, abs=0.2)
    assert abs(measured.skew) < 6


@given(st.floats(20, 160), places, st.floats(-40, 40))
def test_what_halves_the_angle_lies_off_the_radius_as_far_as_the_lines_lean(
    angle: float, place: float, skew: float
) -> None:
    pair = crossing(angle, place, depth=50, skew=skew)  # so far out that the radius is the same over all of it
    (measured,) = measure(MIDDLE, EDGE, True, [pair]).angles
    assert measured.degrees == pytest.approx(angle, abs=0.1)
    assert measured.skew == pytest.approx(skew, abs=0.3)


@given(degrees, places, places, st.floats(0.1, 10), st.booleans())
def test_turning_moving_enlarging_or_mirroring_the_photo_changes_no_angle(
    angle: float, place: float, turn: float, size: float, mirrored: bool
) -> None:
    cos, sin = (size * part(math.radians(turn)) for part in (math.cos, math.sin))

    def move(point: Point) -> Point:
        x, y = point[0], -point[1] if mirrored else point[1]
        return cos * x - sin * y + 300, sin * x + cos * y - 70

    pair = crossing(angle, place)
    before = measure(MIDDLE, EDGE, True, [pair])
    after = measure(move(MIDDLE), move(EDGE), True, [moved(move, pair)])
    assert after.angles[0].degrees == pytest.approx(before.angles[0].degrees)
    assert abs(after.angles[0].skew) == pytest.approx(abs(before.angles[0].skew), abs=1e-6)
    assert after.n == before.n


@given(degrees, places)
def test_neither_the_order_of_the_lines_nor_that_of_their_points_matters(angle: float, place: float) -> None:
    a, b, c, d = crossing(angle, place)
    first, *others = (
        measure(MIDDLE, EDGE, True, [pair]).angles[0].degrees
        for pair in ((a, b, c, d), (b, a, c, d), (a, b, d, c), (c, d, a, b))
    )
    assert others == pytest.approx([first] * 3)


@given(st.floats(30, 150), st.floats(0, 60))
def test_a_tilt_changes_the_angle_as_geometry_says(angle: float, tilt: float) -> None:
    """Shortened along the tangent by k, the tangent of half the angle is k times what it was."""
    short = math.cos(math.radians(tilt))
    pair = moved(lambda point: (point[0], short * point[1]), crossing(angle, depth=50))
    (measured,) = measure(MIDDLE, EDGE, True, [pair]).angles
    expected = 2 * math.degrees(math.atan(short * math.tan(math.radians(angle / 2))))
    assert measured.degrees == pytest.approx(expected, abs=0.2)


@given(st.lists(st.floats(40, 160), min_size=2, max_size=12))
def test_mean_spread_and_range_are_those_of_the_angles(angles: list[float]) -> None:
    measured = section(*angles)
    mean = sum(angles) / len(angles)
    assert measured.n == len(angles)
    assert measured.mean == pytest.approx(mean, abs=0.2)
    sd = math.sqrt(sum((angle - mean) ** 2 for angle in angles) / (len(angles) - 1))
    assert measured.sd == pytest.approx(sd, abs=0.2)
    assert measured.range == pytest.approx((min(angles), max(angles)), abs=0.2)


@pytest.mark.parametrize(
    ("angle", "suggests"), [(73.7, "mammoth"), (89, "mammoth"), (91, "overlap"), (114, "overlap"), (124.2, "elephant")]
)
def test_the_mean_suggests_what_the_literature_says(angle: float, suggests: str) -> None:
    measured = section(*[angle] * 10)
    assert measured.suggests == suggests
    assert measured.doubts == ()


@given(st.lists(st.floats(5, 175), max_size=4))
def test_one_angle_or_four_never_decide(angles: list[float]) -> None:
    measured = section(*angles)
    assert measured.suggests is None
    assert "few" in measured.doubts


def test_fewer_than_ten_angles_suggest_with_a_warning() -> None:
    measured = section(*[124] * 9)
    assert (measured.suggests, measured.doubts) == ("elephant", ("few",))


def test_without_the_outer_edge_nothing_is_suggested() -> None:
    measured = section(*[124] * 10, edge_seen=False)
    assert measured.mean == pytest.approx(124, abs=0.2)
    assert (measured.suggests, measured.doubts) == (None, ("no_edge",))


def test_inner_angles_are_measured_but_do_not_count() -> None:
    outer, inner = crossing(124), crossing(80, depth=0.4)
    measured = measure(MIDDLE, EDGE, True, [*[outer] * 10, inner])
    assert measured.angles[-1].degrees == pytest.approx(80, abs=1)
    assert (measured.n, measured.suggests, measured.doubts) == (10, "elephant", ("inner",))
    assert measured.range == pytest.approx((124, 124), abs=0.5)


@pytest.mark.parametrize(("angle", "doubts"), [(30, ("unusual",)), (170, ("unusual",)), (100, ())])
def test_an_angle_that_nobody_measured_is_told(angle: float, doubts: tuple[str, ...]) -> None:
    others = [100.0] * 19
    assert tuple(doubt for doubt in section(*others, angle).doubts if doubt != "spread") == doubts


def test_angles_that_differ_more_than_tusks_do_are_told() -> None:
    assert section(*[110, 135] * 5).doubts == ("spread",)


@pytest.mark.parametrize(("tilt", "seen"), [(0, False), (15, False), (50, True), (60, True)])
def test_a_strong_tilt_is_told_and_nothing_is_suggested(tilt: float, seen: bool) -> None:
    short = math.cos(math.radians(tilt))
    straight = section(*[124] * 12)
    pairs = [moved(lambda point: (point[0], short * point[1]), pair) for pair in straight.pairs]
    measured = measure(MIDDLE, EDGE, True, pairs)
    assert ("skewed" in measured.doubts) == seen
    assert (measured.suggests is None) == seen


def test_a_tilt_nearly_cancels_out_of_the_mean_round_the_section() -> None:
    short = math.cos(math.radians(30))
    pairs = [moved(lambda point: (point[0], short * point[1]), pair) for pair in section(*[124] * 12).pairs]
    assert measure(MIDDLE, EDGE, True, pairs).mean == pytest.approx(124, abs=1)


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_two_taps_at_one_point_give_no_direction(x: float, y: float) -> None:
    assume((x, y) != (3.0, 4.0))
    with pytest.raises(ValueError, match="same point"):
        measure(MIDDLE, EDGE, True, [((x, y), (x, y), (0.0, 1.0), (3.0, 4.0))])


def test_the_record_holds_all_that_is_needed_to_measure_again() -> None:
    measured = section(*[124, 118, 121, 130, 126, 119], 80)
    kept = json.loads(json.dumps(record(measured, "ab" * 32, 4000, 3000, "2026-11-24T10:00:00+00:00")))
    assert kept["photo"] == {"sha256": "ab" * 32, "width": 4000, "height": 3000}
    assert kept["measured_at"] == "2026-11-24T10:00:00+00:00"
    pairs: list[Pair] = [tuple(map(tuple, pair["points"])) for pair in kept["pairs"]]
    again = measure(tuple(kept["middle"]), tuple(kept["edge"]), kept["edge_seen"], pairs)
    assert again == measured
    assert (kept["n"], kept["suggests"], kept["doubts"]) == (again.n, again.suggests, list(again.doubts))
    assert kept["mean"] == pytest.approx(again.mean, abs=0.01)
    assert "1993" in kept["rule"]["source"]
