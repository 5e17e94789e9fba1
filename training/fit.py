"""Training: from a recipe and labelled photos to the weights that did best on the validation photos."""

from __future__ import annotations

import copy
import csv
import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter

from model.backbones import create_backbone
from model.errors import SchregerError
from model.network import Network
from model.taxonomy import load_taxonomy
from training.atomic import atomically
from training.augment import Augmenter
from training.loss import Criterion
from training.mix import mixed
from training.optimize import check_frozen, new_optimizer, set_rates, set_training
from training.photos import Balanced, Batches, Photos
from training.precision import autocast, depthwise_in_float32
from training.validate import Validation, images_of, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from model.manifest import Row
    from training.classes import Classes
    from training.decoded import Decoded
    from training.recipe import Recipe

CHECKPOINT, WEIGHTS, LOG, TENSORBOARD = "checkpoint.pt", "weights.safetensors", "log.csv", "tensorboard"
MAX_GRADIENT_NORM = 5.0
LOSS_EVERY = 10
"""Steps between two looks at the loss, since each waits for a GPU to catch up."""


class FitError(SchregerError):
    """Training cannot start or go on; the message says why in one sentence."""


@dataclass
class TrainingState:
    """What a resumed run must know; saved after each epoch."""

    epoch: int = 0
    best: float = math.inf
    epochs_since_best: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


