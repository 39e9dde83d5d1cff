"""How people stand with campaigns, for segments that ask about it.

Campaigns keep that in rows of their own, and it is nowhere kept twice: where some segment asks, it
is read with the people who change, by the very SQL that lists ask. Whoever records an outcome looks
first whether any segment asks about its campaign, which costs two short statements, and nothing
else where none does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import CampaignCondition, Filter, conditions
from regulars.filters.to_sql import to_sql
from regulars.kit import arrays
from regulars.people.person import Person

Connection = psycopg.Connection[Any]

QUEUE = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 1))"  # as `plan.QUEUE_SHARED`
ASKED = "SELECT campaigns FROM segment_plan WHERE project_id = %s FOR SHARE"
KEEP = "UPDATE segment_plan SET campaigns = %s::uuid[] WHERE project_id = %s"
# Of which of these people it is so; the number is the condition's.
HOLDS = """
SELECT %s::int, p.id FROM person p
WHERE p.project_id = %s AND p.id = ANY(%s::uuid[]) AND {text}
"""
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # time changes nothing of what campaigns say


def asked_of(filters: Iterable[Filter]) -> tuple[CampaignCondition, ...]:
    """What the filters ask about campaigns: each question once, in the positive."""
    found = (
        positive(one)
        for filter_ in filters
        for one in conditions(filter_)
        if isinstance(one, CampaignCondition)
    )
    return tuple(dict.fromkeys(found))


def positive(condition: CampaignCondition) -> CampaignCondition:
    """The condition without its "not"."""
    op = condition.operator.outcome
    return CampaignCondition(condition.campaign, op, condition.step, condition.variant)


def campaigns_asked(connection: Connection, project_id: UUID) -> frozenset[UUID]:
    """The campaigns that segments ask about, which stay as they are until the transaction ends.

    Before anybody is locked, as whoever evaluates segments.
    """
    connection.execute(QUEUE, (str(project_id),), prepare=True)
    row = connection.execute(ASKED, (project_id,), prepare=True).fetchone()
    return frozenset(row[0]) if row else frozenset()


def keep(connection: Connection, project_id: UUID, filters: Iterable[Filter]) -> None:
    """Note which campaigns the segments, written out, ask about. Under the plan's lock."""
    asked = {one.campaign for one in asked_of(filters)}
    connection.execute(KEEP, (arrays.of_ids(sorted(asked)), project_id))


def read(
    connection: Connection,
    project_id: UUID,
    asked: Sequence[CampaignCondition],
    people: Sequence[Person],
) -> list[Person]:
    """Let these people, who are locked, know how they stand; returns those for whom it is news."""
    parts, params = [], []
    ids = arrays.of_ids(person.id for person in people)
    for n, condition in enumerate(asked):
        text, more = to_sql(condition, now=_ANY_TIME, zone=UTC)
        parts.append(HOLDS.format(text=text))
        params += [n, project_id, ids, *more]
    found: dict[UUID, dict[UUID, set[str]]] = {}
    for n, person_id in connection.execute(" UNION ALL ".join(parts), params):
        one = asked[n]
        found.setdefault(person_id, {}).setdefault(one.campaign, set()).add(one.answer)
    news = []
    for person in people:
        stands = found.get(person.id, {})
        if stands != person.campaigns:
            person.campaigns = stands
            news.append(person)
    return news
