"""Lists of people: who is on them, in which order, page after page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import psycopg
import pytest

from regulars.people import listing, orders, queries
from regulars.people.orders import ORDERS
from regulars.people.person import Person
from regulars.people.queries import Which
from regulars.workspaces.errors import InvalidError, UnknownError
from tests.slices.people.crowd import add, add_all, varied
from tests.slices.tracking.site import NOON, Site, open_site

SORTS = [way + key for key in (*ORDERS, "attributes.plan") for way in ("", "-")]


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def ids(people: list[Person]) -> list[str]:
    return [str(person.id) for person in people]


def all_pages(site: Site, which: Which, sort: str, limit: int = 7) -> list[Person]:
    """The whole list, read page by page."""
    found: list[Person] = []
    cursor = None
    while True:
        page = queries.people_page(
            site.connection, site.project.id, which, sort=sort, limit=limit, cursor=cursor
        )
        found += page.people
        if page.next is None:
            return found
        cursor = page.next


def in_order(people: list[Person], sort: str) -> list[str]:
    """The order as the product promises it, worked out in Python."""
    key, down = sort.removeprefix("-"), sort.startswith("-")

    def value(person: Person) -> Any:
        if key == "name":
            return person.name_sort or None
        if key == "email":
            return person.email_folded
        if key == "attributes.plan":
            return as_json_orders(person.attributes.get("plan"))
        if ORDERS[key].type == "text" and key != "country":
            return person.folded.get(key)
        return getattr(person, key)

    known = [person for person in people if value(person) is not None]
    unknown = [person for person in people if value(person) is None]
    known.sort(key=lambda person: (value(person), person.id), reverse=down)
    unknown.sort(key=lambda person: person.id, reverse=down)
    return ids([*known, *unknown])


def as_json_orders(value: Any) -> Any:
    """PostgreSQL orders JSON by type first: texts, then numbers, then truth values."""
    if value is None:
        return None
    rank = 0 if isinstance(value, str) else 2 if isinstance(value, bool) else 1
    return (rank, str(value) if rank == 0 else value)


@pytest.mark.parametrize("few", [0, 3_000])
def test_every_order_is_whole_and_stable_across_pages(site: Site, few: int) -> None:
    people = add_all(site, varied(60))
    users = [person for person in people if person.kind == "user"]
    with patch.object(listing, "FEW", few):
        for sort in SORTS:
            found = all_pages(site, Which(NOON, "user"), sort)
            assert ids(found) == in_order(users, sort), sort


@pytest.mark.parametrize("few", [0, 3_000])
def test_every_order_holds_for_what_is_searched_for(site: Site, few: int) -> None:
    people = add_all(site, varied(60))
    wanted = [person for person in people if "ana" in (person.search or "")]
    with patch.object(listing, "FOUND", few):
        for sort in SORTS:
            found = all_pages(site, Which(NOON, query="ANA"), sort, limit=3)
            assert ids(found) == in_order(wanted, sort), sort


@pytest.mark.parametrize("few", [0, 3_000])
def test_a_list_of_all_kinds_is_one_list(site: Site, few: int) -> None:
    people = add_all(site, varied(40))
    with patch.object(listing, "FEW", few):
        for sort in ("-last_seen", "name", "-signed_up_at", "city"):
            assert ids(all_pages(site, Which(NOON), sort)) == in_order(people, sort), sort


@pytest.mark.parametrize("few", [0, 3_000])
@pytest.mark.parametrize("builtin", ["all", "new", "active", "slipping"])
def test_built_in_lists_hold_whom_they_say(site: Site, few: int, builtin: str) -> None:
    people = [person for person in add_all(site, varied(60)) if person.kind == "user"]
    day = timedelta(days=1)
    belongs: dict[str, Callable[[Person], bool]] = {
        "all": lambda p: p.kind == "user",
        "new": lambda p: p.signed_up_at is not None and p.signed_up_at >= NOON - 7 * day,
        "active": lambda p: p.last_seen is not None and p.last_seen >= NOON - 28 * day,
        "slipping": lambda p: (p.last_seen or p.signed_up_at or NOON) <= NOON - 28 * day,
    }
    wanted = [person for person in people if belongs[builtin](person)]
    which = Which(NOON, "user", builtin)
    with patch.object(listing, "FEW", few):
        for sort in ("-last_seen", "last_seen", "-signed_up_at", "signed_up_at", "name", "city"):
            assert ids(all_pages(site, which, sort)) == in_order(wanted, sort), sort
        total = queries.people_page(site.connection, site.project.id, which).total
    assert total == listing.Total(len(wanted))


@pytest.mark.parametrize("few", [0, 3_000])
def test_whoever_stands_next_to_a_person_is_found_both_ways(site: Site, few: int) -> None:
    users = [person for person in add_all(site, varied(25)) if person.kind == "user"]
    which = Which(NOON, "user")
    with patch.object(listing, "FEW", few):
        for sort in ("-last_seen", "name", "-signed_up_at", "city", "attributes.plan"):
            listed = in_order(users, sort)
            for at, id_ in enumerate(listed):
                person = next(one for one in users if str(one.id) == id_)
                ahead, behind = queries.neighbours(
                    site.connection, site.project.id, which, person.id, sort=sort
                )
                assert str(ahead) == (listed[at - 1] if at else "None")
                assert str(behind) == (listed[at + 1] if at + 1 < len(listed) else "None")


def test_people_who_stand_in_what_was_shown_are_told_from_those_below(site: Site) -> None:
    add_all(site, varied(30))
    which = Which(NOON, "user")
    for sort in ("-last_seen", "name", "-signed_up_at", "city"):
        everybody = all_pages(site, which, sort)
        first = queries.people_page(site.connection, site.project.id, which, sort=sort, limit=10)
        asked = [person.id for person in everybody]
        shown = queries.listed_before(
            site.connection, site.project.id, which, asked, sort=sort, end=first.next
        )
        assert {str(id_) for id_ in shown} == set(ids(first.people)), sort


def test_who_was_seen_in_one_minute_is_in_order_too(site: Site) -> None:
    """The index knows the minute alone."""
    seconds = [59, 3, 61, 0, 30, 30, 119, 60, -1, 31]
    people = [
        add(site, "visitor", last_seen=NOON + timedelta(seconds=second)) for second in seconds
    ]
    for sort in ("-last_seen", "last_seen"):
        for limit in (1, 3):
            found = all_pages(site, Which(NOON, "visitor"), sort, limit=limit)
            assert ids(found) == in_order(people, sort), (sort, limit)


def test_users_leads_and_visitors_are_apart(site: Site) -> None:
    user, lead = add(site, name="Ursula"), add(site, "lead", name="Leo")
    visitor = add(site, "visitor", last_seen=NOON)
    for kind, person in (("user", user), ("lead", lead), ("visitor", visitor)):
        assert ids(all_pages(site, Which(NOON, kind), "-last_seen")) == [str(person.id)]


def test_visitors_who_are_online_come_first(site: Site) -> None:
    gone = add(site, "visitor", last_seen=NOON - timedelta(hours=1))
    here = add(site, "visitor", last_seen=NOON)
    assert ids(all_pages(site, Which(NOON, "visitor"), "-last_seen")) == ids([here, gone])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("wiśn", True), ("WIŚN", True), ("iewsk", True), ("omasz w", True), ("baltyk", True),
        ("t.wi", True), ("@bal", True), ("4812", True), ("u_48", True), ("t_masz", False),
        ("t%z", False), ("nobody", False), ("  tomasz ", True), ("s", True), ("ś", True),
    ],
)  # fmt: skip
def test_any_part_of_name_email_or_user_id_is_found(site: Site, typed: str, *, found: bool) -> None:
    add(site, name="Tomasz Wiśniewski", email="t.wisniewski@baltyk.example", user_id="u_4812")
    listed = all_pages(site, Which(NOON, "user", query=typed), "-last_seen")
    assert bool(listed) is found


def test_signs_with_a_meaning_in_sql_are_searched_for_as_they_are(site: Site) -> None:
    add_all(site, [{"name": name} for name in ("100% Ana", "a_b", "back\\slash", "plain")])
    for typed, name in (("%", "100% Ana"), ("_", "a_b"), ("\\", "back\\slash")):
        listed = all_pages(site, Which(NOON, "user", query=typed), "name")
        assert [person.name for person in listed if typed in (person.name or "")] == [name]


def test_among_very_many_people_one_or_two_letters_are_sought_where_words_begin(site: Site) -> None:
    add(site, name="Tomasz Wiśniewski", email="t.wisniewski@baltyk.example", user_id="u_48")
    with patch.object(queries, "READ_WHOLE", 0):
        for typed, found in (("to", 1), ("wi", 1), ("ba", 1), ("48", 1), ("om", 0), ("oma", 1)):
            listed = all_pages(site, Which(NOON, "user", query=typed), "-last_seen")
            assert len(listed) == found, typed


def test_a_search_says_how_many_it_found(site: Site) -> None:
    add_all(site, [{"name": f"Ana {n}"} for n in range(12)])
    which = Which(NOON, "user", query="ana")
    page = queries.people_page(site.connection, site.project.id, which, limit=5)
    assert page.total == listing.Total(12)
    with patch.object(listing, "FOUND", 10):
        page = queries.people_page(site.connection, site.project.id, which, limit=5)
        assert page.total == listing.Total(10, exact=False)
        assert queries.count(site.connection, site.project.id, which) == listing.Total(12)


def test_facts_can_be_asked_for_just_so(site: Site) -> None:
    ana = add(site, name="Ana", browser="Firefox", attributes={"plan": "Pro", "seats": 5})
    ben = add(site, name="Ben", browser="Safari", attributes={"seats": "5"}, tags=["champion"])
    for equals, wanted in (
        ({"browser": "FIREFOX"}, [ana]),
        ({"attributes.plan": "pro"}, [ana]),
        ({"attributes.seats": 5}, [ana]),
        ({"attributes.seats": "5"}, [ben]),
        ({"tags": "Champion"}, [ben]),
        ({"browser": "Firefox", "tags": "champion"}, []),
    ):
        listed = all_pages(site, Which(NOON, "user", equals=equals), "name")
        assert ids(listed) == ids(wanted), equals


@pytest.mark.parametrize(
    ("which", "sort", "cursor", "field"),
    [
        (Which(NOON, "robot"), "name", None, "kind"),
        (Which(NOON), "shoe_size", None, "sort"),
        (Which(NOON), "attributes.", None, "sort"),
        (Which(NOON), "name; drop table person", None, "sort"),
        (Which(NOON), "name", "%%%", "cursor"),
        (Which(NOON), "name", "bnVsbA", "cursor"),
        (Which(NOON, query="x" * 201), "name", None, "query"),
        (Which(NOON, equals={"shoe": "x"}), "name", None, "filter.all[0].field"),
    ],
)
def test_what_is_no_list_is_refused_by_name(
    site: Site, which: Which, sort: str, cursor: str | None, field: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        queries.people_page(site.connection, site.project.id, which, sort=sort, cursor=cursor)
    assert refused.value.field == field


def test_a_cursor_of_one_order_does_not_continue_another(site: Site) -> None:
    add_all(site, varied(20))
    by_name = queries.people_page(
        site.connection, site.project.id, Which(NOON), sort="name", limit=3
    )
    with pytest.raises(InvalidError):
        queries.people_page(
            site.connection, site.project.id, Which(NOON), sort="-name", cursor=by_name.next
        )


@pytest.mark.parametrize(
    "value",
    [1, [], {}, True, "x\x00", "not a date", 2**70, '"\\u0000"', '"\\ud800"', "1e999", "[" * 500],
)
def test_a_forged_cursor_is_refused_or_a_place_like_any_other(site: Site, value: Any) -> None:
    for sort in ("-last_seen", "name", "-sessions", "attributes.plan"):
        forged = orders.write_cursor(orders.Cursor(sort, value, uuid4()))
        with suppress(InvalidError):
            queries.people_page(
                site.connection, site.project.id, Which(NOON), sort=sort, cursor=forged
            )


def test_an_unknown_segment_is_said_so(site: Site) -> None:
    with pytest.raises(UnknownError):
        queries.people_page(site.connection, site.project.id, Which(NOON, segment_id=uuid4()))


def test_another_projects_segment_is_unknown(site: Site) -> None:
    other = open_site(site.connection)
    row = site.connection.execute(
        "SELECT id FROM segment WHERE project_id = %s AND builtin = 'new'", (other.project.id,)
    ).fetchone()
    assert row is not None
    with pytest.raises(UnknownError):
        queries.people_page(site.connection, site.project.id, Which(NOON, segment_id=row[0]))


def test_counts_are_kept_by_kind_and_by_list(site: Site) -> None:
    add_all(site, varied(30))
    counts = queries.counts(site.connection, site.project.id)
    for kind in ("user", "lead", "visitor"):
        assert counts.kinds[kind] == len(all_pages(site, Which(NOON, kind), "name"))
    for name, number in counts.lists.items():
        assert number == len(all_pages(site, Which(NOON, "user", name), "name"))


def test_only_whoever_a_browser_showed_within_five_minutes_is_online(site: Site) -> None:
    minute = timedelta(minutes=1)
    add(site, last_seen=NOON, browser_seen_at=NOON - 4 * minute)
    add(site, last_seen=NOON, browser_seen_at=NOON - 5 * minute)
    add(site, last_seen=NOON)
    add(site, "visitor", last_seen=NOON, browser_seen_at=NOON)
    assert queries.online_count(site.connection, site.project.id, NOON) == 2
    assert queries.online_count(site.connection, site.project.id, NOON, ["user"]) == 1
