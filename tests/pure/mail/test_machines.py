"""Readers and machines, told apart by how they ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from regulars.mail.machines import Hit, Kind, machine

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17726; Pro)"


def _hit(kind: Kind = "opened", agent: str = FIREFOX, ip: str = "192.0.2.7", **more: str) -> Hit:
    return Hit(kind, more.get("method", "GET"), agent, ip, NOW)


def _is_machine(hit: Hit, *, after: float = 3600) -> bool:
    return machine(hit, NOW - timedelta(seconds=after)) is not None


@pytest.mark.parametrize("agent", [FIREFOX, GMAIL, OUTLOOK])
@pytest.mark.parametrize("kind", ["opened", "clicked"])
def test_readers_are_readers(agent: str, kind: Kind) -> None:
    assert not _is_machine(_hit(kind, agent))


def test_a_browser_may_be_quick() -> None:
    assert not _is_machine(_hit("clicked"), after=0)


@pytest.mark.parametrize(
    "agent",
    ["", "Mozilla/5.0", "python-requests/2.32", "curl/8.5.0", "Barracuda Sentinel (EE)",
     "Mozilla/5.0 (compatible; Googlebot/2.1)", "Mozilla/5.0 (X11) HeadlessChrome/120"],
)  # fmt: skip
def test_what_says_it_is_a_machine_is_one(agent: str) -> None:
    assert _is_machine(_hit(agent=agent))


def test_who_asks_without_looking_is_a_machine() -> None:
    assert _is_machine(_hit("clicked", method="HEAD"))


@pytest.mark.parametrize("ip", ["17.58.63.10", "104.47.1.9", "67.231.150.1", "209.222.82.4"])
def test_networks_of_scanners_are_known(ip: str) -> None:
    assert _is_machine(_hit(ip=ip))


def test_somebody_at_apple_who_clicks_is_a_reader() -> None:
    assert not _is_machine(_hit("clicked", ip="17.58.63.10"))


def test_a_proxy_that_fetches_as_soon_as_mail_has_left_does_so_by_itself() -> None:
    assert _is_machine(_hit(agent=GMAIL), after=1)
    assert not _is_machine(_hit(agent=GMAIL), after=30)


def test_without_a_known_time_or_address_nothing_is_held_against_anybody() -> None:
    assert machine(Hit("opened", "GET", GMAIL, None, NOW), None) is None
    assert machine(Hit("opened", "GET", FIREFOX, "no address", NOW), NOW) is None
