"""Merge tags: what is one, what is none, and what stands in their place."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.inbox.merge_tags import KEYS, Tag, TagError, check, facts_of, render
from regulars.people.person import Person, new_person

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _pat(**facts: str | None) -> Person:
    person = new_person(UUID(int=1), UUID(int=2), NOW)
    for name, value in {"first_name": "Pat", "name": "Pat Doe", **facts}.items():
        setattr(person, name, value)
    return person


def test_a_tag_is_filled_in() -> None:
    facts = facts_of(_pat(), agent="Alice Reis", project="Tideway")
    text = "Hej {{ first_name }}, {{agent.first_name}} of {{ project.name }} here."
    assert render(text, facts) == "Hej Pat, Alice of Tideway here."


@pytest.mark.parametrize("missing", [None, "", "   "])
def test_what_is_unknown_is_said_by_the_default(missing: str | None) -> None:
    facts = facts_of(_pat(first_name=missing))
    assert render("Hi {{ first_name | default: 'there' }}!", facts) == "Hi there!"
    assert render('Hi {{first_name|default:"you"}}!', facts) == "Hi you!"
    assert render("Hi{{ first_name }}!", facts) == "Hi!"


def test_a_default_gives_way_to_what_is_known() -> None:
    assert render('{{ first_name | default: "there" }}', facts_of(_pat())) == "Pat"


def test_with_nobody_at_all_defaults_speak() -> None:
    assert render('Hi {{ first_name | default: "there" }}', facts_of()) == "Hi there"


def test_custom_attributes_are_filled_in_as_people_write_them() -> None:
    person = _pat()
    person.attributes = {"plan": "pro", "seats": 5, "share": 2.5, "paid": True, "list": [1]}
    text = " ".join(f"{{{{ attributes.{key} }}}}" for key in person.attributes)
    assert render(text, facts_of(person)) == "pro 5 2.5 yes "


def test_a_company_is_said_by_its_name() -> None:
    person = _pat()
    person.company = {"id": "c9", "name": "Acme"}
    assert render("{{ company }}", facts_of(person)) == "Acme"


def test_what_a_fact_holds_is_never_a_tag() -> None:
    person = _pat(first_name="{{ email }}", email="pat@example.com")
    assert render("Hi {{ first_name }}", facts_of(person)) == "Hi {{ email }}"


def test_a_fact_is_cut_where_it_is_long() -> None:
    person = _pat()
    person.attributes = {"essay": "x" * 9000}
    assert len(render("{{ attributes.essay }}", facts_of(person))) == 500


def test_the_tags_of_a_text_are_named_in_order() -> None:
    text = 'Hi {{ first_name | default: "there" }}, {{ agent.name }}. 2 } or {3}.'
    assert check(text) == [Tag("first_name", "there"), Tag("agent.name", "")]


@pytest.mark.parametrize("key", KEYS)
def test_every_tag_there_is_may_be_used(key: str) -> None:
    assert check(f"{{{{ {key} }}}}") == [Tag(key, "")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hi {{ frist_name }}", "frist_name"),
        ("Hi {{ agent.password }}", "agent.password"),
        ("Hi {{ first_name", "{{ first_name"),
        ("Hi {{ }}", "{{ }}"),
        ("Hi {{ first_name | upcase }}", "upcase"),
        ("Hi {{ first_name | default: there }}", "default: there"),
        ('Hi {{ first_name | default: "there" | upcase }}', "upcase"),
        ("Hi {{{ first_name }}}", "{{{ first_name }}}"),
        ("{% if name %}", "{% if name %}"),
        ("{{ first_name.size }}", "first_name.size"),
        ("{{ attributes }}", "attributes"),
        ("{{ attributes.2fa }}", "attributes.2fa"),
        ("{{ first_name }}{{ x", "{{ x"),
        ('{{ first_name | default: "a\nb" }}', "default"),
    ],
)
def test_what_is_no_tag_is_shown(text: str, shown: str) -> None:
    with pytest.raises(TagError) as wrong:
        check(text)
    assert shown in str(wrong.value)


_pieces = st.sampled_from(
    ["{{", "}}", "{", "}", "{%", " ", "first_name", "name", "|", "default:", '"x"', "a", "\n"]
)


@given(st.lists(_pieces, max_size=14).map("".join))
def test_a_text_that_passes_has_no_tag_left_when_it_is_rendered(text: str) -> None:
    try:
        check(text)
    except TagError:
        return
    rendered = render(text, {})
    assert "{%" not in rendered
    assert rendered.count("{{") == 0 or "{{" not in text


@given(st.text(alphabet="{}|%\"' \nabn_.:default", max_size=60))
def test_no_text_makes_it_stumble(text: str) -> None:
    with suppress(TagError):
        check(text)
    render(text, {"name": "Pat"})
