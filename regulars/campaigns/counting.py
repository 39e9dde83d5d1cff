"""How many of a campaign's people did what, by day: numbers moved in the transaction that moves
the people.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.kit.ids import key_bytes

Connection = psycopg.Connection[Any]
What = tuple[str, str, str]  # step, variant, what

COUNT = """
INSERT INTO campaign_count AS c (project_id, id, campaign_id, day, step, variant, what, people)
SELECT %(project)s, n.id, %(campaign)s, %(day)s, n.step, n.variant, n.what, n.people
FROM unnest(%(ids)s::uuid[], %(steps)s::text[], %(variants)s::text[], %(whats)s::text[],
            %(people)s::bigint[]) AS n (id, step, variant, what, people)
ORDER BY n.id
ON CONFLICT (project_id, id) DO UPDATE SET people = c.people + excluded.people
"""


class Counts:
    """The numbers of one campaign that a transaction moves."""

    def __init__(self) -> None:
        self._moved: Counter[What] = Counter()

    def add(self, what: str, *, step: str = "", variant: str = "", people: int = 1) -> None:
        """So many more."""
        self._moved[step, variant, what] += people

    def write(
        self, connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime
    ) -> None:
        """Move them, in the order of their rows: whoever else does waits in the same."""
        moved = [(key, n) for key, n in self._moved.items() if n]
        if not moved:
            return
        day = now.date()
        connection.execute(
            COUNT,
            {
                "project": project_id,
                "campaign": campaign_id,
                "day": day,
                "ids": arrays.of_keys(_key(campaign_id, day, key) for key, _ in moved),
                "steps": arrays.of_texts(key[0] for key, _ in moved),
                "variants": arrays.of_texts(key[1] for key, _ in moved),
                "whats": arrays.of_texts(key[2] for key, _ in moved),
                "people": arrays.of_plain([n for _, n in moved]),
            },
            prepare=True,
        )


def _key(campaign_id: UUID, day: date, key: What) -> bytes:
    return key_bytes("campaign count", str(campaign_id), day.isoformat(), *key)
