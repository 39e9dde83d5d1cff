"""Where a person came from: campaign parameters, the page that sent them, the page they met first.

First touch, so this is looked at once for a person and kept. Everything here comes from outside.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

MAX_LENGTH = 255
MAX_URL_LENGTH = 1024
_MAX_PARAMETERS = 200

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CAMPAIGN_KEYS = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
}


@dataclass(frozen=True, slots=True)
class Touch:
    """How a person first came. None where it is not known."""

    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    referrer: str | None = None
    landing_page: str | None = None


def first_touch(
    url: object = None, referrer: object = None, context_campaign: object = None
) -> Touch:
    """Reads a page view's address, its referrer and the SDK's `context.campaign`.

    The campaign in the context wins over the address, name by name: it is what the site said on
    purpose. A referrer on the same site says nothing about where somebody came from and is left
    out. Never raises, whatever the values are.
    """
    if not context_campaign and _is_short(url) and _is_short(referrer):
        return _remembered(url, referrer)
    return _read(url, referrer, context_campaign)


def _is_short(value: object) -> bool:
    """Whether it may be remembered: thousands of them must not fill the memory."""
    return value is None or (isinstance(value, str) and len(value) <= MAX_URL_LENGTH)


@lru_cache(maxsize=8192)
def _remembered(url: object, referrer: object) -> Touch:
    return _read(url, referrer, None)


def _read(url: object, referrer: object, context_campaign: object) -> Touch:
    landing_page = _clean(url, MAX_URL_LENGTH)
    campaign = context_campaign if isinstance(context_campaign, Mapping) else {}
    query = _query(url) if isinstance(url, str) and "utm_" in url.lower() else {}
    utm = {
        key: _clean(campaign.get(in_context)) or _clean(query.get(key))
        for key, in_context in _CAMPAIGN_KEYS.items()
    }
    return Touch(**utm, referrer=_outside(referrer, url), landing_page=landing_page)


def _clean(value: object, limit: int = MAX_LENGTH) -> str | None:
    if not isinstance(value, str):
        return None
    start = value[: 2 * limit]
    if not start.isprintable():
        start = _UNPRINTABLE.sub(" ", start)
    return start.strip()[:limit].rstrip() or None


def _query(url: str) -> dict[str, str]:
    """The address's parameters in lower case; the first of a repeated one counts."""
    try:
        pairs = parse_qsl(urlsplit(url).query, errors="replace", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return {}
    return {key.lower(): value for key, value in reversed(pairs)}


def _outside(referrer: object, url: object) -> str | None:
    """The referrer, if it is an address on another site than the page."""
    cleaned = _clean(referrer, MAX_URL_LENGTH)
    if cleaned is None:
        return None
    host = _host(cleaned)
    here = _host(url[:MAX_URL_LENGTH]) if isinstance(url, str) else None
    return cleaned if host and host != here else None


@lru_cache(maxsize=4096)
def _host(url: str) -> str | None:
    try:
        host = urlsplit(url.strip()).hostname
    except ValueError:
        return None
    return host.removeprefix("www.").rstrip(".") if host else None
