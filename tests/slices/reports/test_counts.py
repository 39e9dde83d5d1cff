"""Kept counts are what counting all events anew finds, whatever happened on the way."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.kit import clock
from regulars.people import actions
from regulars.reports import counts, following, history, keeping, state
from regulars.reports.tally import OTHER
from tests.slices.segments.saved import erase
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

Database = psycopg.Connection[Any]

ZONE = "America/St_Johns"  # half an hour off, and behind: midday's events may be of either day
EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "10"))

# The same counts, from the events themselves.
FROM_EVENTS = """
SELECT CASE WHEN e.kind = 'track' THEN 'events' ELSE 'views' END AS metric,
       (e.happened_at AT TIME ZONE %(zone)s)::date AS day,
       to_char(e.happened_at AT TIME ZONE %(zone)s, 'HH24') AS hour,
       coalesce(e.name, ''), coalesce(e.path, ''), coalesce(s.browser, ''),
       coalesce(s.referrer, ''), coalesce(s.utm ->> 'utm_source', ''), e.person_id
FROM event e LEFT JOIN session s ON s.project_id = e.project_id AND s.id = e.session_id
WHERE e.project_id = %(project)s AND e.kind IN ('page', 'screen', 'track')
"""
FROM_SESSIONS = """
SELECT (started_at AT TIME ZONE %(zone)s)::date, coalesce(utm ->> 'utm_source', '')
FROM session WHERE project_id = %(project)s
"""
FROM_PEOPLE = """
SELECT (signed_up_at AT TIME ZONE %(zone)s)::date, coalesce(utm_source, '')
FROM person WHERE project_id = %(project)s AND kind = 'user' AND signed_up_at IS NOT NULL
"""
KEPT = """
SELECT metric, name, dimension, value, day, count FROM rollup r
WHERE project_id = %s AND count <> 0
  AND generation = (SELECT generation FROM rollup_state s WHERE s.project_id = r.project_id)
