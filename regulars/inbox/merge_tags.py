"""Merge tags in saved replies and the messenger's greeting: `{{ first_name | default: "there" }}`.

A tag names a fact, and may say what stands in its place where the fact is unknown. The syntax is
Liquid's own (https://shopify.github.io/liquid/), of which this is all. A fact of the person may be
named as emails do, too: `{{ person.first_name }}`. A text is checked when it is saved, so that a
mistyped tag never reaches anybody. What comes out is plain text; whoever shows it escapes it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from regulars.people.merge_context import FACTS, as_text
from regulars.people.person import Person

MAX_VALUE = 500  # characters of a fact that go into a text

_OF_PEOPLE = (
    "first_name", "last_name", "name", "email", "phone", "user_id", "company", "city", "country",
)  # fmt: skip
# What a tag may name, and what that is.
KEYS: Mapping[str, str] = {
    **{name: FACTS[name] for name in _OF_PEOPLE},
    "agent.first_name": "Your first name",
    "agent.name": "Your name",
    "project.name": "The project's name",
}
CUSTOM = "attributes."  # and any custom attribute of the person behind this

_TAG = re.compile(
    r"""\{\{\s*
    (?:person\.)?(?P<key>[a-z_]+(?:\.[A-Za-z_][A-Za-z0-9_-]*)?)
    \s*(?:\|\s*default\s*:\s*(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)')\s*)?
    \}\}""",
    re.VERBOSE,
)
_OPENING = re.compile(r"\{\{|\{%")


class TagError(ValueError):
    """A text holds a tag that means nothing; the message says which."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as it stands in a text."""

    key: str
    default: str


def check(text: str) -> list[Tag]:
    """The tags of a text, in their order. Raises TagError for what is none."""
    tags: list[Tag] = []
    at = 0
    while opening := _OPENING.search(text, at):
        found = _TAG.match(text, opening.start())
        if found is None:
            shown = text[opening.start() : opening.start() + 60].partition("\n")[0]
            raise TagError(f"“{shown}” is not a merge tag. One is {{{{ first_name }}}}.")
        tag = _tag(found)
        if tag.key not in KEYS and not tag.key.startswith(CUSTOM):
            raise TagError(f"There is no merge tag “{tag.key[:60]}”.")
        tags.append(tag)
        at = found.end()
    return tags


def render(text: str, facts: Mapping[str, str]) -> str:
    """The text with its tags filled in. Of a checked text nothing raises.

    What a fact holds is never read as a tag.
    """

    def filled(found: re.Match[str]) -> str:
        tag = _tag(found)
        return facts.get(tag.key, "").strip() or tag.default

    return _TAG.sub(filled, text)


def facts_of(person: Person | None = None, *, agent: str = "", project: str = "") -> dict[str, str]:
    """What tags stand for: of a person, the agent who writes to them, and the project, by name."""
    facts = {"agent.name": agent, "agent.first_name": agent.partition(" ")[0]}
    facts["project.name"] = project
    if person is None:
        return facts
    for key in ("first_name", "last_name", "name", "email", "phone", "user_id", "city", "country"):
        facts[key] = getattr(person, key) or ""
    facts["company"] = person.company.get("name") or ""
    facts |= {CUSTOM + key: value for key, value in person.attributes.items()}
    return {key: as_text(value, MAX_VALUE) for key, value in facts.items()}


def _tag(found: re.Match[str]) -> Tag:
    return Tag(found["key"], found["double"] or found["single"] or "")
