"""How many of those who get an email lack a fact that it says: they read what stands in its place.

Few are all looked at; of many a sample, spread over all of them, so that the answer takes as long
for a million as for some hundreds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.mail.content.compiling import compile_content
from regulars.mail.content.content import Content
from regulars.mail.content.look import Look
from regulars.people import store
from regulars.people.merge_context import FACTS, person_context

Connection = psycopg.Connection[Any]
Path = tuple[str, ...]

MOST_LOOKED_AT = 500  # people
_PLACES = 20  # from which a sample is taken
MOST_NAMED = 5  # facts

# The first and the last of those who will get it, and some from a place on.
ENDS = """
SELECT (SELECT id FROM email_recipient
        WHERE project_id = %(project)s AND email_id = %(email)s AND state = 'waiting'
        ORDER BY id LIMIT 1),
       (SELECT id FROM email_recipient
        WHERE project_id = %(project)s AND email_id = %(email)s AND state = 'waiting'
        ORDER BY id DESC LIMIT 1)
"""
FROM_PLACES = """
SELECT DISTINCT r.person_id
FROM unnest(%(places)s::uuid[]) place (id)
CROSS JOIN LATERAL (
    SELECT person_id FROM email_recipient
    WHERE project_id = %(project)s AND email_id = %(email)s AND state = 'waiting'
      AND id >= place.id
    ORDER BY id LIMIT %(each)s
) r
"""


@dataclass(frozen=True, slots=True)
class Lack:
    """A fact that some lack, and what they read in its place (None: nothing)."""

    fact: str  # in words: "First name"
    people: int
    fallback: str | None


@dataclass(frozen=True, slots=True)
class Lacks:
    """What is lacking among those who were looked at, the most first."""

    looked_at: int
    found: tuple[Lack, ...]


def of_email(
    connection: Connection,
    project_id: UUID,
    email_id: UUID,
    content: Content,
    recipients: int,
    zone: ZoneInfo,
) -> Lacks:
    """Look at those who will get it. Raises ContentError for what can't be compiled."""
    said = _said(content)
    if not said or not recipients:
        return Lacks(0, ())
    ids = _sampled(connection, project_id, email_id, recipients)
    people = store.read(connection, project_id, ids)
    lacking = Counter(
        path
        for person in people.values()
        for facts in (person_context(person, zone),)
        for path in said
        if not _known(facts, path)
    )
    found = [Lack(_words(path), count, said[path]) for path, count in lacking.most_common()]
    return Lacks(len(people), tuple(found[:MOST_NAMED]))


def _said(content: Content) -> dict[Path, str | None]:
    """The facts of a person that it says, with what stands for each where it is unknown."""
    compiled = compile_content(content, Look("Company"), marketing=False)
    said: dict[Path, str | None] = {}
    for one in compiled.said:
        named = all(isinstance(part, str) for part in one.path)
        if one.path[0] == "person" and len(one.path) > 1 and named and not one.guarded:
            said.setdefault(one.path, one.fallback)
    return said


def _sampled(
    connection: Connection, project_id: UUID, email_id: UUID, recipients: int
) -> list[UUID]:
    asked: dict[str, Any] = {"project": project_id, "email": email_id}
    first, last = connection.execute(ENDS, asked).fetchone() or (None, None)
    if first is None or last is None:
        return []
    whole = recipients <= MOST_LOOKED_AT
    asked["each"] = MOST_LOOKED_AT if whole else MOST_LOOKED_AT // _PLACES
    asked["places"] = [first] if whole else list(_between(first, last))
    return [row[0] for row in connection.execute(FROM_PLACES, asked)]


def _between(first: UUID, last: UUID) -> Iterable[UUID]:
    step = (last.int - first.int) // _PLACES
    return (UUID(int=first.int + place * step) for place in range(_PLACES))


def _known(facts: Mapping[str, Any], path: Path) -> bool:
    """As the templates' `default` has it: empty and false are unknown."""
    value: Any = facts
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value is not False and value not in ([], {})


def _words(path: Path) -> str:
    return FACTS.get(path[1], path[-1]) if len(path) == 2 else path[-1]  # noqa: PLR2004
