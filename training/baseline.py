"""The floor that any network must beat: logistic regression on frozen ImageNet features."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model.backbones import create_backbone
from model.classifier import DECODE_SIDE
from model.errors import SchregerError
from model.network import normalise
from model.photo import PhotoError, open_photo, squash
from training.classes import MIN_TRAIN_PHOTOS
from training.evaluate.predictions import Predictions
from training.refit import balanced_regression

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.manifest import Row

    Locate = Callable[[Row], Path]
    Floats = NDArray[np.float32]

BACKBONE, SIZE, BATCH = "tf_efficientnet_lite2", 260, 32
MEAN = STD = (0.5, 0.5, 0.5)


class BaselineError(SchregerError):
    """The baseline cannot be fitted; the message says why in one sentence."""


class Baseline(NamedTuple):
    """What it says of the evaluated photos, and the train photos that could not be opened, which it did without."""

    predictions: Predictions
    unreadable: list[tuple[Row, PhotoError]]


class Frozen(NamedTuple):
    """Photos that could be opened with their features (N, d), and those that could not."""

    rows: list[Row]
    features: Floats
    unreadable: list[tuple[Row, PhotoError]]


def baseline_predictions(train: Sequence[Row], evaluated: Sequence[Row], locate: Locate) -> Baseline:
    """Fit on the train rows, every label with at least five of them a class, and predict the evaluated rows.

    Raises:
        BaselineError: Fewer than two labels have enough train rows, or too few of their photos can be opened.
    """
    learned = frozen_features(learnable(train), locate)
    labels = [row.label for row in learned.rows]
    if len(set(labels)) < 2:
        row, error = learned.unreadable[0]
        raise BaselineError(f"The baseline needs photos of two labels in split train; of {row.file}: {error}")
    model = make_pipeline(StandardScaler(), balanced_regression()).fit(learned.features, labels)
    asked = frozen_features(evaluated, locate)
    said = Predictions(asked.rows, [str(key) for key in model.classes_], model.predict_proba(asked.features))
    return Baseline(said, learned.unreadable)


def learnable(train: Sequence[Row]) -> list[Row]:
    """The rows whose label has at least five of them.

    Raises:
        BaselineError: Fewer than two labels have.
    """
    counts = Counter(row.label for row in train)
    kept = [row for row in train if counts[row.label] >= MIN_TRAIN_PHOTOS]
    if len({row.label for row in kept}) < 2:
        raise BaselineError(f"The baseline needs two labels with {MIN_TRAIN_PHOTOS} photos in split train.")
    return kept


def frozen_features(rows: Sequence[Row], locate: Locate) -> Frozen:
    """Pooled features of the ImageNet backbone, untouched by our photos."""
    backbone = create_backbone(BACKBONE).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    opened, batches, unreadable = [], [], []
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            pixels = []
            for row in rows[start : start + BATCH]:
                try:
                    pixels.append(squash(open_photo(locate(row), DECODE_SIDE).picture, SIZE))
                    opened.append(row)
                except PhotoError as error:
                    unreadable.append((row, error))
            if pixels:
                images = normalise(torch.from_numpy(np.stack(pixels)), MEAN, STD).to(memory_format=torch.channels_last)
                batches.append(backbone(images).mean(dim=(2, 3)).numpy())
    features = np.concatenate(batches) if batches else np.zeros((0, backbone.num_features), np.float32)
    return Frozen(opened, features, unreadable)
