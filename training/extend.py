"""`schreger train --from`: a bundle learns new photos, and new classes, without forgetting those that it knows.

Its backbone stays as it is, so that what it saw of earlier photos stays true: the exemplars that it carries (features
of a few photos a class, no pictures) are learned again beside the new photos, with its own answers as half of their
labels (distillation; Hinton et al. 2015, Rebuffi et al. 2017), and the head is held near the one that it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
import torch
from rich.console import Console
from torch.nn import functional

from model.bundle import EXEMPLARS, NETWORK
from model.certainty import softmax
from model.classifier import Classifier
from model.errors import SchregerError
from model.exemplars import Exemplars, read_exemplars, write_exemplars
from training.certify import feature_norms
from training.classes import extend_classes, left_out
from training.export import read_head, replace_head
from training.herd import choose_exemplars
from training.make import digest_of, finish_bundle
from training.photos import PhotosError, check_there
from training.refit import INVERSE_REGULARISATION
from training.seen import see

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from model.bundle import Bundle
    from model.manifest import Row
    from training.recipe import Recipe

    Floats = NDArray[np.float32]

OWN_ANSWER = 0.5
"""Share of the bundle's own answer in the label of an exemplar."""

ITERATIONS = 200


class ExtendError(SchregerError):
    """A bundle cannot learn these photos; the message says why in one sentence."""


class Head(NamedTuple):
    """A linear head: weight (C, d) and bias (C,)."""

    weight: Floats
    bias: Floats


class Lesson(NamedTuple):
    """What a head learns from: features (N, d), class distributions (N, C), and the class (N,) that each counts for."""

    features: Floats
    wanted: Floats
    targets: NDArray[np.int64]


def extend(bundle: Bundle, recipe: Recipe, rows: Sequence[Row], data: Path, folder: Path, final: bool) -> None:
    """Write to a folder what a bundle becomes when it learns the train rows.

    Its certainty stays as it was: what that was fitted on is not here.

    Raises:
        BundleError: The bundle is damaged or carries no exemplars.
        ClassesError: A label is not in the taxonomy.
        ExtendError: No train row shows a class, or one that has photos enough to become one.
        PhotosError: A photo to learn from is missing or cannot be opened.
    """
    classifier = Classifier.load(str(bundle.folder))
    known = classifier.classes
    exemplars = read_exemplars(bundle.exemplars, len(known))
    classes = extend_classes(known, rows, classifier.taxonomy, recipe.min_train_photos)
    train = [row for row in rows if row.split == "train" and row.label in classes.class_of]
    if not train:
        raise ExtendError(
            f"No photo in split train shows a class of {bundle.id} or a label with {recipe.min_train_photos} photos."
        )
    if few := left_out(rows, classes):
        Console(stderr=True).print(few)
    check_there(train, data)
    model = onnx.load(bundle.network)
    old = Head(*read_head(model))
    seen = see(classifier, train, lambda row: data / row.file)
    if seen.unreadable:
        row, error = seen.unreadable[0]
        raise PhotosError(f"{data / row.file} cannot be learned from: {error}")
    new = Exemplars(seen.embeddings, feature_norms(seen, *old), np.array(classes.targets(seen.rows)))
    head = learn(old, join(rehearsal(exemplars, old, len(classes.keys)), lesson(new, len(classes.keys))))
    folder.mkdir(parents=True, exist_ok=True)
    replace_head(model, *head)
    onnx.save(model, folder / NETWORK)
    write_exemplars(merged(exemplars, new), folder / EXEMPLARS)
    described = bundle.description.model_copy(
        update={
            "name": recipe.name,
            "classes": classes.keys,
            "continued_from": bundle.id,
            "training_manifest": digest_of(recipe, data),
        }
    )
    finish_bundle(described, recipe, classes, rows, data, folder, final)


def with_input_of(bundle: Bundle, recipe: Recipe) -> Recipe:
    """The recipe with the input that the bundle's network has and keeps, whatever size the recipe would train at."""
    kept = bundle.description.input
    return recipe.model_copy(update={"input_size": kept.size, "mean": kept.mean, "std": kept.std})


def lesson(photos: Exemplars, classes: int) -> Lesson:
    """Photos with their labels."""
    return Lesson(photos.features, np.eye(classes, dtype=np.float32)[photos.labels], photos.labels)


def rehearsal(exemplars: Exemplars, old: Head, classes: int) -> Lesson:
    """Exemplars with half their label and half what the old head says of them."""
    said = softmax(exemplars.features @ old.weight.T + old.bias, 1.0)
    answers = np.pad(said, ((0, 0), (0, classes - said.shape[1])))
    own = lesson(exemplars, classes)
    return own._replace(wanted=(1 - OWN_ANSWER) * own.wanted + OWN_ANSWER * answers)


def join(*lessons: Lesson) -> Lesson:
    """Several lessons as one."""
    return Lesson(*(np.concatenate(parts) for parts in zip(*lessons, strict=True)))


def learn(old: Head, lesson: Lesson) -> Head:
    """The head with the least cross-entropy, classes alike, and the least distance from the old one.

    Distance is counted in units of each feature's spread (Li et al. 2018, "Explicit inductive bias", L2-SP).
    """
    classes = lesson.wanted.shape[1]
    features, wanted = torch.from_numpy(lesson.features), torch.from_numpy(lesson.wanted)
    spread = features.std(dim=0) + 1e-6
    counts = np.bincount(lesson.targets, minlength=classes)
    shares = torch.tensor((len(lesson.targets) / (counts > 0).sum() / np.maximum(counts, 1))[lesson.targets]).float()
    added = classes - len(old.bias)
    start = torch.from_numpy(np.pad(old.weight, ((0, added), (0, 0))))
    offset = torch.from_numpy(np.pad(old.bias, (0, added)))
    moved = torch.zeros_like(start, requires_grad=True)
    raised = torch.zeros_like(offset, requires_grad=True)
    optimizer = torch.optim.LBFGS([moved, raised], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = features @ (start + moved / spread).T + offset + raised
        entropy = (functional.cross_entropy(logits, wanted, reduction="none") * shares).sum()
        total = INVERSE_REGULARISATION * entropy + moved.square().sum() / 2
        total.backward()
        return total

    optimizer.step(loss)
    with torch.no_grad():
        return Head((start + moved / spread).numpy(), (offset + raised).numpy())


def merged(old: Exemplars, new: Exemplars) -> Exemplars:
    """Exemplars of the old photos and the new: of a class that both show, the best of both together."""
    chosen = choose_exemplars(new.embeddings, new.norms, new.labels)
    return choose_exemplars(
        np.concatenate([old.embeddings, chosen.embeddings]),
        np.concatenate([old.norms, chosen.norms]),
        np.concatenate([old.labels, chosen.labels]),
    )
