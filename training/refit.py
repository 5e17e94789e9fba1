"""Balancing the head once the features are learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from training.validate import run_in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from model.network import Network
    from training.photos import Photos
    from training.recipe import Recipe

INVERSE_REGULARISATION, ITERATIONS = 0.01, 300


def refit_head(network: Network, photos: Photos, recipe: Recipe) -> None:
    """Move the head towards a class-balanced logistic regression on the features of unaugmented train photos.

    The trained head favours large classes, which draws weighted by the square root of their size only soften; features
    do not suffer from that, so a head fitted on them alone treats classes alike (Kang et al. 2020, "Decoupling
    representation and classifier"). `recipe.refit` is the share of the new head in the mean of both, 0..1.
    """
    if not recipe.refit:
        return
    _, weight, bias = balanced_head(pooled_features(network, photos, recipe), np.array(photos.targets))
    with torch.no_grad():
        network.head.weight.lerp_(torch.tensor(weight, dtype=torch.float32), recipe.refit)
        network.head.bias.lerp_(torch.tensor(bias, dtype=torch.float32), recipe.refit)


def balanced_regression(**options: float) -> LogisticRegression:
    """The logistic regression that heads are fitted by, which treats classes alike; for features of spread 1."""
    return LogisticRegression(C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=ITERATIONS, **options)


def balanced_head(
    features: NDArray[np.float32], targets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Class-balanced logistic regression on features (N, d): its classes (C,), weights (C, d) and biases (C,)."""
    scaler = StandardScaler()
    balanced = balanced_regression().fit(scaler.fit_transform(features), targets)
    weight = balanced.coef_ / scaler.scale_
    bias = balanced.intercept_ - weight @ scaler.mean_
    if len(weight) == 1:  # of two classes, only the second's logit less the first's is fitted
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return balanced.classes_, weight, bias


def pooled_features(network: Network, photos: Photos, recipe: Recipe) -> NDArray[np.float32]:
    """Features (N, d) that the head sees."""

    def pooled(images: Tensor) -> Tensor:
        return network.features(images).float().mean(dim=(2, 3))

    features: NDArray[np.float32] = run_in_order(network, pooled, photos, recipe).numpy()
    return features
