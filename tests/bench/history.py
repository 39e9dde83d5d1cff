"""What a large population did: events of several names, with properties, over the past year.

    python -m tests.bench.history PROJECT_ID

Drawn by the server itself, since millions of rows would take minutes to send. Some people did a
great deal and many nothing; the same seed gives the same events for the same people.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.events.record import make_partition
from regulars.kit import clock, database
from regulars.people import deeds

MONTHS = 14  # of thirty days: a year ago must have its partition on every day of the year

# Each name, and how many times people do it on average. Times lie close before a person was last
# seen; the total is in the properties of orders alone.
NAMES = {"Order Completed": 0.9, "Signed In": 0.9, "Box Paused": 0.15, "Friend Invited": 0.08}
DRAW = """
INSERT INTO event
    (project_id, id, person_id, kind, name, path, happened_at, source, properties, message_id)
SELECT project_id,
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(id::text || %(name)s || n), 1, 3) || '8'
        || substr(md5(id::text || %(name)s || n), 4, 15))::uuid,
       id, %(kind)s, CASE WHEN %(kind)s = 'track' THEN %(name)s END,
       CASE WHEN %(kind)s = 'page' THEN '/shop/' || n %% 40 END, at, 'server',
       CASE WHEN %(name)s LIKE 'Order%%' THEN
           jsonb_build_object('total', round((5 + 95 * total ^ 3)::numeric, 2),
                              'coupon', CASE WHEN total < 0.1 THEN 'Spring' END)
       ELSE '{}' END,
       md5(id::text || n)
FROM (
    SELECT a.project_id, a.id, n, random() AS total,
           a.last_seen - random() ^ 2 * least(interval '300 days', a.last_seen - p.first_seen) AS at
    FROM person_activity a
    JOIN person p ON p.project_id = a.project_id AND p.id = a.id,
    LATERAL generate_series(
        1, floor(%(often)s * 0.5 / (random() ^ 0.7 + 0.02) + 0 * a.sessions)::int
    ) AS n
    WHERE a.project_id = %(project)s AND a.last_seen > p.first_seen
) drawn
"""


def load(
    connection: psycopg.Connection[Any], project_id: UUID, *, now: datetime, views: float = 0
) -> int:
    """Give the project's people a past; how many events that is.

    With `views` they looked at so many pages as well, on average.
    """
    for month in range(MONTHS + 1):
        make_partition(connection, now - timedelta(days=30 * (month - 1)))
    events = 0
    with connection.transaction():
        connection.execute("SELECT setseed(0.5)")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        connection.execute("SET LOCAL enable_memoize = off")  # each person draws anew
        drawn = [("track", name, often) for name, often in NAMES.items()]
        if views:
            drawn.append(("page", "page", views))
        for kind, name, often in drawn:
            asked = {"project": project_id, "kind": kind, "name": name, "often": often}
            events += connection.execute(DRAW, asked).rowcount
        deeds.fill_project(connection, project_id)
    # As it would have been stored, had the bits been there: apart, since what a transaction has
    # changed is kept as it was until its end, and would be written among the rows.
    connection.execute("CLUSTER person_compact USING person_compact_pkey")
    connection.execute("VACUUM ANALYZE event, person_activity, person_compact")
    return events


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("project", type=UUID)
    given = options.parse_args()
    with database.connect() as connection:
        print(f"{load(connection, given.project, now=clock.now()):,} events")


if __name__ == "__main__":
    main()
