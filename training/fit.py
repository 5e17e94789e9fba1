"""Training: from a recipe and labelled photos to the weights that did best on the validation photos."""

from __future__ import annotations

import copy
import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from model.backbones import create_backbone
from model.errors import SchregerError
from model.network import Network, normalise
from training.augment import Augmenter
from training.calibrate import fit_temperature
from training.photos import Balanced, Batches, InOrder, Photos
from training.precision import autocast, depthwise_in_float32
from training.recipe import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from model.manifest import Row
    from training.classes import Classes
    from training.recipe import Recipe, Stage

CHECKPOINT, WEIGHTS, LOG = "checkpoint.pt", "weights.safetensors", "log.csv"


class FitError(SchregerError):
    """Training cannot start or go on; the message says why in one sentence."""


@dataclass
class Progressing:
    """What a resumed run must know; saved after each epoch."""

    epoch: int = 0
    best: float = math.inf
    epochs_since_best: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


class Fit:
    """One training run in a folder. A run that was stopped goes on from its last whole epoch, to the same result.

    Raises:
        FitError: There are no validation photos, the run in the folder is of another network, or training diverged.
        PhotosError: A photo is missing or cannot be opened.
        RecipeError: A stage freezes what the backbone does not have.
    """

    def __init__(self, recipe: Recipe, classes: Classes, rows: Sequence[Row], photos: Path, out: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.out = recipe, out
        train = [row for row in rows if row.split == "train" and row.label in classes.class_of]
        val = [row for row in rows if row.split == "val" and row.label in classes.class_of]
        if not val:
            raise FitError("The manifest has no photos in split val that show a class; they choose the best epoch.")
        self.train = Photos(train, photos, classes, recipe.input_size, Augmenter(recipe))
        self.val = Photos(val, photos, classes, recipe.input_size)
        self.network = new_network(recipe, len(classes.keys))
        depthwise_in_float32(self.network)
        _check_frozen(self.network, recipe.stages)
        self.average = copy.deepcopy(self.network).eval()
        self.schedule = [stage for stage in recipe.stages for _ in range(stage.epochs)]
        self.state = Progressing()

    def run(self, console: Console) -> Path:
        """Train to the end, or until `patience` epochs brought nothing, and return the file of the best weights."""
        optimizer = self._resume()
        while self.state.epoch < len(self.schedule) and self.state.epochs_since_best < self.recipe.patience:
            optimizer = self._optimizer_for_epoch(optimizer)
            loss = self._train_epoch(optimizer, console)
            self._note(loss, validate(self.average, self.val, self.recipe), console)
            self._save(optimizer)
        if not (self.out / WEIGHTS).exists():
            raise FitError("No epoch had a finite loss on the validation photos: lower the recipe's rates.")
        return self.out / WEIGHTS

    def _train_epoch(self, optimizer: torch.optim.Optimizer, console: Console) -> float:
        epoch, recipe = self.state.epoch, self.recipe
        torch.manual_seed(recipe.seed * 1000 + epoch)
        order = Balanced(self.train.rows, self.train.targets, recipe.sampling, recipe.seed)
        order.epoch = epoch
        batches = Batches(self.train, order, recipe.batch_size, recipe.workers)
        set_training(self.network, self.schedule[epoch])
        total = 0.0
        columns = (
            SpinnerColumn(),
            *Progress.get_default_columns()[:-1],
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]:.3f}"),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(f"epoch {epoch + 1}/{len(self.schedule)}", total=len(batches), loss=math.nan)
            for step, (pixels, targets) in enumerate(batches):
                self._set_rates(optimizer, step, len(batches))
                total += self._train_batch(optimizer, pixels, targets)
                self._average_weights(epoch * len(batches) + step)
                progress.update(task, advance=1, loss=total / (step + 1))
        return total / len(batches)

    def _train_batch(self, optimizer: torch.optim.Optimizer, pixels: Tensor, targets: Tensor) -> float:
        images = normalise(pixels, self.recipe.mean, self.recipe.std).to(memory_format=torch.channels_last)
        with autocast(self.recipe):
            logits = self.network.logits(images).float()
            loss = functional.cross_entropy(logits, targets, label_smoothing=self.recipe.label_smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _average_weights(self, step: int) -> None:
        """Exponential moving average, what is validated and exported; short at first, so that it forgets the start."""
        decay = min(self.recipe.ema_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, current in zip(self.average.parameters(), self.network.parameters(), strict=True):
                if current.requires_grad:
                    kept.lerp_(current, 1 - decay)

    def _optimizer_for_epoch(self, optimizer: torch.optim.Optimizer | None) -> torch.optim.Optimizer:
        """The optimizer goes on within a stage; a stage that unfreezes other parts starts a new one."""
        epoch = self.state.epoch
        if optimizer is None or (epoch and self.schedule[epoch] is not self.schedule[epoch - 1]):
            return new_optimizer(self.network, self.schedule[epoch], self.recipe.weight_decay)
        return optimizer

    def _set_rates(self, optimizer: torch.optim.Optimizer, step: int, steps: int) -> None:
        """Linear warm-up, then a cosine to a hundredth over the whole stage."""
        stage = self.schedule[self.state.epoch]
        first = next(epoch for epoch, each in enumerate(self.schedule) if each is stage)
        done, total = (self.state.epoch - first) * steps + step, stage.epochs * steps
        factor = min(1.0, (done + 1) / (stage.warmup_steps + 1)) * (0.505 + 0.495 * math.cos(math.pi * done / total))
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * factor

    def _note(self, loss: float, val: Validation, console: Console) -> None:
        self.state.epoch += 1
        noted = {"loss": loss, "val_loss": val.loss, "val_accuracy": val.accuracy, "val_recall": val.recall}
        self.state.history.append({"epoch": self.state.epoch, **noted})
        console.print(
            ", ".join([f"epoch {self.state.epoch}", *(f"{name} {value:.3f}" for name, value in noted.items())])
        )
        improved = val.loss < self.state.best
        self.state.epochs_since_best = 0 if improved else self.state.epochs_since_best + 1
        if improved:
            self.state.best = val.loss
            save_file(contiguous(self.average.state_dict()), self.out / WEIGHTS)
        with (self.out / LOG).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(self.state.history[0]))
            writer.writeheader()
            writer.writerows(self.state.history)

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        content = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "state": vars(self.state),
        }
        partial = self.out / f"{CHECKPOINT}.partial"
        torch.save(content, partial)
        partial.replace(self.out / CHECKPOINT)

    def _resume(self) -> torch.optim.Optimizer | None:
        file = self.out / CHECKPOINT
        if not file.exists():
            return None
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        self.state = Progressing(**content["state"])
        try:
            self.network.load_state_dict(content["network"])
        except RuntimeError as error:
            raise FitError(
                f"The run in {self.out} is of another backbone or other classes: use a new folder."
            ) from error
        self.average.load_state_dict(content["average"])
        last = self.schedule[self.state.epoch - 1]
        optimizer = new_optimizer(self.network, last, self.recipe.weight_decay)
        optimizer.load_state_dict(content["optimizer"])
        return optimizer


