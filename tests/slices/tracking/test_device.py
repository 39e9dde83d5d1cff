"""CONTRACT.md, 'Whose device': where the user agent and the address come from."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.slices.tracking.site import Site, identify, open_site, page

Database = psycopg.Connection[Any]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Safari/605.1.15"
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
LISBON = "193.136.0.1"
TOKYO = "133.11.0.1"


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def test_the_context_s_word_comes_first(site: Site) -> None:
    context = {"userAgent": SAFARI, "ip": TOKYO}
    site.send(page("a1", context=context), headers={"user-agent": FIREFOX}, ip=LISBON)
    person = site.only_person()
    assert (person.browser, person.ip, person.country) == ("Safari", TOKYO, "Japan")


def test_a_browser_call_is_from_the_browser_itself(site: Site) -> None:
    site.send(page("a1"), headers={"user-agent": FIREFOX}, ip=LISBON)
    person = site.only_person()
    assert (person.browser, person.os, person.ip) == ("Firefox", "Linux", LISBON)
    assert person.country == "Portugal"


def test_an_origin_makes_a_browser_call(site: Site) -> None:
    origin = {"origin": "https://shop.example", "user-agent": FIREFOX}
    site.send(page("a1"), way="server", headers=origin, ip=LISBON)
    assert (site.only_person().browser, site.only_person().sessions) == ("Firefox", 1)


def test_a_server_s_own_address_and_agent_are_nobody_s(site: Site) -> None:
    site.send(page("a1"), way="server", headers={"user-agent": FIREFOX}, ip=LISBON)
    person = site.only_person()
    assert (person.browser, person.ip, person.country) == (None, None, None)


def test_a_direct_context_makes_the_request_s_own_count(site: Site) -> None:
    site.send(
        page("a1", context={"direct": True}),
        way="server",
        headers={"user-agent": FIREFOX},
        ip=LISBON,
    )
    assert (site.only_person().browser, site.only_person().ip) == ("Firefox", LISBON)


def test_a_crawler_s_browser_call_is_left_out_and_counted(site: Site) -> None:
    answer = site.send(page("a1"), headers={"user-agent": CRAWLER})
    assert answer.status == 200
    assert site.people() == []
    assert (site.drops(), site.refusals()) == ({"bot": 1}, [])


def test_bot_filtering_looks_at_browser_calls_alone(site: Site) -> None:
    site.send(page("a1", context={"userAgent": CRAWLER}), way="server")
    assert site.kinds() == {"visitor": 1}


@pytest.mark.parametrize("honours", [True, False])
def test_global_privacy_control_is_honoured_where_the_project_says_so(
    database: Database, honours: bool
) -> None:
    site = open_site(database)
    database.execute("UPDATE project SET honour_gpc = %s WHERE id = %s", (honours, site.project.id))
    site.send(page("a1"), headers={"sec-gpc": "1"})
    site.send(page("a1", context={"gpc": True}))
    assert site.drops() == ({"privacy_signal": 2} if honours else {})
    assert site.count("event") == (0 if honours else 2)


@pytest.mark.parametrize("address", ["nonsense", "1.2.3.4.5", "999.1.1.1", "fe80::g%eth0", "::g"])
def test_an_address_that_is_none_spoils_nothing(site: Site, address: str) -> None:
    site.send(page("a1", context={"ip": address}), ip=LISBON)
    assert site.count("event") == 1
    assert site.reasons() == []
    assert site.only_person().ip == LISBON


def test_an_address_loses_its_zone(site: Site) -> None:
    site.send(page("a1", context={"ip": "fe80::1%eth0"}))
    assert site.only_person().ip == "fe80::1"


def test_an_ipv6_address_is_kept(site: Site) -> None:
    site.send(page("a1"), ip="2001:db8::1")
    assert site.only_person().ip == "2001:db8::1"


def test_the_newest_device_is_the_person_s(site: Site) -> None:
    site.send(identify("u1", "a1"), headers={"user-agent": FIREFOX})
    site.send(page("a1"), headers={"user-agent": SAFARI})
    assert site.only_person().browser == "Safari"


def test_first_touch_stays(site: Site) -> None:
    site.send(_landing("utm_source=newsletter&utm_medium=email", "https://news.example/a"))
    site.send(_landing("utm_source=ads", "https://search.example/"))
    person = site.only_person()
    assert (person.utm_source, person.utm_medium) == ("newsletter", "email")
    assert person.referrer == "https://news.example/a"


def test_the_language_and_time_zone_are_the_browser_s(site: Site) -> None:
    site.send(page("a1", context={"locale": "pt_pt", "timezone": "Europe/Lisbon"}))
    assert (site.only_person().language, site.only_person().timezone) == ("pt-PT", "Europe/Lisbon")


def _landing(query: str, referrer: str) -> dict[str, Any]:
    url = f"https://shop.example/?{query}"
    return {
        "type": "page",
        "anonymousId": "a1",
        "properties": {"url": url, "path": "/", "referrer": referrer},
    }
