"""`schreger survey`, with the information logs as PDF files where the extra `report` is installed."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from model.photo import PhotoError, open_photo, thumbnail
from serve.extras import to_install
from serve.scan.read import Source
from serve.survey import command as survey
from serve.survey.page import LOG_TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serve.survey.logs import ToPdf

SIDE = 1600
"""Longest side in pixels of a screenshot: its text can be read, and a log stays small."""


def command(scan: Path, adverts: Path, quiet: bool, **options: Any) -> int:
    """Make a survey of what was scanned, whatever that is; its exit status."""
    source = Source.of(os.fspath(adverts), without=scan)
    return survey.command(
        scan,
        (row.advert for row in source.rows()),
        root=Path(source.pictures_root.path),
        quiet=quiet,
        to_pdf=_to_pdf(quiet),
        **options,
    )


def _to_pdf(quiet: bool) -> ToPdf | None:
    """What typesets a log; None where that is not installed."""
    try:
        from serve.report import Picture, pictures, typeset
    except ModuleNotFoundError:
        if not quiet:
            typer.echo(f"Information logs come without PDF files: {to_install('report')}.", err=True)
        return None

    def to_pdf(log: dict[str, Any], screenshots: Mapping[str, bytes]) -> bytes:
        shown, files = {}, {}
        for number, (name, content) in enumerate(screenshots.items()):
            try:
                pixels = open_photo(content, max_side=SIDE).pixels
            except PhotoError:
                continue  # its sha256 is told
            height, width, _ = pixels.shape
            shown[name] = f"screenshot-{number}.svg"
            files[shown[name]] = pictures.photo(
                Picture(jpeg=thumbnail(pixels, SIDE, "JPEG"), width=width, height=height)
            )
        return typeset(LOG_TEMPLATE, {"log": log, "shown": shown}, files, datetime.fromisoformat(log["created"]))

    return to_pdf
