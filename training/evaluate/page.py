"""The page of an evaluation, and that of a comparison: one file each, that needs no other and no network."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from training.evaluate.figures import ANSWERED, ECE, MACRO_F1, MAIN, TOP_1, WRONG
from training.evaluate.write import as_change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.evaluate.compare import Comparison
    from training.evaluate.report import Report
    from training.evaluate.scores import ClassScore, SliceScore

SHOWN = 12
"""Lines of the tables of what goes wrong most."""

MIN_PHOTOS = 5
"""Classes and sources with fewer photos are not called weak."""

SURE = 0.95

MEANINGS = {
    "AUC": "of ivory against all else: how often ivory scores above something else",
    TOP_1: "share of photos whose likeliest class is the label",
    MACRO_F1: "mean over classes of the harmonic mean of precision and recall",
    ECE: "how far its probabilities are from the share that is right; 0 is best",
    "error at 80% answered": "share that is wrong among the surest four fifths",
    "risk-coverage area": "mean error over all shares answered, the surest first; 0 is best",
    ANSWERED: "share that is named, if only by a broad name such as parrot",
    WRONG: "share of the answers that are neither the label nor above it in the tree",
    "items, top-1": "objects, all photos of each together",
    "drawn nonsense, AUROC": "how often nonsense looks less familiar than a photo of a class",
    "drawn nonsense, FPR at 95% TPR": "share of nonsense that passes where 95% of the known do; 0 is best",
    "unfamiliar photos, AUROC": "the same for photos of what is in no class",
    "unfamiliar photos, FPR at 95% TPR": "the same for photos of what is in no class",
}


def write_page(report: Report, plots: Mapping[str, Path], sheets: Mapping[str, str], file: Path) -> None:
    """Write the page of one bundle; the plots go into it, the sheets (paths beside it, by label) are linked."""
    predictions = report.predictions
    sure = predictions.known & (predictions.confidence >= SURE)
    content = {
        "report": report,
        "headline": {name: report.figures.get(name) for name in (TOP_1, ANSWERED, WRONG)},
        "weak_classes": _weak_classes(report.classes),
        "weak_sources": _weak_sources(report.sources),
        "confusions": report.confusions[:SHOWN],
        "sure": int(sure.sum()),
        "sure_wrong": int((sure & ~predictions.right).sum()),
        "objects": len({(row.group, row.label) for row in predictions.rows}),
        "source_count": len({row.source for row in predictions.rows}),
        "spoilt": _by_figure(report),
        "plots": {name: base64.b64encode(plot.read_bytes()).decode() for name, plot in plots.items()},
        "sheets": sheets,
        "meanings": MEANINGS,
        "of_products": {name for product in report.products for name in product.figures} - set(MAIN),
        "TOP_1": TOP_1,
        "ANSWERED": ANSWERED,
        "WRONG": WRONG,
        "OPEN": (TOP_1, WRONG),
        "SHOWN": SHOWN,
        "SURE": SURE,
        "MIN_PHOTOS": MIN_PHOTOS,
    }
    file.write_text(_environment().get_template("page.html").render(content), encoding="utf-8")


def write_comparison_page(comparison: Comparison, split: str, file: Path) -> None:
    """Write the page of two bundles."""
    content = {"comparison": comparison, "split": split, "SHOWN": SHOWN}
    file.write_text(_environment().get_template("compare.html").render(content), encoding="utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.filters |= {
        "number": "{:.3f}".format,
        "signed": "{:+.3f}".format,
        "percent": "{:.0%}".format,
        "change": as_change,
        "soft": _soft,
    }
    return found


def _soft(text: str) -> Markup:
    """A long key or name, with places where its line may break."""
    return Markup(re.sub(r"([_+/])", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped


def _weak_classes(classes: list[ClassScore]) -> list[ClassScore]:
    judged = [score for score in classes if score.recall and score.photos >= MIN_PHOTOS]
    return sorted(judged, key=lambda score: score.recall.value if score.recall else 0)[:SHOWN]


def _weak_sources(sources: list[SliceScore]) -> list[SliceScore]:
    judged = [score for score in sources if score.right and score.right.n >= MIN_PHOTOS]
    return sorted(judged, key=lambda score: score.right.value if score.right else 0)[:SHOWN]


def _by_figure(report: Report) -> dict[str, list[tuple[str, Any]]]:
    """For each figure that is followed, its change under each disturbance."""
    by_figure: dict[str, list[tuple[str, Any]]] = {}
    for each in report.robustness:
        for name, change in each.changes.items():
            by_figure.setdefault(name, []).append((each.name, change))
    return by_figure
