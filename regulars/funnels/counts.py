"""How many people have reached each checkpoint, in whatever order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from regulars.funnels.report import LANES

Connection = psycopg.Connection[Any]

COUNTS = "SELECT {counts} FROM funnel_progress WHERE project_id = %s"
# Those of whom it is found, though their rows do not say it yet.
FOUND = " + (SELECT count(*) FROM step_found WHERE project_id = %s AND number = %s)"


def reached(connection: Connection, project_id: UUID) -> dict[int, int]:
    """By the checkpoint's number."""
    steps = connection.execute(LANES, (project_id,)).fetchall()
    if not steps:
        return {}
    counts, params = [], []
    for number, _, lane, has_found in steps:
        counts.append(f"count(lane{lane})" + (FOUND if has_found else ""))
        params += [project_id, number] if has_found else []
    statement = COUNTS.format(counts=", ".join(counts))
    [row] = connection.execute(statement, [*params, project_id]).fetchall()
    return {checkpoint: count for (_, checkpoint, *_), count in zip(steps, row, strict=True)}
