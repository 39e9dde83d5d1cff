"""The worker's loop that keeps packs: makes them where there are none, and anew where many changed.

Small projects have none: SQL looks at all of their people in no time. Of large ones a pack is made
anew when many of all have changed, the one in which most did. Between packs it rests several times
as long as they take, so that a project in which everybody changes all the time costs no more than
it is worth.

Public: `keep_packs`, `keep_some`, `pack_project`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import clock, database
from regulars.kit.giving_way import step_back
from regulars.people.packed.packing import BEFORE_ALL, Pack, begin, pack

Connection = psycopg.Connection[Any]

FROM = 20_000  # people of a project, from which on it has packs
MANY = 2_000  # notes of a project that are asked one by one without being felt
PAUSE = 1.0  # seconds between looks
RESTS = 4  # times as long as the last pack took

# One worker at a time.
ALONE = "SELECT pg_try_advisory_lock(hashtext('person_pack'))"
LARGE = """
SELECT c.project_id FROM kind_count c WHERE (%(only)s::uuid IS NULL OR c.project_id = %(only)s)
  AND NOT EXISTS (SELECT FROM person_pack k WHERE k.project_id = c.project_id)
  AND NOT EXISTS (SELECT FROM project_removal r WHERE r.id = c.project_id)
GROUP BY c.project_id HAVING sum(c.people) >= %(from)s
"""
NEW = """
SELECT project_id, id FROM person_pack
WHERE packed_at IS NULL AND (%(only)s::uuid IS NULL OR project_id = %(only)s)
ORDER BY project_id, id LIMIT 1
"""
# Whose notes are nobody's business, since the project has no packs.
FORGET = """
DELETE FROM person_unpacked u WHERE (%(only)s::uuid IS NULL OR u.project_id = %(only)s)
  AND NOT EXISTS (SELECT FROM person_pack k WHERE k.project_id = u.project_id)
"""
DUE = """
SELECT project_id, pack_id FROM (
    SELECT u.project_id, k.id AS pack_id, count(*) AS notes,
           sum(count(*)) OVER (PARTITION BY u.project_id) AS all_notes
    FROM person_unpacked u CROSS JOIN LATERAL (
        SELECT id FROM person_pack k
        WHERE k.project_id = u.project_id AND k.id <= u.person_id ORDER BY k.id DESC LIMIT 1
    ) k WHERE %(only)s::uuid IS NULL OR u.project_id = %(only)s GROUP BY u.project_id, k.id
) pack
WHERE all_notes >= %(many)s ORDER BY notes DESC LIMIT 1
"""


def keep_packs(stop: threading.Event) -> None:
    """Until stopped: make the packs that are to be made."""
    with database.connect() as connection:
        step_back(connection)
        is_alone = False
        while not stop.is_set():
            is_alone = is_alone or _is_alone(connection)
            began = monotonic()
            made = False
            if is_alone:
                # Somebody was erased of the pack that was just being made.
                with suppress(psycopg.errors.SerializationFailure):
                    made = keep_some(connection, clock.now())
            stop.wait(max(PAUSE, RESTS * (monotonic() - began) if made else 0))


def keep_some(connection: Connection, now: datetime, only: UUID | None = None) -> bool:
    """Make all packs that are missing, or else one that is due; whether any was made.

    Of all projects, or of one `only`.
    """
    asked = {"only": only, "from": FROM, "many": MANY}
    for (project_id,) in connection.execute(LARGE, asked).fetchall():
        begin(connection, project_id)
    connection.execute(FORGET, asked)
    if _pack_new(connection, now, only):
        return True
    due = connection.execute(DUE, asked).fetchone()
    if due is not None:
        pack(connection, Pack(*due), now)
        _pack_new(connection, now, only)  # where it had become too large
    return due is not None


def pack_project(connection: Connection, project_id: UUID, now: datetime) -> None:
    """Pack everybody of a project, however few they are."""
    begin(connection, project_id)
    pack(connection, Pack(project_id, BEFORE_ALL), now)
    _pack_new(connection, now, project_id)


def _is_alone(connection: Connection) -> bool:
    row = connection.execute(ALONE).fetchone()
    return row is not None and bool(row[0])


def _pack_new(connection: Connection, now: datetime, only: UUID | None) -> bool:
    is_new = False
    while (row := connection.execute(NEW, {"only": only}).fetchone()) is not None:
        pack(connection, Pack(*row), now)
        is_new = True
    return is_new
