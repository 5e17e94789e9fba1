"""What lies outside the casebook and vouches for it: the key that signs the audit log, and its last head."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import BaseModel, ConfigDict, ValidationError

from serve.casebook.error import CasebookError

if TYPE_CHECKING:
    from collections.abc import Callable


KEYS = Path.home() / ".schreger" / "keys"
"""Where keys are unless somebody says otherwise."""

_KEEPING = Lock()  # so that no earlier head is put over a later one


class Head(BaseModel):
    """Where an audit log ended at some time. Who holds one can tell later whether all before it is still there.

    `public_key` and `hash` are 64 hexadecimal digits, `signature` is of the hash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    casebook: str
    public_key: str
    number: int
    at: str
    hash: str
    signature: str

    @classmethod
    def read(cls, file: Path) -> Head:
        """A head as `casebook head` writes it.

        Raises:
            CasebookError: The file cannot be read as one.
        """
        try:
            return cls.model_validate_json(file.read_bytes())
        except OSError as error:
            raise CasebookError(f"{file} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise CasebookError(
                f"{file} is not the head of a casebook, as `schreger casebook head` writes it."
            ) from error

    def text(self) -> str:
        """The head as JSON."""
        return self.model_dump_json(indent=2) + "\n"


class Keys:
    """A folder with the key and the last head of each casebook that this computer writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, casebook: str) -> Ed25519PrivateKey:
        """A new key, which only its owner may read.

        Raises:
            CasebookError: The folder cannot be written to.
        """
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._write(self.key_file(casebook), pem)
        return key

    def key(self, casebook: str) -> Ed25519PrivateKey:
        """The key of a casebook.

        Raises:
            CasebookError: It is not here, or cannot be read.
        """
        file = self.key_file(casebook)
        try:
            key = load_pem_private_key(file.read_bytes(), None)
        except FileNotFoundError:
            raise CasebookError(
                f"The key of this casebook is not at {file}: copy it there, or name its folder with --keys."
            ) from None
        except OSError as error:
            raise CasebookError(f"{file} cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError) as error:
            raise CasebookError(f"{file} is not the key of a casebook.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise CasebookError(f"{file} is not the key of a casebook.")
        return key

    def head(self, casebook: str) -> Head | None:
        """The last head that was kept here, None where there is none."""
        file = self._head_file(casebook)
        return Head.read(file) if file.exists() else None

    def keep(self, head: Head) -> None:
        """Keep a head, unless a later one is kept."""
        with _KEEPING:
            kept = self.head(head.casebook)
            if kept is None or kept.number < head.number:
                self._write(self._head_file(head.casebook), head.text().encode())

    def key_file(self, casebook: str) -> Path:
        """Where the key of a casebook is."""
        return self._file(f"{casebook}.key")

    def _head_file(self, casebook: str) -> Path:
        return self._file(f"{casebook}.head")

    def _file(self, name: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{16}\.[a-z]+", name):  # it was read from a database that may have been altered
            raise CasebookError("The audit log does not say which casebook it is of: it was altered.")
        return self.folder / name

    def _write(self, file: Path, content: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(file, lambda partial: partial.write_bytes(content))
        except OSError as error:
            raise CasebookError(f"{file} cannot be written: {error.strerror}.") from error


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half of a key, 64 hexadecimal digits."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that a kill or a power cut leaves it whole or as it was, for the eyes of its owner alone."""
    partial = file.with_name(f"{file.name}.{secrets.token_hex(4)}.partial")
    partial.touch(mode=0o600, exist_ok=False)
    try:
        write(partial)
        _sync(partial)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _sync(file.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
