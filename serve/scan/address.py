"""Which addresses of the network may be asked for a picture that a stranger names: public ones, and no other."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

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
    """Whether an IP address is one of the public internet, and so is any IPv4 address that it stands for."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return all(map(_is_global, (parsed, *_inner(parsed))))


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    """`is_global` is false of private, link-local, loopback and carrier-grade (100.64/10) addresses, among others."""
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """IPv4 addresses that an IPv6 address wraps: mapped, 6to4 and Teredo."""
    if isinstance(address, IPv4Address):
        return []
    wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    return [each for each in wrapped if each is not None]
