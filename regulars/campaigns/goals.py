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
from regulars.campaigns.news import News
from regulars.kit import arrays

Connection = psycopg.Connection[Any]

REACHED = """
UPDATE campaign_entry SET goal_at = %s
WHERE project_id = %s AND id = ANY(%s::uuid[]) AND goal_at IS NULL AND goal_until >= %s
RETURNING id
"""

# Which messages these entries had had until then: the goal counts for each of them.
HAD = """
SELECT step, variant, count(DISTINCT entry_id) FROM campaign_done
WHERE project_id = %s AND entry_id = ANY(%s::uuid[]) AND kind = 'email' GROUP BY step, variant
"""

Watched = tuple[UUID, UUID, bool]  # entry, person, whether they get nothing


def reach(
    connection: Connection,
    campaign: Campaign,
    entries: Sequence[Watched],
    now: datetime,
    counts: Counts,
    news: News,
) -> None:
    """These entries, which are locked, have reached the goal: counted once, and told."""
    if not entries:
        return
    ids = arrays.of_ids(sorted(entry for entry, _, _ in entries))
    asked = (now, campaign.project_id, ids, now)
    fresh = {row[0] for row in connection.execute(REACHED, asked)}
    people = set()
    for entry, person, held_out in entries:
        if entry in fresh:
            counts.add("held_out_goal" if held_out else "goal")
            news.add(campaign.id, "goal", [person], "held_out" if held_out else "")
            people.add(person)
    if people:
        had = connection.execute(HAD, (campaign.project_id, arrays.of_ids(sorted(fresh))))
        for step, variant, n in had:
            counts.add("goal", step=step, variant=variant or "", people=n)
        outcomes.keep(
            connection, campaign.project_id, campaign.id, "reached_goal", sorted(people), now
        )
