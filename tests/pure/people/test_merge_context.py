"""Facts of a person as templates name them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars.mail.content.liquid_engine import Program
from regulars.people.merge_context import custom_tag, knows, person_context, standard_tags
from regulars.people.person import Person, new_person

NOW = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")


def _pat() -> Person:
    person = new_person(UUID(int=1), UUID(int=2), NOW)
    person.first_name, person.signed_up_at, person.sessions = "Pat", NOW, 3
    person.attributes = {"plan": "Pantry", "first_name": "Hacked", "city": "Faked", "a b": 1}
    person.company = {"name": "Tideway"}
    return person


def _said(source: str) -> str:
    facts = person_context(_pat(), ZoneInfo("Asia/Tokyo"))
    return Program(source, "source", html=True).render(facts)


def test_standard_facts_go_before_custom_ones_of_the_same_name() -> None:
    assert _said("{{ person.first_name }}|{{ person.city }}|{{ person.attributes.city }}") == (
        "Pat||Faked"
    )


def test_custom_facts_stand_under_attributes_and_by_themselves() -> None:
    assert _said("{{ person.plan }}|{{ person.attributes.plan }}") == "Pantry|Pantry"
    assert _said('{{ person.attributes["a b"] }}') == "1"


def test_times_are_the_project_zones_days() -> None:
    assert _said("{{ person.signed_up_at }}") == "11 March 2026"
    assert _said("{{ person.signed_up_at | date: '%H:%M' }}") == "08:30"


def test_every_tag_of_the_picker_is_known_and_says_something_or_nothing() -> None:
    known = knows({"plan"})
    for tag in standard_tags():
        assert known(tuple(tag.path.split(".")))
        _said(f"{{{{ {tag.path} }}}}")
    assert not known(("person", "nope"))
    assert not known(("person", "attributes", "nope"))


def test_a_custom_key_is_named_so_that_liquid_reads_it() -> None:
    assert [tag.path if (tag := custom_tag(key)) else None for key in ("plan", "a b", 'a"b')] == [
        "person.attributes.plan", 'person.attributes["a b"]', None,
    ]  # fmt: skip
