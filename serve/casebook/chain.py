"""The audit log: entries that each hold the hash of the one before, every hash signed with the casebook's key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict

from serve.casebook.records import canonical, digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

START = "0" * 64
"""What the first entry holds instead of a hash before it."""


class Body(BaseModel):
    """What happened: who did what, when, to which case, and what came to be by it.

    `previous` is the hash of the entry before. `case` is the id of the case, if it was one. `records` names all records
    that were made, as table/id; `files` are the sha256 of bytes that were kept and that no record names; `about` says
    what else belongs to the action.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    number: int
    previous: str
    by: str
    at: str
    action: str
    case: str | None = None
    records: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    about: dict[str, str] = {}


@dataclass(frozen=True)
class Entry:
    """One entry as it is kept: `content` is its body in canonical JSON; hash and signature are hexadecimal.

    `case_id` repeats the body's case, for look-ups.
    """

    number: int
    case_id: str | None
    content: str
    hash: str
    signature: str

    @classmethod
    def seal(cls, body: Body, key: Ed25519PrivateKey) -> Entry:
        """The entry of a body."""
        content = canonical(body.model_dump(exclude_defaults=True))
        hashed = digest("entry", content)
        return cls(body.number, body.case, content, hashed, key.sign(_signed(hashed)).hex())

    @cached_property
    def body(self) -> Body:
        """What the content says; raises ValueError where it cannot be read."""
        return Body.model_validate_json(self.content)

    def fault(self, key: Ed25519PublicKey) -> str | None:
        """What is wrong with the entry by itself, None where it is as it was sealed."""
        if digest("entry", self.content) != self.hash:
            return "its content or its hash was altered"
        try:
            signature = bytes.fromhex(self.signature)
            key.verify(signature, _signed(self.hash))
            is_signed = signature.hex() == self.signature  # fromhex takes capitals and spaces too
        except (InvalidSignature, ValueError, TypeError):
            is_signed = False
        if not is_signed:
            return "it was not signed with the key of the casebook"
        try:
            body = self.body
        except ValueError:
            return "its content cannot be read"
        return None if (body.number, body.case) == (self.number, self.case_id) else "its number or case was altered"


def public_key(text: str) -> Ed25519PublicKey:
    """The key of 64 hexadecimal digits; raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))


def _signed(hashed: str) -> bytes:
    return f"schreger head 1\n{hashed}".encode()
