"""How many people have reached each checkpoint, in whatever order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from regulars.funnels.report import LANES

Connection = psycopg.Connection[Any]

COUNTS = "SELECT {counts} FROM funnel_progress WHERE project_id = %s"


def reached(connection: Connection, project_id: UUID) -> dict[int, int]:
    """By the checkpoint's number."""
    lanes = [
        (number, lane) for _, number, lane in connection.execute(LANES, (project_id,)).fetchall()
    ]
    if not lanes:
        return {}
    counts = ", ".join(f"count(lane{lane})" for _, lane in lanes)
    row = connection.execute(COUNTS.format(counts=counts), (project_id,)).fetchone()
    return {number: count for (number, _), count in zip(lanes, row or (), strict=False)}
