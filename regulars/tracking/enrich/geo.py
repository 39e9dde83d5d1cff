"""Where an IP address is: country out of the box, city and region once a database is installed.

Reads MMDB files in the flat schema of ip-location-db and in MaxMind's nested one, IPv4 and IPv6
together or apart. Lookups never raise and leave the machine alone: no network, no clock.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Self

import maxminddb

from regulars.tracking.enrich import countries

SHIPPED = Path(__file__).parent / "data"
REFRESH_SECONDS = 5.0
_MAX_IP_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Place:
    """What a database says of an address. None where it does not say."""

    country_code: str | None = None
    country: str | None = None  # in English
    region: str | None = None
    city: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """A link that the licence of the installed database asks for on every page of the console."""

    text: str
    url: str


def folder(data_dir: Path) -> Path:
    """Where installed databases are kept."""
    return data_dir / "geo"


def pointer(data_dir: Path) -> Path:
    """The file that names the installed database; replacing it is what installs another."""
    return folder(data_dir) / "installed.json"


def credit(data_dir: Path) -> Credit | None:
    """Whom the installed database's licence makes us name, if anybody."""
    said = _installed(data_dir).get("credit")
    if isinstance(said, Mapping) and said.get("text") and said.get("url"):
        return Credit(text=str(said["text"]), url=str(said["url"]))
    return None


class GeoDatabase:
    """The readers in use. Safe to share between threads; one object a process."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self._data_dir = data_dir
        self._checked = float("-inf")
        self._stamp = self._read_stamp()
        self._load()

    @classmethod
    def open(cls, data_dir: Path | None = None) -> Self:
        """The database installed under `data_dir`, else the country one that the package ships.

        An installed file that cannot be read is passed over: people without a place beat none.
        """
        return cls(data_dir)

    def locate(self, ip: str) -> Place | None:
        """Where the address is; None for private, reserved, unknown or malformed ones."""
        return self._cached(ip) if len(ip) <= _MAX_IP_LENGTH else None

    def refresh(self, monotonic: float) -> bool:
        """Takes up a database installed since, looking at most every five seconds.

        `monotonic` is any clock in seconds that does not go back. True when it changed.
        """
        if monotonic - self._checked < REFRESH_SECONDS:
            return False
        self._checked = monotonic
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._load()
        return True

    def _read_stamp(self) -> tuple[int, int] | None:
        if self._data_dir is None:
            return None
        try:
            found = pointer(self._data_dir).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def _load(self) -> None:
        # Readers are dropped, not closed: another thread may be in the middle of a lookup.
        files = _installed_files(self._data_dir) if self._data_dir else []
        readers = _readers(files) or _readers(sorted(SHIPPED.glob("*.mmdb")))

        @lru_cache(maxsize=20_000)
        def cached(ip: str) -> Place | None:
            return _locate(ip, readers)

        self._cached = cached


def _installed(data_dir: Path) -> Mapping[str, object]:
    try:
        said = json.loads(pointer(data_dir).read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _installed_files(data_dir: Path) -> list[Path]:
    said = _installed(data_dir).get("files")
    named = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
    return [folder(data_dir) / one for one in named]


def _readers(files: list[Path]) -> list[tuple[int, maxminddb.Reader]]:
    """Each with the newest IP version it knows: a file of version 6 may hold IPv4 as well."""
    readers = []
    for file in files:
        try:
            reader = maxminddb.open_database(str(file))
            readers.append((reader.metadata().ip_version, reader))
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            continue
    return readers


def _locate(ip: str, readers: list[tuple[int, maxminddb.Reader]]) -> Place | None:
    address = _public_address(ip)
    if address is None:
        return None
    for version, reader in readers:
        if version < address.version:
            continue
        try:
            record = reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            continue
        if isinstance(record, dict) and (place := _place(record)):
            return place
    return None


def _public_address(ip: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(ip.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address if address.is_global else None


def _place(record: dict[str, object]) -> Place | None:
    nested = record.get("country") or record.get("registered_country")
    code = _text(record.get("country_code")) or _text(_at(nested, "iso_code"))
    code = code.upper() if code else None
    subdivisions = record.get("subdivisions")
    first = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
    said = (
        code,
        (countries.name(code) if code else None) or _english(nested),
        _text(record.get("state1")) or _english(first),
        _text(record.get("city")) or _english(record.get("city")),
        _text(record.get("timezone")) or _text(_at(record.get("location"), "time_zone")),
    )
    return Place(*said) if any(said) else None


def _at(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _english(value: object) -> str | None:
    return _text(_at(_at(value, "names"), "en"))


def _text(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None
