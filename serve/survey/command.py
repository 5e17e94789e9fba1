"""`schreger survey`: what scanned adverts amount to, as a page, tables, plots and information logs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from rich.console import Console

from serve.command import SOME_UNREADABLE
from serve.survey.adverts import join
from serve.survey.corrected import correct, error_rates
from serve.survey.logs import write_logs
from serve.survey.page import write_page
from serve.survey.plots import plot_all
from serve.survey.prevalence import VERDICTS
from serve.survey.read import SurveyError, read_labels, read_links, read_rates, read_scan
from serve.survey.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from serve.advert import Advert
    from serve.survey.logs import ToPdf


def command(
    scan: Path,
    adverts: Iterable[Advert],
    root: Path,
    labels: Path | None,
    rates: Path | None,
    links: Path | None,
    out: Path,
    quiet: bool,
    to_pdf: ToPdf | None = None,
) -> int:
    """Make a survey in the folder `out`; the exit status is 3 when adverts or labels had to be left out.

    Args:
        scan: The folder of a scan.
        adverts: What was scanned.
        root: The folder below which screenshots lie that adverts name.
        labels, rates, links: Files of what experts say, what currencies are worth, and clusters.
        out: Where the survey goes.
        quiet: Print nothing.
        to_pdf: Makes the PDF file of an information log.
    """
    worth = read_rates(rates) if rates else {}
    experts = read_labels(labels) if labels else {}
    scanned = read_scan(scan)
    joined = join(adverts, scanned, experts, read_links(links) if links else {}, worth)
    if not joined.rows:
        raise SurveyError("None of these adverts was scanned: name by --adverts what the scan was made from.")
    made = {name: sorted({scanned[row.id][name] or "unknown" for row in joined.rows}) for name in ("policy", "bundle")}
    drawn_by_verdict = any(label.get("stratum") in VERDICTS for label in experts.values())
    corrected = correct(joined.rows, set(made["policy"]), drawn_by_verdict)
    content: dict[str, Any] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_by": f"schreger {version('schreger')}",
        "adverts": len(joined.rows),
        "labels": sum(row.label is not None for row in joined.rows),
        "one_currency": next((currency for currency, rate in worth.items() if rate == 1), None),
        **made,
        "left_out": joined.left_out,
        "fields": joined.fields,
        "scan_errors": sum(bool(scanned[row.id]["error"]) for row in joined.rows),
        "error_rates": error_rates(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        content["tables"] = tables = make_tables(joined.rows, corrected, out)
        content["logs"] = write_logs(joined, out / "logs", root, to_pdf)
        (out / "survey.json").write_text(json.dumps(content, indent=1, default=_plain) + "\n", encoding="utf-8")
        write_page(content, plot_all(tables, out), out / "index.html")
    except OSError as error:
        raise SurveyError(f"{str(out)!r} cannot be written: {error.strerror or error}.") from error
    _say(content, out, quiet)
    return SOME_UNREADABLE if joined.left_out else 0


def _say(content: dict[str, Any], out: Path, quiet: bool) -> None:
    console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    strata = len(content["tables"]["verdicts"])
    console.print(
        f"Adverts: {content['adverts']}, strata: {strata}; {out / 'index.html'} shows the survey.", markup=False
    )
    for reason, number in content["left_out"].items():
        console.print(f"Left out, {reason}: {number}.", markup=False)
    unread = [f"{name} {found['unread']}" for name, found in content["fields"].items() if found["unread"]]
    if unread:
        console.print(f"Could not be read in so many adverts, which are kept: {', '.join(unread)}.", markup=False)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")
