"""Labels that cannot become a class, or whose class nobody can trust: too few photos, too few sources, no test."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from training.check.issue import Issue, quoted
from training.classes import FEW_SOURCES, MIN_TRAIN_PHOTOS, choose_classes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model.manifest import Row
    from model.taxonomy import Taxonomy


def class_issues(rows: Sequence[Row], taxonomy: Taxonomy) -> Iterator[Issue]:
    """One issue a label and kind; labels that the taxonomy lacks are left out.

    Photos that have no split yet count as train photos, since they may become so.
    """
    unsplit = any(not row.split for row in rows)
    known = [row for row in rows if row.label in taxonomy]
    trained_as = choose_classes([replace(row, split=row.split or "train") for row in known], taxonomy).class_of
    by_label = defaultdict(list)
    for row in known:
        by_label[row.label].append(row)
    for label, members in sorted(by_label.items()):
        train = [row for row in members if row.split in ("train", "")]
        if trained_as.get(label) != label:
            answer = f"it is answered as {trained_as[label]}" if label in trained_as else "nothing above it answers"
            needs = f"{label} has {len(train)} train photos and needs {MIN_TRAIN_PHOTOS}: {answer}."
            yield Issue("few_photos", tuple(members), needs, len(train))
            continue
        sources = {row.source for row in train}
        if 0 < len(sources) < FEW_SOURCES:
            says = f"All {len(train)} train photos of {label} are from {quoted(sources)}."
            yield Issue("few_sources", tuple(members), says, len(sources))
        absent = [split for split in ("val", "test") if split not in {row.split for row in members}]
        if absent and not unsplit:
            yield Issue("no_val_or_test", tuple(members), f"{label} has no photo in {' and none in '.join(absent)}.")
