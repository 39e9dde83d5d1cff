"""CONTRACT.md, 'Merge': everything moves to the survivor, and undo gives it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.kit.ids import key_hash
from regulars.people import actions, merge
from regulars.people.person import HOT, WIDE, Person
from regulars.workspaces.errors import UnknownError
from tests.slices.tracking.site import NOON, Site, alias, identify, open_site, page, track

Database = psycopg.Connection[Any]

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LATER = NOON + HOUR
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


# Everything moves to `into` and remembers where it came from.


def test_history_identities_and_counts_move(site: Site) -> None:
    one, other = _two_users(site)
    _merge(site, other, one)
    user = site.only_person()
    assert user.id == one.id
    assert site.paths(user) == ["/one", "/other"]
    assert (user.page_views, user.sessions) == (2, 2)
    assert [_who(site, user=name) for name in ("u1", "u2")] == [one.id, one.id]
    assert [_who(site, anon=name) for name in ("a1", "a2")] == [one.id, one.id]
    assert site.kinds() == {"user": 1}


def test_what_moved_remembers_where_it_came_from(site: Site) -> None:
    one, other = _two_users(site)
    _merge(site, other, one)
    came_from = {event["path"]: event["came_from"] for event in site.events() if event["path"]}
    assert came_from == {"/one": None, "/other": [other.id]}


def test_what_comes_in_afterwards_is_the_survivor_s(site: Site) -> None:
    one, other = _two_users(site)
    _merge(site, other, one)
    site.send(page("a2", "/later"), track("Bought", user="u2"))
    assert site.only_person().page_views == 3
    assert len(site.events(of=site.only_person())) == 6


def test_after_an_agent_s_merge_either_user_id_may_be_aliased(site: Site) -> None:
    one, other = _two_users(site)
    _merge(site, other, one)
    site.send(alias("a2", "u1"), alias("a1", "u2"))
    assert site.reasons() == []


def test_the_survivor_s_facts_stay_and_gaps_are_filled(site: Site) -> None:
    site.send(identify("u1", traits={"name": "One", "plan": "pro"}))
    site.send(identify("u2", traits={"name": "Other", "email": "other@example.com", "seats": 3}))
    one, other = site.people()
    _merge(site, other, one)
    user = site.only_person()
    assert (user.name, user.email) == ("One", "other@example.com")
    assert user.attributes == {"plan": "pro", "seats": 3}
    assert user.search == "one\nother@example.com\nu1"


def test_the_newest_saying_of_a_custom_fact_wins(site: Site) -> None:
    site.send(identify("u1", traits={"plan": "older", "size": "newer"}))
    site.send(identify("u2", traits={"plan": "newer"}), identify("u2", traits={"size": "older"}))
    site.send(identify("u1", traits={"size": "newer"}))
    one, other = site.people()
    _merge(site, other, one)
    assert site.only_person().attributes == {"plan": "newer", "size": "newer"}


def test_first_touch_is_the_earlier_one_s(site: Site) -> None:
    site.send(_landing("u2", "early"), at=NOON)
    site.send(_landing("u1", "late"), at=NOON + HOUR)
    other, one = site.people()
    _merge(site, other, one, at=NOON + 2 * HOUR)
    assert (site.only_person().id, site.only_person().utm_source) == (one.id, "early")
    assert site.only_person().first_seen == NOON


def test_the_device_is_the_one_seen_last(site: Site) -> None:
    site.send(page(user="u1", context={"locale": "pt"}), at=NOON)
    site.send(page(user="u2"), at=NOON + HOUR, headers={"user-agent": FIREFOX})
    one, other = site.people()
    _merge(site, other, one, at=NOON + 2 * HOUR)
    assert (site.only_person().browser, site.only_person().language) == ("Firefox", "pt")


def test_the_page_and_the_last_time_are_the_newer_one_s(site: Site) -> None:
    site.send(page(user="u1", path="/newer"), at=NOON + HOUR)
    site.send(page(user="u2", path="/older", at=NOON), at=NOON + HOUR)
    one, other = site.people()
    _merge(site, one, other, at=NOON + 2 * HOUR)
    assert (site.only_person().page_path, site.only_person().last_seen) == ("/newer", NOON + HOUR)


def test_nobody_is_merged_with_themselves(site: Site) -> None:
    one, _ = _two_users(site)
    with pytest.raises(merge.NotMergeableError):
        _merge(site, one, one)


def test_people_of_another_project_can_t_be_merged(site: Site, database: Database) -> None:
    one, _ = _two_users(site)
    stranger, _ = _two_users(open_site(database))
    with pytest.raises(UnknownError):
        _merge(site, stranger, one)


# The old id answers with the survivor.


def test_an_old_id_stands_for_the_survivor(site: Site) -> None:
    one, other = _two_users(site)
    _merge(site, other, one)
    assert _former(site, other) == one.id


def test_an_old_id_follows_through_several_merges(site: Site) -> None:
    one, other = _two_users(site)
    site.send(identify("u3"))
    third = site.people()[2]
    _merge(site, other, one)
    _merge(site, one, third)
    assert (_former(site, other), _former(site, one)) == (third.id, third.id)
    assert site.paths(site.only_person()) == ["/one", "/other"]


# Undo gives those rows back, later ones stay.


def test_undo_makes_two_of_one_again(site: Site) -> None:
    one, other = _two_users(site)
    undone = _merge(site, other, one)
    _undo(site, undone)
    assert _changed(site, one, other) == []
    assert site.kinds() == {"user": 2}
    assert _former(site, other) is None
    assert _who(site, user="u2") == _who(site, anon="a2") == other.id


def test_undo_gives_events_and_sessions_back_and_later_ones_stay(site: Site) -> None:
    one, other = _two_users(site)
    undone = _merge(site, other, one)
    site.send(page("a2", "/in-between"), at=LATER)
    _undo(site, undone)
    back, stays = site.person(other.id), site.person(one.id)
    assert site.paths(back) == ["/other"]
    assert site.paths(stays) == ["/one", "/in-between"]
    assert (back.page_views, back.sessions) == (1, 1)
    assert (stays.page_views, stays.sessions) == (2, 2)
    assert stays.last_seen == LATER


def test_what_was_said_since_stays(site: Site) -> None:
    one, other = _two_users(site, email="other@example.com", plan="pro", seats=1)
    undone = _merge(site, other, one)
    site.send(identify("u1", traits={"seats": 2, "color": "red"}), at=LATER)
    _undo(site, undone)
    assert site.person(one.id).attributes == {"seats": 2, "color": "red"}
    assert site.person(one.id).email is None
    assert site.person(other.id).attributes == {"plan": "pro", "seats": 1}


def test_a_fact_that_the_merge_replaced_comes_back(site: Site) -> None:
    site.send(identify("u1", traits={"plan": "mine"}))
    site.send(identify("u2", traits={"plan": "theirs"}))
    one, other = site.people()
    undone = _merge(site, other, one)
    assert site.person(one.id).attributes == {"plan": "theirs"}
    _undo(site, undone)
    assert site.person(one.id).attributes == {"plan": "mine"}
    assert site.person(one.id).folded["attributes.plan"] == "mine"


def test_a_fact_that_an_agent_picked_is_undone_too(site: Site) -> None:
    site.send(identify("u1", traits={"name": "One"}), identify("u2", traits={"name": "Other"}))
    one, other = site.people()
    undone = actions.settled(
        site.connection_in_transaction,
        lambda connection: actions.merge_people(
            connection, site.project.id, other.id, one.id, LATER, cause="agent",
            picks={"name": "gone"},
        ),
    )  # fmt: skip
    assert site.only_person().name == "Other"
    _undo(site, undone)
    assert site.person(one.id).name == "One"


def test_after_undo_a_fact_may_be_said_again(site: Site) -> None:
    """The merge brought an address said lately; without it an older saying counts again."""
    site.send(identify("u1"), at=NOON)
    site.send(identify("u2", traits={"email": "other@example.com"}), at=NOON + HOUR)
    one, other = site.people()
    _undo(site, _merge(site, other, one))
    site.send(identify("u1", traits={"email": "mine@example.com"}, at=NOON), at=NOON + DAY)
    assert site.person(one.id).email == "mine@example.com"


def test_what_the_gone_one_did_in_the_merging_batch_goes_back_to_them(site: Site) -> None:
    site.send(identify("u1", "a1"), page("a2", "/first"))
    user, visitor = _by_kind(site, "user", "visitor")
    site.send(page("a2", "/same-batch"), identify("u1", "a2"), page("a2", "/behind"))
    _undo(site, _last_merge(site))
    assert site.paths(site.person(visitor.id)) == ["/first", "/same-batch"]
    assert site.paths(site.person(user.id)) == ["/behind"]
    assert site.person(visitor.id).page_views == 2
    assert site.person(user.id).page_views == 1


def test_an_identify_s_merge_can_be_undone(site: Site) -> None:
    site.send(identify("u1", "a1"), page("a2", "/as-visitor"))
    site.send(identify("u1", "a2"))
    _undo(site, _last_merge(site))
    assert site.kinds() == {"user": 1, "visitor": 1}
    site.send(page("a2", "/visitor-again"))
    (visitor,) = _by_kind(site, "visitor")
    assert site.paths(visitor) == ["/as-visitor", "/visitor-again"]


def test_a_merge_is_undone_once(site: Site) -> None:
    one, other = _two_users(site)
    undone = _merge(site, other, one)
    _undo(site, undone)
    with pytest.raises(merge.NothingToUndoError):
        _undo(site, undone)
    with pytest.raises(merge.NothingToUndoError):
        _undo(site, UUID(int=1))


def test_a_merge_can_be_done_undone_and_done_again(site: Site) -> None:
    one, other = _two_users(site)
    for _ in range(3):
        undone = _merge(site, other, one)
        assert site.only_person().page_views == 2
        _undo(site, undone)
    assert _changed(site, one, other) == []
    undone = _merge(site, one, other)
    _undo(site, undone)
    assert _changed(site, one, other) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_chain_of_merges_can_be_undone_in_any_order(site: Site, order: tuple[int, int]) -> None:
    people = _three_users(site)
    one, other, third = people
    merges = [_merge(site, other, one), _merge(site, one, third)]
    for which in order:
        _undo(site, merges[which])
    assert _changed(site, *people) == []
    assert [site.paths(person) for person in people] == [["/one"], ["/other"], ["/third"]]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_merges_into_one_can_be_undone_in_any_order(site: Site, order: tuple[int, int]) -> None:
    people = _three_users(site)
    one, other, third = people
    merges = [_merge(site, other, one), _merge(site, third, one)]
    for which in order:
        _undo(site, merges[which])
    assert _changed(site, *people) == []
    assert [site.paths(person) for person in people] == [["/one"], ["/other"], ["/third"]]


def test_undoing_the_inner_of_two_merges_leaves_the_outer_one(site: Site) -> None:
    one, other, third = _three_users(site)
    inner = _merge(site, other, one)
    _merge(site, one, third)
    _undo(site, inner)
    assert {person.id for person in site.people()} == {other.id, third.id}
    assert site.paths(site.person(third.id)) == ["/one", "/third"]
    assert site.person(third.id).page_views == 2
    assert (_former(site, one), _former(site, other)) == (third.id, None)


def test_a_browser_that_changed_hands_since_does_not_go_back(site: Site) -> None:
    one, other = _two_users(site)
    site.send(identify("u3"))
    undone = _merge(site, other, one)
    site.send(identify("u3", "a2"), page("a2", "/as-third"))
    third = _who(site, user="u3")
    _merge(site, site.person(third), site.person(one.id))
    _undo(site, undone)
    assert _who(site, anon="a2") == one.id


def _two_users(site: Site, **traits: Any) -> tuple[Person, Person]:
    site.send(identify("u1", "a1"), page("a1", "/one"))
    site.send(identify("u2", "a2", traits), page("a2", "/other"))
    one, other = site.people()
    return one, other


def _three_users(site: Site) -> list[Person]:
    for number, path in enumerate(("/one", "/other", "/third"), start=1):
        traits = {f"only{number}": number, "shared": path, "name": path}
        site.send(
            identify(f"u{number}", f"a{number}", traits),
            page(f"a{number}", path),
            at=NOON + (number - 4) * DAY,
        )
    return site.people()


def _landing(user: str, source: str) -> dict[str, Any]:
    url = f"https://shop.example/?utm_source={source}"
    return {"type": "page", "userId": user, "properties": {"url": url}}


def _merge(site: Site, gone: Person, into: Person, at: Any = LATER) -> UUID:
    return actions.settled(
        site.connection_in_transaction,
        lambda connection: actions.merge_people(
            connection, site.project.id, gone.id, into.id, at, cause="agent"
        ),
    )


def _undo(site: Site, merge_id: UUID) -> None:
    actions.settled(
        site.connection_in_transaction,
        lambda connection: actions.undo_merge(connection, site.project.id, merge_id, LATER),
    )


def _last_merge(site: Site) -> UUID:
    row = site.connection.execute(
        "SELECT id FROM merge WHERE project_id = %s ORDER BY id DESC LIMIT 1", (site.project.id,)
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def _former(site: Site, person: Person) -> UUID | None:
    row = site.connection.execute(
        "SELECT person_id FROM identity WHERE project_id = %s AND id = %s",
        (site.project.id, key_hash("former", str(person.id))),
    ).fetchone()
    return row[0] if row else None


def _who(site: Site, **by: str) -> UUID:
    person = site.person_of(**by)
    assert person is not None
    return person.id


def _by_kind(site: Site, *kinds: str) -> list[Person]:
    return [person for kind in kinds for person in site.people() if person.kind == kind]


def _changed(site: Site, *before: Person) -> list[tuple[str, Any, Any]]:
    """What differs of all people, but when a row was written and when to look at it again."""
    assert [person.id for person in site.people()] == [person.id for person in before]
    return [
        (name, getattr(then, name), getattr(now, name))
        for then, now in zip(before, site.people(), strict=True)
        for name in (*WIDE, *HOT)
        if name not in ("updated_at", "next_move_at")
        if getattr(then, name) != getattr(now, name)
    ]