"""
COMPARED = {"", "hour", "name", "path", "browser", "referrer", "utm_source"}


@pytest.fixture
def site(database: Database) -> Site:
    return zoned(database)


def zoned(database: Database) -> Site:
    """A site whose project is in a zone where midday is another hour."""
    site = open_site(database)
    database.execute("UPDATE project SET time_zone = %s WHERE id = %s", (ZONE, site.project.id))
    return site


def count(site: Site, now: datetime = NOON) -> None:
    keeping.count_project(site.connection, site.project.id, now)


def kept(site: Site) -> Counter[tuple[Any, ...]]:
    rows = site.connection.execute(KEPT, (site.project.id,))
    return Counter({tuple(row[:5]): row[5] for row in rows})


def counted_anew(site: Site) -> Counter[tuple[Any, ...]]:
    """What is compared of the kept counts, from events, sessions and people."""
    asked = {"project": site.project.id, "zone": ZONE}
    found: Counter[tuple[Any, ...]] = Counter()
    there = set()
    for metric, day, hour, name, path, browser, referrer, source, person in site.connection.execute(
        FROM_EVENTS, asked
    ):
        there.add((day, person))
        found[metric, "", "", "", day] += 1
        parts = {"hour": hour, "browser": browser, "utm_source": source}
        parts["referrer"] = urlsplit(referrer).hostname or ""
        of = [("", {**parts, "path": path} if metric == "views" else {"hour": hour, "name": name})]
        if metric == "events":
            of.append((name, parts))
        for whose, told in of:
            for dimension, value in told.items():
                found[metric, whose, dimension, value, day] += 1
    for day, _ in there:
        found["people", "", "", "", day] += 1
    for metric, query in (("visits", FROM_SESSIONS), ("signups", FROM_PEOPLE)):
        for day, source in site.connection.execute(query, asked):
            found[metric, "", "", "", day] += 1
            found[metric, "", "utm_source", source, day] += 1
    return found


def check(site: Site) -> None:
    found, expected = kept(site), counted_anew(site)
    known = {key[:3] for key in expected}
    assert {key: n for key, n in found.items() if key[:3] in known} == dict(expected)
    totals: Counter[tuple[Any, ...]] = Counter()
    for (metric, name, dimension, _, day), n in found.items():
        totals[metric, name, dimension, day] += n
    for (metric, name, dimension, day), n in totals.items():
        if dimension and not name:
            assert n == totals[metric, "", "", day]


BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WHO = st.sampled_from(["anna", "ben", "cleo"])
HOURS = st.integers(-60, 0)
STEPS = st.one_of(
    st.tuples(st.just("page"), WHO, HOURS),
    st.tuples(st.just("track"), WHO, HOURS),
    st.tuples(st.just("register"), WHO, HOURS),
    st.tuples(st.just("join"), WHO, HOURS),
    st.tuples(st.just("merge"), st.just(""), st.just(0)),
    st.tuples(st.just("undo"), st.just(""), st.just(0)),
    st.tuples(st.just("count"), st.just(""), st.just(0)),
    st.tuples(st.just("begin"), st.just(""), st.just(0)),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEPS, min_size=4, max_size=24))
def test_counts_are_what_counting_anew_finds(
    database: Database, steps: list[tuple[str, str, int]]
) -> None:
    site = zoned(database)
    merges: list[UUID] = []
    now = NOON
    for kind, who, hours in steps:
        now += timedelta(minutes=4)
        do(site, kind, who, hours, merges, now)
    count(site, now)
    check(site)


def do(site: Site, kind: str, who: str, hours: int, merges: list[UUID], now: datetime) -> None:
    at = NOON + timedelta(hours=hours)
    project, connection = site.project.id, site.connection
    headers = {"user-agent": BROWSER}
    if kind == "page":
        site.send(
            page(who, f"/{who}?utm_source=x", at=at), page(who, "/", at=at), headers=headers, at=now
        )
    elif kind == "track":
        site.send(track("Order" if hours % 2 else "Cart", who, at=at), headers=headers, at=now)
    elif kind == "register":
        site.send(
            identify(f"u-{who}", who, {"createdAt": at.isoformat()}, at=at), headers=headers, at=now
        )
    elif kind == "join":  # the browser turns out to be another's: ingest merges
        site.send(identify("u-anna", who, at=at), headers=headers, at=now)
    elif kind == "merge":
        people = site.people()
        if len(people) > 1:
            with connection.transaction():
                merges.append(
                    actions.merge_people(
                        connection, project, people[-1].id, people[0].id, now, cause="agent"
                    )
                )
    elif kind == "undo" and merges:
        with connection.transaction():
            actions.undo_merge(connection, project, merges.pop(), now)
    elif kind == "count":
        count(site, now)
    elif kind == "begin" and started(site):
        with connection.transaction():
            state.begin(connection, project, now)


def started(site: Site) -> bool:
    found = "SELECT 1 FROM rollup_state WHERE project_id = %s"
    return site.connection.execute(found, (site.project.id,)).fetchone() is not None


def test_each_event_is_counted_once_by_history_or_by_the_outbox(site: Site) -> None:
    """The counting begins amid a stream, and again amid another."""
    for n in range(6):
        site.send(page(f"a{n}"), track("Order", f"a{n}"), at=NOON + timedelta(minutes=5 * n))
        if n in (2, 4):
            with site.connection.transaction():
                state.begin(site.connection, site.project.id, NOON + timedelta(minutes=5 * n))
    count(site)
    check(site)


def test_a_step_that_is_cut_off_is_done_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    count(site)
    site.send(page("anna"), page("anna", "/shop"))

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(counts, "_move", die)
        with pytest.raises(KeyboardInterrupt):
            following.follow(site.connection, site.project.id, NOON)
    count(site)
    check(site)


def test_another_time_zone_counts_all_days_anew_and_shows_the_old_ones_meanwhile(
    site: Site,
) -> None:
    site.send(page("anna", at=NOON - timedelta(hours=9)))  # 00:30 in St John's
    count(site)
    connection, project = site.connection, site.project.id
    zone = "SELECT shown, generation FROM rollup_state WHERE project_id = %s"
    connection.execute(
        "UPDATE project SET time_zone = 'America/New_York' WHERE id = %s", (project,)
    )
    assert following.follow(connection, project, NOON + timedelta(hours=1))
    assert connection.execute(zone, (project,)).fetchone() == (1, 2)
    count(site)
    assert connection.execute(zone, (project,)).fetchone() == (2, 2)
    days = {key[4] for key in kept(site) if key[0] == "views"}
    assert days == {(NOON - timedelta(days=1)).date()}
    keeping.look_around(connection, clock.now())
    old = "SELECT count(*) FROM rollup WHERE project_id = %s AND generation = 1"
    assert connection.execute(old, (project,)).fetchone() == (0,)


def test_who_is_erased_is_forgotten_and_the_numbers_stay(site: Site) -> None:
    site.send(page("anna"), identify("u-1", "anna", {"createdAt": NOON.isoformat()}))
    count(site)
    before = kept(site)
    erase(site, site.only_person().id)
    count(site)
    assert kept(site) == before
    assert site.count("rollup_person") == 0


def test_what_the_outbox_let_go_of_is_counted_from_the_record(site: Site) -> None:
    count(site)
    site.send(page("anna"))
    site.send(page("anna"))
    query = """
        DELETE FROM outbox o WHERE o.project_id = %s
        AND id < (SELECT last FROM outbox_counter c WHERE c.project_id = o.project_id)
    """
    site.connection.execute(query, (site.project.id,))
    count(site, NOON + timedelta(days=8))
    check(site)


def test_a_sign_up_follows_what_is_known_of_the_person(site: Site) -> None:
    site.send(identify("u-1", "anna", {"createdAt": NOON.isoformat()}))
    count(site)
    assert kept(site)["signups", "", "country", "", NOON.date()] == 1
    with site.connection.transaction():
        actions.change(
            site.connection, site.project.id, site.only_person().id, {"country": "Ghana"}, NOON
        )
    count(site)
    found = kept(site)
    assert found["signups", "", "country", "Ghana", NOON.date()] == 1
    assert ("signups", "", "country", "", NOON.date()) not in found


def test_a_day_tells_few_values_apart_and_none_of_them_is_noise(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MOST", 8)
    monkeypatch.setattr(counts, "KEPT", 4)
    count(site)
    for n in range(12):
        site.send(page("anna", "/shop"), page("anna", "/shop"), page("anna", f"/odd/{n}"))
        count(site)
    paths = {key[3]: n for key, n in kept(site).items() if key[2] == "path" and key[0] == "views"}
    assert paths["/shop"] == 24
    assert OTHER in paths
    assert sum(paths.values()) == 36
    assert len(paths) <= 9


def test_hostile_values_are_cut(site: Site) -> None:
    site.send(page("anna", "/" + "x" * 900), track("\x01other", "anna"), track("a\tb\n", "anna"))
    count(site)
    values = {key[3] for key in kept(site)}
    assert max(len(value) for value in values) <= 200
    assert OTHER not in values


def test_two_workers_do_not_count_the_same(site: Site, database: Database) -> None:
    from regulars.kit import database as kit_database

    count(site)
    site.send(page("anna"))
    with kit_database.connect() as other, other.transaction():
        assert state.hold(other, site.project.id) is not None
        assert not following.follow(database, site.project.id, NOON)
        assert not history.go_on(database, site.project.id)
    count(site)
    check(site)


def test_events_are_told_apart_by_what_the_product_says_of_people(site: Site) -> None:
    for who, plan in (("anna", "pro"), ("ben", "free"), ("cleo", "pro")):
        site.send(identify(f"u-{who}", who, {"plan": plan, "vip": plan == "pro"}))
        site.send(page(who), track("Order", who))
    count(site)
    found = kept(site)
    day = NOON.date()
    assert found["views", "", "a:plan", "pro", day] == 2
    assert found["views", "", "a:plan", "free", day] == 1
    assert found["events", "Order", "a:plan", "pro", day] == 2
    assert found["views", "", "a:vip", "true", day] == 2


def test_an_attribute_with_as_many_values_as_people_is_left_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "MOST_OF_ATTRIBUTE", 3)
    for n in range(6):
        traits = {"code": f"c-{n}", "plan": "pro", "about": "x" * 200, "sizes": [1, 2]}
        site.send(identify(f"u-{n}", f"a{n}", traits))
        site.send(page(f"a{n}"))
        count(site)
    query = "SELECT attributes, left_out FROM rollup_state WHERE project_id = %s"
    row = site.connection.execute(query, (site.project.id,)).fetchone()
    assert row == (["plan"], ["code"])
    assert kept(site)["views", "", "a:plan", "pro", NOON.date()] == 6
