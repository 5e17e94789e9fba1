"""The floor that any network must beat: logistic regression on frozen ImageNet features."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

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


def baseline_predictions(train: Sequence[Row], evaluated: Sequence[Row], locate: Locate) -> Predictions:
    """Fit on the train rows, every label with at least five of them a class, and predict the evaluated rows.

    Raises:
        BaselineError: Fewer than two labels have enough train rows, or a photo cannot be opened.
    """
    counts = Counter(row.label for row in train)
    kept = [row for row in train if counts[row.label] >= MIN_TRAIN_PHOTOS]
    if len({row.label for row in kept}) < 2:
        raise BaselineError(f"The baseline needs two labels with {MIN_TRAIN_PHOTOS} photos in split train.")
    model = make_pipeline(StandardScaler(), balanced_regression())
    model.fit(frozen_features(kept, locate), [row.label for row in kept])
    probabilities = model.predict_proba(frozen_features(evaluated, locate))
    return Predictions(evaluated, [str(key) for key in model.classes_], probabilities)


def frozen_features(rows: Sequence[Row], locate: Locate) -> Floats:
    """Pooled features (N, d) of the ImageNet backbone, untouched by our photos."""
    backbone = create_backbone(BACKBONE).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = []
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            pixels = np.stack([_seen(locate(row)) for row in rows[start : start + BATCH]])
            images = normalise(torch.from_numpy(pixels), MEAN, STD).to(memory_format=torch.channels_last)
            batches.append(backbone(images).mean(dim=(2, 3)).numpy())
    return np.concatenate(batches)


def _seen(file: Path) -> NDArray[np.uint8]:
    try:
        return squash(open_photo(file, DECODE_SIDE).picture, SIZE)
    except PhotoError as error:
        raise BaselineError(f"{file} cannot be learned from: {error}") from error
