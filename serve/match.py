"""`schreger match`: what links pictures, one row a picture."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from model.classifier import Classifier
from serve.command import SOME_UNREADABLE
from serve.links import Index, LinksError, Source, look, match, read_hashes, write_hashes
from serve.links.pdq import to_hex
from serve.output import open_output
from serve.pictured import read_input, read_scanned
from serve.scanned import is_scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from serve.advert import Advert
    from serve.links import Match
    from serve.output import Row
    from serve.pictured import Located

COLUMNS = {
    "id": str, "path": str, "sha256": str, "pdq": str, "quality": float, "seller": str, "platform": str,
    "cluster": float, "by": str, "nearest": str, "distance": float, "error": str,
}  # fmt: skip


def command(
    source: Path,
    out: Path,
    hashes: Sequence[Path],
    index: Path | None,
    adverts: Path | None,
    pictures_root: Path | None,
    export_hashes: Path | None,
    bundle: str,
    quiet: bool,
) -> int:
    """Link the pictures of an input; the exit status is 3 when some could not be opened."""
    console = Console(stderr=True, quiet=quiet)
    listed = [entry for file in hashes for entry in read_hashes(file)]
    known = Index(index)
    sources = list(_sources(source, adverts, pictures_root, out))
    looked = look(sources, Classifier.load(bundle))
    watched = track(looked, "pictures", len(sources), console=console, transient=True, disable=not console.is_terminal)
    with open_output(out, COLUMNS) as write:
        pictures = list(watched)
        matches = match(pictures, known, listed)
        known.save()
        for each in matches:
            write(to_row(each))
    if export_hashes:
        write_hashes(export_hashes, pictures)
    console.print(_summary(matches), highlight=False, soft_wrap=True)
    return SOME_UNREADABLE if any(picture.error for picture in pictures) else 0


def to_row(match: Match) -> Row:
    """One row of the output; cells that do not apply are empty."""
    picture = match.picture
    return {
        "id": picture.source.id,
        "path": picture.source.path,
        "sha256": picture.sha256,
        "pdq": None if picture.pdq is None else to_hex(picture.pdq),
        "quality": None if picture.pdq is None else picture.quality,
        "seller": picture.source.seller or None,
        "platform": picture.source.platform or None,
        "cluster": match.cluster,
        "by": match.by,
        "nearest": match.nearest,
        "distance": None if match.distance is None else round(match.distance, 4),
        "error": picture.error or None,
    }


def _sources(
    source: Path, adverts: Path | None, root: Path | None, out: Path
) -> Iterator[tuple[Source, Callable[[], bytes]]]:
    """The pictures of an input, or of a scan of `adverts`, and what reads them. What we write is no picture."""
    pictured: Iterable[tuple[Advert, list[Located]]]
    written = {os.path.realpath(file) for file in (out, f"{out}.partial")}
    if source.is_dir() and is_scan(source):
        if adverts is None:
            raise LinksError(f"{str(source)!r} is a scan: name with --adverts what was scanned.")
        pictured = ((advert, pictures) for _, advert, pictures in read_scanned(source, (), adverts, root))
    else:
        pictured = read_input(source, root, out)
    for advert, pictures in pictured:
        for picture in pictures:
            if os.path.realpath(picture.path) not in written:
                yield Source(advert.id, picture.path, advert.seller, advert.platform), picture.read


def _summary(matches: Sequence[Match]) -> str:
    sellers: dict[int, set[tuple[str | None, ...]]] = defaultdict(set)
    for each in matches:
        if each.cluster and each.by and each.picture.source.seller:
            sellers[each.cluster].add((each.picture.source.platform, each.picture.source.seller))
    several = sum(len(names) > 1 for names in sellers.values())
    linked, listed = sum(each.by is not None for each in matches), sum(each.is_listed for each in matches)
    unreadable = sum(bool(each.picture.error) for each in matches)
    return (
        f"Matched {len(matches)}: {linked} linked, {listed} of them to a hash list; "
        f"{several} clusters of several sellers; {unreadable} unreadable."
    )
