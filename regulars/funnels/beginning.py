"""The two checkpoints that every project has from the start."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.funnels.rows import Draft, add
from regulars.segments.plan import renew_plan

DEFAULTS = (
    Draft("Signed up", "Registered with the product.",
          {"field": "kind", "op": "is", "value": "user"}),
    Draft("Active", "Seen in the past 4 weeks.",
          {"field": "last_seen", "op": "within_last", "value": 28}),
)  # fmt: skip


def give_project_its_funnel(
    connection: psycopg.Connection[Any], project_id: UUID, now: datetime
) -> None:
    """Make the checkpoints of a project that has none. Its segments are there already."""
    for place, draft in enumerate(DEFAULTS, start=1):
        add(connection, project_id, draft, place, now)
    renew_plan(connection, project_id)
