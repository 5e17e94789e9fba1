"""What `schreger casebook user` does: each function is one command. A password is never an argument."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

import typer

from serve.casebook.commands import line, who
from serve.casebook.error import CasebookError
from serve.casebook.keys import KEYS
from serve.casebook.opening import open_casebook
from serve.casebook.users import Users

if TYPE_CHECKING:
    from pathlib import Path

    from serve.casebook.records import Role


def add(name: str, role: Role, where: str, keys: Path | None, by: str | None) -> None:
    """Let somebody in."""
    users = Users(open_casebook(where, keys or KEYS))
    users.add(name, role, _new_password(), who(by))


def list_users(where: str, keys: Path | None) -> None:
    """One line a user."""
    for user in Users(open_casebook(where, keys or KEYS)).all():
        typer.echo(f"{line(user.login)}  {user.role}{'  disabled' if user.disabled else ''}")


def disable(name: str, where: str, keys: Path | None, by: str | None) -> None:
    """Keep somebody out."""
    Users(open_casebook(where, keys or KEYS)).disable(name, who(by))


def password(name: str, where: str, keys: Path | None, by: str | None) -> None:
    """Give somebody a new password."""
    users = Users(open_casebook(where, keys or KEYS))
    users.set_password(name, _new_password(), who(by))


def _new_password() -> str:
    """A password, typed twice on a terminal, or else the first line of stdin."""
    if sys.stdin is None or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
    typed = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != typed:
        raise CasebookError("These are two different passwords; nothing was changed.")
    return typed
