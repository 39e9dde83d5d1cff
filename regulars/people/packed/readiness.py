"""Whether a project's packs tell anything, at a glance.

Apart from what asks them: that needs NumPy, which most installations never have to load.

Public: `changed`, `MOST_CHANGED`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]

# Who changed since and is asked one by one: of more, it is quicker to ask everybody by SQL.
MOST_CHANGED = 20_000

STATE = """
SELECT bool_and(packed_at IS NOT NULL), (
    SELECT count(*) FROM (
        SELECT FROM person_unpacked WHERE project_id = %(project)s LIMIT %(most)s + 1
    ) changed
) FROM person_pack WHERE project_id = %(project)s
"""


def changed(connection: Connection, project_id: UUID) -> int | None:
    """How many notes there are of who changed since; None where packs do not tell."""
    asked = {"project": project_id, "most": MOST_CHANGED}
    row = connection.execute(STATE, asked, prepare=True).fetchone()
    return row[1] if row is not None and row[0] and row[1] <= MOST_CHANGED else None
