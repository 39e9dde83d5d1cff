"""Lists that a filter narrows down: whole, in order, counted right, whichever way they are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from regulars.events import record
from regulars.filters.ast import EventCondition, conditions
from regulars.filters.evaluate import evaluate
from regulars.filters.events import event_key
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.slots import SLOTS
from regulars.kit.ids import ids_at
from regulars.people import asking, deeds, filtering, listing, queries, shares, store
from regulars.people.numbers import slots
from regulars.people.packed import forms
from regulars.people.packed.keeping import pack_project
from regulars.people.person import Person
from regulars.people.queries import Which
from tests.slices.people.crowd import add_all, varied
from tests.slices.tracking.site import NOON, Site, changing, done, open_site

ZONE = ZoneInfo("Asia/Kathmandu")
DAY = timedelta(days=1)
ORDERED = "Order Completed"

TOTALS = (5, 2.5, 80)  # of a person's orders, the newest first
DEAR = {"field": "properties.total", "op": "gt", "value": 50}
CHEAP = {"field": "properties.total", "op": "lte", "value": 5}

CONDITIONS: list[dict[str, Any]] = [
    {"field": "browser", "op": "is", "value": "firefox"},
    {"field": "browser", "op": "is_not", "value": "Firefox"},
    {"field": "city", "op": "contains", "value": "ÖST"},
    {"field": "name", "op": "starts_with", "value": "an"},
    {"field": "name", "op": "contains", "value": "%"},
    {"field": "email", "op": "is_unknown"},
    {"field": "country", "op": "is_none_of", "value": ["sweden", "åland"]},
    {"field": "kind", "op": "is", "value": "lead"},
    {"field": "kind", "op": "is_any_of", "value": ["user", "visitor"]},
    {"field": "sessions", "op": "between", "value": [1, 6]},
    {"field": "attributes.plan", "op": "is", "value": "PRO"},
    {"field": "attributes.plan", "op": "is_not", "value": "pro"},
    {"field": "attributes.plan", "op": "gt", "value": 1.25},
    {"field": "attributes.plan", "op": "lte", "value": 5},
    {"field": "attributes.plan", "op": "is", "value": True},
    {"field": "attributes.plan", "op": "is_known"},
    {"field": "attributes.nobody has this", "op": "ne", "value": 3},
    {"field": "last_seen", "op": "within_last", "value": 10},
    {"field": "last_seen", "op": "not_within_last", "value": 10},
    {"field": "last_seen", "op": "before", "value": (NOON - 10 * DAY).isoformat()},
    {"field": "last_seen", "op": "after", "value": (NOON - 10 * DAY).isoformat()},
    {"field": "last_seen", "op": "on", "value": (NOON - 40 * DAY).date().isoformat()},
    {"field": "signed_up_at", "op": "within_last", "value": 3},
    {"field": "signed_up_at", "op": "before", "value": (NOON - 3 * DAY).date().isoformat()},
    {"event": ORDERED, "op": "at_least", "count": 1},
    {"event": ORDERED, "op": "at_least", "count": 2, "within_days": 5},
    {"event": ORDERED, "op": "at_most", "count": 1},
    {"event": ORDERED, "op": "exactly", "count": 2},
    {"event": ORDERED, "op": "exactly", "count": 0},
    {"event": ORDERED, "op": "at_least", "count": 1, "where": [DEAR]},
    {"event": ORDERED, "op": "at_least", "count": 2, "within_days": 8, "where": [CHEAP]},
    {"event": ORDERED, "op": "at_most", "count": 1, "where": [CHEAP]},
]
filters = st.recursive(
    st.sampled_from(CONDITIONS),
    lambda parts: st.one_of(
        st.builds(lambda inner: {"not": inner}, parts),
        st.lists(parts, min_size=1, max_size=3).map(lambda inner: {"all": inner}),
        st.lists(parts, min_size=1, max_size=3).map(lambda inner: {"any": inner}),
    ),
    max_leaves=5,
)
ways = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Crowd:
    """People of a project, with what they did, read back as the product has them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        ids = [person.id for person in add_all(site, varied(70))]
        self.orders = {id_: number % 4 for number, id_ in enumerate(ids)}
        record.Partitions().ensure(site.connection, NOON)
        for id_, times in self.orders.items():
            order(site, id_, times)
        self.people = list(store.read(site.connection, site.project.id, ids).values())

    def facts(self, person: Person, filter_: Any) -> Facts:
        facts = Facts()
        for name in Facts.__slots__:
            if hasattr(person, name) and name not in ("segments", "event_times"):
                setattr(facts, name, getattr(person, name))
        facts.event_times = {
            event_key(one): [
                NOON - DAY * (1 + 3 * n)
                for n in range(self.orders[person.id])
                if all(so.operator.holds(TOTALS[n], so.value) for so in one.where)
            ]
            for one in conditions(filter_)
            if isinstance(one, EventCondition)
        }
        return facts


