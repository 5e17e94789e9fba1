"""The recipe: everything that decides how a bundle is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import SchregerError
from training.classes import MIN_TRAIN_PHOTOS


class RecipeError(SchregerError):
    """The recipe cannot be used; the message names the field and what is wrong, in one sentence."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Side = Annotated[int, Field(ge=32, le=1024)]
_Positive = Annotated[float, Field(gt=0)]
_Step = Annotated[dict[str, dict[str, Any]], Field(min_length=1, max_length=1)]


class Backbone(_Part):
    """What the network starts from: a timm architecture, and `package`, `hub`, `none` or a safetensors file."""

    name: str = "tf_efficientnet_lite2"
    weights: str = "package"


class Sampling(_Part):
    """How often a photo is drawn: in proportion to (photos of its class)^-class_power, and likewise by source."""

    class_power: Annotated[float, Field(ge=0, le=1)] = 0.5
    source_power: Annotated[float, Field(ge=0, le=1)] = 0.5


class Stage(_Part):
    """A stretch of training in which the named parts of the backbone stay as they are.

    `frozen` holds name prefixes of the backbone's parameters; "*" freezes it whole, so that only the head learns.
    """

    epochs: int = Field(ge=1)
    frozen: tuple[str, ...] = ()
    head_rate: _Positive = 1e-3
    backbone_rate: _Positive = 2e-4
    warmup_steps: Annotated[int, Field(ge=0)] = 100


class Recipe(_Part):
    """A whole recipe. Every field has a default but the name and the stages."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    seed: Annotated[int, Field(ge=0)] = 0
    min_train_photos: Annotated[int, Field(ge=2)] = MIN_TRAIN_PHOTOS
    backbone: Backbone = Backbone()
    input_size: _Side = 260
    train_size: _Side | None = None
    """Side of augmented photos, `input_size` by default. Random crops show objects larger than the whole photos that
    the classifier sees, so that a smaller side brings them to the same size (Touvron et al. 2019, FixRes)."""
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[_Positive, _Positive, _Positive] = (0.5, 0.5, 0.5)
    sampling: Sampling = Sampling()
    augmentation: tuple[_Step, ...] = ()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    batch_size: Annotated[int, Field(ge=2)] = 32
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.995
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    keep_pretrained: bool = False
    """Whether the refitted head sees the features of the backbone as it was before training, too."""
    refit: Annotated[float, Field(ge=0, le=1)] = 0.0
    patience: Annotated[int, Field(ge=1)] = 4
    workers: Annotated[int, Field(ge=0)] = 2


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from YAML.

    Raises:
        RecipeError: The file cannot be read, or a field is unknown, missing or out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"The recipe {path} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"The recipe {path} is wrong: it should hold fields, such as name and stages.")
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"The recipe {path} is wrong at {field}: {first['msg'].lower()}.") from error


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write the resolved recipe, every default included, so that the run can be repeated."""
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
