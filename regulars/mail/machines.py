"""Which openings and clicks no reader made: mail programs that load pictures beforehand, scanners
that follow every link.

Pure: bytes of a request and what is known of the mail go in. When in doubt it is a reader; what is
told apart here was seen to be machines' for years. Gmail's picture proxy fetches when its reader
opens the mail, so it counts as one unless it came at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Literal

Kind = Literal["opened", "clicked"]

# A mail program's proxy that fetches so soon after the mail left does so by itself.
AT_ONCE = timedelta(seconds=3)
MANY_LINKS = 3  # different links of one mail …
MANY_WITHIN = timedelta(seconds=2)  # … within this: nobody reads so quickly

_SCANNERS = re.compile(
    r"barracuda|mimecast|proofpoint|symantec|bitdefender|trend ?micro|fortiguard|sophos|ironport"
    r"|messagelabs|safelinks|urldefense|trustwave|zscaler|cloudmark|mailcontrol|vade|avanan"
    r"|headlesschrome|phantomjs|python|curl/|wget|go-http-client|java/|okhttp|libwww|axios"
    r"|node-fetch|apache-httpclient|\bbot\b|bot/|crawler|spider|scanner|linkcheck|preview",
    re.IGNORECASE,
)
_PROXIES = re.compile(r"GoogleImageProxy|YahooMailProxy|ImageProxy", re.IGNORECASE)
# What a browser says of itself: a product, then its system in brackets.
_BROWSER = re.compile(r"Mozilla/\d\.\d \([^)]{3,}\)")
# What Apple's Mail Privacy Protection says of itself when it loads a mail's pictures.
_APPLE_PRIVACY = re.compile(r"Mozilla/5\.0")

# Networks whose machines fetch for others. Published by their owners; they change seldom.
_NETWORKS = {
    "apple": ("17.0.0.0/8",),
    "microsoft": ("40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17"),
    "proofpoint": ("67.231.144.0/20", "148.163.128.0/19", "208.84.64.0/22"),
    "barracuda": ("64.235.144.0/20", "209.222.80.0/21"),
    "mimecast": ("205.139.110.0/23", "207.211.30.0/23", "170.10.128.0/20", "195.130.217.0/24"),
}
_OWNERS = [(owner, ip_network(net)) for owner, nets in _NETWORKS.items() for net in nets]


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that was fetched, or a link that was followed."""

    kind: Kind
    method: str
    user_agent: str
    ip: str | None
    at: datetime


def machine(hit: Hit, sent_at: datetime | None) -> str | None:
    """Why it is a machine's; None for what may be a reader's."""
    if hit.method == "HEAD":
        return "asked without looking"
    if not hit.user_agent.strip():
        return "no browser"
    if _SCANNERS.search(hit.user_agent):
        return "a scanner"
    return _by_network(hit) or _too_soon(hit, sent_at)


def _by_network(hit: Hit) -> str | None:
    opened = hit.kind == "opened"
    owner = _owner(hit.ip) if hit.ip else None
    if opened and (owner == "apple" or _APPLE_PRIVACY.fullmatch(hit.user_agent.strip())):
        return "Apple's mail privacy"
    return f"{owner}'s scanner" if owner not in (None, "apple") else None


def _too_soon(hit: Hit, sent_at: datetime | None) -> str | None:
    """Whether a program that is no browser was there before a reader could be."""
    odd = _PROXIES.search(hit.user_agent) or not _BROWSER.match(hit.user_agent)
    soon = sent_at is not None and hit.at - sent_at < AT_ONCE
    return "fetched at once" if odd and soon else None


@lru_cache(maxsize=4096)
def _owner(ip: str) -> str | None:
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    return next((owner for owner, network in _OWNERS if address in network), None)