def order(site: Site, person: UUID, times: int) -> None:
    for n, id_ in enumerate(ids_at(NOON, times)):
        site.connection.execute(
            "INSERT INTO event"
            " (project_id, id, person_id, kind, name, happened_at, properties, source)"
            " VALUES (%s, %s, %s, 'track', %s, %s, %s, 'server')",
            (
                site.project.id,
                id_,
                person,
                ORDERED,
                NOON - DAY * (1 + 3 * n),
                Jsonb({"total": TOTALS[n]}),
            ),
        )


@pytest.fixture(params=["bits", "events", "packs"])
def crowd(
    database: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Crowd:
    add_all(open_site(database), varied(10))  # neighbours, who must never be seen
    crowd = Crowd(open_site(database))
    if request.param in ("bits", "packs"):
        deeds.fill_project(database, crowd.site.project.id)
        monkeypatch.setattr(asking, "A_FEW_EVENTS", 1)
        database.execute("ANALYZE person_compact")
    if request.param == "packs":
        with patch.object(forms, "MOST", 20):
            pack_project(database, crowd.site.project.id, NOON)
    return crowd


def test_everybody_is_in_one_share(crowd: Crowd) -> None:
    connection, project_id = crowd.site.connection, crowd.site.project.id
    connection.execute("ANALYZE person_compact")
    within = shares.shares(connection, "p.id", 4)
    assert len(within) == 4
    met = [
        connection.execute(
            f"SELECT id FROM person_compact p WHERE project_id = %s AND {share.text}",
            (project_id, *share.params),
        ).fetchall()
        for share in within
    ]
    assert sorted(row for rows in met for row in rows) == sorted((one.id,) for one in crowd.people)


@given(
    asked=filters,
    sort=st.sampled_from(["-last_seen", "last_seen", "-signed_up_at", "name", "city"]),
    kind=st.sampled_from([None, "user", "lead"]),
    steps=st.sampled_from([(2, 3, 12), (5, 10, 30), (200, 1_800, 10_000), (0, 0, 0)]),
    by_texts=st.sampled_from([0, 5_000]),
)
@ways
def test_pages_and_counts_are_those_of_the_reference(
    crowd: Crowd,
    asked: Any,
    sort: str,
    kind: str | None,
    steps: tuple[int, int, int],
    by_texts: int,
) -> None:
    filter_ = parse(asked)
    which = Which(NOON, kind, filter=filter_, zone=ZONE)
    wanted = {
        person.id
        for person in crowd.people
        if kind in (None, person.kind)
        and evaluate(filter_, crowd.facts(person, filter_), When(NOON, ZONE))
    }
    first, second, longest = steps
    with patch.multiple(
        filtering,
        FIRST_STEP=first,
        SECOND_STEP=second,
        LONGEST_WALK=longest,
        FOUND_BY_TEXTS=by_texts,
    ):
        found = pages(crowd.site, which, sort)
    everybody = pages(crowd.site, replace(which, filter=None), sort)
    assert found == [id_ for id_ in everybody if id_ in wanted]
    site = crowd.site
    total = queries.count(site.connection, site.project.id, which, exact=True)
    assert total == listing.Total(len(wanted))


def pages(site: Site, which: Which, sort: str) -> list[UUID]:
    found: list[UUID] = []
    cursor = None
    while True:
        page = queries.people_page(
            site.connection, site.project.id, which,
            sort=sort, limit=9, cursor=cursor, total="none",
        )  # fmt: skip
        assert page.total is None
        found += [person.id for person in page.people]
        cursor = page.next
        if cursor is None:
            return found


def test_a_search_and_a_filter_narrow_down_together(crowd: Crowd) -> None:
    filter_ = parse({"field": "browser", "op": "is_not", "value": "Firefox"})
    which = Which(NOON, "user", query="ana", filter=filter_)
    wanted = {
        person.id
        for person in crowd.people
        if person.kind == "user" and "ana" in (person.search or "") and person.browser != "Firefox"
    }
    assert set(pages(crowd.site, which, "-last_seen")) == wanted
    with patch.object(listing, "FOUND", 0):  # as where the search finds thousands
        assert set(pages(crowd.site, which, "-last_seen")) == wanted


@pytest.mark.parametrize("few", [0, 3_000])
def test_a_filter_narrows_down_a_segment(crowd: Crowd, few: int) -> None:
    filter_ = parse({"field": "browser", "op": "is", "value": "Firefox"})
    which = Which(NOON, "user", "active", filter=filter_)
    wanted = {
        person.id
        for person in crowd.people
        if person.kind == "user"
        and person.browser == "Firefox"
        and person.last_seen is not None
        and person.last_seen >= NOON - 28 * DAY
    }
    site = crowd.site
    with patch.object(listing, "FEW", few):
        assert set(pages(site, which, "-last_seen")) == wanted
        found = queries.count(site.connection, site.project.id, which)
    assert found == listing.Total(len(wanted))


BEHAVIOUR = [one for one in CONDITIONS if "event" in one] + [
    {"segment": "active", "op": "is_in"},
    {"segment": "active", "op": "is_not_in"},
]


@pytest.mark.parametrize("one", BEHAVIOUR, ids=str)
def test_what_people_did_is_counted_beside_where_they_belong(
    crowd: Crowd, one: dict[str, Any]
) -> None:
    site = crowd.site
    active = site.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'active'", (site.project.id,)
    ).fetchall()[0][0]
    for other in BEHAVIOUR:
        parts = [
            part | {"segment": str(active)} if "segment" in part else part for part in (one, other)
        ]
        filter_ = parse({"all": parts})
        total = queries.count(site.connection, site.project.id, Which(NOON, filter=filter_))
        # With somebody's fact beside them everybody is looked at.
        slowly = parse({"all": [*parts, {"field": "sessions", "op": "gte", "value": 0}]})
        assert total == queries.count(
            site.connection, site.project.id, Which(NOON, filter=slowly)
        ), parts


