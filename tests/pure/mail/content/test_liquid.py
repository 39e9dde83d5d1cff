"""What templates may say and how much they may ask for: hostile ones end with a word that helps."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.mail.content.errors import ContentError, RenderError
from regulars.mail.content.filters import FILTERS
from regulars.mail.content.liquid_engine import Program

FACTS = {"person": {"name": "Pat", "tags": ["a", "b"], "n": 7, "bag": {"x": 1}}, "n": 3}


def _said(source: str, **facts: Any) -> str:
    return Program(source, "source", html=True).render({**FACTS, **facts})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Hi {{ person.name }}", "Hi Pat"),
        ('{{ person.nick | default: "you & me" }}', "you &amp; me"),
        ("{% if person.n > 5 %}many{% else %}few{% endif %}", "many"),
        ("{% for tag in person.tags %}[{{ tag }}]{% endfor %}", "[a][b]"),
        ("{% for i in (1..n) %}{{ i }}{% endfor %}", "123"),
        ("{% assign x = person.name | upcase %}{{ x | append: '!' }}", "PAT!"),
        ("{% capture x %}<b>{{ person.name }}</b>{% endcapture %}{{ x }}", "<b>Pat</b>"),
        ("{{ '2026-11-02' | date: '%-d %B %Y' }}", "2 November 2026"),
        ("{{ person.bag }}{{ person }}", ""),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ now }}{{ today }}", ""),
        ("{{ person.tags | join: ', ' | truncate: 3 }}", "a, …"[:2] + "…"),
        ("{{ 'a' | split: ',' | first }}{{ 7 | divided_by: 2 }}", "a3"),
    ],
)
def test_a_template_says(source: str, said: str) -> None:
    assert _said(source) == said


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a\n{% for i in (1..10000000000) %}x{% endfor %}", "Line 2: this loop was stopped"),
        ("{% for i in (1..1000000000) reversed %}x{% endfor %}", "this loop was stopped"),
        (
            "{% for i in (1..100) %}{% for j in (1..100) %}{% endfor %}{% endfor %}",
            "this loop was stopped",
        ),
        (
            "{% for i in (1..5000) %}" + "{% if false %}{% endif %}" * 40 + "{% endfor %}",
            "too much work",
        ),
        ("{% for i in (1..5000) %}" + "x" * 200 + "{% endfor %}", "400,000 letters at most"),
        (
            "{% assign a = 'x' %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}",
            "more than 100,000 letters",
        ),
        ("{% assign a = 'aaaaaaaaaa' %}" + "{% assign a = a | replace: 'a', a %}" * 9, "100,000"),
        ("{{ 999999999999999 | times: 999999999999999 }}", "more than 15 digits"),
        ("{{ 1 | divided_by: 0 }}", "divided by 0"),
        ("{{ person['__class__'] }}", "__class__"),
        ("{{ person.__class__.__mro__ }}", "__class__"),
        ("x\n\n{{ person.name.__len__ }}", "Line 3: “__len__” is not a fact"),
        ("{% assign k = '__class__' %}{{ person[k] }}", "__class__"),
        ("{% if (1..999999999999) contains 0.5 %}{% endif %}", "can only stand in a “for”"),
        ("{% include 'secrets' %}", "include"),
        ("{% render 'secrets' %}", "render"),
        ("{% tablerow i in (1..9) %}{% endtablerow %}", "tablerow"),
        ("{{ person.name | safe }}", "no filter “safe”"),
        ("{{ person.name | url_decode }}", "no filter “url_decode”"),
        ("{% if a %}" * 40 + "{% endif %}" * 40, "nested too deep"),
        ("{% if person.name %}never closed", "Line 1"),
        ("{{ a }}" * 2001, "2,000 tags"),
        ("{{ a[a[a[a[a]]]] | append: }}{% if %}", "Line 1"),
        ("{{" + "(" * 5000, ""),
        ("{% if " + "a and " * 20_000 + "a %}{% endif %}", ""),
        ("{{ " + "9" * 6000 + " }}", ""),
    ],
)
def test_a_hostile_template_is_stopped_at_once_and_told_where(source: str, words: str) -> None:
    begun = time.process_time()
    with pytest.raises(ContentError) as refused:
        _said(source)
    assert words in refused.value.message
    assert refused.value.field == "source"
    assert time.process_time() - begun < 2


def test_too_much_for_one_person_is_another_error_than_a_broken_template() -> None:
    with pytest.raises(RenderError):
        _said("{% for i in (1..person.n) %}{% endfor %}", person={"n": 10**9})


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"newline_to_br"}))
def test_no_filter_makes_markup_of_what_people_are_called(name: str) -> None:
    markup = "<img src=x onerror='1'>\"&"
    given_ = {
        "append": ": person.name", "prepend": ": person.name", "replace": ": 'P', person.name",
        "replace_first": ": 'P', person.name", "remove": ": 'z'", "remove_first": ": 'z'",
        "split": ": ','", "slice": ": 0, 400", "map": ": 'a'", "truncate": ": 400",
        "truncatewords": ": 40",
    }.get(name, "")  # fmt: skip
    if name in {"plus", "minus", "times", "divided_by", "modulo", "at_least", "at_most"}:
        given_ = ": 2"
    if name == "date":
        given_ = ": '<b>'"
    for source in (f"{{{{ person.name | {name}{given_} }}}}", f"{{{{ 'P' | {name}{given_} }}}}"):
        said = _said(source, person={"name": markup})
        assert "<" not in said
        assert '"' not in said


@given(st.text(), st.text())
def test_what_people_are_called_never_becomes_markup(name: str, plan: str) -> None:
    source = (
        '<p title="{{ person.name }}">{{ person.name }}{{ person.plan | default: person.name }}'
        "{% assign both = person.name | append: person.plan %}{{ both | newline_to_br }}"
        "{% capture said %}{{ both }}{% endcapture %}{{ said }}</p>"
    )
    said = _said(source, person={"name": name, "plan": plan})
    rest = said.replace("<br>", "").removeprefix('<p title="').removesuffix("</p>")
    attribute, _, inner = rest.partition('">')
    assert '"' not in attribute
    assert not {"<", ">", '"'} & set(inner)


def test_lines_of_a_fact_stay_lines_in_html_and_in_text() -> None:
    assert _said("{{ a | newline_to_br }}", a="<\nb") == "&lt;<br>\nb"
    text = Program("{{ a | newline_to_br }}", "text", html=False)
    assert text.render({"a": "<\nb"}) == "<\nb"


_UNKNOWN = st.one_of(st.none(), st.just(""), st.just("  "))
_FACT = st.one_of(
    _UNKNOWN,
    st.text("a<&'\" é\u2003", max_size=4),
    st.integers(),
    st.booleans(),
    st.just({"x": "<"}),
)
_PERSON = st.dictionaries(st.sampled_from(["name", "nick", "a b"]), _FACT)


@given(
    facts=st.one_of(st.just({}), st.just({"person": None}), st.fixed_dictionaries(
        {"person": _PERSON}
    )),
    parts=st.lists(
        st.sampled_from([
            "so <b> ", "{{ person.name }}", '{{ person.nick | default: "<you>" }}',
            "{{ person.name | default }}", '{{ person["a b"] | default: "" }}',
            "{{ person.name.x }}", "{{ person.size }}", "{{- person.nick -}}",
                "{{ person.nick | default: 3 }}",
        ])
    ),
    html=st.booleans(),
)  # fmt: skip
def test_what_says_facts_alone_is_filled_in_as_the_engine_does(
    facts: dict[str, Any], parts: list[str], html: bool
) -> None:
    program = Program("".join(parts), "source", html=html)
    by_the_engine = Program("".join(parts) + "{% if false %}{% endif %}", "source", html=html)
    assert program.render(facts) == by_the_engine.render(facts)
