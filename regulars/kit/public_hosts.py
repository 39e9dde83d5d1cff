"""Speaking to hosts that somebody else names: public ones alone, unless the operator allows more.

A name is looked up once, all of its addresses are looked at, and the connection is made to one of
those: a name that is answered otherwise the next time (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult

log = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = {"http": 80, "https": 443}

# IPv6 addresses that a gateway turns into the IPv4 address in their last half (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")


class NotPublicError(ValueError):
    """The host is none that may be spoken to."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as they are set: `10.0.0.0/8`, `127.0.0.1`. What is none allows nothing."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            log.warning("%r is no network: nothing is allowed by it", text)
    return tuple(found)


def may_be_spoken_to(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether it is a public address, or one of a network that is allowed."""
    if any(address.version == one.version and address in one for one in allowed):
        return True
    inner = _inner(address)
    if inner is not None:
        return may_be_spoken_to(inner, allowed)
    return address.is_global and not address.is_multicast


def check_host(host: str, allowed: Sequence[Network] = ()) -> None:
    """Raises NotPublicError for an address that may not be; a name is looked up when it is used."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        if host.rpartition(".")[2].isdigit():  # such as 127.1, which is an address to some
            raise NotPublicError(host) from None
        return
    if not may_be_spoken_to(address, allowed):
        raise NotPublicError(host)


def connect(parts: SplitResult, patience: float, allowed: Sequence[Network] = ()) -> HTTPConnection:
    """A connection to the URL's host, at an address that was looked at.

    Raises NotPublicError, and OSError for what the net does.
    """
    host = parts.hostname or ""
    port = parts.port or PORTS[parts.scheme]
    plain = socket.create_connection((_address(host, port, allowed), port), patience)
    connection = HTTPConnection(host, port, timeout=patience)
    if parts.scheme == "https":
        try:
            plain = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
    connection.sock = plain
    return connection


def _address(host: str, port: int, allowed: Sequence[Network]) -> str:
    """An address of the host; all that it has must be good."""
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for one in found:
        if not may_be_spoken_to(ip_address(one.partition("%")[0]), allowed):
            raise NotPublicError(host)
    return found[0]


def _inner(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
