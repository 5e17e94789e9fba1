"""What a survey is made from: the parts of a scan, and small tables that people write."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING, Any

from model.errors import SchregerError, reason
from serve import scanned
from serve.advert.encoding import encoding_of
from serve.advert.read import SEPARATORS
from serve.output import unguarded
from serve.survey.prevalence import VERDICTS
from serve.survey.values import read_currency

if TYPE_CHECKING:
    from pathlib import Path

SCANNED = ("id", "verdict", "score", "answer", "reasons", "error", "bundle", "policy", "pictures")


class SurveyError(SchregerError):
    """The survey cannot be made; the message says why."""


def read_scan(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows of a scan by the advert's id; the first of each id, and none without an id or a verdict.

    Of clear adverts the reasons and pictures are left out, which are most of what a large scan holds.

    Raises:
        ScanFolderError: There is no part, or one cannot be read or lacks a column.
    """
    rows: dict[str, dict[str, Any]] = {}
    for row in scanned.read_scan(folder, SCANNED):
        own = (row["id"] or "").strip()
        if own and row["verdict"] in VERDICTS:
            for name in ("reasons", "pictures"):
                row[name] = [] if row["verdict"] == "clear" else row[name] or []
            rows.setdefault(own, row)
    return rows


def read_table(file: Path, *columns: str) -> list[dict[str, str]]:
    """Rows of a CSV file with at least these columns, in the encodings and separators of advert files.

    Raises:
        SurveyError: The file cannot be read, or lacks a column.
    """
    try:
        with file.open("rb") as stream:
            encoding = encoding_of(stream)
        content = file.read_text(encoding, errors="replace")
        separator = max(SEPARATORS, key=content.partition("\n")[0].count)
        reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=separator, restval="")
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        rows = [{name: unguarded(cell.strip()) for name, cell in row.items() if name} for row in reader]
    except (OSError, csv.Error) as error:
        raise SurveyError(f"{str(file)!r} cannot be read as a table: {reason(error)}.") from error
    if missing := [name for name in columns if name not in reader.fieldnames]:
        raise SurveyError(f"{str(file)!r} has no column {missing[0]}; it needs {', '.join(columns)}.")
    return rows


def read_labels(file: Path) -> dict[str, dict[str, str]]:
    """Rows of an expert's labels by the advert's id; those without a label are left out.

    Raises:
        SurveyError: The file cannot be read, or labels an advert in two ways.
    """
    labels: dict[str, dict[str, str]] = {}
    for row in read_table(file, "id", "label"):
        if row["label"] and labels.setdefault(row["id"], row)["label"] != row["label"]:
            raise SurveyError(f"{str(file)!r} labels the advert {row['id']!r} in two ways; keep one.")
    return labels


def read_links(file: Path) -> dict[str, str]:
    """The cluster of each advert that shares one with another advert; of several, that with the most adverts.

    A row is a picture. Adverts are not joined through one that has pictures of several clusters, so that no chain of
    adverts comes of clusters that are none.

    Raises:
        SurveyError: The file cannot be read.
    """
    members: dict[str, dict[str, None]] = defaultdict(dict)  # in the order of the file
    for row in read_table(file, "id", "cluster"):
        if row["id"] and row["cluster"]:
            members[row["cluster"]][row["id"]] = None
    largest_last = sorted((each for each in members.items() if len(each[1]) > 1), key=lambda each: len(each[1]))
    return {own: cluster for cluster, adverts in largest_last for own in adverts}


def read_rates(file: Path) -> dict[str, float]:
    """What one unit of each currency is worth in the currency whose rate is 1.

    Raises:
        SurveyError: The file cannot be read, a rate is no number above 0, or none is 1.
    """
    rates: dict[str, float] = {}
    for row in read_table(file, "currency", "rate"):
        try:
            rate = float(row["rate"])
        except ValueError:
            rate = 0.0
        if not 0 < rate < inf:
            raise SurveyError(
                f"{str(file)!r} gives {row['rate']!r} as the rate of {row['currency']!r}; write a number."
            )
        if not (currency := read_currency(row["currency"], "")):
            raise SurveyError(f"{str(file)!r} has a rate of {row['currency']!r}: write a currency's code or sign.")
        rates[currency] = rate
    if 1.0 not in rates.values():
        raise SurveyError(f"{str(file)!r} has no currency with rate 1: that is the one that values are given in.")
    return rates
