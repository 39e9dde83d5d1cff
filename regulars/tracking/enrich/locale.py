"""The language and the time zone a browser names, cleaned or refused."""

import re
from functools import cache, lru_cache
from zoneinfo import available_timezones

MAX_LANGUAGE_LENGTH = 35  # the buffer RFC 5646, 4.4.1, recommends

_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_REGION_LENGTH = 2
_SCRIPT_LENGTH = 4


def language(tag: object) -> str | None:
    """A BCP 47 tag such as `de-DE`, in its usual letter case, or None.

    Takes what browsers and SDKs send: an underscore for the hyphen, or a whole Accept-Language
    list, of which the first counts.
    """
    return _language(tag[:200]) if isinstance(tag, str) else None


@lru_cache(maxsize=4096)
def _language(tag: str) -> str | None:
    first = tag.partition(",")[0].partition(";")[0].strip().replace("_", "-")
    if len(first) > MAX_LANGUAGE_LENGTH or not _TAG.fullmatch(first):
        return None
    spoken, *subtags = first.split("-")
    return "-".join([spoken.lower(), *map(_subtag, subtags)])


def _subtag(subtag: str) -> str:
    """RFC 5646, 2.1.1: regions in capitals, scripts with one, the rest small."""
    if len(subtag) == _REGION_LENGTH:
        return subtag.upper()
    return subtag.title() if len(subtag) == _SCRIPT_LENGTH else subtag.lower()


def time_zone(name: object) -> str | None:
    """An IANA time zone such as `Europe/Lisbon`, or None for anything else."""
    return name if isinstance(name, str) and name in _zones() else None


def warm() -> None:
    """Reads the list of time zones at boot instead of in the first request."""
    _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
