"""Whose event it is: every sentence of CONTRACT.md's 'Who', through the tracking API's door."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from regulars.workspaces.keys import signature_of
from tests.slices.tracking.site import Site, alias, group, identify, open_site, page, track

Database = psycopg.Connection[Any]


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


# userId → that user (made if new).


def test_a_user_id_makes_a_user(site: Site) -> None:
    site.send(identify("u1"))
    person = site.only_person()
    assert (person.kind, person.user_id) == ("user", "u1")
    assert site.kinds() == {"user": 1}


@pytest.mark.parametrize("call", [page, track], ids=["page", "track"])
def test_any_call_with_a_user_id_belongs_to_that_user(site: Site, call: Any) -> None:
    site.send(call("Bought" if call is track else None, user="u1"))
    site.send(identify("u1"))
    assert site.only_person().user_id == "u1"
    assert len(site.events(of=site.only_person())) == 2


def test_a_number_as_user_id_is_the_same_user_as_its_text(site: Site) -> None:
    site.send({"type": "identify", "userId": 42}, identify("42"))
    assert site.only_person().user_id == "42"


def test_the_user_id_decides_against_the_anonymous_id(site: Site) -> None:
    site.send(page("a1"))
    site.send(page("a1", "/cart", user="u1"))
    assert site.paths(_known(site, user="u1")) == ["/cart"]
    assert site.paths(_known(site, anon="a1")) == ["/"]


# Else anonymousId → the person it belongs to now, else a new visitor.


def test_an_unknown_anonymous_id_is_a_new_visitor(site: Site) -> None:
    site.send(page("a1"))
    assert site.only_person().kind == "visitor"
    assert site.kinds() == {"visitor": 1}


def test_an_anonymous_id_stays_with_its_visitor(site: Site) -> None:
    site.send(page("a1"))
    site.send(page("a1", "/cart"), page("a2", "/other"))
    assert site.paths(_known(site, anon="a1")) == ["/", "/cart"]
    assert site.kinds() == {"visitor": 2}


def test_an_anonymous_id_of_a_user_is_that_user(site: Site) -> None:
    site.send(identify("u1", "a1"))
    site.send(page("a1", "/after"))
    assert site.paths(_known(site, user="u1")) == ["/after"]


# Else traits.email with the secret key → the one lead or user with it.


def test_with_the_secret_key_an_email_finds_its_user(site: Site) -> None:
    site.send(identify("u1", traits={"email": "Pat@Example.com"}))
    site.send(identify(traits={"email": " pat@example.COM", "plan": "pro"}), way="secret")
    assert site.only_person().attributes == {"plan": "pro"}


def test_with_the_secret_key_an_email_finds_its_lead(site: Site) -> None:
    site.send(identify(None, "a1", {"email": "pat@example.com"}))
    site.send(identify(traits={"email": "pat@example.com", "plan": "pro"}), way="secret")
    assert site.only_person().attributes == {"plan": "pro"}


def test_with_the_secret_key_an_unknown_email_is_a_new_lead(site: Site) -> None:
    site.send(identify(traits={"email": "pat@example.com"}), way="secret")
    assert (site.only_person().kind, site.only_person().email) == ("lead", "pat@example.com")


def test_with_the_secret_key_any_call_may_go_by_email(site: Site) -> None:
    site.send(track("Called us", traits={"email": "pat@example.com"}), way="secret")
    site.send(track("Wrote to us", traits={"email": "Pat@example.com"}), way="secret")
    lead = site.only_person()
    assert (lead.kind, lead.email) == ("lead", "pat@example.com")
    assert [event["name"] for event in site.events(of=lead)] == ["Called us", "Wrote to us"]


def test_an_email_that_is_several_people_s_is_refused_with_a_reason(site: Site) -> None:
    site.send(
        identify("u1", traits={"email": "pat@example.com"}),
        identify("u2", traits={"email": "pat@example.com"}),
    )
    answer = site.send(identify(traits={"email": "pat@example.com"}), way="secret")
    assert answer.status == 200
    assert site.refusals() == [("ambiguous_email", "traits.email", True)]
    assert site.count("event") == 2


def test_without_the_secret_key_an_email_is_nobody(site: Site) -> None:
    site.send(identify("u1", traits={"email": "pat@example.com"}))
    site.send(identify(traits={"email": "pat@example.com", "plan": "pro"}), way="server")
    assert site.reasons() == ["nobody"]
    assert site.only_person().attributes == {}


def test_an_email_said_earlier_in_the_same_batch_counts(site: Site) -> None:
    site.send(
        identify("u1", traits={"email": "pat@example.com"}),
        identify(traits={"email": "pat@example.com", "plan": "pro"}),
        way="secret",
    )
    assert site.only_person().attributes == {"plan": "pro"}


def test_an_email_given_up_earlier_in_the_same_batch_does_not_count(site: Site) -> None:
    site.send(identify("u1", traits={"email": "old@example.com"}))
    site.send(
        identify("u1", traits={"email": "new@example.com"}),
        identify(traits={"email": "old@example.com"}),
        way="secret",
    )
    assert site.kinds() == {"user": 1, "lead": 1}


def test_who_is_nobody_is_refused(site: Site) -> None:
    site.send({"type": "page"}, page("a1"))
    assert site.refusals() == [("nobody", "userId", True)]
    assert site.kinds() == {"visitor": 1}


# identify(U, anon): a visitor or lead that owns anon joins U with its history.


def test_a_visitor_who_registers_keeps_their_history(site: Site) -> None:
    site.send(page("a1", "/first"))
    visitor = site.only_person()
    site.send(identify("u1", "a1"), page("a1", "/welcome"))
    user = site.only_person()
    assert user.id == visitor.id
    assert (user.kind, user.user_id, user.page_views) == ("user", "u1", 2)
    assert site.paths(user) == ["/first", "/welcome"]
    assert site.kinds() == {"user": 1}


def test_a_lead_who_registers_keeps_their_history(site: Site) -> None:
    site.send(page("a1", "/first"), identify(None, "a1", {"email": "pat@example.com"}))
    assert site.kinds() == {"lead": 1}
    site.send(identify("u1", "a1"))
    assert site.kinds() == {"user": 1}
    assert site.only_person().email == "pat@example.com"
    assert site.paths(site.only_person()) == ["/first"]


def test_a_second_device_of_the_same_user_joins_them(site: Site) -> None:
    site.send(page("a1", "/on-the-laptop"), identify("u1", "a1"))
    site.send(page("a2", "/on-the-phone"))
    site.send(identify("u1", "a2"))
    user = site.only_person()
    assert site.paths(user) == ["/on-the-laptop", "/on-the-phone"]
    assert (user.page_views, user.sessions) == (2, 2)
    assert site.person_of(anon="a1") is not None
    assert _known(site, anon="a2").id == user.id


def test_page_and_identify_of_a_new_visitor_in_one_batch_are_one_person(site: Site) -> None:
    site.send(page("a1"), identify("u1", "a1"), page("a2"), identify("u1", "a2"))
    assert site.only_person().page_views == 2
    assert len(site.events(of=site.only_person())) == 4


# If anon belongs to another user it moves to U from now on and history stays.


def test_a_browser_that_changes_hands_leaves_its_history_behind(site: Site) -> None:
    site.send(identify("u1", "a1"), page("a1", "/as-the-first"))
    site.send(identify("u2", "a1"), page("a1", "/as-the-second"))
    assert site.paths(_known(site, user="u1")) == ["/as-the-first"]
    assert site.paths(_known(site, user="u2")) == ["/as-the-second"]
    assert site.kinds() == {"user": 2}


def test_a_reset_starts_a_new_visitor(site: Site) -> None:
    site.send(identify("u1", "a1"), page("a1", "/known"))
    site.send(page("a2", "/logged-out"))
    assert site.paths(_known(site, user="u1")) == ["/known"]
    assert _known(site, anon="a2").kind == "visitor"


# A lead joins a user by equal email only by secret key, import or signed claim.


def test_a_lead_joins_a_user_of_the_same_email_by_the_secret_key(site: Site) -> None:
    site.send(page("a1", "/as-lead"), identify(None, "a1", {"email": "pat@example.com"}))
    site.send(identify("u1", traits={"email": "Pat@example.com"}), way="secret")
    assert site.paths(site.only_person()) == ["/as-lead"]
    assert site.kinds() == {"user": 1}


def test_a_lead_does_not_join_a_user_by_an_unsigned_email(site: Site) -> None:
    site.send(identify(None, "a1", {"email": "pat@example.com"}))
    site.send(identify("u1", "a2", {"email": "pat@example.com"}))
    site.send(identify("u1", traits={"email": "pat@example.com"}), way="server")
    assert site.kinds() == {"lead": 1, "user": 1}


def test_a_lead_joins_a_user_of_the_same_email_by_a_signed_claim(site: Site) -> None:
    site.send(identify(None, "a1", {"email": "pat@example.com"}))
    signed = signature_of(site.project, "u1")
    site.send(identify("u1", "a2", {"email": "pat@example.com"}, token=signed))
    assert site.kinds() == {"user": 1}


@pytest.mark.parametrize("token", ["", "0" * 64, "not.a.token", "a.b"])
def test_a_claim_that_is_not_ours_proves_nothing(site: Site, token: str) -> None:
    site.send(identify(None, "a1", {"email": "pat@example.com"}))
    site.send(identify("u1", "a2", {"email": "pat@example.com"}, token=token))
    assert site.kinds() == {"lead": 1, "user": 1}


def test_a_claim_signed_for_another_user_proves_nothing(site: Site) -> None:
    site.send(identify(None, "a1", {"email": "pat@example.com"}))
    signed = signature_of(site.project, "u2")
    site.send(identify("u1", "a2", {"email": "pat@example.com"}, token=signed))
    assert site.kinds() == {"lead": 1, "user": 1}


# alias joins an anonymous id or a lead to a user; between two users it is refused.


def test_an_alias_joins_a_visitor_to_a_user(site: Site) -> None:
    site.send(page("a1", "/before"), identify("u1", "a2"))
    site.send(alias("a1", "u1"))
    assert site.paths(site.only_person()) == ["/before"]
    assert _known(site, anon="a1").id == _known(site, user="u1").id


def test_an_alias_joins_a_lead_to_a_user(site: Site) -> None:
    site.send(identify(None, "a1", {"email": "pat@example.com"}), identify("u1", "a2"))
    site.send(alias("a1", "u1"))
    assert (site.only_person().kind, site.only_person().email) == ("user", "pat@example.com")


def test_an_alias_makes_the_user_of_a_visitor(site: Site) -> None:
    site.send(page("a1", "/before"))
    site.send(alias("a1", "u1"))
    assert site.paths(site.only_person()) == ["/before"]
    assert site.kinds() == {"user": 1}


def test_an_alias_of_an_id_that_is_not_known_yet_is_remembered(site: Site) -> None:
    site.send(alias("a1", "u1"))
    site.send(page("a1", "/after"))
    assert site.paths(site.only_person()) == ["/after"]


def test_an_alias_between_two_users_is_refused(site: Site) -> None:
    site.send(identify("u1", "a1"), identify("u2", "a2"))
    site.send(alias("u2", "u1"))
    site.send(alias("a2", "u1"))
    assert site.refusals() == [("two_users", "previousId", True)] * 2
    assert site.kinds() == {"user": 2}


def test_an_alias_to_oneself_changes_nothing(site: Site) -> None:
    site.send(identify("u1", "a1"))
    site.send(alias("u1", "u1"), alias("a1", "u1"))
    assert site.only_person().user_id == "u1"
    assert site.reasons() == []


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"type": "alias", "previousId": "a1", "anonymousId": "a2"}, "userId"),
        ({"type": "alias", "userId": "u1"}, "previousId"),
    ],
)
def test_an_alias_needs_both_ids(site: Site, message: dict[str, Any], field: str) -> None:
    site.send(message)
    assert site.refusals() == [("nobody", field, True)]
    assert site.people() == []


# Emails of users are not unique.


def test_two_users_may_have_the_same_email(site: Site) -> None:
    site.send(
        identify("u1", traits={"email": "family@example.com"}),
        identify("u2", traits={"email": "family@example.com"}),
        way="secret",
    )
    assert [p.email for p in site.people()] == ["family@example.com"] * 2


# A visitor becomes a lead when it gives an email without a userId.


def test_a_visitor_who_gives_an_email_becomes_a_lead(site: Site) -> None:
    site.send(page("a1"))
    site.send(identify(None, "a1", {"email": "pat@example.com"}))
    assert site.only_person().kind == "lead"
    assert site.kinds() == {"lead": 1}


def test_a_visitor_who_gives_only_a_name_stays_a_visitor(site: Site) -> None:
    site.send(identify(None, "a1", {"name": "Pat"}))
    assert site.only_person().kind == "visitor"


# group sets the person's company (company.id, company.name, traits).


def test_a_group_call_sets_the_company(site: Site) -> None:
    site.send(identify("u1", "a1"))
    site.send(group("c9", "a1", traits={"name": "Acme", "employees": 12}))
    assert site.only_person().company == {"id": "c9", "name": "Acme", "employees": 12}


# Where the project enforces verification, an unsigned claim never overwrites a verified profile.


@pytest.fixture
def strict(database: Database) -> Site:
    site = open_site(database)
    database.execute("UPDATE project SET enforce_identity = true WHERE id = %s", (site.project.id,))
    return site


@pytest.mark.parametrize("signed", [True, False])
def test_a_verified_profile_is_changed_by_signed_claims_alone(strict: Site, signed: bool) -> None:
    strict.send(identify("u1", traits={"plan": "pro"}), way="secret")
    token = signature_of(strict.project, "u1") if signed else None
    strict.send(identify("u1", "a1", {"plan": "free"}, token=token), page("a1"))
    person = strict.only_person()
    assert person.attributes == {"plan": "free" if signed else "pro"}
    assert person.page_views == 1
    assert strict.reasons() == ([] if signed else ["trait_left_out"])


def test_a_profile_that_nobody_verified_takes_unsigned_claims(strict: Site) -> None:
    strict.send(identify("u1", "a1", {"plan": "free"}))
    assert strict.only_person().attributes == {"plan": "free"}


def test_where_nothing_is_enforced_any_claim_counts(site: Site) -> None:
    site.send(identify("u1", traits={"plan": "pro"}), way="secret")
    site.send(identify("u1", "a1", {"plan": "free"}))
    assert site.only_person().attributes == {"plan": "free"}


# Nothing ever crosses projects.


def test_the_same_ids_in_two_projects_are_two_people(site: Site, database: Database) -> None:
    other = open_site(database)
    for each in (site, other):
        each.send(page("a1"), identify("u1", "a1", {"email": "pat@example.com"}))
    assert site.only_person().id != other.only_person().id
    assert site.kinds() == other.kinds() == {"user": 1}


def _known(site: Site, **by: str) -> Any:
    person = site.person_of(**by)
    assert person is not None
    return person
