"""The command line: every command is declared here, and its room is loaded only when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from model.errors import SchregerError

OK, OUR_FAULT, WRONG_USE, SOME_UNREADABLE, STOPPED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="schreger",
    help="Tells ivory from bone and resin, and recognises pangolin scales and parrot species, from photos.",
    no_args_is_help=True,
    epilog="Exit status: 0 all well, 1 our fault, 2 wrong use, 3 finished but some inputs could not be read.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
bundle_app = typer.Typer(help="Look into a bundle: a trained network with its metrics and card.", no_args_is_help=True)
app.add_typer(bundle_app, name="bundle")
dataset_app = typer.Typer(help="Labelled photos, before anything is trained on them.", no_args_is_help=True)
app.add_typer(dataset_app, name="dataset")


class Item(StrEnum):
    """Which photos show one item."""

    none = "none"
    folder = "folder"


BundleOption = Annotated[
    str, typer.Option("--bundle", metavar="BUNDLE", help="Name of a shipped bundle, or a bundle's folder.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", envvar="SCHREGER_DATA", help="Folder with manifest.csv and photos/.")
]


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


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 is this computer alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 7860,
    bundle: BundleOption = "lite2",
) -> None:
    """Open the page for photos in a browser."""
    run("serve.app", "serve", host=host, port=port, bundle=bundle)


@app.command()
def train(
    recipe: Annotated[Path, typer.Option(help="The recipe, a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; the bundle is made in OUT/bundle.")],
    data: DataOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
    final: Annotated[bool, typer.Option("--final", help="Measure on test and source_test too, for release.")] = False,
) -> None:
    """Train a bundle from a recipe and labelled photos."""
    run("training.train", recipe=recipe, out=out, data=data, resume=resume, final=final)


@app.command()
def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for metrics.json and predictions.csv.")],
    manifest: Annotated[Path | None, typer.Option(help="Labelled photos; by default those of --data.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val, test or source_test; by default every row.")] = None,
    bundle: BundleOption = "lite2",
    data: DataOption = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="Print a frozen backbone's figures beside.")] = False,
) -> None:
    """Measure a bundle on labelled photos."""
    run("training.evaluate", out=out, manifest=manifest, split=split, bundle=bundle, data=data, baseline=baseline)


@dataset_app.command("check")
def dataset_check(
    out: Annotated[Path, typer.Option(help="Folder for report.json, report.csv and report.html.")],
    data: DataOption = None,
    manifest: Annotated[Path | None, typer.Option(help="Labelled photos; by default those of --data.")] = None,
    bundle: BundleOption = "lite2",
) -> None:
    """Find broken files, copies, leaks, likely label errors, shortcuts."""
    run("training.check.check", data=data, manifest=manifest, out=out, bundle=bundle)


@dataset_app.command("split")
def dataset_split(
    out: Annotated[Path, typer.Option(metavar="CSV", help="The new manifest; may be the old one.")],
    manifest: Annotated[Path | None, typer.Option(help="Labelled photos; by default those of --data.")] = None,
    data: DataOption = None,
    val: Annotated[float, typer.Option(help="Share of photos to choose by.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of photos to measure by.")] = 0.15,
    hold_out: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="Whole source for source_test; * stands for anything.")
    ] = None,
    join_duplicates: Annotated[bool, typer.Option("--join-duplicates", help="Keep copies in one split.")] = False,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    bundle: BundleOption = "lite2",
) -> None:
    """Fill empty split cells by group; what has a split keeps it."""
    shares: dict[str, Any] = {"val": val, "test": test, "seed": seed}
    run("training.split", manifest=manifest, out=out, data=data, hold_out=hold_out or (),
        join_duplicates=join_duplicates, bundle=bundle, **shares)  # fmt: skip


@bundle_app.command("show")
def bundle_show(bundle: Annotated[str, typer.Argument(help="Name or folder.")] = "lite2") -> None:
    """Print what a bundle is, knows and scored."""
    run("serve.bundles", "show", bundle=bundle)


@bundle_app.command("verify")
def bundle_verify(bundle: Annotated[str, typer.Argument(help="Name or folder.")] = "lite2") -> None:
    """Check every file of a bundle against its digest."""
    run("serve.bundles", "verify", bundle=bundle)


def run(module: str, function: str = "command", /, **options: Any) -> None:
    """Load a room's module, run its command and leave with the exit status that it returns."""
    try:
        status = getattr(importlib.import_module(module), function)(**options)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("model", "training", "serve"):
            raise
        _leave(f"This command needs {error.name}, which is not installed: pip install 'schreger[train]'.", WRONG_USE)
    except SchregerError as error:
        _leave(str(error), WRONG_USE)
    except KeyboardInterrupt:
        _leave("Stopped.", STOPPED)
    except BrokenPipeError:  # whoever reads stdout has seen enough
        raise typer.Exit(OK) from None
    raise typer.Exit(status or OK)


def _leave(sentence: str, status: int) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(status)


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
