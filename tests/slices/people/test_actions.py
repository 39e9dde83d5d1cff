"""What agents and the REST API do to people."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from regulars.events import outbox
from regulars.kit import database as kit_database
from regulars.people import actions, custom, merge, preview, queries, unite
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError, UnknownError
from tests.slices.people.crowd import add
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def change(site: Site, person: Person, **given: Any) -> Person:
    with site.connection.transaction():
        actions.change(site.connection, site.project.id, person.id, given, LATER)
    return site.person(person.id)


def merge_people(site: Site, gone: Person, into: Person, **picks: preview.Side) -> Any:
    with site.connection.transaction():
        return actions.merge_people(
            site.connection, site.project.id, gone.id, into.id, LATER, cause="agent", picks=picks
        )


def undo(site: Site, merge_id: Any) -> Person:
    with site.connection.transaction():
        return actions.undo_merge(site.connection, site.project.id, merge_id, LATER)


def make(site: Site, **given: Any) -> tuple[Person, bool]:
    with site.connection.transaction():
        return actions.create_or_update(site.connection, site.project.id, given, LATER)


# Changing facts


def test_a_changed_fact_is_kept_with_its_folded_copy(site: Site) -> None:
    ana = change(site, add(site, name="Ana"), phone=" +46 31  555 ", gender="Female")
    assert (ana.phone, ana.folded["gender"]) == ("+46 31  555", "female")


def test_a_changed_name_is_found_by_the_search_box(site: Site) -> None:
    ana = change(site, add(site, name="Ana"), name="Linnea Sjöberg")
    which = queries.Which(NOON, "user", query="sjöb")
    assert queries.people_page(site.connection, site.project.id, which).people[0].id == ana.id


def test_first_and_last_name_make_a_name_where_there_was_none(site: Site) -> None:
    ana = change(site, add(site), first_name="Ana", last_name="Lima")
    assert ana.name == "Ana Lima"


def test_a_fact_can_be_taken_away(site: Site) -> None:
    ana = change(site, add(site, name="Ana", phone="123"), phone="")
    assert ana.phone is None
    assert "phone" not in ana.folded


def test_what_the_product_says_later_wins_over_the_agent(site: Site) -> None:
    site.send(identify("u1", "b1", {"phone": "1"}))
    ana = change(site, site.only_person(), phone="2")
    site.send(identify("u1", "b1", {"phone": "old"}, at=NOON))
    assert site.person(ana.id).phone == "2"
    site.send(identify("u1", "b1", {"phone": "3"}), at=LATER + timedelta(minutes=1))
    assert site.person(ana.id).phone == "3"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": 5.5}, "email"),
        ({"phone": ["1"]}, "phone"),
        ({"name": "half \ud800"}, "name"),
        ({"name": "x" * 9000}, "name"),
        ({"signed_up_at": "soon"}, "signed_up_at"),
        ({"attributes": {"": 1}}, "attributes."),
        ({"attributes": {"a": float("inf")}}, "attributes.a"),
        ({"attributes": {"a": {"b": "\x00"}}}, "attributes.a"),
        ({"attributes": 5}, "attributes"),
        ({"tags": "champion"}, "tags"),
        ({"tags": ["x" * 61]}, "tags"),
        ({"tags": [str(n) for n in range(101)]}, "tags"),
        ({"kind": "user"}, "kind"),
        ({"sessions": 5}, "sessions"),
    ],
)
def test_what_can_not_be_kept_is_refused_by_its_name(
    site: Site, given: dict[str, Any], field: str
) -> None:
    ana = add(site, name="Ana")
    with pytest.raises(InvalidError) as refused:
        change(site, ana, **given)
    assert refused.value.field == field
    assert site.person(ana.id).name == "Ana"


def test_a_visitor_who_is_given_an_address_is_a_lead(site: Site) -> None:
    visitor = add(site, "visitor", last_seen=NOON)
    assert change(site, visitor, email="Ana@Example.com").kind == "lead"
    assert queries.counts(site.connection, site.project.id).kinds["lead"] == 1


def test_a_change_moves_people_between_lists_at_once(site: Site) -> None:
    ana = add(site, signed_up_at=NOON - timedelta(days=300), last_seen=NOON)
    assert queries.counts(site.connection, site.project.id).lists["new"] == 0
    change(site, ana, signed_up_at=NOON.isoformat())
    assert queries.counts(site.connection, site.project.id).lists["new"] == 1


def test_custom_attributes_are_merged_and_null_removes_one(site: Site) -> None:
    ana = add(site, attributes={"plan": "free", "seats": 1})
    ana = change(site, ana, attributes={"plan": None, "tier": "Gold"})
    assert ana.attributes == {"seats": 1, "tier": "Gold"}
    assert ana.folded["attributes.tier"] == "gold"
    assert "attributes.plan" not in ana.folded


def test_a_new_custom_attribute_is_known_from_then_on(site: Site) -> None:
    change(site, add(site), attributes={"tier": "gold", "seats": 5})
    keys = queries.custom_keys(site.connection, site.project.id)
    assert keys == {"seats": "number", "tier": "text"}


def test_tags_are_kept_once_whatever_their_case(site: Site) -> None:
    ana = change(site, add(site), tags=["Champion", " champion ", "gift  buyer", ""])
    assert ana.tags == ["champion", "gift buyer"]


def test_a_tag_is_added_and_removed(site: Site) -> None:
    ana = add(site, tags=["champion"])
    with site.connection.transaction():
        actions.tag(site.connection, site.project.id, ana.id, LATER, add=["gift buyer"])
        actions.tag(site.connection, site.project.id, ana.id, LATER, remove=["champion"])
    assert site.person(ana.id).tags == ["gift buyer"]


@pytest.mark.parametrize(
    ("known", "typed", "value"),
    [
        (None, "5", 5), (None, "5.50", 5.5), (None, "true", True), (None, "Pro", "Pro"),
        (None, "007", "007"), (None, "0", 0), (None, "-3", -3), (None, " ", None),
        (None, "2025-03-12", "2025-03-12"), ("text", "5", "5"), ("number", "5", 5),
        ("boolean", "no", False), ("mixed", "5", 5), ("number", "", None), (None, "1e5", "1e5"),
    ],
)  # fmt: skip
def test_what_an_agent_types_takes_the_attributes_type(
    known: str | None, typed: str, value: Any
) -> None:
    got = custom.typed("key", typed, known)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("known", "typed"), [("number", "many"), ("boolean", "5"), ("date", "soon"), ("list", "a")]
)
def test_what_does_not_fit_the_attributes_type_is_refused(known: str, typed: str) -> None:
    with pytest.raises(InvalidError) as refused:
        custom.typed("seats", typed, known)
    assert refused.value.field == "attributes.seats"


def test_whoever_looks_at_a_person_is_told_of_the_change(site: Site) -> None:
    ana = add(site)
    before = outbox.last(site.connection, site.project.id)
    change(site, ana, name="Ana")
    told = outbox.after(site.connection, site.project.id, before)
    assert ("people", {"people": [str(ana.id)]}) in [(topic, body) for _, topic, body, _ in told]


def test_somebody_elses_person_is_unknown(site: Site) -> None:
    stranger = add(open_site(site.connection))
    with pytest.raises(UnknownError):
        change(site, stranger, name="Mine")


# Making people


def test_a_person_is_made_once_and_updated_after(site: Site) -> None:
    ana, made = make(site, user_id="u1", email="ana@example.com", name="Ana")
    assert made
    assert (ana.kind, ana.signed_up_at) == ("user", LATER)
    again, made = make(site, user_id="u1", name="Ana Lima")
    assert (again.id, made, again.name) == (ana.id, False, "Ana Lima")


def test_who_comes_with_an_email_alone_is_a_lead(site: Site) -> None:
    ana, made = make(site, email="ana@example.com")
    again, made_again = make(site, email="ANA@example.com", name="Ana")
    assert (ana.kind, made, again.id, made_again) == ("lead", True, ana.id, False)


def test_a_lead_of_the_same_address_becomes_the_user(site: Site) -> None:
    lead, _ = make(site, email="ana@example.com", phone="123")
    user, made = make(site, user_id="u1", email="ana@example.com")
    assert (made, user.phone) == (True, "123")
    found = queries.person(site.connection, site.project.id, lead.id)
    assert found is not None
    assert found.id == user.id


def test_an_address_of_several_is_refused(site: Site) -> None:
    make(site, user_id="u1", email="ana@example.com")
    make(site, user_id="u2", email="ana@example.com")
    with pytest.raises(InvalidError, match="2 people"):
        make(site, email="ana@example.com", name="Ana")


@pytest.mark.parametrize("given", [{}, {"name": "Ana"}, {"email": ""}, {"user_id": "  "}])
def test_who_has_neither_id_nor_address_is_not_made(site: Site, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidError) as refused:
        make(site, **given)
    assert refused.value.field == "email"
    assert site.people() == []


# Merging


def test_a_merge_moves_everything_and_the_old_id_leads_to_the_survivor(site: Site) -> None:
    site.send(identify("u1", "b1", {"name": "Ana"}), page("b1", "/a"))
    site.send(identify(None, "b2", {"email": "ana@example.com"}), page("b2", "/b"))
    user, lead = site.people()
    merge_people(site, lead, user)
    survivor = queries.person(site.connection, site.project.id, lead.id)
    assert survivor is not None
    assert (survivor.id, survivor.email) == (user.id, "ana@example.com")
    assert sorted(site.paths(survivor)) == ["/a", "/b"]


def test_undoing_a_merge_gives_back_what_came_and_keeps_what_came_later(site: Site) -> None:
    site.send(identify("u1", "b1", {"name": "Ana"}), page("b1", "/a"))
    site.send(identify(None, "b2", {"email": "ana@example.com"}), page("b2", "/b"))
    user, lead = site.people()
    merge_id = merge_people(site, lead, user)
    site.send(page("b2", "/later"), at=LATER)
    back = undo(site, merge_id)
    assert back.id == lead.id
    assert site.paths(site.person(lead.id)) == ["/b"]
    assert site.paths(site.person(user.id)) == ["/a", "/later"]
    assert site.person(user.id).email is None


def test_an_attribute_that_a_merge_replaced_is_given_back(site: Site) -> None:
    site.send(identify("u1", "b1", {"plan": "free", "seats": 1}))
    site.send(identify(None, "b2", {"email": "ana@example.com", "plan": "Pro", "tier": "a"}))
    user, lead = site.people()
    merge_id = merge_people(site, lead, user)
    assert site.person(user.id).attributes == {"plan": "Pro", "seats": 1, "tier": "a"}
    undo(site, merge_id)
    user = site.person(user.id)
    assert user.attributes == {"plan": "free", "seats": 1}
    assert user.folded["attributes.plan"] == "free"


def test_a_merge_is_undone_once(site: Site) -> None:
    merge_id = merge_people(site, add(site, "lead", email="a@example.com"), add(site))
    undo(site, merge_id)
    with pytest.raises(merge.NothingToUndoError):
        undo(site, merge_id)
    with pytest.raises(merge.NothingToUndoError):
        undo(site, uuid4())


def test_nobody_is_merged_into_themselves_or_into_nobody(site: Site) -> None:
    ana = add(site)
    with pytest.raises(merge.NotMergeableError):
        merge_people(site, ana, ana)
    ghost = add(open_site(site.connection))
    with pytest.raises(UnknownError):
        merge_people(site, ghost, ana)


def test_the_preview_says_what_the_merge_does(site: Site) -> None:
    site.send(identify("u1", "b1", {"name": "Linnea", "plan": "free"}))
    site.send(identify(None, "b2", {"email": "l@example.com", "name": "l.s", "plan": "pro"}))
    user, lead = site.people()
    merged, rows = preview.preview(lead, user)
    kept = {row.key: (row.kept, row.why) for row in rows}
    assert kept["name"] == ("into", "stays")
    assert kept["email"] == ("gone", "only_one")
    assert kept["attributes.plan"] == ("gone", "newer")
    merge_people(site, lead, user)
    done = site.person(user.id)
    for row in rows:
        scope, _, name = row.key.partition(".")
        expected = getattr(merged, scope)
        assert getattr(done, scope) == expected, row.key
        assert name == "" or name in expected


def test_a_preview_changes_nobody(site: Site) -> None:
    user = add(site, name="Linnea", tags=["a"], attributes={"plan": "free"})
    lead = add(site, "lead", email="l@example.com", tags=["b"], attributes={"plan": "pro"})
    before = unite.snapshot(user), unite.snapshot(lead)
    preview.preview(lead, user)
    assert (unite.snapshot(user), unite.snapshot(lead)) == before


def test_an_agent_picks_whose_fact_stays(site: Site) -> None:
    site.send(identify("u1", "b1", {"name": "Linnea", "plan": "free"}))
    site.send(identify(None, "b2", {"email": "l@example.com", "name": "l.s", "plan": "pro"}))
    user, lead = site.people()
    picks: dict[str, preview.Side] = {"name": "gone", "attributes.plan": "into"}
    merge_id = merge_people(site, lead, user, **picks)
    done = site.person(user.id)
    assert (done.name, done.name_folded, done.attributes) == ("l.s", "l.s", {"plan": "free"})
    undo(site, merge_id)
    assert site.person(user.id).name == "Linnea"
    assert site.person(lead.id).name == "l.s"


def test_only_what_both_have_can_be_picked(site: Site) -> None:
    user, lead = add(site, name="Linnea"), add(site, "lead", email="l@example.com")
    for pick in ({"email": "into"}, {"kind": "gone"}, {"name": "neither"}):
        with pytest.raises(InvalidError):
            merge_people(site, lead, user, **pick)  # type: ignore[arg-type]


# Who may be the same


def test_who_shares_an_address_or_a_phone_may_be_the_same(site: Site) -> None:
    user = add(site, email="ana@example.com", phone="+46 1")
    by_email = add(site, "lead", email="Ana@example.com")
    by_phone = add(site, "lead", email="other@example.com", phone="+46 1")
    add(site, email="ana@example.com")  # two users with one address are two people
    found = queries.suggested_merges(site.connection, site.project.id, user)
    assert {person.id for person in found} == {by_email.id, by_phone.id}


def test_what_an_agent_dismissed_is_not_suggested_again(site: Site) -> None:
    user, lead = add(site, email="a@example.com"), add(site, "lead", email="a@example.com")
    with site.connection.transaction():
        actions.dismiss_merge(site.connection, site.project.id, user.id, lead.id, LATER)
        actions.dismiss_merge(site.connection, site.project.id, lead.id, user.id, LATER)
    for person in (user, lead):
        assert queries.suggested_merges(site.connection, site.project.id, person) == []


def test_who_has_neither_address_nor_phone_is_not_compared(site: Site) -> None:
    visitor = add(site, "visitor", last_seen=NOON)
    add(site, "visitor", last_seen=NOON)
    assert queries.suggested_merges(site.connection, site.project.id, visitor) == []


# Erasing


def test_the_erased_are_gone_from_lists_counts_and_events(site: Site) -> None:
    site.send(identify("u1", "b1", {"name": "Ana"}), page("b1"), track("Bought", "b1"))
    ana = site.only_person()
    with site.connection.transaction():
        actions.erase(site.connection, site.project.id, ana.id, LATER)
    assert site.people() == []
    assert site.events() == []
    assert queries.person(site.connection, site.project.id, ana.id) is None
    assert queries.counts(site.connection, site.project.id).kinds["user"] == 0
    with pytest.raises(UnknownError):
        actions.erase(site.connection, site.project.id, ana.id, LATER)


# Two at once


def test_two_agents_who_meet_both_get_through(site: Site) -> None:
    ana = add(site, name="Ana")
    failures: list[Exception] = []

    def say(key: str, number: int) -> None:
        given, now = {"attributes": {key: number}}, LATER + timedelta(seconds=number)
        actions.settled(
            kit_database.transaction,
            lambda connection: actions.change(connection, site.project.id, ana.id, given, now),
        )

    def edit(key: str) -> None:
        try:
            for number in range(10):
                say(key, number)
        except Exception as failure:  # noqa: BLE001 - shown by the test
            failures.append(failure)

    threads = [threading.Thread(target=edit, args=(key,)) for key in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert site.person(ana.id).attributes == {"one": 9, "two": 9, "three": 9}


def test_the_same_user_made_twice_at_once_is_one(site: Site) -> None:
    gate = threading.Barrier(4)
    made: list[bool] = []

    def create() -> None:
        gate.wait()
        _, is_new = actions.settled(
            kit_database.transaction,
            lambda c: actions.create_or_update(c, site.project.id, {"user_id": "same"}, LATER),
        )
        made.append(is_new)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    assert len(site.people()) == 1
