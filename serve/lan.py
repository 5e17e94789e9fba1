"""What a phone on the same network needs to reach the page: an address, a code, and if wanted a certificate."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from model.errors import SchregerError
from serve.extras import to_install

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE: Final = ("192.0.2.1", "10.255.255.255", "172.31.255.255", "192.168.255.255")
"""Addresses that tell which way out the computer would take; nothing is sent to them."""

DIGITS: Final = 8
VALID: Final = timedelta(days=30)


class LanError(SchregerError):
    """The page cannot be opened to the network; `str(error)` says in one sentence why and what to do."""


def lan_address() -> str:
    """The address of this computer on its own network.

    Raises:
        LanError: There is no network.
    """
    for far in ELSEWHERE:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            address = str(probe.getsockname()[0])
            if not is_loopback(address):
                return address
    raise LanError("This computer is on no network; connect it, open its hotspot, or name its address with --host.")


def is_loopback(address: str) -> bool:
    """Whether nobody but this computer reaches an address."""
    return ipaddress.ip_address(address).is_loopback


def reached_at(bound: str) -> str:
    """The address by which others reach one that the page listens on; 0.0.0.0 stands for all of this computer.

    Raises:
        LanError: It is all of this computer, which is on no network.
    """
    return lan_address() if ipaddress.ip_address(bound).is_unspecified else bound


class Codes:
    """A code at a time, each good for one device; the next is announced when one is used."""

    def __init__(self) -> None:
        self._next()

    def use(self, code: str) -> bool:
        """Whether this is the code; if so it is used up."""
        right = secrets.compare_digest(code.encode(), self._code.encode())
        if right:
            self._next()
        return right

    def announce(self) -> None:
        """Show the code on this computer."""
        half = DIGITS // 2
        sys.stderr.write(f"Code for the next device: {self._code[:half]} {self._code[half:]}\n")
        sys.stderr.flush()

    def _next(self) -> None:
        self._code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def show_qr(url: str) -> None:
    """Draw an address on the terminal for a phone's camera."""
    import segno

    segno.make(url, error="m").terminal(out=sys.stderr, compact=True)


def make_certificate(folder: Path, address: str) -> tuple[Path, Path, str]:
    """A new self-signed certificate for an address: the files of it and its key, and its SHA-256 fingerprint.

    Raises:
        LanError: cryptography is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise LanError(f"--tls needs cryptography: {to_install('tls')}.") from None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "schreger")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the phone's clock may be behind
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.touch(mode=0o600)
    kind = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    return certificate, secret, made.fingerprint(hashes.SHA256()).hex(":").upper()
