"""What a project's own people and events hold in a field: suggestions while a filter is made.

A suggestion may miss a rare value, never invent one. So a bounded sample is read however many
people there are: those seen last, and runs of neighbours at even distances through the time in
which people first came. Where the sample is everybody, the numbers are exact and are given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.catalog import Field, ValueType, find_field, find_property
from regulars.filters.operands import KINDS
from regulars.kit.text import fold
from regulars.people.facts import unusable
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

SAMPLE = 4_000  # people, or events, that are read at most; up to so many are all read
RUNS = 40
LONGEST = 200  # characters of a value worth suggesting
EVENT = "event"  # the name under which the names of events are asked for

PEOPLE = "SELECT coalesce(sum(people), 0)::bigint FROM kind_count WHERE project_id = %(project)s"
ENDS = """
SELECT (SELECT id FROM {table} WHERE project_id = %(project)s ORDER BY id LIMIT 1),
       (SELECT id FROM {table} WHERE project_id = %(project)s ORDER BY id DESC LIMIT 1)
"""
EVERYBODY = "SELECT {value} AS value FROM person p {also} WHERE p.project_id = %(project)s"
# Half of the sample are those seen last, of each kind of people; the other half are the runs.
SOME_PEOPLE = """
SELECT {value} AS value
FROM (
    SELECT seen.id FROM unnest(%(kinds)s::text[]) AS kinds (kind), LATERAL (
        SELECT a.id FROM person_activity a
        WHERE a.project_id = %(project)s AND a.kind = kinds.kind
          AND a.last_seen_minute IS NOT NULL
        ORDER BY a.last_seen_minute DESC NULLS LAST LIMIT %(newest)s
    ) seen
    UNION
    SELECT near.id FROM unnest(%(starts)s::uuid[]) AS starts (id), LATERAL (
        SELECT n.id FROM person n WHERE n.project_id = %(project)s AND n.id >= starts.id
        ORDER BY n.id LIMIT %(run)s
    ) near
) chosen JOIN person p ON p.project_id = %(project)s AND p.id = chosen.id {also}
"""
SOME_EVENTS = """
SELECT {value} AS value
FROM (
    (SELECT e.id, e.kind, e.name, e.properties FROM event e
     WHERE e.project_id = %(project)s ORDER BY e.id DESC LIMIT %(newest)s)
    UNION
    SELECT near.* FROM unnest(%(starts)s::uuid[]) AS starts (id), LATERAL (
        SELECT n.id, n.kind, n.name, n.properties FROM event n
        WHERE n.project_id = %(project)s AND n.id >= starts.id ORDER BY n.id LIMIT %(run)s
    ) near
) e WHERE e.kind = 'track'
"""
TALLY = """
SELECT value, count(*) FROM ({values}) found
WHERE value <> '' AND length(value) <= %(longest)s
GROUP BY value
"""
# Whom an index finds by the beginning of what was typed, for fields in which few are alike.
BEGINNING = {
    "email": """
        SELECT email, 0 FROM person WHERE project_id = %(project)s
          AND email_folded >= %(from)s AND email_folded < %(to)s
        ORDER BY email_folded LIMIT %(limit)s
    """,
    "name": """
        SELECT near.name, 0 FROM unnest(%(kinds)s::text[]) AS kinds (kind), LATERAL (
            SELECT n.name FROM person n
            WHERE n.project_id = %(project)s AND n.kind = kinds.kind AND n.kind <> 'visitor'
              AND n.name_sort >= %(from)s AND n.name_sort < %(to)s AND n.name IS NOT NULL
            ORDER BY n.name_sort LIMIT %(limit)s
        ) near
    """,
}
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Tally:
    """Values and how many of those who were looked at have them; `exact`: of all people."""

    found: Sequence[tuple[str, int]]
    exact: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value as it is stored, and how many people have it where that is known."""

    value: str
    people: int | None


