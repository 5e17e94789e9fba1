"""`schreger scan`: a verdict for every row of an input, however large, in a folder of parts."""

from __future__ import annotations

import hashlib
from contextlib import closing
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from model.bundle import find_bundle, load_bundle
from model.taxonomy import load_taxonomy
from serve.advert.combination import load_combination
from serve.advert.ocr import check_reader
from serve.advert.policy import load_policy
from serve.command import SOME_UNREADABLE
from serve.output import check_output
from serve.scan.error import ScanError
from serve.scan.fetch import Fetcher, is_address
from serve.scan.merge import merge as merge_parts
from serve.scan.parts import ROWS, Claim, Parts, undone
from serve.scan.progress import Progress
from serve.scan.read import Source
from serve.scan.scanner import Scanner, Work
from serve.scan.store import Place
from serve.scanned import FETCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping
    from pathlib import Path

    from serve.advert.policy import Policy
    from serve.scan.parts import Record
    from serve.scan.read import Row


def command(
    source: str,
    out: Path,
    pictures_root: str | None,
    policy: Path | None,
    bundle: str,
    ocr: bool,
    retry: bool,
    merge: Path | None,
    fetch: bool,
    ray: str | None,
    quiet: bool,
) -> int:
    """Scan what is not yet done; the exit status is 3 when some adverts have an error."""
    if ocr:
        check_reader()
    if merge:
        check_output(merge)
    console = Console(stderr=True, quiet=quiet)
    opened, parts = Source.of(source, out), Parts(out)
    root = _root(pictures_root) if pictures_root else opened.pictures_root
    chosen = load_policy(policy, load_taxonomy())
    claim = _claim(opened, parts, bundle, chosen, ocr)
    if missing := parts.missing(claim.rows, retry):
        work = Work(bundle, chosen, opened.place, root, ocr)
        rows = partial(_rows, opened, missing, out.absolute() / FETCHED if fetch else None)
        if ray:
            from serve.scan.cluster import scan_on_cluster

            records = scan_on_cluster(ray, work, rows)
        else:
            records = _scan_here(work, rows)
        try:
            _write(records, parts, Progress(console, sum(map(len, missing.values()))))
        except KeyboardInterrupt:
            console.print("What is done is kept: the same command goes on from there.", soft_wrap=True)
            raise
    failed = sum(done["failed"] for _, done in parts.all(claim.rows))
    if merge:
        merge_parts(parts, claim.rows, merge)
    why = f", {failed:,} of them with faults that the column error names (--retry does these again)" if failed else ""
    console.print(f"Scanned {claim.rows:,} adverts{why}: {out}.", highlight=False, soft_wrap=True)
    return SOME_UNREADABLE if failed else 0


def _root(named: str) -> Place:
    """Raises ScanError where there is no such folder of pictures; a web site does not tell."""
    root = Place.of(named)
    if not is_address(named) and not root.is_folder():
        raise ScanError(f"{named!r} is no folder of pictures; check --pictures-root.")
    return root


def _claim(source: Source, parts: Parts, bundle: str, policy: Policy, ocr: bool) -> Claim:
    """Take the folder for this scan; the rows of an input are counted once."""
    digest, before, tell = source.digest(), parts.claimed(), partial(typer.echo, err=True)
    rows = before.rows if before and before.input == digest else sum(1 for _ in source.rows(tell))
    said = hashlib.sha256(policy.model_dump_json().encode()).hexdigest()[:12]
    version = f"{policy.version}/{load_combination().version}@{said}"
    claim = Claim(digest, rows, load_bundle(find_bundle(bundle)).id, version, ocr)
    parts.claim(claim)
    return claim


def _rows(source: Source, missing: Mapping[int, Collection[int]], fetched: Path | None) -> Generator[Row]:
    """The rows to do, their pictures that are addresses downloaded to a folder, if one is given."""
    rows = undone(source.rows(), missing)
    return Fetcher(fetched).rows(rows) if fetched else rows


def _scan_here(work: Work, rows: Callable[[], Generator[Row]]) -> Generator[Record]:
    """Records of the rows; the downloads end with them."""
    with closing(rows()) as opened:
        yield from Scanner.of(work).scan(opened)


def _write(records: Generator[Record], parts: Parts, progress: Progress) -> None:
    """The write stage: a part is written when its last row is there."""
    with closing(records), progress:
        for part, of_part in groupby(progress.watch(records), lambda record: record["row"] // ROWS):
            parts.finish(part, of_part)
