"""The command line: every command is declared here or in the modules that it adds; its room is loaded when it runs."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from serve.case import KeysOption, casebook_app
from serve.command import OUR_FAULT, WRONG_USE, BundleOption, DataOption, Item, leave, run
from serve.dataset import dataset_app
from serve.trade import trade_app

app = typer.Typer(
    name="schreger",
    help="Tells ivory from bone and resin, and recognises pangolin scales and parrot species, from photos.",
    no_args_is_help=True,
    epilog="Exit status: 0 all well, 1 our fault, 2 wrong use, 3 finished but some inputs could not be read, 4 when "
    "`casebook verify`, `casebook report` or `evaluate --compare` says no, 130 when stopped.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
bundle_app = typer.Typer(help="Look into a bundle: a trained network with its metrics and card.", no_args_is_help=True)
app.add_typer(trade_app)
app.add_typer(bundle_app, name="bundle")
app.add_typer(dataset_app, name="dataset")
app.add_typer(casebook_app, name="casebook")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"schreger {version('schreger')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_show_version)
    ] = False,
) -> None: ...


@app.command()
def classify(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Photos, and folders whose photos are all taken.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here (.csv, .jsonl, .parquet) instead of stdout.")
    ] = None,
    item: Annotated[Item, typer.Option(help="folder: the photos of a folder show one item.")] = Item.none,
    top: Annotated[int, typer.Option(metavar="N", min=0, help="Likeliest classes to list; 0 lists every class.")] = 5,
    bundle: BundleOption = "lite2",
    json: Annotated[bool, typer.Option("--json", help="JSON lines instead of CSV on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Say what photos show: one row for every input, unreadable ones too."""
    by_folder = item is Item.folder
    run("serve.classify", paths=paths, out=out, by_folder=by_folder, top=top, bundle=bundle, json=json, quiet=quiet)


MODES = {
    "keys": "casebook",
    "api_keys": "api",
    "api_rate": "api",
    "match_hashes": "api",
    "match_index": "api",
    "adverts": "review",
    "decisions": "review",
    "pictures_root": "review",
}
"""Options of `serve`, and the option without which each would be ignored."""


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; by default this computer alone, or with --lan its network."),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7860,
    bundle: BundleOption = "lite2",
    lan: Annotated[
        bool, typer.Option("--lan", help="Let phones on the same network in; each is asked for a code.")
    ] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt with a self-signed certificate.")] = False,
    casebook: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            envvar="SCHREGER_CASEBOOK",
            help="Keep cases: users sign in, and save what they classified in this casebook.",
        ),
    ] = None,
    keys: KeysOption = None,
    practice: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR_OR_CSV", help="Labelled photos to practise with: a folder of folders, or a manifest."
        ),
    ] = None,
    api: Annotated[bool, typer.Option("--api", help="Answer programs too, below /v1.")] = False,
    api_keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="SCHREGER_API_KEYS", help="Keys of those who may use the API; see schreger api-key."
        ),
    ] = None,
    api_rate: Annotated[int, typer.Option(metavar="N", min=1, help="Requests of each key in a minute.")] = 600,
    match_hashes: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A list of PDQ hashes that the API matches with; may be given again."),
    ] = None,
    match_index: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pictures that the API matches with; see schreger match --index.")
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(metavar="SCAN_DIR", help="Decide on the adverts under review of a scan, on a tab of the page."),
    ] = None,
    adverts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What was scanned: an advert file, a tar, a folder.")
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file of decisions (CSV), which is added to.")
    ] = None,
    pictures_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of their pictures; by default that of the adverts.")
    ] = None,
) -> None:
    """Serve the page for photos, to open in a browser."""
    options = {**locals(), "match_hashes": match_hashes or ()}
    del options["context"]
    for name, mode in MODES.items():
        source = context.get_parameter_source(name)
        if source and source.name == "COMMANDLINE" and not options[mode]:  # the environment is for other commands, too
            leave(f"--{name.replace('_', '-')} needs --{mode}.", WRONG_USE)
    run("serve.app", "serve", **options)


