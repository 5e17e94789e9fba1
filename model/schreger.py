"""Schreger angles: what pairs of crossing lines, marked on a photo of a cut tusk, measure and suggest.

Two lines cross at two angles. The Schreger angle is the one that the radius halves: it opens towards the middle of the
tusk (concave) or towards the outside (convex), and both are alike. Those of the outer lines, next to the cementum, tell
elephant from mammoth; inner ones are smaller, and in an elephant may read as a mammoth's (Palombo & Villa 2001).
Figures without another source: Espinoza & Mann 1993, JAIC 32(3), who took ten outer angles of each of 52 tusks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Point = tuple[float, float]
Pair = tuple[Point, Point, Point, Point]
"""Two points on one line, and two on a line that crosses it."""

Suggestion = Literal["mammoth", "overlap", "elephant"]
Doubt = Literal["few", "no_edge", "inner", "unusual", "spread", "skewed"]

SOURCE: Final = "Espinoza & Mann 1993, JAIC 32(3)"

MAMMOTH_BELOW: Final = 90.0
ELEPHANT_ABOVE: Final = 115.0
"""Degrees of the mean; between them both kinds were measured."""

MEASURED: Final = 35.0, 163.0
"""Degrees of the smallest and the largest single angle of either kind."""

WANTED: Final = 10
"""Outer angles that the rule was made with."""

LEAST: Final = 5
"""Outer angles from which anything is suggested: half of what is wanted, our choice."""

OUTER: Final = 0.5
"""Share of the way from the middle to the edge from which an angle counts as an outer one: our choice."""

UNEVEN: Final = 10.0
"""Standard deviation in degrees above that between whole tusks (9.3 elephants, 9.8 mammoths)."""

SKEWED: Final = 8.0
"""Degrees by which radii may miss the halves on average: our choice. In simulated sections the taps alone miss by more
in 1 of 100; with a tilt of 45°, 4 of 5 do, of 30°, 1 of 20. A weaker tilt does not show, but mostly cancels out of
the mean of crossings all round the section."""


@dataclass(frozen=True)
class Angle:
    """One Schreger angle.

    `degrees`: 0 to 180. `at`: the middle of its four points. `bearing`: direction of what halves it, in degrees from
    the x axis towards the y axis. `skew`: degrees between that and the radius, -45 to 45. `outer`: whether it counts.
    """

    degrees: float
    at: Point
    bearing: float
    skew: float
    outer: bool


@dataclass(frozen=True)
class Measurement:
    """The marks on one photo in pixels, what they measure, and what that suggests.

    `mean`, `sd` (of the sample) and `range` are those of the `n` angles that count, in degrees; None where there are
    too few. `suggests` is None where nothing may be said.
    """

    middle: Point
    edge: Point
    edge_seen: bool
    pairs: tuple[Pair, ...]
    angles: tuple[Angle, ...]
    n: int
    mean: float | None
    sd: float | None
    range: tuple[float, float] | None
    suggests: Suggestion | None
    doubts: tuple[Doubt, ...]


def measure(middle: Point, edge: Point, edge_seen: bool, pairs: Iterable[Pair]) -> Measurement:
    """Measure pairs of lines on a section with its middle at `middle` and a point of its outer edge at `edge`.

    Where the edge is not in the photo (`edge_seen` is false), `edge` only lies towards it: nothing tells outer angles
    from inner ones then, so all count and nothing is suggested.

    Raises:
        ValueError: Two points that give a direction are the same.
    """
    pairs = tuple(pairs)
    angles = tuple(_angle(pair, middle, edge, edge_seen) for pair in pairs)
    degrees = [angle.degrees for angle in angles if angle.outer]
    mean = fmean(degrees) if degrees else None
    sd = stdev(degrees) if len(degrees) > 1 else None
    doubts: dict[Doubt, bool] = {
        "few": len(degrees) < WANTED,
        "no_edge": not edge_seen,
        "inner": len(degrees) < len(angles),
        "unusual": any(not MEASURED[0] <= each <= MEASURED[1] for each in degrees),
        "spread": sd is not None and sd > UNEVEN,
        "skewed": bool(angles) and fmean(abs(angle.skew) for angle in angles) > SKEWED,
    }
    silent = doubts["no_edge"] or doubts["skewed"] or len(degrees) < LEAST
    return Measurement(
        middle,
        edge,
        edge_seen,
        pairs,
        angles,
        n=len(degrees),
        mean=mean,
        sd=sd,
        range=(min(degrees), max(degrees)) if degrees else None,
        suggests=None if silent or mean is None else _suggestion(mean),
        doubts=tuple(name for name, applies in doubts.items() if applies),
    )


def record(measured: Measurement, sha256: str, width: int, height: int, at: str) -> dict[str, Any]:
    """What a case keeps of a measurement, ready for JSON: the marks in pixels of the upright photo, and what they give.

    `sha256`, `width` and `height` are those of the photo as received, `at` is the time in ISO 8601.
    """
    return {
        "kind": "schreger_angle",
        "measured_at": at,
        "photo": {"sha256": sha256, "width": width, "height": height},
        "middle": measured.middle,
        "edge": measured.edge,
        "edge_seen": measured.edge_seen,
        "pairs": [
            {"points": pair, "degrees": _rounded(angle.degrees), "outer": angle.outer}
            for pair, angle in zip(measured.pairs, measured.angles, strict=True)
        ],
        "n": measured.n,
        "mean": _rounded(measured.mean),
        "sd": _rounded(measured.sd),
        "range": measured.range and [_rounded(each) for each in measured.range],
        "suggests": measured.suggests,
        "doubts": measured.doubts,
        "rule": {"mammoth_below": MAMMOTH_BELOW, "elephant_above": ELEPHANT_ABOVE, "source": SOURCE},
    }


def _angle(pair: Pair, middle: Point, edge: Point, edge_seen: bool) -> Angle:
    """Of the two angles between two lines, the one whose half is nearer to the radius."""
    at = fmean(x for x, _ in pair), fmean(y for _, y in pair)
    radius = _direction(middle, at)
    first, second = (_turn(_direction(*line) - radius) for line in (pair[:2], pair[2:]))
    between, half = abs(first - second), (first + second) / 2
    if abs(half) > 45:  # the other angle, with its half at a right angle to this one's
        between, half = 180 - between, _turn(half - 90)
    outer = not edge_seen or math.dist(middle, at) >= OUTER * math.dist(middle, edge)
    return Angle(between, at, radius + half, half, outer)


def _direction(start: Point, end: Point) -> float:
    if start == end:
        raise ValueError(f"Two marks lie at the same point, {start}.")
    return math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))


def _turn(degrees: float) -> float:
    """The same line, turned from the radius by -90 to 90 degrees."""
    return (degrees + 90) % 180 - 90


def _suggestion(mean: float) -> Suggestion:
    if mean < MAMMOTH_BELOW:
        return "mammoth"
    return "elephant" if mean > ELEPHANT_ABOVE else "overlap"


def _rounded(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, 2)
