"""Reports: what happens over time, by what it is told apart, as a page and as files."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from regulars.kit import clock
from regulars.reports import keeping, views
from tests.cast import Cast, cast
from tests.slices.tracking.site import Site, identify, page, track

__all__ = ["cast"]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EVIL = '=cmd|"/c calc"!A1'


@pytest.fixture
def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


@pytest.fixture
def now(cast: Cast, site: Site) -> datetime:
    """A project with two days of page views, counted."""
    now = clock.now()
    before = now - timedelta(days=1)
    headers = {"user-agent": FIREFOX}
    site.send(page("anna", "/old", at=before), at=now, headers=headers)
    site.send(page("anna", "/shop", at=now), page("anna", "/shop", at=now), at=now, headers=headers)
    site.send(page("ben", "/<b>shop</b>", at=now), track("Order", "ben", at=now), at=now)
    site.send(identify("u-1", "ben", {"createdAt": now.isoformat()}, at=now), at=now)
    keeping.count_project(cast.connection, cast.home.id, now)
    return now


def see(cast: Cast, **query: Any) -> str:
    answer = cast.alice.client.get(cast.home.url("reports/"), query)
    assert answer.status_code == 200
    assert "<b>shop</b>" not in answer.content.decode()
    return html.unescape(answer.content.decode())


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def file(cast: Cast, **query: Any) -> list[list[str]]:
    answer = cast.alice.client.get(cast.home.url("reports/table.csv"), query)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    text = answer.content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_page_views_are_told_apart_by_page(cast: Cast, now: datetime) -> None:
    said = words(see(cast, show="views", by="path"))
    assert "Page views 4 new on the 4 weeks before" in said
    assert "/shop 2 new" in said
    assert "Visits 3" in said


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"show": "views", "by": "browser"}, "Firefox 3"),
        ({"show": "visits", "by": "browser"}, "Firefox 2"),
        ({"show": "events"}, "Order 1"),
        ({"show": "event:Order", "by": "browser"}, "Unknown 1"),
        ({"show": "signups", "by": "country"}, "Unknown 1"),
        ({"show": "views", "by": "path", "period": "today"}, "/shop 2"),
        ({"show": "views", "by": "path", "period": "year", "step": "week"}, "/shop 2"),
        ({"show": "event:Never"}, "Nothing of the kind"),
    ],
)
def test_everything_can_be_asked(
    cast: Cast, now: datetime, query: dict[str, str], expected: str
) -> None:
    assert expected in words(see(cast, **query))


@pytest.mark.parametrize(
    "query",
    [
        {"show": "event:" + "x" * 900, "by": "nothing", "period": "never", "step": "odd"},
        {"show": "event:\x00", "from": "2020-01-01", "to": "2026-99-99"},
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "0001-01-01", "to": "9999-12-31"},
    ],
)
def test_an_address_that_asks_nonsense_shows_the_default(
    cast: Cast, now: datetime, query: dict[str, str]
) -> None:
    assert "4 weeks" in see(cast, **query)


def test_a_span_of_ones_own_is_compared_with_as_many_days_before(cast: Cast, now: datetime) -> None:
    today = now.astimezone(ZoneInfo(cast.home.config.time_zone)).date().isoformat()
    said = words(see(cast, **{"show": "views", "by": "path", "from": today, "to": today}))
    assert "Page views 3 +200% on the day before" in said


def test_a_row_leads_to_the_people_behind_it(cast: Cast, now: datetime) -> None:
    for query, expected in (
        ({"show": "views", "by": "browser"}, {"field": "browser", "op": "is", "value": "Firefox"}),
        ({"show": "events"}, {"event": "Order", "op": "at_least", "count": 1, "within_days": 28}),
    ):
        links = re.findall(r'href="([^"]*filter=[^"]*)"', see(cast, **query))
        rules = [json.loads(parse_qs(urlsplit(one).query)["filter"][0])["all"] for one in links]
        assert [expected] in rules
        for link in links:
            assert cast.alice.client.get(link).status_code == 200


def test_a_table_is_a_file_that_no_spreadsheet_runs(cast: Cast, site: Site, now: datetime) -> None:
    site.send(track(EVIL, "ben"), at=now)
    keeping.count_project(cast.connection, cast.home.id, now)
    rows = file(cast, show="events", by="name")
    assert rows[0] == ["Event", "Events", "Events before"]
    assert ["Order", "1", "0"] in rows
    assert [f"'{EVIL}", "1", "0"] in rows


def test_a_stranger_sees_no_report(cast: Cast, now: datetime) -> None:
    assert cast.charlie.client.get(cast.home.url("reports/")).status_code == 404
    assert cast.charlie.client.get(cast.home.url("reports/table.csv")).status_code == 404


def test_events_are_told_apart_by_an_attribute_of_people(
    cast: Cast, site: Site, now: datetime
) -> None:
    site.send(identify("u-9", "dora", {"plan": "<b>shop</b>"}), page("dora"), at=now)
    site.send(page("dora"), track("Order", "dora"), at=now)
    keeping.count_project(cast.connection, cast.home.id, now)
    for show, many in (("views", 2), ("event:Order", 1)):
        answer = cast.alice.client.get(cast.home.url("reports/"), {"show": show, "by": "a:plan"})
        said = " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())
        assert f"&lt;b&gt;shop&lt;/b&gt; {many}" in said
    assert ["<b>shop</b>", "2", "0"] in file(cast, show="views", by="a:plan")
    assert "Page views" in see(cast, show="views", by="a:never")


def test_pages_can_be_narrowed_to_a_part_of_their_paths(cast: Cast, now: datetime) -> None:
    text = words(see(cast, show="views", by="path", period="week", starts="/sh"))
    assert "path starts with /sh" in text
    explorer = text.split("Top pages")[0]
    assert "/shop 2" in explorer
    assert "/old" not in explorer
    rows = file(cast, show="views", by="path", period="week", starts="/sh")
    assert [row[:2] for row in rows[1:]] == [["/shop", "2"]]
    other = words(see(cast, show="views", by="country", period="week", starts="/sh"))
    assert "path starts with" not in other  # counts are kept by one thing at a time


def test_a_view_is_kept_under_a_name_and_opened_again(cast: Cast, now: datetime) -> None:
    asked = {"show": "views", "by": "path", "step": "day", "starts": "/sh", "period": "week"}
    url = cast.home.url("reports/views/save")
    said = {"name": " Shop  pages ", **asked, "evil": "1"}
    assert cast.alice.client.post(url, said).status_code == 302
    page = see(cast, **asked)
    assert "Shop pages" in page
    assert 'aria-current="true"' in page
    taken = cast.bob.client.post(url, {**said, "name": "SHOP pages"})
    assert (taken.status_code, taken.content) == (422, b"Another view has this name.")
    assert cast.bob.client.post(url, {**said, "name": " "}).status_code == 422
    (view,) = views.views(cast.connection, cast.home.id)
    assert view.asked == asked
    cast.bob.client.post(cast.home.url(f"reports/views/{view.id}/delete"))
    assert views.views(cast.connection, cast.home.id) == []
