"""`schreger review`: verdicts that a person should look at go to Label Studio, and come back as decisions."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from model.manifest import REQUIRED
from model.photo import PhotoError, open_photo
from model.taxonomy import load_taxonomy
from serve.advert.read import picture_paths
from serve.command import SOME_UNREADABLE
from serve.pictured import read_scanned
from serve.review import (
    PictureShown,
    ReviewDesk,
    ReviewError,
    Undecided,
    append_decision,
    latest,
    one_line,
    read_annotations,
    read_decisions,
    write_tasks,
)
from serve.scanned import read_scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from serve.advert import Advert
    from serve.pictured import Located
    from serve.review import Decision

COLUMNS = ("verdict", "score", "answer", "reasons", "bundle", "policy")


def export(scan: Path, adverts: Path, out: Path, pictures_root: Path | None) -> int:
    """Write a task for each advert under review; the exit status is 3 when a picture to be copied cannot be read.

    Label Studio shows files alone: pictures inside a tar, or downloaded ones, are copied to a folder beside the tasks.
    """
    undecided, unreadable = list(waiting(scan, adverts, pictures_root)), 0
    said = f"Wrote {len(undecided)} tasks to {out}"
    if not all(picture.is_file for advert in undecided for picture in advert.pictures):
        folder = out.with_name(f"{out.stem}-pictures")
        undecided, unreadable = _copied(undecided, folder)
        said += f", and their pictures to {folder}, the document root to name to Label Studio; {unreadable} unreadable"
    write_tasks(out, undecided)
    typer.echo(f"{said}.", err=True)
    return SOME_UNREADABLE if unreadable else 0


def import_(
    annotations: Path,
    out: Path,
    scan: Path | None,
    manifest: Path | None,
    pictures_root: Path | None,
    licence: str,
    attribution: str,
) -> int:
    """Add the decisions that are new to a file of decisions; the exit status is 3 when a picture cannot be read."""
    decided = read_annotations(annotations, load_taxonomy())
    if scan:
        _check_known([decision for decision, _ in decided], scan, annotations)
    if manifest and not (pictures_root and licence.strip() and attribution.strip()):
        raise ReviewError(
            "For a manifest, say where the pictures are (--pictures-root), and their --licence and --attribution."
        )
    known = set(read_decisions(out))
    new = [decision for decision, _ in decided if decision not in known]
    for decision in new:
        append_decision(out, decision)
    typer.echo(f"Added {len(new)} decisions to {out}.", err=True)
    if not (manifest and pictures_root):
        return 0
    counting = set(latest(decision for decision, _ in decided).values())
    labelled = [(decision, pictures) for decision, pictures in decided if decision in counting and decision.label]
    terms = {"source": annotations.stem, "licence": licence, "attribution": attribution}
    return _write_manifest(manifest, labelled, pictures_root, terms)


def waiting(scan: Path, adverts: Path, root: Path | None = None) -> Iterator[Undecided]:
    """The adverts of a scan whose verdict is `review`, each id once; one without an id cannot be decided on.

    Raises:
        ScanFolderError, ScanError, AdvertFileError: The adverts cannot be read, or are not those that were scanned.
    """
    seen = {""}
    for row, advert, pictures in read_scanned(scan, COLUMNS, adverts, root):
        own = one_line(row["id"] or "")
        if row["verdict"] == "review" and own not in seen:
            seen.add(own)
            yield _undecided(own, row, advert, pictures)


def open_review(scan: Path, adverts: Path, decisions: Path, pictures_root: Path | None) -> ReviewDesk:
    """What the page's tab for review shows, and where it keeps decisions.

    Raises:
        ReviewError, ScanFolderError, ScanError, AdvertFileError: One of these cannot be used.
    """
    return ReviewDesk({advert.id: advert for advert in waiting(scan, adverts, pictures_root)}, decisions)


def _undecided(own: str, row: dict[str, Any], advert: Advert, located: Sequence[Located]) -> Undecided:
    pictures = tuple(
        PictureShown(each["path"], each["answer"] or "", each["probability"] or 0.0, place.read, place.is_below_root)
        for each, place in zip(row["pictures"] or (), located, strict=True)
    )
    return Undecided(
        own, advert.title, advert.text, advert.seller, advert.platform, row["score"], row["answer"] or "",
        tuple(row["reasons"] or ()), pictures, f"{row['bundle']} {row['policy']}",
    )  # fmt: skip


def _copied(undecided: Sequence[Undecided], folder: Path) -> tuple[list[Undecided], int]:
    """The adverts with their pictures in the folder, by the sha256 of each; and how many cannot be read."""
    unreadable = 0

    def copied(picture: PictureShown) -> PictureShown:
        nonlocal unreadable
        try:
            content = picture.read()
            photo = open_photo(content)
        except PhotoError:
            unreadable += 1
            return picture
        file = folder / f"{photo.sha256}.{photo.format.lower()}"
        file.write_bytes(content)
        return picture._replace(path=file.name)

    try:
        folder.mkdir(exist_ok=True)
        return [replace(each, pictures=tuple(map(copied, each.pictures))) for each in undecided], unreadable
    except OSError as error:
        raise ReviewError(f"{str(folder)!r} cannot be written: {error.strerror or error}.") from error


def _check_known(decisions: Sequence[Decision], scan: Path, annotations: Path) -> None:
    known = {one_line(row["id"] or "") for row in read_scan(scan, ("id", "verdict")) if row["verdict"] == "review"}
    unknown = next((decision.id for decision in decisions if decision.id not in known), None)
    if unknown is not None:
        raise ReviewError(
            f"{str(annotations)!r} decides on {unknown!r}, which is no advert under review in {str(scan)!r}."
        )


def _write_manifest(
    file: Path, labelled: Sequence[tuple[Decision, tuple[str, ...]]], root: Path, terms: dict[str, str]
) -> int:
    """Write a draft of a manifest, for `schreger dataset split`: the pictures of an advert are one group."""
    rows, unreadable = [], 0
    for decision, names in labelled:
        for path in picture_paths(names, root):
            try:
                photo = open_photo(path)
            except PhotoError as error:
                unreadable += 1
                typer.echo(f"{path}: {error}", err=True)
                continue
            size = {"width": photo.width, "height": photo.height}
            given = {
                "file": os.path.relpath(path, file.parent),
                "sha256": photo.sha256,
                "label": decision.label,
                "group": decision.id,
            }
            rows.append(dict.fromkeys(REQUIRED, "") | terms | given | size | {"note": decision.note})
    try:
        with file.open("w", encoding="utf-8", errors="backslashreplace", newline="") as lines:
            writer = csv.DictWriter(lines, REQUIRED, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise ReviewError(f"{str(file)!r} cannot be written: {error.strerror or error}.") from error
    typer.echo(f"Wrote {len(rows)} labelled pictures to {file}; {unreadable} cannot be read.", err=True)
    return SOME_UNREADABLE if unreadable else 0
