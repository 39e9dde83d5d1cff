"""CONTRACT.md, 'Traits': what is said of a person, and what of it can't be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from tests.slices.tracking.site import NOON, Site, identify, open_site, page

Database = psycopg.Connection[Any]

SECOND = timedelta(seconds=1)
LISBON = "193.136.0.1"


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


# The standard traits.


def test_the_standard_traits_become_facts(site: Site) -> None:
    site.send(
        identify(
            "u1",
            traits={
                "email": "Pat@Example.com",
                "name": "Pat Doe",
                "gender": "female",
                "phone": "+351 21 000 000",
                "createdAt": "2025-01-02T03:04:05Z",
            },
        )
    )
    person = site.only_person()
    assert (person.email, person.name, person.gender) == ("Pat@Example.com", "Pat Doe", "female")
    assert person.phone == "+351 21 000 000"
    assert person.signed_up_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert person.attributes == {}


@pytest.mark.parametrize("first", ["firstName", "first_name"])
@pytest.mark.parametrize("last", ["lastName", "last_name"])
def test_a_name_is_made_of_first_and_last(site: Site, first: str, last: str) -> None:
    site.send(identify("u1", traits={first: "Pat", last: "Doe"}))
    assert site.only_person().name == "Pat Doe"


def test_first_and_last_come_from_the_name(site: Site) -> None:
    site.send(identify("u1", traits={"name": "Pat van der Doe"}))
    person = site.only_person()
    assert (person.first_name, person.last_name) == ("Pat", "van der Doe")


def test_a_name_that_was_said_stays_beside_first_and_last(site: Site) -> None:
    site.send(identify("u1", traits={"name": "Dr. Doe", "firstName": "Pat", "lastName": "Doe"}))
    person = site.only_person()
    assert (person.name, person.first_name, person.last_name) == ("Dr. Doe", "Pat", "Doe")


@pytest.mark.parametrize("key", ["createdAt", "created_at"])
@pytest.mark.parametrize("value", ["2025-01-02T03:04:05Z", 1735787045, "1735787045"])
def test_the_sign_up_time_is_iso_or_unix_seconds(site: Site, key: str, value: Any) -> None:
    site.send(identify("u1", traits={key: value}))
    assert site.only_person().signed_up_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_else_it_is_the_first_time_this_person_is_a_user(site: Site) -> None:
    site.send(page("a1"), at=NOON)
    site.send(identify("u1", "a1"), at=NOON + SECOND)
    site.send(page("a1"), at=NOON + 2 * SECOND)
    assert site.only_person().signed_up_at == NOON + SECOND


def test_a_sign_up_time_that_is_said_later_counts(site: Site) -> None:
    site.send(identify("u1"))
    site.send(identify("u1", traits={"createdAt": "2025-01-02T03:04:05Z"}))
    assert site.only_person().signed_up_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


ADDRESS = {"address": {"city": "Porto", "country": "Portugal", "state": "Norte"}}


def test_an_address_says_where_a_person_is(site: Site) -> None:
    site.send(identify("u1", traits=ADDRESS), way="server")
    person = site.only_person()
    assert (person.city, person.country, person.region) == ("Porto", "Portugal", "Norte")


def test_but_the_ip_s_country_comes_first(site: Site) -> None:
    site.send(identify("u1", "a1", ADDRESS), ip="133.11.0.1")
    site.send(identify("u1", traits=ADDRESS), way="server")
    assert (site.only_person().country, site.only_person().city) == ("Japan", "Porto")


@pytest.mark.parametrize("company", [{"name": "Acme", "plan": "pro"}, "Acme"])
def test_a_company_is_the_person_s_company(site: Site, company: Any) -> None:
    site.send(identify("u1", traits={"company": company}))
    assert site.only_person().company["name"] == "Acme"
    assert site.only_person().attributes == {}


@pytest.mark.parametrize(
    "value",
    ["text", 5, -5, 2.5, True, False, ["a", 1], {"deep": {"er": [1]}}, 0, 2**53, 10**18, 1e20,
     -(2**63), 2**64, 10**30, -(10**30), 1e-300, 5e-324],
)  # fmt: skip
def test_anything_else_is_a_custom_attribute_and_keeps_its_value(site: Site, value: Any) -> None:
    site.send(identify("u1", traits={"x": value, "y": 1}))
    site.send(identify("u1", traits={"y": 2}))  # reads what was stored, and writes it again
    assert site.reasons() == []
    assert site.only_person().attributes == {"x": value, "y": 2}
    assert isinstance(site.only_person().attributes["x"], bool) is isinstance(value, bool)


def test_null_removes_a_custom_attribute(site: Site) -> None:
    site.send(identify("u1", traits={"plan": "pro", "seats": 3}))
    site.send(identify("u1", traits={"plan": None}))
    assert site.only_person().attributes == {"seats": 3}


def test_an_attribute_takes_the_value_of_its_newest_time(site: Site) -> None:
    site.send(identify("u1", traits={"plan": "new"}, at=NOON))
    site.send(identify("u1", traits={"plan": "old", "seats": 3}, at=NOON - SECOND))
    assert site.only_person().attributes == {"plan": "new", "seats": 3}


def test_so_does_a_standard_fact(site: Site) -> None:
    site.send(identify("u1", traits={"name": "New"}, at=NOON))
    site.send(identify("u1", traits={"name": "Old"}, at=NOON - SECOND))
    assert site.only_person().name == "New"


# An unusable trait is dropped or cut alone, with a warning on the Tracking page.


@pytest.mark.parametrize(
    ("said", "is_shown_as"),
    [
        ('"a\\u0000b"', "traits.bad"),
        ('"\\ud800"', "traits.bad"),
        ('["\\udfff"]', "traits.bad"),
        ('{"\\u0000": 1}', "traits.bad"),
        ("1e999", "traits.bad"),
        ("1" + "0" * 400, "traits.bad"),
        ("9" * 250 + "e99", "traits.bad"),
        ('"' + "x" * 8193 + '"', "traits.bad"),
        ('["' + "x" * 8193 + '"]', "traits.bad"),
        ("[" * 30 + "]" * 30, "traits.bad"),
        ("[" * 5000 + "]" * 5000, "traits.bad"),
    ],
)
def test_an_unusable_trait_is_left_out_alone(site: Site, said: str, is_shown_as: str) -> None:
    answer = site.post("/v1/i", _identifying(site, f'{{"bad":{said},"plan":"pro"}}'))
    assert answer.status == 200
    assert site.refusals() == [("trait_left_out", is_shown_as, False)]
    assert site.only_person().attributes == {"plan": "pro"}


@pytest.mark.parametrize("key", ['"\\u0000"', '"\\ud800"', '"' + "k" * 251 + '"'])
def test_a_trait_with_an_unusable_name_is_left_out_alone(site: Site, key: str) -> None:
    site.post("/v1/i", _identifying(site, f'{{{key}:1,"plan":"pro"}}'))
    assert site.reasons() == ["trait_left_out"]
    assert site.only_person().attributes == {"plan": "pro"}


@pytest.mark.parametrize("standard", ["email", "name", "phone", "firstName"])
def test_an_unusable_standard_trait_is_left_out_alone(site: Site, standard: str) -> None:
    site.send(identify("u1", traits={standard: ["not", "a", "text"], "plan": "pro"}))
    assert site.refusals() == [("trait_left_out", f"traits.{standard}", False)]
    assert site.only_person().attributes == {"plan": "pro"}


def test_a_sign_up_time_that_is_none_is_left_out_alone(site: Site) -> None:
    site.send(identify("u1", traits={"createdAt": "the other day", "plan": "pro"}))
    assert site.refusals() == [("trait_left_out", "traits.createdAt", False)]
    assert site.only_person().attributes == {"plan": "pro"}


def test_traits_past_the_300th_are_left_out(site: Site) -> None:
    site.send(identify("u1", traits={f"t{number}": number for number in range(310)}))
    assert len(site.only_person().attributes) == 300
    assert site.reasons() == ["trait_left_out"]


def test_a_person_keeps_at_most_300_custom_attributes(site: Site) -> None:
    site.send(identify("u1", traits={f"a{number}": 1 for number in range(200)}))
    site.send(identify("u1", traits={f"b{number}": 1 for number in range(200)}))
    assert len(site.only_person().attributes) == 300
    assert set(site.reasons()) == {"trait_left_out"}


def test_line_breaks_in_single_line_traits_become_spaces(site: Site) -> None:
    site.send(identify("u1", traits={"name": "Pat\r\nDoe\t\x07Jr", "city_note": "two\nlines"}))
    assert site.only_person().name == "Pat Doe Jr"
    assert site.only_person().attributes == {"city_note": "two\nlines"}


@pytest.mark.parametrize("trait", ["email", "name", "phone", "gender", "firstName"])
@pytest.mark.parametrize("first", ["!", "\N{CYRILLIC CAPITAL LETTER A}", "\u4e00", "\U0001f300"])
def test_an_endless_line_is_cut_not_refused(site: Site, trait: str, first: str) -> None:
    letters = Random(1)  # so that nothing can be compressed
    many = 60 if first < "\u0500" else 700
    line = "".join(chr(ord(first) + letters.randrange(many)) for _ in range(2000))
    answer = site.send(identify("u1", "a1", {trait: line, "plan": "pro"}))
    assert answer.status == 200
    assert set(site.reasons()) == {"trait_left_out"}
    assert site.only_person().attributes == {"plan": "pro"}
    assert site.count("event") == 1


@pytest.mark.parametrize("traits", [[], "text", 5, True])
def test_traits_that_are_no_object_spoil_their_own_event_alone(site: Site, traits: Any) -> None:
    site.send(identify("u1", traits=traits), identify("u2"))
    assert site.refusals() == [("wrong_type", "traits", True)]
    assert site.only_person().user_id == "u2"


def test_null_for_traits_says_nothing(site: Site) -> None:
    site.send(identify("u1", traits=None))
    assert (site.only_person().user_id, site.reasons()) == ("u1", [])


# What is known of a project's attributes.


def test_attributes_are_known_with_their_types_as_soon_as_they_are_seen(site: Site) -> None:
    site.send(
        identify("u1", traits={"t": "x", "n": 1, "b": True, "d": "2026-01-01", "l": [1], "o": {}})
    )
    assert _types(site) == {
        "t": "text", "n": "number", "b": "boolean", "d": "date", "l": "list", "o": "object"
    }  # fmt: skip


def test_an_attribute_of_two_types_is_mixed(site: Site) -> None:
    site.send(identify("u1", traits={"x": "text"}))
    site.send(identify("u2", traits={"x": 5}))
    site.send(identify("u3", traits={"x": "text"}))
    assert _types(site) == {"x": "mixed"}


def _identifying(site: Site, traits: str) -> bytes:
    return f'{{"writeKey":"{site.write_key}","userId":"u1","traits":{traits}}}'.encode()


def _types(site: Site) -> dict[str, str]:
    rows = site.connection.execute(
        "SELECT key, type FROM attribute_key WHERE project_id = %s", (site.project.id,)
    ).fetchall()
    return dict(rows)