def frequent_values(
    connection: Connection, project_id: UUID, field: str, typed: str = "", limit: int = 20
) -> list[Suggestion]:
    """The most frequent values of a field that hold what was typed, the most frequent first.

    `field` is a standard field, `attributes.<key>`, `company.<key>`, `event` for the names of
    events, or `properties.<key>` of events. What was typed may stand anywhere in the value,
    whatever its case. Numbers and truth values come as JSON writes them. Dates and counts have
    no suggestions. Frequent is what is frequent in the sample that the module's docstring tells
    of; values rarer than one in a thousand people may be missing. Raises InvalidError for a field
    that is none.
    """
    if unusable(field) or unusable(typed):
        raise InvalidError("field", "Expected the name of a field, and text.")
    needle = fold(typed)
    if field == "kind":
        return _best(Tally([(kind, 0) for kind in KINDS], exact=False), needle, limit)
    if field == EVENT:
        return _best(_of_events(connection, project_id, "e.name", ""), needle, limit)
    if (of_events := find_property(field)) is not None:
        value = _scalar("e.properties")
        return _best(_of_events(connection, project_id, value, of_events.name), needle, limit)
    about = find_field(field)
    if about is None:
        raise InvalidError("field", f"There is no field “{field[:60]}”.")
    return _best(_of_people(connection, project_id, about, needle, limit), needle, limit)


def _of_people(
    connection: Connection, project_id: UUID, field: Field, needle: str, limit: int
) -> Tally:
    value, also = _value_of(field)
    if value is None:
        return Tally([], exact=True)
    asked: dict[str, Any] = {"project": project_id, "key": field.name, "longest": LONGEST}
    row = connection.execute(PEOPLE, asked).fetchone()
    if row is None or row[0] <= SAMPLE:
        values = EVERYBODY.format(value=value, also=also)
        found = connection.execute(TALLY.format(values=values), asked).fetchall()
        return Tally(found, exact=True)
    asked |= _spread(connection, project_id, "person")
    asked |= {"kinds": list(KINDS), "newest": SAMPLE // 2 // len(KINDS)}
    values = SOME_PEOPLE.format(value=value, also=also)
    found = connection.execute(TALLY.format(values=values), asked).fetchall()
    if needle and field.key in BEGINNING:
        asked |= {"from": needle, "to": needle + _HIGHEST, "limit": limit}
        found += connection.execute(BEGINNING[field.key], asked).fetchall()
    return Tally(found, exact=False)


def _of_events(connection: Connection, project_id: UUID, value: str, key: str) -> Tally:
    asked = {"project": project_id, "key": key, "longest": LONGEST, "newest": SAMPLE // 2}
    asked |= _spread(connection, project_id, "event")
    values = SOME_EVENTS.format(value=value)
    found = connection.execute(TALLY.format(values=values), asked).fetchall()
    return Tally(found, exact=False)


def _value_of(field: Field) -> tuple[str | None, str]:
    """SQL for the value as text, and what must be joined for it; None where none is suggested."""
    if field.bag is not None:
        return _scalar(f"p.{field.bag}"), ""
    match field.type:
        case ValueType.TEXT:
            return f"p.{field.key}", ""
        case ValueType.LIST:
            return "tag.value", ", LATERAL unnest(p.tags) AS tag (value)"
        case ValueType.IP:
            return "host(p.ip)", ""
        case _:
            return None, ""


def _scalar(bag: str) -> str:
    kind = f"jsonb_typeof({bag} -> %(key)s::text)"
    return f"CASE WHEN {kind} IN ('string', 'number', 'boolean') THEN {bag} ->> %(key)s::text END"


def _spread(connection: Connection, project_id: UUID, table: str) -> dict[str, Any]:
    """Where the runs begin: at even distances through the ids, which are in order of time."""
    ends = connection.execute(ENDS.format(table=table), {"project": project_id}).fetchone()
    if ends is None or ends[0] is None:
        return {"starts": [], "run": 0}
    first, last = ends[0].int, ends[1].int
    step = (last - first) // RUNS
    starts = [UUID(int=first + step * number) for number in range(RUNS)]
    return {"starts": starts, "run": SAMPLE // 2 // RUNS}


def _best(tally: Tally, needle: str, limit: int) -> list[Suggestion]:
    """One spelling for all that fold to the same, and so many of the most frequent."""
    spellings: dict[str, Counter[str]] = {}
    for value, people in tally.found:
        folded = fold(value)
        if folded and needle in folded:
            spellings.setdefault(folded, Counter())[value] += people

    def rank(item: tuple[str, Counter[str]]) -> tuple[bool, int, str]:
        folded, spelt = item
        # What begins with the letters that were typed is likelier meant.
        return not folded.startswith(needle), -spelt.total(), folded

    best = sorted(spellings.items(), key=rank)[:limit]
    return [
        Suggestion(spelt.most_common(1)[0][0], spelt.total() if tally.exact else None)
        for _, spelt in best
    ]
