"""The worker's loop that keeps packs: makes them where there are none, and anew where many changed.

Small projects have none: SQL looks at all of their people in no time. Of large ones a pack is made
anew when many of all have changed, the one in which most did of those who have waited longest.
Between packs it rests several times as long as they take, and where so many change that packs tell
nothing anyhow, until fewer do, many times as long.

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
from regulars.people.packed.readiness import MOST_CHANGED

Connection = psycopg.Connection[Any]

FROM = 20_000  # people of a project, from which on it has packs
MANY = 2_000  # notes of a project that are asked one by one without being felt
A_SAMPLE = 5_000  # notes by which a pack is chosen
PAUSE = 1.0  # seconds between looks
RESTS, RESTS_IN_VAIN = 4, 20  # times as long as the last pack took

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
ALL = "SELECT id FROM person_pack WHERE project_id = %s ORDER BY id"
# Whose notes are nobody's business, since the project has no packs.
FORGET = """
DELETE FROM person_unpacked WHERE project_id = ANY(ARRAY(
    SELECT DISTINCT c.project_id FROM kind_count c
    WHERE (%(only)s::uuid IS NULL OR c.project_id = %(only)s)
      AND NOT EXISTS (SELECT FROM person_pack k WHERE k.project_id = c.project_id)
))
"""
# Those first whose packs tell.
CHANGED = f"""
SELECT p.project_id, n.notes FROM (
    SELECT DISTINCT project_id FROM person_pack
    WHERE %(only)s::uuid IS NULL OR project_id = %(only)s
) p CROSS JOIN LATERAL (
    SELECT count(*) AS notes FROM (
        SELECT FROM person_unpacked u WHERE u.project_id = p.project_id LIMIT {MOST_CHANGED + 1}
    ) few
) n WHERE n.notes >= %(many)s ORDER BY n.notes LIMIT 1
"""
DUE = f"""
SELECT k.id FROM (
    SELECT person_id FROM person_unpacked WHERE project_id = %(project)s
    ORDER BY id LIMIT {A_SAMPLE}
) u CROSS JOIN LATERAL (
    SELECT id FROM person_pack
    WHERE project_id = %(project)s AND id <= u.person_id ORDER BY id DESC LIMIT 1
) k GROUP BY k.id ORDER BY count(*) DESC LIMIT 1
"""


def keep_packs(stop: threading.Event) -> None:
    """Until stopped: make the packs that are to be made."""
    with database.connect() as connection:
        step_back(connection)
        is_alone = False
        while not stop.is_set():
            is_alone = is_alone or _is_alone(connection)
            began = monotonic()
            rests = 0
            if is_alone:
                # Unless somebody was erased of the pack that was just being made.
                with suppress(psycopg.errors.SerializationFailure):
                    rests = keep_some(connection, clock.now())
            stop.wait(max(PAUSE, rests * (monotonic() - began)))


def keep_some(connection: Connection, now: datetime, only: UUID | None = None) -> int:
    """Make all packs that are missing, or else one that is due; of all projects, or of one `only`.

    Returns how many times as long as it took to rest; 0 where there was nothing to do.
    """
    asked = {"only": only, "from": FROM, "many": MANY}
    for (project_id,) in connection.execute(LARGE, asked).fetchall():
        _begin(connection, project_id)
    connection.execute(FORGET, asked)
    if _pack_new(connection, now, only):
        return RESTS
    changed = connection.execute(CHANGED, asked).fetchone()
    if changed is None:
        return 0
    project_id, notes = changed
    due = connection.execute(DUE, {"project": project_id}).fetchone()
    if due is not None:
        _pack(connection, project_id, due[0], now)
        _pack_new(connection, now, only)  # where it had become too large
    return RESTS if notes <= MOST_CHANGED else RESTS_IN_VAIN


def pack_project(connection: Connection, project_id: UUID, now: datetime) -> None:
    """Pack everybody of a project anew, however few they are."""
    _begin(connection, project_id)
    for (first,) in connection.execute(ALL, (project_id,)).fetchall():
        _pack(connection, project_id, first, now)
    _pack_new(connection, now, project_id)


def _begin(connection: Connection, project_id: UUID) -> None:
    from regulars.people.packed import packing  # noqa: PLC0415 - it needs NumPy, which few do

    packing.begin(connection, project_id)


def _pack(connection: Connection, project_id: UUID, first: UUID, now: datetime) -> None:
    from regulars.people.packed import packing  # noqa: PLC0415 - likewise

    packing.pack(connection, packing.Pack(project_id, first), now)


def _is_alone(connection: Connection) -> bool:
    row = connection.execute(ALONE).fetchone()
    return row is not None and bool(row[0])


def _pack_new(connection: Connection, now: datetime, only: UUID | None) -> bool:
    is_new = False
    while (row := connection.execute(NEW, {"only": only}).fetchone()) is not None:
        _pack(connection, row[0], row[1], now)
        is_new = True
    return is_new
