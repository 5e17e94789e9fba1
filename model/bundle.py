"""The bundle: a trained network with all that is needed to use it and to judge it, in one folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.certainty import Certainty
from model.errors import SchregerError

SHIPPED = Path(__file__).parent / "bundles"
DEFAULT = "lite2"
DESCRIPTION = "bundle.json"
NETWORK, METRICS, RECIPE, CARD = "network.onnx", "metrics.json", "recipe.yaml", "MODEL_CARD.md"
EXEMPLARS, SELF_CHECK = "exemplars.npz", "self_check.npy"


class BundleError(SchregerError):
    """The bundle cannot be used; the message says why in one sentence."""


class Input(BaseModel):
    """What the network takes: the whole photo squashed to a square of `size` pixels, then (x / 255 - mean) / std."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(gt=0)
    crop: Literal["squash"] = "squash"
    interpolation: Literal["bicubic"] = "bicubic"
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Description(BaseModel):
    """Content of bundle.json. `files` maps each other file of the bundle to its sha256.

    `continued_from` is the id of the bundle that this one was before it learned more photos.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str
    backbone: str
    classes: tuple[str, ...] = Field(min_length=2)
    input: Input
    certainty: Certainty
    training_manifest: str = Field(pattern=r"^[0-9a-f]{64}$")
    continued_from: str | None = None
    files: dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose every file has been checked. `digest` is the sha256 of bundle.json, which seals the others."""

    folder: Path
    digest: str
    description: Description

    @property
    def id(self) -> str:
        """Name and the first twelve digits of the digest, as findings carry them."""
        return f"{self.description.name}@{self.digest[:12]}"

    @property
    def network(self) -> Path:
        """The ONNX file."""
        return self.folder / NETWORK

    @property
    def exemplars(self) -> Path:
        """The file of exemplars, which a bundle without a distance weight may lack."""
        return self.folder / EXEMPLARS

    @property
    def self_check(self) -> Path | None:
        """The file of what the network says of the pictures of an engine's self-check in float32, if there is one."""
        return self.folder / SELF_CHECK if SELF_CHECK in self.description.files else None


def find_bundle(name_or_folder: str = DEFAULT) -> Path:
    """Folder of a bundle: a path as it is, or the name of a shipped one.

    Raises:
        BundleError: There is neither.
    """
    for folder in (Path(name_or_folder), SHIPPED / name_or_folder):
        if os.path.isfile(folder / DESCRIPTION):  # noqa: PTH113 - Path.is_file raises for a name that is too long
            return folder
    shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))) or "none"
    raise BundleError(f"There is no bundle at {name_or_folder!r}; give its folder, or a shipped one: {shipped}.")


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and check the digest of every file.

    Raises:
        BundleError: A file is missing, unreadable or altered, or bundle.json is not one of ours.
    """
    content = _read(folder / DESCRIPTION)
    try:
        description = Description.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = repr(".".join(str(part) for part in first["loc"])) if first["loc"] else "the whole file"
        raise BundleError(f"{folder / DESCRIPTION} is wrong at {field}: {first['msg'].lower()}.") from error
    for name, expected in description.files.items():
        if Path(name).name != name:
            raise BundleError(f"{folder / DESCRIPTION} names a file outside the bundle: {name!r}.")
        if hashlib.sha256(_read(folder / name)).hexdigest() != expected:
            raise BundleError(f"{folder / name} was altered or damaged: its sha256 is not the one in {DESCRIPTION}.")
    needed = [NETWORK, EXEMPLARS] if description.certainty.distance_weight else [NETWORK]
    missing = next((name for name in needed if name not in description.files), None)
    if missing:
        raise BundleError(f"{folder / DESCRIPTION} lists no {missing}.")
    return Bundle(folder, hashlib.sha256(content).hexdigest(), description)


def write_description(folder: Path, description: Description) -> None:
    """Write bundle.json, with the digest of each file that lies beside it."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != DESCRIPTION)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    sealed = description.model_copy(update={"files": files})
    (folder / DESCRIPTION).write_text(sealed.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleError(f"The bundle's file {file} cannot be read: {error.strerror or error}.") from error
