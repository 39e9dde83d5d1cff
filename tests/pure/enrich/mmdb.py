"""Writes tiny MMDB files, so that both schemas can be read without a real city database.

Format: https://maxmind.github.io/MaxMind-DB/, only as much of it as the tests need.
"""

import struct
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11
_EXTENDED = 7  # type numbers above this take a second byte


def _head(kind: int, size: int) -> bytes:
    if size >= 29:
        first, more = 29, bytes([size - 29])
    else:
        first, more = size, b""
    if kind > _EXTENDED:
        return bytes([first, kind - 7]) + more
    return bytes([kind << 5 | first]) + more


class _Number:
    """An unsigned number of one of the format's sizes; readers insist on the right one."""

    def __init__(self, kind: int, value: int) -> None:
        data = value.to_bytes((value.bit_length() + 7) // 8, "big")
        self.encoded = _head(kind, len(data)) + data


def _encode(value: object) -> bytes:
    match value:
        case _Number():
            return value.encoded
        case str():
            data = value.encode()
            return _head(_STRING, len(data)) + data
        case list():
            return _head(_ARRAY, len(value)) + b"".join(map(_encode, value))
        case dict():
            pairs = b"".join(_encode(key) + _encode(inside) for key, inside in value.items())
            return _head(_MAP, len(value)) + pairs
    raise TypeError(value)


def write(path: Path, records: Mapping[str, Mapping[str, object]], kind: str, version: int) -> Path:
    """A database of 32-bit records over the given networks."""
    bits = 32 if version == 4 else 128
    tree: list[list[int | None]] = [[None, None]]  # a child: node number, or ~offset of its data
    data = b""
    for network, record in records.items():
        parsed = ip_network(network)
        # IPv4 inside an IPv6 tree lives under ::/96.
        prefix = parsed.prefixlen + (bits - parsed.max_prefixlen)
        number, node = int(parsed.network_address), 0
        for depth in range(prefix):
            side = number >> (bits - 1 - depth) & 1
            if depth == prefix - 1:
                tree[node][side] = ~len(data)
            elif (child := tree[node][side]) is None:
                tree.append([None, None])
                tree[node][side] = node = len(tree) - 1
            else:
                node = child
        data += _encode(dict(record))
    count = len(tree)

    def pointer(child: int | None) -> int:
        if child is None:
            return count
        return child if child >= 0 else count + 16 + ~child

    metadata: dict[str, object] = {
        "binary_format_major_version": _Number(_UINT16, 2),
        "binary_format_minor_version": _Number(_UINT16, 0),
        "build_epoch": _Number(_UINT64, 1_780_000_000),
        "database_type": kind,
        "description": {"en": kind},
        "ip_version": _Number(_UINT16, version),
        "languages": ["en"],
        "node_count": _Number(_UINT32, count),
        "record_size": _Number(_UINT16, 32),
    }
    nodes = b"".join(struct.pack(">II", *map(pointer, node)) for node in tree)
    end = b"\xab\xcd\xefMaxMind.com" + _encode(metadata)
    path.write_bytes(nodes + b"\0" * 16 + data + end)
    return path
