"""`schreger casebook`: the commands that keep cases and prove that nothing of them was changed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from serve.command import BundleOption, run

casebook_app = typer.Typer(
    help="Keep cases, so that it can be shown later that nothing of them was changed.", no_args_is_help=True
)
user_app = typer.Typer(help="Who may sign in on the page of `schreger serve --casebook`.", no_args_is_help=True)
casebook_app.add_typer(user_app, name="user")
ROOM, USERS = "serve.casebook.commands", "serve.casebook.user_commands"


class Role(StrEnum):
    """What a user may do on the page."""

    officer = "officer"
    expert = "expert"
    admin = "admin"


WhereOption = Annotated[
    str,
    typer.Option(
        "--casebook", metavar="WHERE", envvar="SCHREGER_CASEBOOK", help="SQLite file, or postgresql://user@host/name."
    ),
]
KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="DIR",
        envvar="SCHREGER_CASEBOOK_KEYS",
        help="Folder of the keys; by default ~/.schreger/keys.",
    ),
]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who you are; by default your user name.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the user.")]
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Name of the case, such as a file number.")]


@casebook_app.command("init")
def casebook_init(where: WhereOption, keys: KeysOption = None, by: ByOption = None) -> None:
    """Make a casebook and the key that signs its audit log."""
    run(ROOM, "init", where=where, keys=keys, by=by)


@casebook_app.command("upgrade")
def casebook_upgrade(where: WhereOption, keys: KeysOption = None, by: ByOption = None) -> None:
    """Bring the tables of an older casebook up to date."""
    run(ROOM, "upgrade", where=where, keys=keys, by=by)


@casebook_app.command("list")
def casebook_list(where: WhereOption, keys: KeysOption = None) -> None:
    """Name all cases."""
    run(ROOM, "list_cases", where=where, keys=keys)


@casebook_app.command("show")
def casebook_show(
    case: CaseArgument,
    where: WhereOption,
    keys: KeysOption = None,
    json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Print a case: items, photos, results, corrections, notes, log."""
    run(ROOM, "show", case=case, where=where, keys=keys, json=json)


@casebook_app.command("add")
def casebook_add(
    case: CaseArgument,
    paths: Annotated[list[Path], typer.Argument(metavar="PHOTO", help="All photos of one item, or their folder.")],
    where: WhereOption,
    keys: KeysOption = None,
    by: ByOption = None,
    new: Annotated[bool, typer.Option("--new", help="The case is new.")] = False,
    title: Annotated[str, typer.Option(help="What the item is said to be.")] = "",
    item: Annotated[int | None, typer.Option(min=1, help="Add the photos to this item.")] = None,
    bundle: BundleOption = "lite2",
) -> None:
    """Classify photos and add them to a case as an item."""
    run(ROOM, "add", case=case, paths=paths, where=where, keys=keys, by=by, new=new, title=title, item=item,
        bundle=bundle)  # fmt: skip


@casebook_app.command("add-adverts")
def casebook_add_adverts(
    case: CaseArgument,
    decisions: Annotated[Path, typer.Option(metavar="FILE", help="What people decided; see schreger review.")],
    scan: Annotated[Path, typer.Option(metavar="SCAN_DIR", help="The scan whose adverts they decided on.")],
    adverts: Annotated[Path, typer.Option(metavar="FILE", help="What was scanned: an advert file, a tar, a folder.")],
    where: WhereOption,
    pictures_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the pictures; by default that of the adverts.")
    ] = None,
    keys: KeysOption = None,
    by: ByOption = None,
    new: Annotated[bool, typer.Option("--new", help="The case is new.")] = False,
    bundle: BundleOption = "lite2",
) -> None:
    """Add the adverts that people decided to block to a case, each as an item with its pictures."""
    run("serve.case_adverts", **locals())


@casebook_app.command("correct")
def casebook_correct(
    case: CaseArgument,
    item: Annotated[int, typer.Argument(metavar="ITEM", help="Number of the item.")],
    label: Annotated[str, typer.Argument(metavar="KEY", help="What it truly is: a key of the taxonomy.")],
    where: WhereOption,
    why: Annotated[str, typer.Option(help="How that is known.")],
    keys: KeysOption = None,
    by: ByOption = None,
) -> None:
    """Say what an item truly is; what was found stays beside it."""
    run(ROOM, "correct", case=case, item=item, label=label, where=where, why=why, keys=keys, by=by)


