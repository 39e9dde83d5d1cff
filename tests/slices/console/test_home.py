"""Home: who is here, how regulars come and go, sign-ups, the inbox, the first steps."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from regulars.kit import clock
from regulars.reports import keeping
from tests.cast import Cast, Colleague, cast
from tests.slices.tracking.site import Site, identify, page

__all__ = ["cast"]


@pytest.fixture
def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


EVIL = "<script>alert(1)</script>"


def count(cast: Cast) -> None:
    keeping.count_project(cast.connection, cast.home.id, clock.now())


def see(who: Colleague, cast: Cast, rest: str = "", **query: Any) -> str:
    answer = who.client.get(cast.home.url(rest), query)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_the_front_step_leads_to_the_projects_home(cast: Cast) -> None:
    answer = cast.alice.client.get("/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/p/")
    assert cast.alice.client.get(answer["Location"]).status_code == 200


def test_whoever_is_here_is_shown_with_the_page_they_look_at(cast: Cast, site: Site) -> None:
    now = clock.now()
    site.send(page("anna", "/shop"), identify("u-1", "anna", {"name": EVIL}), at=now)
    count(cast)
    keeping.look_around(cast.connection, now)
    raw = cast.alice.client.get(cast.home.url("now")).content.decode()
    assert EVIL not in raw
    said = words(html.unescape(see(cast.alice, cast, "now").replace(EVIL, "Evil")))
    assert "1 user" in said
    assert "busiest today" in said
    assert "/shop" in said


def test_numbers_come_from_the_kept_counts(cast: Cast, site: Site) -> None:
    now = clock.now()
    site.send(
        *(identify(f"u-{n}", f"a{n}", {"createdAt": now.isoformat()}) for n in range(3)),
        page("b", "/"),
        at=now,
    )
    assert "Sign-ups 4 weeks 0" in words(see(cast.alice, cast))
    count(cast)
    said = words(see(cast.alice, cast))
    assert "Sign-ups 4 weeks 3 new on the 4 weeks before" in said
    assert "Direct, or not said 3" in said
    assert "People a day" in said
    for period, named in (
        ("today", "Page views an hour"),
        ("quarter", "Quarter"),
        ("odd", "4 weeks"),
    ):
        assert named in words(see(cast.alice, cast, period=period))


def test_a_country_leads_to_those_who_signed_up_there(cast: Cast, site: Site) -> None:
    now = clock.now()
    traits = {"createdAt": now.isoformat(), "address": {"country": "Portugal"}, "name": "Rui"}
    site.send(identify("u-1", "anna", traits), at=now)
    site.send(identify("u-2", "ben", {"createdAt": (now - timedelta(days=90)).isoformat()}), at=now)
    count(cast)
    links = re.findall(r'href="([^"]*filter=[^"]*)"', see(cast.alice, cast))
    found = [one for one in links if "Portugal" in one]
    assert (
        json.loads(parse_qs(urlsplit(found[0]).query)["filter"][0])["all"][0]["value"] == "Portugal"
    )
    listed = cast.alice.client.get(html.unescape(found[0]))
    assert listed.status_code == 200
    shown = words(listed.content.decode())
    assert "Rui" in shown
    assert shown.count("Portugal") >= 1
    assert "u-2" not in shown


def test_first_steps_tick_themselves_and_can_be_put_away(cast: Cast, site: Site) -> None:
    assert "Put this before </head>" in see(cast.alice, cast)
    site.send(page("anna"), at=clock.now())
    assert "regulars.identify" in see(cast.alice, cast)
    site.send(identify("u-1", "anna"), at=clock.now())
    assert "regulars.identify" not in see(cast.alice, cast)
    assert cast.alice.client.get(cast.home.url("steps/away")).status_code == 405
    cast.alice.client.post(cast.home.url("steps/away"))
    assert "Getting started" not in see(cast.alice, cast)
    assert "Getting started" in see(cast.bob, cast)


def test_while_history_is_counted_the_page_says_how_far_it_is(cast: Cast, site: Site) -> None:
    site.send(page("anna"), at=clock.now() - timedelta(days=3))
    assert "still being counted" in see(cast.alice, cast)
    count(cast)
    assert "still being counted" not in see(cast.alice, cast)


def test_home_asks_no_more_questions_of_many_people_than_of_few(cast: Cast, site: Site) -> None:
    asked = []
    for many in (1, 12):
        for n in range(many):
            site.send(page(f"a{n}", f"/p/{n}"), identify(f"u-{n}", f"a{n}"), at=clock.now())
        count(cast)
        with CaptureQueriesContext(connection) as questions:
            see(cast.alice, cast)
        asked.append(len(questions))
    assert asked[1] <= asked[0]


def test_the_funnel_and_campaigns_come_when_the_page_stands(cast: Cast, site: Site) -> None:
    now = clock.now()
    site.send(page("a"), identify("u-1", "a", {"createdAt": now.isoformat()}), at=now)
    assert 'cards" hx-trigger="load"' in see(cast.alice, cast)
    said = words(see(cast.alice, cast, "cards"))
    assert "Signed up 1 100%" in said
    assert "None has been started yet" in said
