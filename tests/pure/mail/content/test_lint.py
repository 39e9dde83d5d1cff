"""The checks before sending: each says what, and where."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.mail.content.content import Content
from regulars.mail.content.lint import Finding, lint
from regulars.mail.content.look import Look
from regulars.people.merge_context import knows
from tests.pure.mail.content.making import LOOK, built, own, text

GOOD = [text("<p>Hi {{ person.first_name | default: 'you' }}</p>"), {"type": "footer"}]


def _found(content: Content, *, marketing: bool = True, look: Look = LOOK) -> dict[str, Finding]:
    found = lint(content, marketing=marketing, look=look, knows=knows({"plan"}))
    return {one.code: one for one in found}


def test_a_good_mail_has_nothing_but_praise() -> None:
    found = lint(built(*GOOD), marketing=True, look=LOOK, knows=knows(()))
    assert {one.level for one in found} == {"ok"}
    assert {one.code for one in found} == {"unsubscribe", "tags", "size"}


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        (built(*GOOD, subject=" "), "empty_subject", "subject"),
        (built(), "empty", "blocks"),
        (own(""), "empty", "source"),
        (built(text("<p>x</p>")), "no_unsubscribe", ""),
        (own("<p>x</p>"), "no_unsubscribe", ""),
        (built(*GOOD, text("<p>{{ person.first_name | }}{% if %}</p>")), "broken", "blocks.2.html"),
        (built(*GOOD, text("<p>{{ first_name }}</p>")), "unknown_tag", "blocks.0.html"),
        (built(*GOOD, text("<p>{{ person.attributes.size }}</p>")), "unknown_tag", "blocks.2.html"),
        (built(*GOOD, text("<p>{{ person.attributes.plan }}</p>")), "no_fallback", "blocks.2.html"),
        (built(*GOOD, {"type": "image", "src": "/media/a.png"}), "no_alt", "blocks.2.alt"),
        (built(*GOOD, {"type": "image"}), "no_picture", "blocks.2.src"),
        (own("<img src='https://a.b/c.png'>"), "no_alt", "source"),
        (own("<img alt='a' src='cup.png'>"), "picture_address", "source"),
        (own("<script>x</script>"), "dropped", "source"),
        (built(*GOOD, {"type": "button", "label": "Go"}), "no_link", "blocks.2.href"),
        (
            built(*GOOD, {"type": "button", "label": "Go", "href": "http://localhost:3000/x"}),
            "link_local",
            "blocks.2.href",
        ),
        (built(*GOOD, text('<a href="http://192.168.1.4/">x</a>')), "link_local", "blocks.2.html"),
        (own("<a href='https://example.com/start'>x</a>"), "link_example", "source"),
        (own("<a href='http://127.0.0.1:8000'>x</a>"), "link_local", "source"),
        (built(*GOOD, text("<p>{% for i in (1..99999999) %}{% endfor %}</p>")), "stopped",
         "blocks.2.html"),
        (own("<p>" + "x" * 110_000 + "</p>"), "too_large", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_where_it_is(content: Content, code: str, where: str) -> None:
    assert _found(content)[code].where == where


def test_marketing_needs_an_address() -> None:
    assert _found(built(*GOOD), look=Look("Tideway"))["no_address"].level == "error"
    assert "no_address" not in _found(built(*GOOD), marketing=False, look=Look("Tideway"))


def test_a_tag_that_an_if_asked_for_first_needs_no_fallback() -> None:
    guarded = "<p>{% if person.city %}in {{ person.city }}{% endif %}</p>"
    assert "no_fallback" not in _found(built(*GOOD, text(guarded)))


def test_names_that_a_template_gives_are_its_own() -> None:
    said = "<p>{% assign x = person.city %}{% for t in person.tags %}{{ t }}{{ x }}{% endfor %}</p>"
    found: dict[str, Any] = _found(built(*GOOD, text(said)))
    assert "unknown_tag" not in found
