"""The baseline: that frozen features tell the toy photos apart, and that too few photos are named."""

from pathlib import Path

import numpy as np
import pytest

from model.manifest import Row
from training.baseline import BaselineError, baseline_predictions, frozen_features


def split(rows: list[Row], name: str) -> list[Row]:
    return [row for row in rows if row.split == name]


def test_it_predicts_labels_above_chance(toy: Path, toy_rows: list[Row]) -> None:
    said = baseline_predictions(split(toy_rows, "train"), split(toy_rows, "test"), lambda row: toy / row.file)
    predictions = said.predictions
    assert said.unreadable == []
    assert sorted(predictions.classes) == sorted({row.label for row in toy_rows})
    assert np.allclose(predictions.probabilities.sum(axis=1), 1)
    assert (predictions.best_of(predictions.classes) == predictions.labels).mean() > 0.5  # chance is 1/6


def test_a_label_with_few_photos_is_no_class(toy: Path, toy_rows: list[Row]) -> None:
    train = split(toy_rows, "train")
    few = [row for row in train if row.label != "bone"] + [row for row in train if row.label == "bone"][:4]
    predictions = baseline_predictions(few, split(toy_rows, "val"), lambda row: toy / row.file).predictions
    assert "bone" not in predictions.classes
    assert "bone" in predictions.labels


def test_features_do_not_depend_on_the_company(toy: Path, toy_rows: list[Row]) -> None:
    together = frozen_features(toy_rows[:3], lambda row: toy / row.file).features
    alone = frozen_features(toy_rows[1:2], lambda row: toy / row.file).features
    assert together.shape == (3, 1280)
    assert np.allclose(together[1], alone[0], atol=1e-4)


def test_what_it_cannot_learn_from_is_one_sentence(toy: Path, toy_rows: list[Row]) -> None:
    with pytest.raises(BaselineError, match=r"^The baseline needs two labels with 5 photos in split train\.$"):
        baseline_predictions(toy_rows[:8], toy_rows[:1], lambda row: toy / row.file)
    with pytest.raises(BaselineError, match=r"needs photos of two labels in split train; of photos/bone-0\.jpg: There"):
        baseline_predictions(split(toy_rows, "train"), toy_rows[:1], lambda _: toy / "nowhere.jpg")
