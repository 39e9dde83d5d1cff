"""When a value is known, and when it fits a type: CONTRACT.md's 'Unknown', in Python.

Nothing is coerced: 5 is not text and "10" is not a number.

Public: `is_known`, `exact_number`, `address_number`, `network_range`, `ADDRESS_PATTERN`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import isfinite

# From here on a float is a whole number, but not always the one its digits say (1e23).
WHOLE_FROM = 2.0**53

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_GROUP = "[0-9a-f]{1,4}"
_LAST = f"(?:{_GROUP}:{_GROUP}|{_V4})"


def _v6() -> str:
    """RFC 4291 section 2.2: eight groups, `::` once for any run of zeros, IPv4 in the tail."""
    forms = [f"(?:{_GROUP}:){{6}}{_LAST}"]
    for before in range(7):  # groups written before the `::`
        head = f"(?:(?:{_GROUP}:){{0,{before - 1}}}{_GROUP})?" if before else ""
        after = 5 - before  # groups between the `::` and the last two, all written
        if after >= 0:
            forms.append(f"{head}::(?:{_GROUP}:){{{after}}}{_LAST}")
        elif after == -1:
            forms.append(f"{head}::{_GROUP}")
    forms.append(f"(?:(?:{_GROUP}:){{0,6}}{_GROUP})?::")
    return "|".join(forms)


# Folded text that is an address, without zone or prefix; reads the same in PostgreSQL.
ADDRESS_PATTERN = f"^(?:{_V4}|{_v6()})$"
_ADDRESS = re.compile(ADDRESS_PATTERN.removesuffix("$") + r"\Z")

_V6_BASE = 1 << 128  # IPv6 addresses are numbered after all IPv4 ones


def is_known(value: object) -> bool:
    """Whether a value is there at all: not missing, null, blank text or NaN."""
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value.strip())
    return value == value  # noqa: PLR0124  # only NaN differs from itself


def exact_number(value: object) -> int | float | None:
    """The number as its shortest decimal writing says it, or None where it is not a number.

    JSON has decimal numbers and PostgreSQL keeps them; a float past 2**53 is brought back to the
    whole number that was written.
    """
    kind = type(value)
    if kind is int:
        return value  # type: ignore[return-value]
    if kind is not float or not isfinite(value):  # type: ignore[arg-type]
        return None
    if -WHOLE_FROM < value < WHOLE_FROM:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    return int(Decimal(repr(value)))


@lru_cache(maxsize=16_384)
def address_number(text: str | None) -> int | None:
    """The address as a number, IPv6 after IPv4, or None where folded `text` is no address."""
    if text is None or not _ADDRESS.match(text):
        return None
    return _number(ip_address(text))


def network_range(text: str) -> tuple[int, int, str]:
    """First and last address of a network as numbers, and its normal writing.

    Raises `ValueError` where `text` is neither a network (`10.0.0.0/8`) nor an address.
    """
    network = ip_network(text, strict=False)
    return _number(network[0]), _number(network[-1]), str(network)


def _number(address: IPv4Address | IPv6Address) -> int:
    return int(address) + (_V6_BASE if address.version == 6 else 0)  # noqa: PLR2004
