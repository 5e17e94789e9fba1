"""`dataset collect folder`: photos in folders that are named after labels, or all of one label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.hidden import is_hidden
from training.collect.client import Client
from training.collect.collect import collect
from training.collect.found import CollectError, Found
from training.collect.labels import label_of
from training.collect.licence import check_terms

if TYPE_CHECKING:
    from pathlib import Path


def command(
    folder: Path,
    out: Path,
    label: str | None,
    licence: str | None,
    attribution: str | None,
    source: str | None,
    item: str,
    limit: int | None,
) -> int:
    """Copy the photos of a folder."""
    terms = check_terms(licence, attribution)
    if not folder.is_dir():
        raise CollectError(f"There is no folder {folder}.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise CollectError(f"{out} lies in {folder}; collect into another folder.")
    files = sorted(
        file for file in folder.rglob("*") if file.is_file() and not is_hidden(*file.relative_to(folder).parts)
    )
    labels = {file: _label(file.relative_to(folder), label) for file in files}
    keys = {text: label_of(text) for text in dict.fromkeys(labels.values())}
    source = source or folder.resolve().name
    found = []
    for file in files:
        inside = file.relative_to(folder)
        deep = len(inside.parts) > (1 if label else 2)
        group = inside.parent if item == "folder" and deep else inside
        origin, of = (f"{source}/{path.as_posix()}" for path in (inside, group))
        found.append(Found(origin, file, keys[labels[file]], of, source, *terms))
    return collect(found, out, Client(), limit)


def _label(inside: Path, label: str | None) -> str:
    if label:
        return label
    if len(inside.parts) == 1:
        raise CollectError(f"{inside} is in no folder that is named after a label; move it, or give --label for all.")
    return inside.parts[0]
