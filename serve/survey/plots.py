"""The plots of a survey, as PNG files."""

from __future__ import annotations

import warnings
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator, PercentFormatter

from serve.survey.page import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from serve.survey.tables import Table

MARK, BAND, QUIET = "#0f766e", "#99cdc7", "#94a3b8"
LINES, MOST = 12, 40
"""Panels or places that a plot shows, and shares; the tables have them all."""

SHIPPED = sorted((Path(__file__).parents[1] / "report" / "fonts").glob("*-Regular.*"))
FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans Arabic", "Noto Sans Thai")
"""Those that are installed, or shipped, are looked through for each letter."""


def plot_all(tables: dict[str, Table], folder: Path) -> dict[str, Path]:
    """Draw what there is something to draw of, and give the files by name."""
    corrected = [row for row in tables["prevalence"] if row["share_high"] is not None]
    places = [row for row in tables["locations"] if row["offers_high"] is not None]
    weeks = [row for row in tables["weeks"] if row["offers_high"] is not None]
    located = [row for row in places if row["latitude"] is not None and row["longitude"] is not None]
    drawn = {
        "prevalence": (plot_prevalence, corrected),
        "weeks": (plot_weeks, weeks),
        "map": (plot_map, located) if located else (plot_places, places),
    }
    files = {name: folder / f"{name}.png" for name, (_, rows) in drawn.items() if rows}
    for font in SHIPPED:
        font_manager.fontManager.addfont(font)
    fonts = set(font_manager.get_font_names()) & set(FONTS)
    with rc_context({"font.family": sorted(fonts, key=FONTS.index)}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # drawn as a box; the tables have it
        for name, file in files.items():
            plot, rows = drawn[name]
            plot(rows, file)
    return files


def plot_prevalence(rows: Table, file: Path) -> None:
    """The corrected share of each subject in each stratum with both intervals, beside the raw share of alarms."""
    shown = _commonest(rows, MOST)
    canvas = Canvas(figsize=(6.5, 1.2 + 0.45 * len(shown)), layout="constrained")
    axes = canvas.subplots()
    for place, row in enumerate(reversed(shown)):
        axes.plot([row["share_low_by_seller"], row["share_high_by_seller"]], [place] * 2, color=BAND, linewidth=6)
        axes.plot([row["share_low"], row["share_high"]], [place] * 2, color=MARK, linewidth=2)
        if row["share"] is not None:
            axes.plot(row["share"], place, "o", color=MARK)
        axes.plot(row["alarm_share"], place, "|", color="black", markersize=12)
    axes.set_yticks(range(len(shown)), [_about(row) for row in reversed(shown)])
    axes.set(xlim=(0, None))
    canvas.supxlabel("adverts: corrected share (dot, 95%; pale: sellers like these), raw (stroke)", fontsize=9)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    _save(canvas, file, [axes])


def plot_weeks(rows: Table, file: Path) -> None:
    """Alarms by week as bars, and what they are scaled to with its interval; a panel for each stratum and subject."""
    panels = [list(group) for _, group in groupby(rows, key=lambda row: (row["stratum"], row["subject"]))]
    shown = sorted(sorted(panels, key=lambda weeks: -sum(row["alarms"] for row in weeks))[:LINES], key=panels.index)
    canvas = Canvas(figsize=(6.5, 0.6 + 1.7 * len(shown)), layout="constrained")
    plots = canvas.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    all_days = [row["week"] for weeks in shown for row in weeks]
    width = max(5, (max(all_days) - min(all_days)).days / 150)  # days; over many years, what can still be seen
    for axes, weeks in zip(plots, shown, strict=True):
        days = [row["week"] for row in weeks]
        axes.bar(days, [row["alarms"] for row in weeks], color=QUIET, label="alarms, raw", width=width)
        low, high = ([row[name] for row in weeks] for name in ("offers_low", "offers_high"))
        axes.vlines(days, low, high, color=BAND, linewidth=5)
        if weeks[0]["offers"] is not None:
            axes.plot(days, [row["offers"] for row in weeks], "o", color=MARK, label="corrected, 95%")
        axes.set_title(_about(weeks[0]), fontsize=10, loc="left")
        axes.set(ylabel="adverts", ylim=(0, None))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    plots[-1].tick_params(axis="x", rotation=30)
    plots[0].legend(frameon=False, fontsize=8)
    _save(canvas, file, plots)


def plot_map(rows: Table, file: Path) -> None:
    """A dot for each stated place where its longitude and latitude are known, as large as its corrected number."""
    canvas = Canvas(figsize=(6.5, 3.8), layout="constrained")
    axes = canvas.subplots()
    size = [row["offers"] or row["offers_high"] for row in rows]
    largest = max(size) or 1
    longitude, latitude = ([row[name] for row in rows] for name in ("longitude", "latitude"))
    axes.scatter(longitude, latitude, [20 + 380 * each / largest for each in size], color=MARK, alpha=0.5)
    places: dict[str, tuple[float, float]] = {}  # each is named once
    for row in sorted(rows, key=lambda row: -row["alarms"]):
        places.setdefault(row["location"], (row["longitude"], row["latitude"]))
    for name, place in list(places.items())[:LINES]:
        axes.annotate(_short(name), place, xytext=(5, 5), textcoords="offset points", fontsize=7)
    axes.set(xlabel="longitude, degrees east", ylabel="latitude, degrees north", aspect="equal")
    axes.margins(0.15)
    _save(canvas, file, [axes])


def plot_places(rows: Table, file: Path) -> None:
    """The stated places with most alarms, raw and corrected."""
    shown = _commonest(rows, LINES)
    canvas = Canvas(figsize=(6.5, 1 + 0.4 * len(shown)), layout="constrained")
    axes = canvas.subplots()
    for place, row in enumerate(reversed(shown)):
        axes.plot([row["offers_low"], row["offers_high"]], [place] * 2, color=BAND, linewidth=6)
        if row["offers"] is not None:
            axes.plot(row["offers"], place, "o", color=MARK)
        axes.plot(row["alarms"], place, "|", color="black", markersize=12)
    axes.set_yticks(range(len(shown)), [f"{_short(row['location'])}\n{_about(row)}" for row in reversed(shown)])
    axes.tick_params(axis="y", labelsize=8)
    axes.set(xlim=(0, None))
    canvas.supxlabel("adverts: corrected (dot, 95%), raw alarms (stroke)", fontsize=9)
    _save(canvas, file, [axes])


def _commonest(rows: Table, most: int) -> Table:
    """Those with most alarms; where all are shown, in their own order."""
    return rows if len(rows) <= most else sorted(rows, key=lambda row: -row["alarms"])[:most]


def _about(row: dict[str, Any]) -> str:
    return _short(f"{row['stratum']}: {named(row['subject'])}")


def _short(text: str) -> str:
    """Few enough letters for a plot, and no sign that would be read as a formula."""
    plain = text.replace("$", r"\$")
    return plain if len(plain) <= 48 else f"{plain[:47]}…"


def _save(canvas: Canvas, file: Path, plain: Sequence[Axes] | Any) -> None:
    for axes in plain:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e2e8f0", linewidth=0.7)
        axes.set_axisbelow(True)
    canvas.savefig(file, dpi=120)
