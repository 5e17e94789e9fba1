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
dataset_app = typer.Typer(help="Gather, check and split labelled photos.", no_args_is_help=True)
app.add_typer(dataset_app, name="dataset")
collect_app = typer.Typer(
    help="Collect openly licensed photos into a folder with a manifest. A run that stopped goes on when run again.",
    no_args_is_help=True,
)
dataset_app.add_typer(collect_app, name="collect")


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
CollectedOption = Annotated[Path, typer.Option("--out", help="Folder for manifest.csv and photos/.")]
LabelOption = Annotated[str, typer.Option("--label", metavar="KEY", help="Taxonomy key or name of what is shown.")]
OneLabelOption = Annotated[str | None, typer.Option("--label", metavar="KEY", help="One label for all photos.")]
LicenceOption = Annotated[str | None, typer.Option("--licence", help="Licence of the photos, such as CC-BY-4.0.")]
AttributionOption = Annotated[str | None, typer.Option("--attribution", help="Whom to credit.")]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="Where they are from; by default the name of INPUT.")
]
LimitOption = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Stop at so many photos.")]
ContactOption = Annotated[
    str | None,
    typer.Option("--contact", envvar="SCHREGER_CONTACT", help="Your e-mail or page, told to the servers."),
]
PauseOption = Annotated[
    float, typer.Option("--pause", metavar="SECONDS", min=0, help="Least time between requests to one host.")
]
ApiOption = Annotated[str, typer.Option("--api", hidden=True)]


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
    split: Annotated[str | None, typer.Option(help="train, val, test or source_test; by default every row.")] = None,
    bundle: BundleOption = "lite2",
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


@collect_app.command("folder")
def collect_folder(
    folder: Annotated[Path, typer.Argument(metavar="INPUT", help="Folder of folders that are named after labels.")],
    out: CollectedOption,
    licence: LicenceOption = None,
    attribution: AttributionOption = None,
    label: OneLabelOption = None,
    source: SourceOption = None,
    item: Annotated[Item, typer.Option(help="folder: the photos of an inner folder show one item.")] = Item.none,
    limit: LimitOption = None,
) -> None:
    """Photos in folders that are named after labels."""
    run("training.collect.folder", **locals())


@collect_app.command("csv")
def collect_csv(
    table: Annotated[Path, typer.Argument(metavar="INPUT", help="Columns url or file, label, licence, attribution.")],
    out: CollectedOption,
    licence: LicenceOption = None,
    attribution: AttributionOption = None,
    label: OneLabelOption = None,
    source: SourceOption = None,
    limit: LimitOption = None,
    contact: ContactOption = None,
    pause: PauseOption = 1.0,
) -> None:
    """Photos that a table lists, by address or file."""
    run("training.collect.table", **locals())


@collect_app.command("label-studio")
def collect_label_studio(
    export: Annotated[Path, typer.Argument(metavar="INPUT", help="JSON export of a project.")],
    out: CollectedOption,
    licence: LicenceOption = None,
    attribution: AttributionOption = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of the photos; by default the export's.")] = None,
    field: Annotated[str, typer.Option(metavar="NAME", help="Field of a task's data that names its photo.")] = "image",
    control: Annotated[str | None, typer.Option(metavar="NAME", help="The choices that say the label.")] = None,
    source: SourceOption = None,
    limit: LimitOption = None,
    contact: ContactOption = None,
    pause: PauseOption = 1.0,
) -> None:
    """Photos that were labelled in Label Studio."""
    run("training.collect.label_studio", **locals())


@collect_app.command("met")
def collect_met(
    out: CollectedOption,
    objects: Annotated[Path | None, typer.Option(help="CSV file with object_id and label.")] = None,
    medium: Annotated[str | None, typer.Option(help="Or all objects of exactly this medium, such as Ivory.")] = None,
    label: OneLabelOption = None,
    limit: LimitOption = None,
    contact: ContactOption = None,
    pause: PauseOption = 1.0,
    api: ApiOption = "https://collectionapi.metmuseum.org/public/collection/v1",
) -> None:
    """The Metropolitan Museum of Art, Open Access."""
    run("training.collect.met", **locals())


@collect_app.command("smithsonian")
def collect_smithsonian(
    medium: Annotated[str, typer.Argument(help="Take objects of exactly this medium, such as Ivory.")],
    out: CollectedOption,
    label: LabelOption,
    key: Annotated[
        str, typer.Option(envvar="SCHREGER_SMITHSONIAN_KEY", help="A key is free: https://api.data.gov/signup")
    ] = "DEMO_KEY",
    limit: LimitOption = None,
    contact: ContactOption = None,
    pause: PauseOption = 1.0,
    api: ApiOption = "https://api.si.edu/openaccess/api/v1.0",
) -> None:
    """The Smithsonian's museums, Open Access."""
    run("training.collect.smithsonian", **locals())


@collect_app.command("inaturalist")
def collect_inaturalist(
    taxon: Annotated[str, typer.Argument(help="Taxonomy key or name of a taxon.")],
    out: CollectedOption,
    limit: LimitOption = None,
    contact: ContactOption = None,
    pause: PauseOption = 1.0,
    api: ApiOption = "https://api.inaturalist.org/v1",
) -> None:
    """Research-grade observations of a taxon."""
    run("training.collect.inaturalist", **locals())


@collect_app.command("gbif")
def collect_gbif(
    taxon: Annotated[str, typer.Argument(help="Taxonomy key or name of a taxon.")],
    out: CollectedOption,
    limit: LimitOption = None,
    contact: ContactOption = None,
    pause: PauseOption = 1.0,
    api: ApiOption = "https://api.gbif.org/v1",
) -> None:
    """Specimens and observations of a taxon; iNaturalist's are left to their own collector."""
    run("training.collect.gbif", **locals())


@collect_app.command("commons")
def collect_commons(
    category: Annotated[str, typer.Argument(help="Name of a category, such as 'Bone carvings'.")],
    out: CollectedOption,
    label: LabelOption,
    limit: LimitOption = None,
    contact: ContactOption = None,
    pause: PauseOption = 1.0,
    api: ApiOption = "https://commons.wikimedia.org/w/api.php",
) -> None:
    """The files of a category of Wikimedia Commons."""
    run("training.collect.commons", **locals())


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
        _leave(
            f"This command needs {error.name}, which is not installed: pip install 'schreger[train,collect]'.",
            WRONG_USE,
        )
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
