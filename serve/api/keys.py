"""API keys: a file holds the name and the SHA-256 digest of each, one a line, and never a key itself."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from typing import TYPE_CHECKING, Final

import typer

from model.errors import SchregerError
from serve.output import line_end

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = r"[\w.-]+"
LINE: Final = re.compile(rf"({NAME})\s+([0-9a-f]{{64}})")


class KeysError(SchregerError):
    """The keys cannot be used; `str(error)` says in one sentence why and what to do."""


class Keys:
    """Who may use the API: names by the digests of their keys."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)

    def name_of(self, key: str) -> str | None:
        """Whose key this is; takes as long whether it is someone's or not."""
        digest = digest_of(key)
        names = [name for known, name in self._names.items() if hmac.compare_digest(known, digest)]
        return names[0] if names else None


def digest_of(key: str) -> str:
    """SHA-256 in hexadecimal. A fast digest is enough, since keys are random and too long to be guessed."""
    return hashlib.sha256(key.encode()).hexdigest()


def read_keys(file: Path) -> Keys:
    """The keys of a file; empty lines and those that start with # say nothing.

    Raises:
        KeysError: It cannot be read, holds no key, or has a line that is none.
    """
    try:
        names = _names(file)
    except (OSError, UnicodeDecodeError):
        raise KeysError(f"{str(file)!r} cannot be read as a file of API keys; name another.") from None
    if not names:
        raise KeysError(f"{str(file)!r} holds no key; make one: schreger api-key NAME {file}")
    return Keys(names)


def _names(file: Path) -> dict[str, str]:
    """The names in a file by the digests of their keys.

    Raises:
        OSError, UnicodeDecodeError: It cannot be read.
        KeysError: A line is none of a key.
    """
    names = {}
    for number, line in enumerate(map(str.strip, file.read_text(encoding="utf-8").splitlines()), 1):
        if line and not line.startswith("#"):
            found = LINE.fullmatch(line)
            if not found:
                raise KeysError(f"Line {number} of {str(file)!r} is no key: a name and a SHA-256 digest are expected.")
            names[found[2]] = found[1]
    return names


def add(name: str, file: Path) -> None:
    """`schreger api-key`: make a key, add its digest to the file and print the key, which is kept nowhere.

    Raises:
        KeysError: The name is none or has a key already, or the file is none of keys or cannot be written.
    """
    if not re.fullmatch(NAME, name):
        raise KeysError(f"{name!r} cannot name a key; use letters, digits, dots, dashes and underscores.")
    try:
        is_taken = name in _names(file).values()
    except FileNotFoundError:
        is_taken = False
    except (OSError, UnicodeDecodeError, KeysError):
        raise KeysError(f"{str(file)!r} is no file of keys; name another.") from None
    if is_taken:
        raise KeysError(f"{name!r} has a key in {file} already: take out its line first, or choose another name.")
    key = secrets.token_urlsafe(32)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "ab+") as lines:  # noqa: PTH123 - Path.open cannot set the mode
            lines.write(line_end(lines) + f"{name} {digest_of(key)}\n".encode())
    except OSError as error:
        raise KeysError(f"{str(file)!r} cannot be written: {error.strerror or error}.") from None
    typer.echo(key)