def new_network(recipe: Recipe, classes: int) -> Network:
    """The untrained network of a recipe."""
    network = Network(new_backbone(recipe), classes, recipe.dropout)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def new_backbone(recipe: Recipe) -> nn.Module:
    """The backbone of a recipe, with the weights that training starts from."""
    weights: Literal["package", "hub", "none"] | Path
    match recipe.backbone.weights:
        case "package" | "hub" | "none" as known:
            weights = known
        case file:
            weights = Path(file)
    return create_backbone(recipe.backbone.name, weights)


def _check_frozen(network: Network, stages: Sequence[Stage]) -> None:
    """A misspelt prefix would freeze nothing, and nobody would notice."""
    names = [name for name, _ in network.backbone.named_parameters()]
    for number, stage in enumerate(stages):
        for prefix in stage.frozen:
            if not any(is_frozen(name, (prefix,)) for name in names):
                raise RecipeError(f"The recipe is wrong at stages.{number}.frozen: the backbone has no {prefix!r}.")


def set_training(network: Network, stage: Stage) -> None:
    """Put the network in training mode with the stage's parts frozen; batch-norm statistics never move.

    Statistics of a few dozen photos of few sources would say more of the sources than of the classes.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
    for name, parameter in network.backbone.named_parameters():
        parameter.requires_grad_(not is_frozen(name, stage.frozen))


def is_frozen(name: str, frozen: Sequence[str]) -> bool:
    """Whether a parameter of the backbone is frozen: "*" freezes all, a prefix ends where a name part ends."""
    return any(prefix == "*" or name == prefix or name.startswith(f"{prefix}.") for prefix in frozen)


def new_optimizer(network: Network, stage: Stage, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW with the stage's two learning rates; biases and norms are not decayed."""
    groups = []
    for module, rate in ((network.head, stage.head_rate), (network.backbone, stage.backbone_rate)):
        named = [
            (n, p) for n, p in module.named_parameters() if module is network.head or not is_frozen(n, stage.frozen)
        ]
        for decays in (True, False):
            parameters = [parameter for _, parameter in named if (parameter.ndim > 1) == decays]
            if parameters:
                decay = weight_decay if decays else 0.0
                groups.append({"params": parameters, "rate": rate, "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups)


class Validation(NamedTuple):
    """Mean cross-entropy, accuracy, and mean recall over the classes that have photos.

    The loss chooses the epoch: unlike the other two it does not jump with the one photo that some classes have. It is
    that at the best temperature, which the bundle gets too; else the least confident epoch would win, not the best.
    """

    loss: float
    accuracy: float
    recall: float


def validate(network: Network, photos: Photos, recipe: Recipe) -> Validation:
    """Judge the network on photos as the classifier would see them."""
    network.eval()
    logits: list[Tensor] = []
    with torch.inference_mode(), autocast(recipe):
        for pixels, _ in Batches(photos, InOrder(len(photos)), recipe.batch_size, recipe.workers):
            images = normalise(pixels, recipe.mean, recipe.std).to(memory_format=torch.channels_last)
            logits.append(network.logits(images).float())
    said, targets = torch.cat(logits), torch.tensor(photos.targets)
    right = (said.argmax(dim=1) == targets).double()
    recalls = torch.stack([right[targets == target].mean() for target in targets.unique()])
    calibrated = said / fit_temperature(said.numpy(), targets.numpy())
    return Validation(float(functional.cross_entropy(calibrated, targets)), float(right.mean()), float(recalls.mean()))


def contiguous(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights as safetensors stores them."""
    return {name: tensor.contiguous() for name, tensor in weights.items()}
