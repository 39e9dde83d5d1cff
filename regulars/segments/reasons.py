"""Why somebody is in a segment or not, and who is the next to leave one by time alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.ast import Filter, is_timed
from regulars.filters.compile import compile_filters
from regulars.filters.describe import Names
from regulars.filters.evaluate import evaluate
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.filters.why import Why
from regulars.filters.why import why as why_filter
from regulars.people import queries as people
from regulars.people.person import Person
from regulars.segments import queries
from regulars.segments.findings import tell
from regulars.segments.needs import kept
from regulars.segments.plan import KINDS, segments_written_out
from regulars.segments.standing import asked_of, read
from regulars.workspaces.errors import UnknownError

Connection = psycopg.Connection[Any]

A_FEW = 300  # people of whom the next to leave is looked for

ZONE = "SELECT time_zone FROM project WHERE id = %s"
MEMBERS = """
SELECT person_id FROM segment_member WHERE project_id = %s AND segment_id = %s LIMIT %s
"""

_OWN = frozenset(Facts.__dataclass_fields__) - {
    "segments", "checkpoints", "campaigns", "event_times",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    """A project's segments and remembered events by the numbers that people's rows carry."""

    segments: dict[int, UUID]
    needs: dict[str, str]
    steps: dict[str, int]


def why(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    person_id: UUID,
    now: datetime,
    names: queries.Called | None = None,
) -> tuple[Why | None, queries.Membership | None]:
    """The segment's rule with the person's own values, and since when they are in it.

    The first is None for a segment picked by hand, the second for somebody who is not in it.
    `names` are those of what the rule names, where a slice above knows more of them.
    Raises UnknownError.
    """
    one = queries.segment(connection, project_id, segment_id)
    person = people.person(connection, project_id, person_id)
    if person is None:
        raise UnknownError("There is no such person.")
    memberships = queries.memberships_of(connection, project_id, person.id)
    inside = next((each for each in memberships if each.id == segment_id), None)
    if one.filter is None:
        return None, inside
    rule = parse(one.filter, kinds=KINDS)
    _stand(connection, project_id, rule, [person])
    facts = _facts(person, _known(connection, project_id))
    called = names or queries.names(connection, project_id)
    known = Names(called, called, called.checkpoints, called.steps)
    when = When(now, ZoneInfo(_zone(connection, project_id)))
    return why_filter(rule, facts, when, known), inside


def next_to_leave(
    connection: Connection, project_id: UUID, segment_id: UUID, now: datetime
) -> tuple[UUID, datetime] | None:
    """Who is the next to leave though nothing happens, and when.

    None where time moves nobody out, or where the segment has more than a few hundred people.
    """
    filters = segments_written_out(connection, project_id)
    rule = filters.get(segment_id)
    if rule is None or not is_timed(rule):
        return None
    rows = connection.execute(MEMBERS, (project_id, segment_id, A_FEW + 1)).fetchall()
    if len(rows) > A_FEW:
        return None
    zone = ZoneInfo(_zone(connection, project_id))
    asked = compile_filters([rule], zone).evaluate
    known = _known(connection, project_id)
    soonest: tuple[UUID, datetime] | None = None
    found = people.people(connection, project_id, [row[0] for row in rows])
    _stand(connection, project_id, rule, list(found.values()))
    for person in found.values():
        facts = _facts(person, known)
        again = asked(facts, now)[1]
        if again is None or (soonest is not None and again >= soonest[1]):
            continue
        if not evaluate(rule, facts, When(again, zone)):
            soonest = person.id, again
    return soonest


def _stand(connection: Connection, project_id: UUID, rule: Filter, found: Sequence[Person]) -> None:
    """Let these people say how they stand with what the rule asks about, and rows beside tell."""
    tell(connection, project_id, found)
    asked = asked_of([rule])
    if asked and found:
        read(connection, project_id, asked, found)


def _known(connection: Connection, project_id: UUID) -> _Known:
    """What the numbers on people's rows stand for."""
    needs = {need.name: key for key, need in kept(connection, project_id).items()}
    return _Known(
        queries.by_number(connection, project_id), needs, queries.steps(connection, project_id)
    )


def _facts(person: Person, known: _Known) -> Facts:
    """A person as filters see one, with the segments they are in by id."""
    facts = Facts(**{name: getattr(person, name) for name in _OWN})
    facts.segments = {
        known.segments[number] for number in person.segments if number in known.segments
    }
    facts.checkpoints = {
        known.steps[key]: at for key, at in person.checkpoints.items() if key in known.steps
    }
    facts.campaigns = person.campaigns
    facts.event_times = {
        known.needs[number]: times
        for number, times in person.event_times.items()
        if number in known.needs
    }
    return facts


def _zone(connection: Connection, project_id: UUID) -> str:
    row = connection.execute(ZONE, (project_id,)).fetchone()
    return str(row[0]) if row else "UTC"