@app.command("api-key")
def api_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    file: Annotated[Path, typer.Argument(help="The file that serve --api-keys takes; it is made if there is none.")],
) -> None:
    """Make a key for the API: it is printed once, and only its digest is added to the file."""
    run("serve.api.keys", "add", name=name, file=file)


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder of the run; the bundle is made in OUT/bundle.")],
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe, a YAML file; with --from, by default that of the bundle.")
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="BUNDLE",
            help="Teach this bundle the photos and what new classes they show; it keeps the old.",
        ),
    ] = None,
    data: DataOption = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the recipe, such as stages.0.epochs=5."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep photos decoded here for later runs; by default in OUT, and not kept."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    final: Annotated[bool, typer.Option("--final", help="Measure on test and source_test too, for release.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="A run of a minute on a few photos, to see that everything works.")
    ] = False,
) -> None:
    """Train a bundle from a recipe and labelled photos."""
    options = {"recipe": recipe, "bundle": bundle, "changes": changes or (), "out": out, "data": data, "cache": cache}
    run("training.train", **options, resume=resume, final=final, debug=debug)


@app.command(
    epilog="With --compare the exit status is 0 when NEW may replace OLD and 4 when it may not: no main figure may be "
    "worse for sure, one must be better for sure or none lower, and every class of OLD must be known and shown."
)
def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for index.html, metrics.json, the tables and the plots.")],
    manifest: Annotated[Path | None, typer.Option(help="Labelled photos; by default those of --data.")] = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, val, test or source_test; by default every row. No row of train with --compare."),
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(metavar="BUNDLE", help="Name of a shipped bundle, or a bundle's folder; lite2 by default."),
    ] = None,
    data: DataOption = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="Print a frozen backbone's figures beside.")] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Measure on photos spoilt as adverts spoil them, too.")
    ] = False,
    leave_one_source_out: Annotated[
        bool, typer.Option("--leave-one-source-out", help="Recall of products in sources the head never saw, too.")
    ] = False,
    sheets: Annotated[bool, typer.Option("--sheets", help="Write contact sheets of what is wrong, too.")] = False,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="OLD NEW", help="Decide whether bundle NEW may replace OLD.")
    ] = None,
    accept_unverified: Annotated[
        bool, typer.Option("--accept-unverified", help="Let NEW replace OLD though no photo shows some old classes.")
    ] = False,
) -> None:
    """Measure a bundle on labelled photos, or compare two."""
    run(
        "training.evaluate",
        out=out,
        manifest=manifest,
        split=split,
        bundle=bundle,
        data=data,
        baseline=baseline,
        robustness=robustness,
        leave_one_source_out=leave_one_source_out,
        sheets=sheets,
        compare=compare,
        accept_unverified=accept_unverified,
    )


@bundle_app.command("show")
def bundle_show(bundle: Annotated[str, typer.Argument(help="Name or folder.")] = "lite2") -> None:
    """Print what a bundle is, knows and scored."""
    run("serve.bundles", "show", bundle=bundle)


@bundle_app.command("verify")
def bundle_verify(bundle: Annotated[str, typer.Argument(help="Name or folder.")] = "lite2") -> None:
    """Check every file of a bundle against its digest."""
    run("serve.bundles", "verify", bundle=bundle)


def main() -> None:
    """Entry point of `schreger`: no traceback reaches a user."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence instead of a traceback
        typer.echo(f"schreger failed, which is our fault; please report it: {type(error).__name__}: {error}", err=True)
        sys.exit(OUR_FAULT)
    finally:
        _give_up_stdout_if_it_fails()


def _give_up_stdout_if_it_fails() -> None:
    """What stdout did not take was dealt with; Python would try again as it leaves, and complain."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
