"""What is packed of somebody who is erased goes with them.

A pack can't let go of one person without being made anew. So it is given up whole, with those of
whoever was merged into them, and until the worker has made it anew, everybody is asked by SQL.

Public: `forget`, `BEGINNING`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]

# Packs are begun while nobody is being erased: who is, would not find the pack that they get into.
_ERASING = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 3))"
BEGINNING = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))"

MERGED = "SELECT from_id FROM merge WHERE project_id = %s AND into_id = %s"
# In the order of ids, as everybody locks several.
GIVE_UP = """
WITH held AS (
    SELECT id FROM person_pack WHERE project_id = %(project)s AND id IN (
        SELECT k.id FROM unnest(%(ids)s::uuid[]) one (id) CROSS JOIN LATERAL (
            SELECT id FROM person_pack
            WHERE project_id = %(project)s AND id <= one.id ORDER BY id DESC LIMIT 1
        ) k
    ) ORDER BY id FOR UPDATE
)
UPDATE person_pack k SET packed_at = NULL, people = 0 FROM held
WHERE k.project_id = %(project)s AND k.id = held.id RETURNING k.id
"""
DROP = "DELETE FROM person_packed WHERE project_id = %s AND pack_id = ANY(%s)"
LET_GO = "DELETE FROM person_unpacked WHERE project_id = %s AND person_id = ANY(%s)"


def forget(connection: Connection, project_id: UUID, person_id: UUID) -> None:
    """Give up the packs with this person, in the transaction that erases them."""
    connection.execute(_ERASING, (str(project_id),))
    merged = connection.execute(MERGED, (project_id, person_id)).fetchall()
    ids = [person_id, *(id_ for (id_,) in merged)]
    packs = connection.execute(GIVE_UP, {"project": project_id, "ids": ids}).fetchall()
    if packs:
        connection.execute(DROP, (project_id, [id_ for (id_,) in packs]))
    connection.execute(LET_GO, (project_id, ids))
