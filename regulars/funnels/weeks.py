"""The funnel by the week in which people reached its first checkpoint.

A row a week, a column a week after: what share of that week's people had come as far as a
checkpoint by then. Weeks are seven days that end now, so that each is as long as any other, and a
cell is empty until its last person has had all the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.funnels.parts import Only
from regulars.funnels.report import Chain, Period

Connection = psycopg.Connection[Any]

WEEKS = 8
A_WEEK = timedelta(days=7)

COHORTS = """
WITH ordered AS ({ordered})
SELECT width_bucket(t1, %s::timestamptz[]) - 1,
       CASE WHEN t{n} < %s THEN floor(extract(epoch FROM t{n} - t1) / 604800)::int END, count(*)
FROM ordered GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Week:
    """Those who began in a week, and the shares of them that had come so far by the nth week."""

    since: datetime
    people: int
    shares: tuple[float, ...]  # of complete weeks alone


def cohorts(
    connection: Connection,
    project_id: UUID,
    chain: Chain,
    place: int,
    now: datetime,
    only: Only | None = None,
) -> list[Week]:
    """The last weeks, the oldest first, as to the checkpoint at that place (from 1)."""
    starts = [now - A_WEEK * (WEEKS - n) for n in range(WEEKS)]
    text, params = chain.ordered(project_id, Period(starts[0], now), only=only)
    statement = COHORTS.format(ordered=text, n=place)
    rows = connection.execute(statement, [*params, starts, now], prepare=False).fetchall()
    people = [0] * WEEKS
    came: list[dict[int, int]] = [{} for _ in starts]
    for week, after, count in rows:
        people[week] += count
        if after is not None:
            came[week][after] = came[week].get(after, 0) + count
    return [
        Week(starts[n], people[n], _shares(people[n], came[n], WEEKS - 1 - n)) for n in range(WEEKS)
    ]


def _shares(people: int, came: dict[int, int], complete: int) -> tuple[float, ...]:
    shares, so_far = [], 0
    for after in range(complete):
        so_far += came.get(after, 0)
        shares.append(so_far / people if people else 0.0)
    return tuple(shares)
