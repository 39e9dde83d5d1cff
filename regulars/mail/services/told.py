"""What mail services call our mails: an event that names no mark of ours still finds its mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.kit.ids import key_bytes, key_hash

Connection = psycopg.Connection[Any]

KEPT = timedelta(days=60)  # after which no service tells of a mail any more
FORGOTTEN_AT_ONCE = 10_000

KEEP = """
INSERT INTO mail_told (project_id, id, mail_id, created_at)
SELECT %(project)s, n.id, n.mail_id, %(now)s
FROM unnest(%(ids)s::uuid[], %(mails)s::uuid[]) AS n (id, mail_id) ORDER BY n.id
ON CONFLICT (project_id, id) DO NOTHING
"""
FIND = "SELECT mail_id FROM mail_told WHERE project_id = %s AND id = %s"
OLD = """
SELECT project_id, array_agg(id) FROM (
    SELECT project_id, id FROM mail_told WHERE created_at < %s ORDER BY created_at LIMIT %s
) AS old
GROUP BY project_id
"""
FORGET = "DELETE FROM mail_told WHERE project_id = %s AND id = ANY(%s::uuid[])"


def keep(
    connection: Connection,
    project_id: UUID,
    told: Sequence[tuple[UUID, tuple[str, str] | None]],
    now: datetime,
) -> None:
    """These mails of ours are called so: the service, and its own name for the mail."""
    known = {key_bytes("told", *names): mail_id for mail_id, names in told if names}
    if not known:
        return
    keys = sorted(known)
    named = {
        "project": project_id,
        "now": now,
        "ids": arrays.of_keys(keys),
        "mails": arrays.of_ids(known[key] for key in keys),
    }
    connection.execute(KEEP, named, prepare=True)


def mail_of(connection: Connection, project_id: UUID, service: str, name: str) -> UUID | None:
    """Our mail that the service calls so."""
    key = key_hash("told", service, name)
    row = connection.execute(FIND, (project_id, key)).fetchone()
    return row[0] if row else None


def forget_old(connection: Connection, now: datetime) -> None:
    """Let go of what nobody will ask for any more."""
    old = connection.execute(OLD, (now - KEPT, FORGOTTEN_AT_ONCE)).fetchall()
    for project_id, ids in old:
        connection.execute(FORGET, (project_id, ids))
