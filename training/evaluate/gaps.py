"""What an evaluation does not show: sentences for whoever would take its figures for more than they are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from training.evaluate.predictions import lineage, under
from training.evaluate.products import LEFT_ASIDE
from training.evaluate.unfamiliar import MIN_UNFAMILIAR, familiarity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.manifest import Row
    from model.taxonomy import Taxonomy
    from training.evaluate.predictions import Predictions

FEW_PHOTOS = 5


def list_gaps(
    predictions: Predictions,
    rows: Sequence[Row],
    trained_on_these_rows: bool,
    continued_from: str | None,
    taxonomy: Taxonomy,
) -> list[str]:
    """One sentence for each gap, the gravest first.

    Args:
        predictions: What the bundle says of the photos evaluated.
        rows: All rows of the manifest.
        trained_on_these_rows: Whether the bundle was trained from this very manifest.
        continued_from: The bundle whose certainty it has, if that is not its own.
        taxonomy: The tree of labels.
    """
    return [
        *learned(predictions.rows, trained_on_these_rows, continued_from),
        *strange_labels(predictions.rows, taxonomy),
        *_sources(predictions, rows),
        *_classes(predictions),
        *_products(predictions, taxonomy),
        *_unfamiliar(predictions, taxonomy),
    ]


def learned(rows: Sequence[Row], trained_on_these_rows: bool, continued_from: str | None) -> Iterator[str]:
    """What a bundle saw of the photos evaluated before, as far as that can be known."""
    splits = Counter(row.split for row in rows)
    train, val = splits["train"], splits["val"]
    if train and trained_on_these_rows:
        yield f"Photos that the bundle learned from: {train}. The figures look far better than they are."
    elif train:
        yield f"Photos of split train: {train}. If the bundle learned from them, nothing here is proven."
    if val and trained_on_these_rows and not continued_from:
        yield (
            f"Photos that the bundle's certainty was fitted on, and its training stopped by: {val}. "
            "How sure it is looks better here than it is."
        )
    elif val:
        certainty = f"certainty, which is that of {continued_from}," if continued_from else "certainty"
        yield (
            f"Photos of split val: {val}. If the bundle's {certainty} was fitted on them, "
            "how sure it is looks better here than it is."
        )


def strange_labels(rows: Sequence[Row], taxonomy: Taxonomy) -> Iterator[str]:
    """The labels that no bundle can know, or that are misspelt."""
    photos = Counter(row.label for row in rows if row.label not in taxonomy)
    if photos:
        listed = ", ".join(f"{label} ({count})" for label, count in sorted(photos.items()))
        yield (
            f"Labels that the taxonomy lacks, with their photos: {listed}. Every answer to these counts as wrong, and "
            "they as unfamiliar: correct those that are misspelt."
        )


def _sources(predictions: Predictions, rows: Sequence[Row]) -> Iterator[str]:
    learned = {row.source for row in rows if row.split == "train"}
    if not learned:
        yield "The manifest has no train rows, so nobody can tell whether the bundle learned from the same sources."
        return
    shared = sum(row.source in learned for row in predictions.rows)
    if shared:
        yield (
            f"Photos of sources that are in split train too: {shared} of {len(predictions.rows)}. "
            "Those from elsewhere are harder: see split source_test, and the sources left out."
        )


def _classes(predictions: Predictions) -> Iterator[str]:
    photos = Counter(predictions.labels.tolist())
    none = [key for key in predictions.classes if not photos[key]]
    few = [key for key in predictions.classes if 0 < photos[key] < FEW_PHOTOS]
    if none:
        yield f"Classes without a photo here: {len(none)} of {len(predictions.classes)} ({', '.join(none)})."
    if few:
        yield f"Classes with fewer than {FEW_PHOTOS} photos here: {len(few)}. Their own figures say little."


def _products(predictions: Predictions, taxonomy: Taxonomy) -> Iterator[str]:
    known = {node for key in predictions.classes for node in lineage(key, taxonomy)}
    unknown = [key for key in LEFT_ASIDE if key not in known]
    unshown = [key for key in LEFT_ASIDE if key in known and not under(predictions.labels, key, taxonomy).any()]
    if unknown:
        yield f"Traded products that the bundle does not know: {', '.join(unknown)}."
    if unshown:
        yield f"Traded products that it knows and no photo here shows: {', '.join(unshown)}."


def _unfamiliar(predictions: Predictions, taxonomy: Taxonomy) -> Iterator[str]:
    strange = familiarity(predictions, taxonomy)[1]
    if strange.sum() < MIN_UNFAMILIAR:
        yield (
            f"Photos of what the bundle cannot know: {int(strange.sum())}, too few to say how well it notices that. "
            "Drawn nonsense is easier to notice than another real thing."
        )
