"""Tasks for Label Studio with our verdict as a prediction, and what people chose there as decisions.

A task's data are `id`, `advert` (what the seller wrote), `reasons`, `found` (what each picture shows) and `pictures`:
addresses of files below Label Studio's document root. People choose by the controls `decision`, `label` and `note`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pydantic import BaseModel, TypeAdapter, ValidationError

from serve.review.decisions import Decision, as_choice, one_line
from serve.review.queue import ReviewError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from pathlib import Path

    from serve.review.queue import Undecided

LOCAL_FILES = "/data/local-files/?d="
LIKELY = 0.5


class _Result(BaseModel):
    from_name: str = ""
    value: dict[str, Any] = {}


class _Annotation(BaseModel):
    result: list[_Result]
    was_cancelled: bool = False
    completed_by: int | dict[str, Any] | None = None
    created_at: str = ""
    updated_at: str = ""


class _Task(BaseModel):
    data: dict[str, Any]
    annotations: list[_Annotation]


def write_tasks(file: Path, waiting: Iterable[Undecided]) -> int:
    """Write one task for each advert, and say how many there are.

    Raises:
        ReviewError: The file cannot be written.
    """
    tasks = [_task(advert) for advert in waiting]
    try:
        file.write_text(json.dumps(tasks, ensure_ascii=False, indent=1), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ReviewError(f"{str(file)!r} cannot be written: {error.strerror or error}.") from error
    return len(tasks)


def read_annotations(file: Path, labels: Container[str]) -> list[tuple[Decision, tuple[str, ...]]]:
    """Every decision in a JSON export of Label Studio, with the paths of its advert's pictures.

    Annotations that were cancelled, or decide nothing, are passed over.

    Raises:
        ReviewError: It is no such export, or a decision or a label in it is none.
    """
    try:
        tasks = TypeAdapter(list[_Task]).validate_json(file.read_bytes())
    except OSError as error:
        raise ReviewError(f"{str(file)!r} cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
        raise ReviewError(
            f"{str(file)!r} is not a JSON export of Label Studio (not JSON-MIN): {where}: {error.errors()[0]['msg']}."
        ) from error
    return [each for task in tasks for each in _decisions(task, file, labels)]


def _task(advert: Undecided) -> dict[str, Any]:
    # No guess is `clear`: what a picture alone has flagged has a low score, and people would believe it.
    chosen = {"decision": "block"} if advert.score >= LIKELY else {}
    chosen |= {"label": advert.answer} if advert.answer else {}
    written = (advert.title, advert.text, " · ".join(filter(None, (advert.seller, advert.platform))))
    return {
        "data": {
            "id": advert.id,
            "advert": "\n".join(filter(None, written)),
            "reasons": "\n".join(advert.reasons),
            "found": "\n".join(f"{each.answer or '?'} {each.probability:.0%}" for each in advert.pictures),
            "pictures": [LOCAL_FILES + quote(each.path) for each in advert.pictures],
        },
        "predictions": [
            {
                "model_version": advert.judged_by,
                "score": advert.score,
                "result": [
                    {"from_name": name, "to_name": "advert", "type": "choices", "value": {"choices": [choice]}}
                    for name, choice in chosen.items()
                ],
            }
        ],
    }


def _decisions(task: _Task, file: Path, labels: Container[str]) -> Iterator[tuple[Decision, tuple[str, ...]]]:
    own = task.data.get("id")
    if not isinstance(own, str) or not own:
        raise ReviewError(f"{str(file)!r} has a task whose data holds no id: it is not of `schreger review export`.")
    pictures = tuple(unquote(str(each).removeprefix(LOCAL_FILES)) for each in task.data.get("pictures") or ())
    for annotation in task.annotations:
        said = {result.from_name: _chosen(result) for result in annotation.result}
        chosen, label = said.get("decision", ""), said.get("label", "")
        if annotation.was_cancelled or not chosen:
            continue
        choice = as_choice(chosen)
        if choice is None:
            raise ReviewError(f"{str(file)!r} decides {chosen!r} on {own!r}; a decision is clear or block.")
        if label and label not in labels:
            raise ReviewError(f"{str(file)!r} labels {own!r} as {label!r}, which is not a key of the taxonomy.")
        by, at = _who(annotation.completed_by), annotation.updated_at or annotation.created_at
        yield Decision(one_line(own), choice, label, by, at, said.get("note", "")), pictures


def _chosen(result: _Result) -> str:
    """What was chosen or written, in one line; the last, where a control allows several."""
    given = result.value.get("choices") or result.value.get("text") or ""
    return one_line(str(given[-1] if isinstance(given, list) else given))


def _who(completed_by: int | dict[str, Any] | None) -> str:
    if isinstance(completed_by, dict):
        return str(completed_by.get("email") or completed_by.get("id") or "")
    return "" if completed_by is None else f"user {completed_by}"
