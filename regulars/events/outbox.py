"""The outbox: what a transaction did that others must hear of, in order and without gaps.

A row is written by the transaction it speaks of, as its last write: the project's counter row
hands out the number and is held until commit, so numbers appear in commit order and a reader that
keeps the last number it handled misses nothing. Keep the time from `append` to commit short.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.kit import arrays, bus
from regulars.kit.connection import later

# Takes the next numbers of the project, writes the rows and says so on the bus.
APPEND = """
WITH taken AS (
    INSERT INTO outbox_counter (project_id, last) VALUES (%(project)s, %(count)s)
    ON CONFLICT (project_id, id) DO UPDATE SET last = outbox_counter.last + excluded.last
    RETURNING last
), written AS (
    INSERT INTO outbox (project_id, id, topic, body, at)
    SELECT %(project)s, taken.last - %(count)s + entry.number, entry.topic, entry.body, %(at)s
    FROM taken, unnest(%(topics)s::text[], %(bodies)s::jsonb[])
         WITH ORDINALITY AS entry (topic, body, number)
    RETURNING id
)
SELECT pg_notify('regulars', %(message)s) FROM (SELECT count(*) FROM written) done
"""

AFTER = """
SELECT id, topic, body, at FROM outbox
WHERE project_id = %s AND id > %s
ORDER BY id LIMIT %s
"""

LAST = "SELECT last FROM outbox_counter WHERE project_id = %s"

Entry = tuple[str, Any]  # topic, JSON-able body


def append(
    connection: psycopg.Connection[Any], project_id: UUID, entries: Sequence[Entry], now: datetime
) -> None:
    """Write the entries in their order. The last thing a transaction does before it commits."""
    if not entries:
        return
    later(
        connection,
        APPEND,
        {
            "project": project_id,
            "count": len(entries),
            "topics": arrays.of_texts(topic for topic, _ in entries),
            "bodies": arrays.of_texts(msgspec.json.encode(body).decode() for _, body in entries),
            "at": now,
            "message": bus.message(project_id, "outbox"),
        },
    )


def after(
    connection: psycopg.Connection[Any], project_id: UUID, cursor: int, limit: int = 500
) -> list[tuple[int, str, Any, datetime]]:
    """Up to `limit` entries behind the cursor: (number, topic, body, at)."""
    return connection.execute(AFTER, (project_id, cursor, limit)).fetchall()


def last(connection: psycopg.Connection[Any], project_id: UUID) -> int:
    """The number of the newest entry; 0 where there is none."""
    row = connection.execute(LAST, (project_id,)).fetchone()
    return row[0] if row else 0
