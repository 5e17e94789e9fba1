"""`dataset collect label-studio`: what people labelled in Label Studio, from its JSON export."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pydantic import BaseModel, TypeAdapter, ValidationError

from training.collect.client import Client
from training.collect.collect import collect
from training.collect.found import CollectError, Found, Missing
from training.collect.labels import label_of
from training.collect.licence import check_terms

if TYPE_CHECKING:
    from pathlib import Path

SHOWN, SENT = "/data/local-files/?d=", "/data/upload/"


class _Result(BaseModel):
    type: str = ""
    from_name: str = ""
    value: dict[str, Any] = {}


class _Annotation(BaseModel):
    result: list[_Result]
    was_cancelled: bool = False


class _Task(BaseModel):
    id: int
    data: dict[str, Any]
    annotations: list[_Annotation]


def command(
    export: Path,
    out: Path,
    photos: Path | None,
    field: str,
    control: str | None,
    licence: str | None,
    attribution: str | None,
    source: str | None,
    contact: str | None,
    pause: float,
    limit: int | None,
) -> int:
    """Collect the photos of an export; a photo without exactly one label counts as missing."""
    terms = check_terms(licence, attribution)
    source = source or export.stem
    found: list[Found | Missing] = []
    for task in _read(export):
        where = task.data.get(field)
        if not isinstance(where, str):
            raise CollectError(f"{export}, task {task.id}: its data has no {field!r}; name the photo's field: --field.")
        choices, named = _choices(task, control), f"{source}/{task.id}"
        picture = _picture(where, photos or export.parent)
        if len(choices) != 1:
            found.append(Missing(named, f"has {len(choices) or 'no'} labels where one is needed"))
        elif picture is None:
            found.append(Missing(named, f"names a photo outside {photos or export.parent}"))
        else:
            found.append(Found(where, picture, label_of(choices.pop()), f"{source}/{where}", source, *terms))
    return collect(found, out, Client(contact, pause), limit)


def _read(export: Path) -> list[_Task]:
    try:
        return TypeAdapter(list[_Task]).validate_json(export.read_bytes())
    except OSError as error:
        raise CollectError(f"{export} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise CollectError(
            f"{export} is not a JSON export of Label Studio (not JSON-MIN): {where}: {first['msg']}."
        ) from error


def _choices(task: _Task, control: str | None) -> set[str]:
    """What people chose, by the control of this name, or by all."""
    results = (
        result for annotation in task.annotations if not annotation.was_cancelled for result in annotation.result
    )
    chosen = (r.value.get("choices", []) for r in results if r.type == "choices" and control in (None, r.from_name))
    return {str(choice) for choices in chosen if isinstance(choices, list) for choice in choices}


def _picture(where: str, photos: Path) -> str | Path | None:
    """An address, or a file below the folder of photos; None for a file elsewhere.

    Label Studio names a file that it was shown by SHOWN and its path, and one that it was sent by SENT, its project
    and its name.
    """
    if where.startswith(("http://", "https://")):
        return where
    if where.startswith(SHOWN):
        where = unquote(where.removeprefix(SHOWN))
    elif where.startswith(SENT):
        where = where.rpartition("/")[2]
    inside = PureWindowsPath(where)  # heeds slashes of both kinds, and drives
    return None if inside.anchor or ".." in inside.parts else photos / where
