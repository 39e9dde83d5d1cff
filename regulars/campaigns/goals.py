"""Goals that people reach: counted once for each entry, and the end of the way for who is on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns import outcomes
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.counting import Counts
from regulars.kit import arrays

Connection = psycopg.Connection[Any]

REACHED = """
UPDATE campaign_entry SET goal_at = %s
WHERE project_id = %s AND id = ANY(%s::uuid[]) AND goal_at IS NULL AND goal_until >= %s
RETURNING id
"""

Watched = tuple[UUID, UUID, bool]  # entry, person, whether they get nothing


def reach(
    connection: Connection,
    campaign: Campaign,
    entries: Sequence[Watched],
    now: datetime,
    counts: Counts,
) -> None:
    """These entries, which are locked, have reached the goal."""
    if not entries:
        return
    ids = arrays.of_ids(sorted(entry for entry, _, _ in entries))
    asked = (now, campaign.project_id, ids, now)
    news = {row[0] for row in connection.execute(REACHED, asked)}
    people = set()
    for entry, person, held_out in entries:
        if entry in news:
            counts.add("held_out_goal" if held_out else "goal")
            people.add(person)
    if people:
        outcomes.keep(
            connection, campaign.project_id, campaign.id, "reached_goal", sorted(people), now
        )
