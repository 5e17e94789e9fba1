"""The recipe: everything that decides how a bundle is trained. Read from and written to YAML by `recipe_file`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from model.errors import SchregerError
from training.calibrate import TARGET_ERROR
from training.classes import MIN_TRAIN_PHOTOS


class RecipeError(SchregerError):
    """The recipe cannot be used; the message names the field and what is wrong, in one sentence."""


class Part(BaseModel):
    """A part of a recipe. Every field carries a description, which recipe files show as a comment."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Share = Annotated[float, Field(ge=0, le=1)]
_BelowOne = Annotated[float, Field(ge=0, lt=1)]
_NotNegative = Annotated[float, Field(ge=0)]
_Positive = Annotated[float, Field(gt=0)]
_Count = Annotated[int, Field(ge=0)]
_Side = Annotated[int, Field(ge=32, le=1024)]
_Step = Annotated[dict[str, dict[str, Any]], Field(min_length=1, max_length=1)]


class Backbone(Part):
    """What the network starts from."""

    name: str = Field("tf_efficientnet_lite2", description="A timm architecture")
    weights: str = Field("package", description="package (an installed one), hub, none, or a safetensors file")


class Sampling(Part):
    """How often a photo is drawn."""

    class_power: _Share = Field(0.5, description="Drawn in proportion to (photos of its class)^-power")
    source_power: _Share = Field(0.5, description="Likewise for the sources within a class")


class Mix(Part):
    """Photos blended in pairs, with their labels."""

    mixup: _NotNegative = Field(0.0, description="Alpha of mixup (Zhang et al. 2018); 0 is off")
    cutmix: _NotNegative = Field(0.0, description="Alpha of cutmix (Yun et al. 2019); 0 is off")
    share: _Share = Field(1.0, description="Share of the batches that are mixed")


class Loss(Part):
    """What training minimises."""

    kind: Literal["cross_entropy", "focal"] = Field("cross_entropy", description="Focal: Lin et al. 2017")
    gamma: _NotNegative = Field(2.0, description="Of the focal loss: how much less an easy photo counts")
    label_smoothing: _BelowOne = Field(0.1, description="Share of each label that is spread over all classes")
    tree: _NotNegative = Field(0.0, description="Weight of the loss at the nodes above the label; 0 ignores the tree")


class Stage(Part):
    """A stretch of training in which some parts of the backbone stay as they are."""

    epochs: int = Field(ge=1, description="Draws of as many photos as there are for training")
    frozen: tuple[str, ...] = Field((), description='Parts of the backbone that stay, by name; "*" is all of it')
    head_rate: _Positive = Field(1e-3, description="Learning rate of the head")
    backbone_rate: _Positive = Field(2e-4, description="Learning rate of the backbone's last block")
    layer_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Factor of the rate for each block before"
    )
    warmup_steps: _Count = Field(100, description="Steps of linear warm-up, then a cosine")


class Evaluation(Part):
    """What of an evaluation is asked for beyond the figures."""

    baseline: bool = Field(False, description="Print a frozen backbone's figures beside")
    robustness: bool = Field(False, description="Measure on photos spoilt as adverts spoil them, too")
    leave_one_source_out: bool = Field(False, description="Recall of products in sources the head never saw, too")
    sheets: bool = Field(False, description="Write contact sheets of what is wrong, too; they hold photos")


class Export(Part):
    """What is chosen when the bundle is written."""

    target_error: Annotated[float, Field(gt=0, lt=1)] = Field(
        TARGET_ERROR, description="Share of the answers that may be wrong on photos of sources that were learned from"
    )


class Recipe(Part):
    """A whole recipe. Every field has a default but the name and the stages."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the bundle")
    seed: _Count = Field(0, description="The same seed gives the same run (on the CPU)")
    manifests: tuple[Path, ...] = Field(
        (), description="CSV files of labelled photos, told from this one's folder; where none is, that of --data"
    )
    corrections: Path | None = Field(
        None, description="CSV file, told from this one's folder, with the true labels of train and val photos"
    )
    licences: tuple[str, ...] = Field(
        (), description="Train and val photos count only under one of these, worded as in the manifests; [] takes all"
    )
    heaps: _Count = Field(
        0, description="Pictures drawn of each train photo of pangolin scales and of look-alikes, as loose heaps"
    )
    min_train_photos: Annotated[int, Field(ge=2)] = Field(
        MIN_TRAIN_PHOTOS, description="A label with fewer train photos is trained as its parent"
    )
    backbone: Backbone = Field(Backbone(), description="What the network starts from")
    input_size: _Side = Field(260, description="Side in pixels at which the classifier sees photos")
    train_size: _Side | None = Field(
        None,
        description="Side of augmented photos, input_size by default; random crops show objects larger, "
        "so a smaller side brings them to the size that the classifier sees (FixRes, Touvron et al. 2019)",
    )
    mean: tuple[float, float, float] = Field((0.5, 0.5, 0.5), description="Subtracted from pixels in 0..1")
    std: tuple[_Positive, _Positive, _Positive] = Field((0.5, 0.5, 0.5), description="Divides them then")
    sampling: Sampling = Field(Sampling(), description="How often a photo is drawn")
    augmentation: tuple[_Step, ...] = Field((), description="albumentations, in this order")
    mix: Mix = Field(Mix(), description="Photos blended in pairs")
    loss: Loss = Field(Loss(), description="What training minimises")
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] = Field(description="One after the other")
    batch_size: Annotated[int, Field(ge=1)] = Field(32, description="Photos a step, over all processes")
    weight_decay: _NotNegative = Field(0.05, description="Of AdamW; biases and norms are spared")
    dropout: _BelowOne = Field(0.2, description="Share of the pooled features dropped before the head")
    ema_decay: _BelowOne = Field(0.995, description="Of the average of the weights, which is what is kept")
    precision: Literal["float32", "bfloat16"] = Field("bfloat16", description="Of training")
    keep_pretrained: bool = Field(
        False, description="The refitted head sees the features of the backbone as it was before training, too"
    )
    refit: _Share = Field(0.0, description="Share of a class-balanced logistic regression in the head")
    patience: Annotated[int, Field(ge=1)] = Field(4, description="Stop after so many epochs that brought nothing")
    workers: _Count = Field(2, description="Processes that open and augment photos")
    evaluation: Evaluation = Field(
        Evaluation(), description="If any is true, an evaluation on the val photos is written to the run's folder"
    )
    export: Export = Field(Export(), description="What is chosen when the bundle is written")
