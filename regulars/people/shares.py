"""Everybody in shares, counted beside each other.

PostgreSQL has several processes read one table, but those that read one index take turns at each of
its pages, and what each has grouped is grouped once more by all. Shares of people have nothing in
common: whichever process is free counts the next, and the numbers are added up.

Public: `shares`, `added_up`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.sql import Sql, joined

Connection = psycopg.Connection[Any]

# A hundred ids with about as many people between each two, as PostgreSQL drew them when it last
# looked. Of a project that has the table to itself; others get shares of different sizes.
DRAWN = """
SELECT histogram_bounds::text::uuid[] FROM pg_stats
WHERE schemaname = current_schema() AND tablename = 'person_compact' AND attname = 'id'
"""


def shares(connection: Connection, column: str, most: int) -> list[Sql]:
    """Conditions on a column that holds people's ids, of which everybody meets one.

    `most` of them; one where PostgreSQL has not looked at enough people yet.
    """
    row = connection.execute(DRAWN, prepare=True).fetchone()
    drawn: list[UUID] = row[0] if row and row[0] else []
    count = most if len(drawn) >= most else 1
    bounds = [None, *(drawn[len(drawn) * n // count] for n in range(1, count)), None]
    return [_between(column, first, beyond) for first, beyond in pairwise(bounds)]


def added_up(counts: Iterable[Sql]) -> Sql:
    """The sum of statements that select a number as `people`; NULL is none."""
    return joined(" UNION ALL ", counts).within("SELECT sum(people) FROM (", ") share")


def _between(column: str, first: UUID | None, beyond: UUID | None) -> Sql:
    sides = []
    if first is not None:
        sides.append(Sql(f"{column} >= %s", (first,)))
    if beyond is not None:
        sides.append(Sql(f"{column} < %s", (beyond,)))
    return joined(" AND ", sides) if sides else Sql("TRUE")
