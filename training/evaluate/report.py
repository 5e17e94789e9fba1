"""Everything that an evaluation found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.evaluate.bootstrap import RESAMPLES
from training.evaluate.figures import all_figures
from training.evaluate.gaps import list_gaps
from training.evaluate.products import product_scores
from training.evaluate.scores import (
    list_confusions,
    score_classes,
    score_group_sizes,
    score_items,
    score_sources,
)
from training.evaluate.status import status_scores
from training.evaluate.unfamiliar import nonsense_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.classifier import Classifier
    from model.manifest import Row
    from training.evaluate.bootstrap import Figure
    from training.evaluate.measure import Measured
    from training.evaluate.predictions import Predictions
    from training.evaluate.products import ProductScore
    from training.evaluate.robustness import Robustness
    from training.evaluate.scores import ClassScore, Confusion, ItemScore, SliceScore
    from training.evaluate.sources import LeftOut
    from training.evaluate.status import StatusScore


@dataclass(frozen=True, eq=False)
class Report:
    """One bundle on one set of photos; `robustness` and `left_out` are empty where they were not asked for."""

    bundle: str
    split: str
    predictions: Predictions
    figures: dict[str, Figure]
    products: list[ProductScore]
    classes: list[ClassScore]
    confusions: list[Confusion]
    sources: list[SliceScore]
    sizes: list[SliceScore]
    items: ItemScore | None
    statuses: list[StatusScore]
    gaps: list[str]
    unreadable: list[str]
    robustness: list[Robustness]
    left_out: list[LeftOut]


def make_report(
    classifier: Classifier,
    measured: Measured,
    rows: Sequence[Row],
    split: str,
    trained_on_these_rows: bool,
    robustness: Sequence[Robustness] = (),
    left_out: Sequence[LeftOut] = (),
    resamples: int = RESAMPLES,
) -> Report:
    """Compute everything from what was measured; `rows` are those of the whole manifest."""
    predictions, taxonomy = measured.predictions(classifier.classes), classifier.taxonomy
    described = classifier.bundle.description
    figures = all_figures(predictions, taxonomy, resamples)
    return Report(
        bundle=classifier.bundle.id,
        split=split,
        predictions=predictions,
        figures=figures | nonsense_figures(classifier, predictions, resamples),
        products=product_scores(predictions, taxonomy, resamples),
        classes=score_classes(predictions, resamples),
        confusions=list_confusions(predictions),
        sources=score_sources(predictions, taxonomy, resamples),
        sizes=score_group_sizes(predictions, taxonomy, resamples),
        items=score_items(predictions, resamples),
        statuses=status_scores(predictions, taxonomy, resamples),
        gaps=list_gaps(predictions, rows, trained_on_these_rows, described.continued_from, taxonomy),
        unreadable=[f"{row.file}: {error}" for row, error in measured.unreadable],
        robustness=list(robustness),
        left_out=list(left_out),
    )
