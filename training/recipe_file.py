"""Recipes as YAML: read with changes from the command line, written with a line of help for each key."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from model.errors import reason
from training.atomic import atomically
from training.corrections import CORRECTIONS
from training.recipe import Part, Recipe, RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LIMITS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
"""How the limits of a JSON schema are written."""


def read_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe from YAML, with changes such as `loss.tree=0.3` or `stages.1.epochs=5`, whose values are YAML too.

    Manifests and corrections are told from its folder and whole in what is returned, weights from where we run.

    Raises:
        RecipeError: The file cannot be read, or a field is unknown, missing or out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"The recipe {path} cannot be read: {' '.join(reason(error).split())}.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"The recipe {path} is wrong: it should hold fields, such as name and stages.")
    for change in changes:
        _change(content, change)
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"The recipe {path} is wrong at {field}: {first['msg'].lower()}.") from error
    manifests = tuple(_whole(file, path.parent) for file in recipe.manifests)
    corrections = recipe.corrections and _whole(recipe.corrections, path.parent)
    return recipe.model_copy(update={"manifests": manifests, "corrections": corrections})


def _whole(file: Path, folder: Path) -> Path:
    """A path without detours, so that it is the same however its folder was named; a link stays what it is."""
    place = folder / file
    return place.parent.resolve() / place.name


def _told_from(folder: Path, file: Path) -> str:
    try:
        return Path(os.path.relpath(file, folder.resolve())).as_posix()
    except ValueError:  # it is on another drive
        return str(file)


def _change(content: dict[str, Any], change: str) -> None:
    """Set one field, named by its path; a wrong name is found out when the recipe is validated."""
    name, equals, text = change.partition("=")
    if not (name and equals):
        raise RecipeError(f"--set takes FIELD=VALUE, such as stages.0.epochs=5, not {change!r}.")
    *above, last = name.split(".")
    place: Any = content
    try:
        for part in above:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[int(last) if isinstance(place, list) else last] = yaml.safe_load(text)
    except (ValueError, IndexError, AttributeError, TypeError):
        raise RecipeError(f"--set {change}: the recipe has no field {name}.") from None
    except yaml.YAMLError:
        raise RecipeError(f"--set {change}: {text!r} is not a value.") from None


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write the resolved recipe, every default included, its corrections beside it, so that the run can be repeated."""
    if recipe.corrections:
        kept = _whole(Path(CORRECTIONS), path.parent)
        if kept != recipe.corrections:
            with atomically(kept) as partial:
                shutil.copyfile(recipe.corrections, partial)
    manifests = tuple(_told_from(path.parent, file) for file in recipe.manifests)
    told = recipe.model_copy(update={"manifests": manifests, "corrections": recipe.corrections and CORRECTIONS})
    with atomically(path) as partial:
        partial.write_text("\n".join(_lines(told)) + "\n", encoding="utf-8")


def _lines(part: Part) -> Iterator[str]:
    """YAML with a comment above each key: what it is, its type, its default."""
    schema = type(part).model_json_schema()
    for name, field in type(part).model_fields.items():
        value, described = getattr(part, name), schema["properties"][name]
        yield f"# {field.description}{_type_and_default(described)}"
        if isinstance(value, Part):
            yield f"{name}:"
            yield from (f"  {line}" for line in _lines(value))
        elif isinstance(value, tuple) and value and isinstance(value[0], Part | dict):
            yield f"{name}:"
            yield from (f"  {line}" for number, each in enumerate(value) for line in _item(each, helped=number == 0))
        else:
            yield _flow({name: _plain(value)})[1:-1]


def _item(item: Part | Mapping[str, Any], helped: bool) -> Iterator[str]:
    """One item of a list: a step of the augmentation on one line, a stage key by key, the first one with comments."""
    lines = list(_lines(item) if isinstance(item, Part) else [_flow(dict(item))[1:-1]])
    keys = [line for line in lines if not line.startswith("#")]
    for line in lines if helped else keys:
        before_first = line.startswith("#") and line == lines[0]
        yield line if before_first else f"{'- ' if line == keys[0] else '  '}{line}"


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _type_and_default(described: Mapping[str, Any]) -> str:
    """(number >= 0; 0.5 by default), from a field's JSON schema; nothing for a part, whose own fields say it."""
    said = [" or ".join(filter(None, map(_type, described.get("anyOf", [described]))))]
    if "default" in described and not isinstance(described["default"], dict):
        said.append(f"{_flow([described['default']])[1:-1]} by default")
    told = "; ".join(filter(None, said))
    return f" ({told})" if told else ""


def _type(described: Mapping[str, Any]) -> str:
    if "enum" in described:
        return " or ".join(described["enum"])
    limits = [f"{sign} {described[limit]}" for limit, sign in LIMITS.items() if limit in described]
    return " ".join([{"array": "list", "null": "none"}.get(name := described.get("type", ""), name), *limits])
