"""What a filter is suggested: the project's own values, the most frequent first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg
import pytest

from regulars.events import record
from regulars.kit.ids import ids_at
from regulars.people import values
from regulars.people.values import Suggestion, frequent_values
from regulars.workspaces.errors import InvalidError
from tests.slices.people.crowd import add_all
from tests.slices.tracking.site import NOON, Site, open_site


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def suggested(site: Site, field: str, typed: str = "", limit: int = 20) -> list[str]:
    found = frequent_values(site.connection, site.project.id, field, typed, limit)
    return [suggestion.value for suggestion in found]


def test_the_most_frequent_value_comes_first_with_how_many_have_it(site: Site) -> None:
    add_all(site, [{"browser": "Safari"}, {"browser": "Firefox"}, {"browser": "Firefox"}, {}])
    found = frequent_values(site.connection, site.project.id, "browser")
    assert found == [Suggestion("Firefox", 2), Suggestion("Safari", 1)]


def test_what_was_typed_may_stand_anywhere_in_whatever_case(site: Site) -> None:
    add_all(site, [{"city": "Östersund"}, {"city": "Sundsvall"}, {"city": "Lund"}])
    assert suggested(site, "city", "SUND") == ["Sundsvall", "Östersund"]
    assert suggested(site, "city", "öST") == ["Östersund"]
    assert suggested(site, "city", "50%") == []


def test_values_that_filters_hold_equal_are_one_in_their_usual_spelling(site: Site) -> None:
    add_all(site, [{"city": "lund"}, {"city": "Lund"}, {"city": "Lund"}])
    assert frequent_values(site.connection, site.project.id, "city") == [Suggestion("Lund", 3)]


def test_custom_values_tags_and_companies_are_suggested_too(site: Site) -> None:
    add_all(
        site,
        [
            {"attributes": {"plan": "Pro", "seats": 5, "paid": True}, "tags": ["vip", "press"]},
            {"attributes": {"plan": "Pro", "list": [1]}, "tags": ["vip"]},
        ],
    )
    assert suggested(site, "attributes.plan") == ["Pro"]
    assert suggested(site, "attributes.seats") == ["5"]
    assert suggested(site, "attributes.paid") == ["true"]
    assert suggested(site, "attributes.list") == []
    assert suggested(site, "company.name") == []
    assert suggested(site, "tags") == ["vip", "press"]
    assert suggested(site, "kind", "le") == ["lead"]
    assert suggested(site, "signed_up_at") == []


@pytest.mark.parametrize("sample", [0, 40])
def test_of_too_many_people_a_sample_answers_without_numbers(site: Site, sample: int) -> None:
    crowd = [{"browser": "Firefox", "last_seen": NOON, "email": f"p{n}@x.org"} for n in range(60)]
    add_all(site, crowd)
    with patch.object(values, "SAMPLE", sample):
        found = frequent_values(site.connection, site.project.id, "browser")
        assert found == ([Suggestion("Firefox", None)] if sample else [])
        # An address is found by how it begins, even of somebody whom the sample left out.
        assert suggested(site, "email", "P59@")[:1] == ["p59@x.org"]


def test_names_and_properties_of_events_are_those_that_happened(site: Site) -> None:
    [person] = add_all(site, [{}])
    tracked(site, person.id, ["Order Completed", "Order Completed", "Signed Out"])
    assert suggested(site, "event") == ["Order Completed", "Signed Out"]
    assert suggested(site, "event", "out") == ["Signed Out"]
    assert suggested(site, "properties.coupon") == ["SPRING"]


def tracked(site: Site, person: UUID, names: list[str]) -> None:
    at = NOON - timedelta(minutes=1)
    record.Partitions().ensure(site.connection, NOON)
    for id_, name in zip(ids_at(at, len(names)), names, strict=True):
        site.connection.execute(
            "INSERT INTO event (project_id, id, person_id, kind, name, happened_at, source,"
            " properties) VALUES (%s, %s, %s, 'track', %s, %s, 'server', %s)",
            (site.project.id, id_, person, name, at, '{"coupon": "SPRING"}'),
        )


def test_no_other_projects_values_are_seen(site: Site, database: psycopg.Connection[Any]) -> None:
    add_all(site, [{"browser": "Firefox"}])
    other = open_site(database)
    add_all(other, [{"browser": "Safari", "last_seen": NOON}])
    assert suggested(other, "browser") == ["Safari"]
    with patch.object(values, "SAMPLE", 40), patch.object(values, "PEOPLE", "SELECT 1000"):
        assert suggested(other, "browser") == ["Safari"]


@pytest.mark.parametrize("field", ["nonsense", "", "attributes.", "attributes.a\x00b"])
def test_a_field_that_is_none_is_refused(site: Site, field: str) -> None:
    with pytest.raises(InvalidError):
        frequent_values(site.connection, site.project.id, field)