class Fit:
    """One training run in a folder. A run that was stopped goes on from its last whole epoch, to the same result.

    Started by torchrun, each process takes its share of every batch, on a device of its own; the first one judges,
    reports and saves.

    Raises:
        FitError: There are no validation photos, the run in the folder is damaged or of another network or other
            photos, or training diverged.
        PhotosError: A photo is missing or cannot be opened.
        RecipeError: A stage freezes what the backbone does not have.
    """

    def __init__(
        self,
        recipe: Recipe,
        classes: Classes,
        rows: Sequence[Row],
        folder: Path,
        out: Path,
        decoded: Decoded | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.classes, self.out = recipe, classes, out
        self.accelerator = Accelerator(cpu=not torch.accelerator.is_available())
        self.device = self.accelerator.device
        train = [row for row in rows if row.split == "train" and row.label in classes.class_of]
        val = [row for row in rows if row.split == "val" and row.label in classes.class_of]
        if not val:
            raise FitError("The manifest has no photos in split val that show a class; they choose the best epoch.")
        self.train = Photos(train, folder, classes, recipe.input_size, Augmenter(recipe), decoded)
        self.val = Photos(val, folder, classes, recipe.input_size, decoded=decoded)
        self.criterion = Criterion(recipe.loss, classes.keys, load_taxonomy())
        self.network = new_network(recipe, len(classes.keys)).to(self.device)
        if self.device.type == "cpu":
            depthwise_in_float32(self.network)
        check_frozen(self.network, recipe.stages)
        self.average = copy.deepcopy(self.network).eval()
        self.schedule = [stage for stage in recipe.stages for _ in range(stage.epochs)]
        self.state = TrainingState()
        self.optimizer: torch.optim.Optimizer | None = None

    def run(self, console: Console) -> Path:
        """Train to the end, or until `patience` epochs brought nothing, and return the file of the best weights."""
        self._resume()
        while self.state.epoch < len(self.schedule) and self.state.epochs_since_best < self.recipe.patience:
            if self.optimizer is None or self.state.epoch == self._first_of_stage():
                stage = self.schedule[self.state.epoch]
                self.optimizer = new_optimizer(self.network, stage, self.recipe.weight_decay)
            loss = self._train_epoch(self.optimizer, console)
            self._note(loss, self._validate(), console)
            self._save()
        if math.isinf(self.state.best):  # not whether the file is there: the first process may be writing it
            raise FitError("No epoch had a finite loss on the validation photos: lower the recipe's rates.")
        return self.out / WEIGHTS

    def _first_of_stage(self) -> int:
        """The first epoch of the stage that the coming epoch is in."""
        return next(epoch for epoch, stage in enumerate(self.schedule) if stage is self.schedule[self.state.epoch])

    def _train_epoch(self, optimizer: torch.optim.Optimizer, console: Console) -> float:
        epoch, stage, first = self.state.epoch, self.schedule[self.state.epoch], self._first_of_stage()
        process, processes = self.accelerator.process_index, self.accelerator.num_processes
        torch.manual_seed((self.recipe.seed * 1000 + epoch) * processes + process)
        order = Balanced(
            self.train.rows, self.train.targets, self.recipe.sampling, self.recipe.seed, process, processes
        )
        order.epoch = epoch
        batches = Batches(self.train, order, self.recipe.batch_size // processes, self.recipe.workers)
        mixing = np.random.default_rng((self.recipe.seed, epoch, process))
        set_training(self.network, stage)
        trained = self.accelerator.prepare_model(LogitsAlone(self.network))
        total = torch.zeros((), device=self.device)
        with progress_bar(console) as progress:
            task = progress.add_task(f"epoch {epoch + 1}/{len(self.schedule)}", total=len(batches), loss=math.nan)
            for step, (pixels, targets) in enumerate(batches):
                set_rates(optimizer, stage, (epoch - first) * len(batches) + step, stage.epochs * len(batches))
                total += self._train_batch(trained, optimizer, pixels, targets, mixing)
                self._average_weights(epoch * len(batches) + step)
                if step % LOSS_EVERY == 0 or step + 1 == len(batches):
                    progress.update(task, completed=step + 1, loss=float(total) / (step + 1))
        self.accelerator.free_memory()  # it keeps each epoch's wrapper, with buffers as large as the gradients
        return float(self.accelerator.reduce(total, "mean")) / len(batches)

    def _train_batch(
        self,
        trained: nn.Module,
        optimizer: torch.optim.Optimizer,
        pixels: Tensor,
        targets: Tensor,
        mixing: np.random.Generator,
    ) -> Tensor:
        images = images_of(pixels, self.recipe, self.device)
        wanted = functional.one_hot(targets.to(self.device), self.network.head.out_features).float()
        images, wanted = mixed(images, wanted, self.recipe.mix, mixing)
        with autocast(self.recipe, self.device):
            logits = trained(images)
        loss = self.criterion(logits.float(), wanted)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def _average_weights(self, step: int) -> None:
        """Exponential moving average, what is validated and exported; short at first, so that it forgets the start."""
        decay = min(self.recipe.ema_decay, (1 + step) / (10 + step))
        pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
        kept, current = zip(*((kept, new) for kept, new in pairs if new.requires_grad), strict=True)
        with torch.no_grad():
            torch._foreach_lerp_(kept, current, 1 - decay)

    def _validate(self) -> Validation:
        """The first process judges for all, so that all agree on when to stop."""
        judged = [validate(self.average, self.val, self.recipe) if self.accelerator.is_main_process else None]
        [agreed] = broadcast_object_list(judged)
        return Validation(*agreed)

    def _note(self, loss: float, val: Validation, console: Console) -> None:
        self.state.epoch += 1
        noted = {"loss": loss, "val_loss": val.loss, "val_accuracy": val.accuracy, "val_recall": val.recall}
        self.state.history.append({"epoch": self.state.epoch, **noted})
        improved = val.loss < self.state.best
        self.state.epochs_since_best = 0 if improved else self.state.epochs_since_best + 1
        self.state.best = val.loss if improved else self.state.best
        if not self.accelerator.is_main_process:
            return
        console.print(
            ", ".join([f"epoch {self.state.epoch}", *(f"{name} {value:.3f}" for name, value in noted.items())])
        )
        if improved:
            with atomically(self.out / WEIGHTS) as partial:
                save_file(contiguous(self.average.state_dict()), partial)
        write_log(self.state.history, self.out)

    def _save(self) -> None:
        if not self.accelerator.is_main_process or self.optimizer is None:
            return
        content = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "state": vars(self.state),
            "learned": self._digest_of_learned(),
        }
        with atomically(self.out / CHECKPOINT) as partial:
            torch.save(content, partial)

    def _resume(self) -> None:
        file = self.out / CHECKPOINT
        if not file.exists():
            return
        try:
            content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            self.state = TrainingState(**content["state"])
        except Exception as error:  # torch raises whatever damaged bytes lead it to
            raise FitError(f"{file} is damaged: begin anew in another folder.") from error
        if content.get("learned") != self._digest_of_learned():
            raise FitError(f"The run in {self.out} is of other photos, labels, splits or classes: use a new folder.")
        try:
            self.network.load_state_dict(content["network"])
        except RuntimeError as error:
            raise FitError(f"The run in {self.out} is of another backbone: use a new folder.") from error
        try:
            if math.isfinite(self.state.best):
                load_file(self.out / WEIGHTS)
        except (OSError, SafetensorError) as error:
            raise FitError(f"{self.out / WEIGHTS} is missing or damaged: begin anew in another folder.") from error
        self.average.load_state_dict(content["average"])
        last = self.schedule[self.state.epoch - 1]
        self.optimizer = new_optimizer(self.network, last, self.recipe.weight_decay)
        self.optimizer.load_state_dict(content["optimizer"])

    def _digest_of_learned(self) -> str:
        """The sha256 of the classes, and of which photos are learned from and chosen by, in their order."""
        photos = [(row.sha256, row.label, row.split) for row in (*self.train.rows, *self.val.rows)]
        return hashlib.sha256(repr((self.classes.keys, photos)).encode()).hexdigest()


class LogitsAlone(nn.Module):
    """The network as training calls it: without the evidence and the embedding."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Class logits (N, C) of images (N, 3, H, W)."""
        return self.network.logits(images)


def progress_bar(console: Console) -> Progress:
    """Progress of an epoch, with its mean loss so far."""
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn(), TextColumn("{task.fields[loss]:.3f}"))
    return Progress(SpinnerColumn(), *columns, console=console)


def write_log(history: Sequence[dict[str, float]], out: Path) -> None:
    """Write the figures of every epoch as CSV, and those of the last one for TensorBoard."""
    with (out / LOG).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(history[0]))
        writer.writeheader()
        writer.writerows(history)
    last = dict(history[-1])
    epoch = int(last.pop("epoch"))
    with SummaryWriter(str(out / TENSORBOARD), purge_step=epoch) as board:
        for name, value in last.items():
            board.add_scalar(name, value, epoch)


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


def contiguous(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights as safetensors stores them."""
    return {name: tensor.contiguous() for name, tensor in weights.items()}
