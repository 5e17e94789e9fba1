"""The shift between seen and unseen sources: found where sources give labels away, and not where they do not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.manifest import Row
from model.taxonomy import load_taxonomy
from training.classes import Classes
from training.shift import FOLDS, Shift, measure_shift

TAXONOMY = load_taxonomy()
KEYS = ("bone", "ceramic", "ivory", "resin")
CLASSES = Classes(KEYS, {key: key for key in KEYS} | {"celluloid": "resin"})
WIDTH = 40


def collection(
    shortcut: float, sources: int = 10, seed: int = 0, label: str | None = None
) -> tuple[NDArray[np.float32], list[Row]]:
    """Features in which a class shows weakly, and strongly in a way that each source has of its own."""
    generator = np.random.default_rng(seed)
    of_class = generator.normal(0, 0.35, (len(KEYS), WIDTH))
    of_source = generator.normal(0, shortcut, (sources, len(KEYS), WIDTH))
    features, rows = [], []
    for source in range(sources):
        for number, key in enumerate(KEYS):
            for photo in range(24):
                features.append(of_class[number] + of_source[source, number] + generator.normal(0, 1, WIDTH))
                split = "val" if photo < 8 else "train"
                group = f"{source}-{key}-{photo}"
                rows.append(Row(f"{group}.jpg", "", label or key, split, group, f"shop {source}", "CC0", "", 9, 9, ""))
    return np.array(features, np.float32), rows


def test_where_sources_give_labels_away_unseen_ones_call_for_a_higher_temperature_and_err_more() -> None:
    shift = measure_shift(*collection(shortcut=1.0), CLASSES, TAXONOMY, target=0.1)
    assert shift.heat > 1.2
    assert shift.error is not None
    assert shift.error > 0.15


def test_where_sources_are_alike_nothing_changes() -> None:
    shift = measure_shift(*collection(shortcut=0), CLASSES, TAXONOMY, target=0.1)
    assert shift.heat == pytest.approx(1, abs=0.05)
    assert shift.error is not None
    assert shift.error < 0.15


def test_test_photos_play_no_part() -> None:
    features, rows = collection(shortcut=1.0, sources=5)
    alone = measure_shift(features, rows, CLASSES, TAXONOMY)
    hidden, others = collection(shortcut=3.0, sources=2, seed=1)
    split = ["test" if number % 2 else "source_test" for number in range(len(others))]
    others = [Row(*(row.file, row.sha256, row.label, which, row.group, row.source, "", "", 9, 9, ""))  # type: ignore[arg-type]
              for row, which in zip(others, split, strict=True)]  # fmt: skip
    together = measure_shift(np.concatenate([features, hidden]), rows + others, CLASSES, TAXONOMY)
    assert together.heat == pytest.approx(alone.heat, abs=0.02)


def test_what_cannot_be_measured_changes_nothing() -> None:
    features, rows = collection(shortcut=1.0, sources=1)
    assert measure_shift(features, rows, CLASSES, TAXONOMY) == Shift(1.0, None)
    features, rows = collection(shortcut=1.0, sources=3, label="celluloid")  # trained as resin, asked as no class
    assert measure_shift(features, rows, CLASSES, TAXONOMY) == Shift(1.0, None)
    features, rows = collection(shortcut=1.0, sources=2)
    kept = [number for number, row in enumerate(rows) if row.label == KEYS[int(row.source[-1])]]  # a class a source
    assert measure_shift(features[kept], [rows[number] for number in kept], CLASSES, TAXONOMY) == Shift(1.0, None)


def test_a_class_of_one_source_alone_is_not_asked_of_the_head_that_never_saw_it() -> None:
    features, rows = collection(shortcut=0.5, sources=FOLDS)
    kept = [number for number, row in enumerate(rows) if row.label != "ivory" or row.source == "shop 0"]
    shift = measure_shift(features[kept], [rows[number] for number in kept], CLASSES, TAXONOMY, target=0.1)
    assert np.isfinite(shift.heat)
    assert shift.heat >= 1