@casebook_app.command("note")
def casebook_note(
    case: CaseArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    where: WhereOption,
    item: Annotated[int | None, typer.Option(min=1, help="The item that it is about.")] = None,
    keys: KeysOption = None,
    by: ByOption = None,
) -> None:
    """Write a note on a case or on one item."""
    run(ROOM, "note", case=case, text=text, where=where, item=item, keys=keys, by=by)


@casebook_app.command("verify", epilog="Exit status: 0 when all is as it was written, 4 when something is not.")
def casebook_verify(
    where: WhereOption,
    keys: KeysOption = None,
    head: Annotated[Path | None, typer.Option(metavar="FILE", help="A head that was exported earlier.")] = None,
) -> None:
    """Find whatever was altered, added or removed, and name it."""
    run(ROOM, "verify_all", where=where, keys=keys, head=head)


@casebook_app.command("head")
def casebook_head(where: WhereOption, keys: KeysOption = None) -> None:
    """Print where the audit log ends; keep it elsewhere, for verify."""
    run(ROOM, "head", where=where, keys=keys)


@casebook_app.command("export")
def casebook_export(
    case: CaseArgument,
    out: Annotated[Path, typer.Option(metavar="ZIP", help="File to write.")],
    where: WhereOption,
    keys: KeysOption = None,
    by: ByOption = None,
) -> None:
    """Hand over a case: photos, records and log, in a ZIP file."""
    run(ROOM, "export", case=case, out=out, where=where, keys=keys, by=by)


@casebook_app.command("import")
def casebook_import(
    file: Annotated[Path, typer.Argument(metavar="ZIP", help="A case that was exported.")],
    where: WhereOption,
    sender: Annotated[
        str | None, typer.Option(metavar="KEY", help="Public key of whoever sent it; refuse any other.")
    ] = None,
    keys: KeysOption = None,
    by: ByOption = None,
) -> None:
    """Take in a case that was handed over, if all of it is whole."""
    run(ROOM, "import_zip", file=file, where=where, sender=sender, keys=keys, by=by)


@casebook_app.command("report", epilog="Exit status: 0 when the casebook is as it was written, 4 when it is not.")
def casebook_report(
    case: CaseArgument,
    out: Annotated[Path, typer.Option(metavar="PDF", help="File to write.")],
    where: WhereOption,
    keys: KeysOption = None,
    language: Annotated[str, typer.Option(help="en, fr, es, pt, ar, zh, sw or vi.")] = "en",
    bundle: BundleOption = "lite2",
) -> None:
    """Write a case as a PDF file, with photos, findings, listings and log."""
    run("serve.case_report", case=case, out=out, where=where, keys=keys, language=language, bundle=bundle)


@user_app.command("add")
def user_add(
    name: NameArgument,
    role: Annotated[
        Role, typer.Option(help="officer: sees their own cases; expert: sees and corrects all; admin: as an expert.")
    ],
    where: WhereOption,
    keys: KeysOption = None,
    by: ByOption = None,
) -> None:
    """Let somebody in; the password is asked for, or read from stdin."""
    run(USERS, "add", name=name, role=role.value, where=where, keys=keys, by=by)


@user_app.command("list")
def user_list(where: WhereOption, keys: KeysOption = None) -> None:
    """Name all users."""
    run(USERS, "list_users", where=where, keys=keys)


@user_app.command("disable")
def user_disable(name: NameArgument, where: WhereOption, keys: KeysOption = None, by: ByOption = None) -> None:
    """Keep somebody out from now on; what they wrote stays."""
    run(USERS, "disable", name=name, where=where, keys=keys, by=by)


@user_app.command("password")
def user_password(name: NameArgument, where: WhereOption, keys: KeysOption = None, by: ByOption = None) -> None:
    """Give somebody a new password; it is asked for, or read from stdin."""
    run(USERS, "password", name=name, where=where, keys=keys, by=by)
