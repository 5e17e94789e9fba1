"""The commands that vet adverts: a few, many, how they are linked, what they come to, and what a person decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serve.command import BundleOption, run

trade_app = typer.Typer()
review_app = typer.Typer(help="Decide on verdicts that a person should look at.", no_args_is_help=True)
trade_app.add_typer(review_app, name="review")

PolicyOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="When to review and to block (YAML); by default the shipped one.")
]
PicturesOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of the pictures; by default that of the adverts.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")]


@trade_app.command()
def vet(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="INPUT", help="An advert file (CSV or JSON); with --title or --text, pictures."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of a single advert.")] = None,
    text: Annotated[str | None, typer.Option(help="Text of a single advert.")] = None,
    pictures_root: PicturesOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here (.csv, .jsonl, .parquet) instead of stdout.")
    ] = None,
    policy: PolicyOption = None,
    bundle: BundleOption = "lite2",
    ocr: Annotated[
        bool | None,
        typer.Option("--ocr/--no-ocr", help="Read text in pictures; by default where the extra ocr is installed."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON lines instead of CSV on stdout.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Judge adverts by pictures and words: a verdict with reasons for each. No address in an advert is opened."""
    run("serve.advert.command", **locals())


@trade_app.command()
def scan(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder of pictures; or adverts as CSV, JSON lines, Parquet or a WebDataset tar. Here, or in an "
            "object store.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; a scan that was cut off goes on.")],
    pictures_root: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder of the pictures; by default that of the input.")
    ] = None,
    policy: PolicyOption = None,
    bundle: BundleOption = "lite2",
    ocr: Annotated[
        bool, typer.Option("--ocr/--no-ocr", help="Read text in pictures, with the extra ocr; about a second each.")
    ] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Do the adverts with an error again, and only these.")] = False,
    merge: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all results as one file (.csv, .jsonl, .parquet), too.")
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Download pictures that are addresses of the public internet.")
    ] = False,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Scan on a Ray cluster; `local` starts one here.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Vet many adverts, or pictures, and go on after any interruption; results are Parquet files in a folder."""
    run("serve.scan.command", **locals())


@trade_app.command()
def match(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Whatever `schreger scan` takes here, or the folder of a scan.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write here (.csv, .jsonl, .parquet).")],
    hashes: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A list of PDQ hashes to look for; may be given again.")
    ] = None,
    index: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Match pictures of earlier runs, too, and keep these here.")
    ] = None,
    adverts: Annotated[Path | None, typer.Option(metavar="FILE", help="Of a scan: what was scanned.")] = None,
    pictures_root: PicturesOption = None,
    export_hashes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the hashes for others (.csv: hash,quality,path; .txt).")
    ] = None,
    bundle: BundleOption = "lite2",
    quiet: QuietOption = False,
) -> None:
    """Find copies of pictures, and the same item, across adverts, sellers and platforms: one row a picture."""
    run("serve.match", **{**locals(), "hashes": hashes or ()})


@trade_app.command()
def survey(
    scan: Annotated[Path, typer.Argument(metavar="SCAN_DIR", help="A folder that `schreger scan` wrote.")],
    adverts: Annotated[Path, typer.Option(metavar="FILE", help="What was scanned: an advert file, a tar, a folder.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for index.html, the tables, plots and logs.")],
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What an expert says of a random sample: columns id, label (and stratum)."),
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Worth of currencies in the one whose rate is 1: currency, rate."),
    ] = None,
    links: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Clusters, as `schreger match` writes them: id, cluster.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Count what scanned adverts offer, corrected for wrong verdicts: a page, tables, plots, information logs."""
    run("serve.surveying", **locals())


@review_app.command("export")
def review_export(
    scan: Annotated[Path, typer.Argument(metavar="SCAN_DIR", help="What `schreger scan` wrote.")],
    adverts: Annotated[Path, typer.Option(metavar="FILE", help="What was scanned: an advert file, a tar, a folder.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Tasks for Label Studio (JSON).")],
    pictures_root: PicturesOption = None,
) -> None:
    """Write the adverts under review as tasks for Label Studio, with our verdicts as predictions."""
    run("serve.reviewing", "export", **locals())


@review_app.command("import")
def review_import(
    annotations: Annotated[Path, typer.Argument(metavar="FILE", help="JSON export of Label Studio.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file of decisions (CSV), which is added to.")],
    scan: Annotated[
        Path | None, typer.Option(metavar="SCAN_DIR", help="Refuse decisions on adverts not under review there.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the pictures that were labelled, for training.")
    ] = None,
    pictures_root: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the pictures.")] = None,
    licence: Annotated[str, typer.Option(help="Under what terms you may train on them.")] = "",
    attribution: Annotated[str, typer.Option(help="Whose pictures they are.")] = "",
) -> None:
    """Add what people decided in Label Studio to a file of decisions."""
    run("serve.reviewing", "import_", **locals())
