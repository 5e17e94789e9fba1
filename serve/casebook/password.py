"""Passwords are kept as scrypt hashes, each with a salt of its own: whoever reads one has to guess, and slowly."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from typing import Final

from serve.casebook.error import CasebookError

SHORTEST, LONGEST = 10, 200

COST: Final = {"n": 2**15, "r": 8, "p": 3}
"""32 MB of memory and a tenth of a second or more for each try, as OWASP asks for."""

NOBODYS: Final = f"{'0' * 32}${'0' * 64}"
"""The hash of no password: checking against it takes as long as against any other."""


def hash_password(password: str) -> str:
    """The hash to keep of a new password: salt$hash, hexadecimal.

    Raises:
        CasebookError: It is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise CasebookError(
            f"A password has {SHORTEST} to {LONGEST} letters; a few words that nobody guesses are good."
        )
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt)}"


def fits(password: str, kept: str) -> bool:
    """Whether this is the password that the hash was made of."""
    salt, _, hashed = kept.partition("$")
    return secrets.compare_digest(_scrypt(password[:LONGEST], bytes.fromhex(salt)), hashed)


def _scrypt(password: str, salt: bytes) -> str:
    # Keyboards differ in how they write one letter; NFKC makes them the same.
    typed = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(typed, salt=salt, maxmem=2**26, dklen=32, **COST).hex()