def test_custom_values_are_found_with_a_slot_and_without(site_now: Site) -> None:
    keys = [f"key {number:02}" for number in range(SLOTS + 3)]
    values: list[Any] = [1, 2.5, True, False, "2026-03-04", "Text", ["list"]]
    people = add_all(site_now, [{"attributes": dict.fromkeys(keys, value)} for value in values])
    taken = slots.assigned(site_now.connection, site_now.project.id)
    assert taken == {f"a:{key}": n for n, key in enumerate(keys[:SLOTS], start=1)}
    for key in (keys[0], keys[-1]):
        field = f"attributes.{key}"
        for asked, expected in (
            ({"op": "gte", "value": 2}, [1]),
            ({"op": "lt", "value": 2.5}, [0]),
            ({"op": "is", "value": True}, [2]),
            ({"op": "on", "value": "2026-03-04"}, [4]),
            ({"op": "is", "value": "TEXT"}, [5]),
            ({"op": "contains", "value": "e"}, [5]),
            ({"op": "is_known"}, [0, 1, 2, 3, 4, 5, 6]),
        ):
            found = listed(site_now, {"field": field} | asked)
            assert set(found) == {people[n].id for n in expected}, (key, asked)


def test_the_key_carries_what_counts_ask_of_it_alone(site_now: Site) -> None:
    rows = site_now.connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'person_compact_pkey'::regclass"
    )
    assert {name for (name,) in rows} == filtering.CARRIED


def test_compact_rows_follow_every_change(site_now: Site) -> None:
    [person] = add_all(site_now, [{"browser": "Firefox", "last_seen": NOON - 3 * DAY}])
    today = {"field": "last_seen", "op": "within_last", "value": 1}
    firefox = {"field": "browser", "op": "is", "value": "Firefox"}
    assert listed(site_now, firefox) == [person.id]
    assert listed(site_now, today) == []
    changes = changing(site_now)
    changed = changes.load([person.id])[person.id]
    changed.last_seen = NOON
    changed.seen_changed = True
    done(changes)
    assert listed(site_now, today) == [person.id]
    assert listed(site_now, firefox) == [person.id]


def listed(site: Site, asked: dict[str, Any]) -> list[UUID]:
    found = pages(site, Which(NOON, filter=parse(asked), zone=UTC), "-last_seen")
    total = queries.count(site.connection, site.project.id, Which(NOON, filter=parse(asked)))
    assert total.number == len(found)
    return found


@pytest.fixture
def site_now(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)
