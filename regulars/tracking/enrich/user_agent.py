"""Browser, operating system and kind of device from a User-Agent header.

Names are the ones people use: every Firefox is "Firefox", so that *browser is Firefox* finds the
one on a phone too. What a header does not say is an empty text.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from ua_parser import Domain, Parser, load_lazy_builtins
from ua_parser.regex import Resolver

MAX_LENGTH = 512  # real headers are under 300; the rest can only be noise

DeviceKind = Literal["", "desktop", "mobile", "tablet", "tv", "other"]


@dataclass(frozen=True, slots=True)
class Agent:
    """What one User-Agent header says."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: DeviceKind = ""


_BROWSERS = {
    "Android": "Android Browser",
    "Chrome Frame": "Chrome",
    "HeadlessChrome": "Chrome",
    "IE": "Internet Explorer",
    "IE Large Screen": "Internet Explorer",
    "MiuiBrowser": "Mi Browser",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera Coast": "Opera",
    "Opera GX": "Opera",
    "Opera Mini": "Opera",
    "Opera Neon": "Opera",
    "Opera Touch": "Opera",
}
# What a family adds to a browser's name for a phone, a preview or an app's own window.
_VARIANT = re.compile(r" (?:Mobile|iOS|Android|WebView|Tablet|Mini|Alpha|Beta|\(.*)\b.*$")

_SYSTEMS = {
    "ATV OS X": "tvOS",
    "Chrome OS": "ChromeOS",
    "Chromecast Android": "Android",
    "Chromecast Fuchsia": "Fuchsia",
    "Chromecast Linux": "Linux",
    "Mac OS": "macOS",
    "Mac OS X": "macOS",
    "WatchOS": "watchOS",
    "Web0S": "webOS",
}
_LINUX = re.compile(
    r"(?:arch linux|centos|debian|fedora|gentoo|[klx]?ubuntu|linux(?: mint)?|mageia|mandriva|"
    r"manjaro|mint|(?:open)?suse|pclinuxos|puppy|red hat|slackware|vectorlinux)",
    re.IGNORECASE,
)

_TV = re.compile(
    r"smart-?tv|\bTV\b|hbbtv|appletv|googletv|bravia|\bAFT[A-Z]|roku|crkey|netcast|viera|aquos",
    re.IGNORECASE,
)
_TABLET = re.compile(r"\biPad\b|tablet|playbook|kindle|\bSilk/|\bKF[A-Z]{2,}", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|phone|\biPod\b|opera mini", re.IGNORECASE)
_OTHER = re.compile(r"xbox|playstation|nintendo|\bwatch\b|quest", re.IGNORECASE)
_DESKTOPS = frozenset({"Windows", "macOS", "Linux", "ChromeOS", "FreeBSD", "OpenBSD", "Solaris"})


def parse(ua: str) -> Agent:
    """What the header says; never raises. Some 100 µs the first time, then under one."""
    return _parse(ua[:MAX_LENGTH]) if ua else Agent()


def warm() -> None:
    """Compiles the patterns, which takes some 200 ms, at boot instead of in the first request."""
    parse("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")


@cache
def _parser() -> Parser:
    return Parser(Resolver(load_lazy_builtins()))


@lru_cache(maxsize=20_000)
def _parse(ua: str) -> Agent:
    ua = ua.encode("ascii", "replace").decode()  # a lone surrogate has no place in UTF-8
    result = _parser()(ua, Domain.USER_AGENT | Domain.OS)
    agent, system = result.user_agent, result.os
    os = _os(system.family if system else "", ua)
    return Agent(
        browser=_browser(agent.family) if agent else "",
        browser_version=_version(agent.major, agent.minor) if agent else "",
        os=os,
        os_version=_version(system.major, system.minor) if system else "",
        device=_device(ua, os),
    )


def _browser(family: str) -> str:
    if family == "Other":
        return ""
    return _BROWSERS.get(family) or _BROWSERS.get(name := _VARIANT.sub("", family), name)


def _os(family: str, ua: str) -> str:
    if family == "iOS" and "iPad" in ua:
        return "iPadOS"
    if _LINUX.fullmatch(family):
        return "Linux"
    return "" if family == "Other" else _SYSTEMS.get(family, family)


def _version(major: str | None, minor: str | None) -> str:
    """“18.5”, and “140” where the rest is noughts."""
    if not major:
        return ""
    return major if minor in (None, "", "0") else f"{major}.{minor}"


def _device(ua: str, os: str) -> DeviceKind:
    if _TV.search(ua) or os in {"tvOS", "webOS", "FireHbbTV"}:
        return "tv"
    if _OTHER.search(ua):
        return "other"
    if _TABLET.search(ua) or (os == "Android" and "Mobile" not in ua):
        return "tablet"
    if _MOBILE.search(ua) or os in {"iOS", "KaiOS", "Android"}:
        return "mobile"
    if os in _DESKTOPS:
        return "desktop"
    return "other" if os else ""
