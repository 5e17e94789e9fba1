"""`schreger dataset`: the commands that gather, check and split labelled photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from serve.command import BundleOption, DataOption, Item, run

dataset_app = typer.Typer(help="Gather, check and split labelled photos.", no_args_is_help=True)
collect_app = typer.Typer(
    help="Collect openly licensed photos into a folder with a manifest. A run that stopped goes on when run again.",
    no_args_is_help=True,
)
dataset_app.add_typer(collect_app, name="collect")

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


@collect_app.command("casebook")
def collect_casebook(
    archives: Annotated[list[Path], typer.Argument(metavar="ZIP", help="Cases that `casebook export` wrote.")],
    out: CollectedOption,
    licence: Annotated[str, typer.Option("--licence", help="Under what terms you may train on them.")],
    attribution: Annotated[str, typer.Option("--attribution", help="Whose photos they are.")],
    source: Annotated[
        str | None, typer.Option("--source", help="Where they are from; by default the casebook.")
    ] = None,
    limit: LimitOption = None,
) -> None:
    """Photos of items that an expert corrected or confirmed."""
    run("training.collect.casebook", **locals())


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


@dataset_app.command("heaps")
def dataset_heaps(
    out: Annotated[Path, typer.Option(help="Folder for manifest.csv and photos/.")],
    data: DataOption = None,
    corrections: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Labels put right and photos left out, as a recipe names them.")
    ] = None,
    each: Annotated[int, typer.Option(metavar="N", min=1, help="Pictures drawn of each photo.")] = 4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Draw heaps of loose pangolin scales, and of look-alikes, from photos of living animals."""
    run("training.heaps.heaps", data=data, out=out, corrections=corrections, each=each, seed=seed)


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
