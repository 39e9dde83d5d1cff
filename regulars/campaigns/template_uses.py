"""How often each template was used, and how much of what was sent with it was opened.

An email that was sent remembers the template it was made from, and its numbers are kept beside it;
so a gallery reads a few rows a template, the newest uses, however many there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays

MOST_USES = 100  # of a template that are looked at, the newest

# Of each template: its newest emails, how many there are of them, and what came of them.
USES = """
SELECT t.id, u.used, u.out, u.opened
FROM unnest(%(templates)s::uuid[]) t (id)
CROSS JOIN LATERAL (
    SELECT count(*) AS used, coalesce(sum(c.sent + c.unknown), 0)::bigint AS out,
           coalesce(sum(c.opened), 0)::bigint AS opened
    FROM (
        SELECT e.id FROM email e
        WHERE e.project_id = %(project)s AND e.template_id = t.id AND e.accepted_at IS NOT NULL
        ORDER BY e.created_at DESC, e.id DESC LIMIT %(most)s
    ) newest
    JOIN email_count c ON c.project_id = %(project)s AND c.id = newest.id
) u
WHERE u.used > 0
"""


@dataclass(frozen=True, slots=True)
class Uses:
    """In how many emails a template was used, at most `MOST_USES`; who got them, who opened."""

    used: int
    out: int
    opened: int

    @property
    def is_whole(self) -> bool:
        """Whether there were no more."""
        return self.used < MOST_USES


def of_templates(
    connection: psycopg.Connection[Any], project_id: UUID, templates: Sequence[UUID]
) -> dict[UUID, Uses]:
    """The uses of those that were used."""
    asked = {"project": project_id, "templates": arrays.of_ids(templates), "most": MOST_USES}
    rows = connection.execute(USES, asked)
    return {row[0]: Uses(row[1], row[2], row[3]) for row in rows}
