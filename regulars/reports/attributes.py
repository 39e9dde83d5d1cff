"""By which custom attributes of people events are told apart: the first few that tell little apart.

An attribute with as many values as people (an id, a date) would fill the table and say nothing: as
soon as a day has too many of its values, it is left out for good.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.reports.tally import ATTRIBUTE, cut

Connection = psycopg.Connection[Any]

MOST = 8  # attributes of a project
LONGEST = 60  # characters of a value: what is longer is a text, not a kind

OF_PEOPLE = """
SELECT id, attributes FROM person
WHERE project_id = %s AND id = ANY(%s::uuid[]) AND attributes <> '{}'
"""

Parts = Mapping[UUID, tuple[tuple[str, str], ...]]  # by person: (dimension, value)


def learn(
    connection: Connection,
    project_id: UUID,
    people: Collection[UUID],
    kept: list[str],
    left_out: Collection[str],
) -> Parts:
    """What these people's attributes tell apart today. New ones are added to `kept`, in place."""
    if not people:
        return {}
    rows = connection.execute(OF_PEOPLE, (project_id, arrays.of_ids(people)))
    parts: dict[UUID, tuple[tuple[str, str], ...]] = {}
    for id_, attributes in rows:
        told = {key: text for key, value in attributes.items() if (text := said(value))}
        for key in sorted(told):
            if len(kept) >= MOST:
                break
            if key not in kept and key not in left_out:
                kept.append(key)
        parts[id_] = tuple((f"{ATTRIBUTE}{key}", told[key]) for key in kept if key in told)
    return parts


def said(value: Any) -> str:
    """A value as it is kept; nothing for what is no kind of anything."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if abs(value) < 1_000_000:  # noqa: PLR2004 - more is an id or an amount
            return str(value)
        case str() if 0 < len(value) <= LONGEST:
            return cut(value)
        case _:
            return ""
