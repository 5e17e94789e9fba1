"""Which addresses of the network may be asked for a picture that a stranger names: public ones, and no other."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address

from model.photo import PhotoError


def public_address(host: str, port: int) -> str:
    """The IP address to connect to. The name is resolved here alone, so that no second answer can differ.

    Raises:
        PhotoError: The name is unknown, or leads anywhere that is not public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PhotoError("unreadable_file", f"The name {host[:80]!r} is not known in the network.") from None
    addresses = [str(where[0]) for *_, where in found]
    if not addresses or not all(map(is_public, addresses)):
        raise PhotoError("unreadable_file", f"{host[:80]!r} is not a public address, so it is not opened.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    `is_global` is false of private, link-local, loopback and carrier-grade (100.64/10) addresses, among others. Mapped
    and translated IPv4 addresses are reserved; those of 6to4 are as public as what they wrap. Of site-local ones
    (fec0::/10) it is true in Python 3.11.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.is_site_local:
        return False
    wrapped = parsed.sixtofour if isinstance(parsed, IPv6Address) else None
    return all(
        each.is_global and not each.is_multicast and not each.is_reserved for each in (parsed, wrapped or parsed)
    )
