"""What was refused, kept so that it can be seen; and how much was dropped, by reason and day."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit.connection import later
from regulars.kit.ids import ids_at, key_hash
from regulars.people.changes import Changes, NoConsequence
from regulars.people.person import Person
from regulars.tracking.pipeline import drops

QUIET = drops.QUIET
KEPT = 500  # refusals a project keeps
A_BATCH = 50  # refusals written of one batch: a flood is counted, not copied
SHOWN = 1000  # characters kept of what was sent


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that was refused, or kept without a part of it."""

    reason: str
    field: str | None
    detail: str
    message: str
    refused: bool = True


WRITE = """
INSERT INTO refusal (project_id, id, reason, refused, field, detail, message)
SELECT %(project)s, n.id, n.reason, n.refused, n.field, n.detail, n.message
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[], %(refused)s::boolean[], %(fields)s::text[],
            %(details)s::text[], %(messages)s::text[])
     AS n (id, reason, refused, field, detail, message)
"""
COUNT = """
INSERT INTO drop_count (project_id, id, day, reason, events) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET events = drop_count.events + excluded.events
"""
LATEST = """
SELECT id, reason, refused, field, detail, message FROM refusal
WHERE project_id = %s ORDER BY id DESC LIMIT %s
"""
TOTALS = """
SELECT reason, sum(events)::bigint FROM drop_count
WHERE project_id = %s AND day >= %s GROUP BY reason ORDER BY 2 DESC, 1
"""
TRIM = """
DELETE FROM refusal WHERE project_id = %(project)s AND id <= (
    SELECT id FROM refusal WHERE project_id = %(project)s ORDER BY id DESC OFFSET %(kept)s LIMIT 1
)
"""

# What was shown of an event that named somebody: by their ids, or by their address.
FORGET = """
DELETE FROM refusal r
WHERE r.project_id = %(project)s
  AND EXISTS (SELECT FROM unnest(%(words)s::text[]) word
              WHERE strpos(r.message, word) > 0 OR strpos(lower(r.message), word) > 0)
"""
IDENTITIES = """
SELECT value FROM identity
WHERE project_id = %s AND person_id = %s AND kind IN ('user', 'anonymous')
"""

Connection = psycopg.Connection[Any]


class ForgetRefusals(NoConsequence):
    """Whoever is erased is erased from what the Tracking page shows, too."""

    def erased(self, changes: Changes, person: Person) -> None:
        rows = changes.connection.execute(IDENTITIES, (changes.project_id, person.id))
        words = {row[0] for row in rows} | {person.email_folded or ""} - {""}
        # As JSON may have it: with all but ASCII escaped, or with quotes alone.
        forms = {json.dumps(word)[1:-1] for word in words}
        forms |= {json.dumps(word, ensure_ascii=False)[1:-1] for word in words}
        changes.connection.execute(
            FORGET, {"project": changes.project_id, "words": sorted(words | forms)}
        )


def write(
    connection: Connection, project_id: UUID, refused: Sequence[Refused], now: datetime
) -> None:
    """Keep the refusals (the first of a flood)."""
    kept = refused[:A_BATCH]
    if not kept:
        return
    later(
        connection,
        WRITE,
        {
            "project": project_id,
            "ids": ids_at(now, len(kept)),
            "reasons": [one.reason for one in kept],
            "refused": [one.refused for one in kept],
            "fields": [_storable(one.field) for one in kept],
            "details": [_storable(one.detail) for one in kept],
            "messages": [_storable(one.message) for one in kept],
        },
    )


def count(connection: Connection, project_id: UUID, counted: Counter[str], now: datetime) -> None:
    """Add to the day's drops."""
    day = now.date()
    for reason in sorted(counted):
        key = key_hash(day.isoformat(), reason)
        later(connection, COUNT, (project_id, key, day, reason, counted[reason]))


def latest(connection: Connection, project_id: UUID, limit: int = 50) -> list[tuple[Any, ...]]:
    """The newest refusals: (id, reason, refused, field, detail, message)."""
    return connection.execute(LATEST, (project_id, limit)).fetchall()


def totals(connection: Connection, project_id: UUID, since: datetime) -> dict[str, int]:
    """Drops since the day of `since`, by reason, the most frequent first."""
    return dict(connection.execute(TOTALS, (project_id, since.date())).fetchall())


def trim(connection: Connection, project_id: UUID) -> None:
    """Keep the newest refusals alone."""
    connection.execute(TRIM, {"project": project_id, "kept": KEPT})


def _storable(text: str | None) -> str | None:
    if text is None:
        return None
    return (
        text.encode("utf-8", "replace")
        .decode()
        .replace("\x00", "\N{REPLACEMENT CHARACTER}")[:SHOWN]
    )
