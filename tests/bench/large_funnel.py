"""Counts everybody of a large project for its five checkpoints at once.

    python -m tests.bench.large_funnel PEOPLE

The product looks at people range by range, checkpoint by checkpoint, beside its other work; here
one pass over all events writes the rows that it would have written. As a command, with few people,
it has the product count them too, and compares.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.events import EventNeed, event_key

Connection = psycopg.Connection[Any]

# What stands behind the checkpoints in their order: number, lane, id; and the memories by event.
STEPS = """
SELECT s.number, s.lane, s.id FROM checkpoint c
JOIN segment s ON s.project_id = c.project_id AND s.id = c.segment_id
WHERE c.project_id = %s ORDER BY c.place
"""
NEEDS = "SELECT key, id, keep FROM segment_need WHERE project_id = %s"
DID = """
CREATE TEMP TABLE did ON COMMIT DROP AS
SELECT person_id AS id, min(happened_at) AS seen,
       array_agg(happened_at ORDER BY happened_at DESC)
           FILTER (WHERE name = 'Signed In') AS came,
       array_agg(happened_at ORDER BY happened_at DESC)
           FILTER (WHERE name = 'Order Completed') AS ordered
FROM event WHERE project_id = %(project)s GROUP BY person_id
"""
MET = """
CREATE TEMP TABLE met ON COMMIT DROP AS
SELECT id, since AS t1, greatest(coalesce(seen, first_seen), since) AS t2,
       CASE WHEN came <> '{}' THEN greatest(came[cardinality(came)], since) END AS t3,
       CASE WHEN ordered <> '{}' THEN greatest(ordered[cardinality(ordered)], since) END AS t4,
       CASE WHEN cardinality(ordered) > 1
            THEN greatest(ordered[cardinality(ordered) - 1], since) END AS t5,
       came[1:%(came_keep)s] AS came, ordered[1:%(ordered_keep)s] AS ordered,
       CASE WHEN last_seen >= %(now)s - interval '28 days'
            THEN last_seen + interval '28 days' END AS active_until
FROM (
    SELECT p.id, p.first_seen, a.last_seen, d.seen, d.came, d.ordered,
           CASE WHEN p.kind = 'user' THEN p.signed_up_at END AS since
    FROM person p
    JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
    LEFT JOIN did d ON d.id = p.id
    WHERE p.project_id = %(project)s
) p
"""
ROWS = """
UPDATE person_activity a
SET checkpoints = jsonb_strip_nulls(jsonb_build_object(
        %(n1)s::text, t1, %(n2)s::text, t2, %(n3)s::text, t3, %(n4)s::text, t4, %(n5)s::text, t5)),
    event_times = jsonb_strip_nulls(jsonb_build_object(
        %(came)s::text, m.came, %(orders)s::text, m.ordered)),
    segments = ARRAY(SELECT one FROM unnest(a.segments || ARRAY[
        CASE WHEN t1 IS NOT NULL THEN %(n1)s END,
        CASE WHEN active_until IS NOT NULL THEN %(n2)s END,
        CASE WHEN t3 IS NOT NULL THEN %(n3)s END, CASE WHEN t4 IS NOT NULL THEN %(n4)s END,
        CASE WHEN t5 IS NOT NULL THEN %(n5)s END]::smallint[]) one
        WHERE one IS NOT NULL GROUP BY one ORDER BY one)
FROM met m WHERE a.project_id = %(project)s AND a.id = m.id
"""
PROGRESS = """
INSERT INTO funnel_progress (project_id, id, {lanes})
SELECT %(project)s, id, t1, t2, t3, t4, t5 FROM met
WHERE coalesce(t1, t2, t3, t4, t5) IS NOT NULL ORDER BY id
ON CONFLICT (project_id, id) DO UPDATE SET {same}
"""
MEETING = """
UPDATE segment_count c SET people = m.people
FROM (SELECT unnest(%(ids)s::uuid[]) AS id,
             unnest(ARRAY[
                 count(t1), count(active_until), count(t3), count(t4), count(t5)]) AS people
      FROM met) m
WHERE c.project_id = %(project)s AND c.id = m.id
"""
DONE = (
    "UPDATE segment_need SET filled = true WHERE project_id = %(project)s",
    "DELETE FROM segment_fill WHERE project_id = %(project)s",
    "UPDATE segment SET has_found = false WHERE project_id = %(project)s",
)
SAID = """
SELECT a.id, a.checkpoints, a.event_times, a.segments, a.next_move_at, to_jsonb(r) - 'project_id'
FROM person_activity a LEFT JOIN funnel_progress r ON r.project_id = a.project_id AND r.id = a.id
WHERE a.project_id = %s ORDER BY a.id
"""
COUNTED = "SELECT id, people FROM segment_count WHERE project_id = %s ORDER BY id"


def count(connection: Connection, project_id: UUID, now: datetime) -> None:
    """Count everybody; in a transaction."""
    from regulars.segments.plan import renew_plan

    steps = connection.execute(STEPS, (project_id,)).fetchall()
    lanes = [f"lane{lane}" for _, lane, _ in steps]
    needs = {
        key: (number, keep)
        for key, number, keep in connection.execute(NEEDS, (project_id,)).fetchall()
    }
    came, ordered = (
        needs[event_key(EventNeed("", name, (), 0))] for name in ("Signed In", "Order Completed")
    )
    asked = {
        "project": project_id, "now": now, "came": came[0], "orders": ordered[0],
        "came_keep": came[1], "ordered_keep": ordered[1], "ids": [id_ for _, _, id_ in steps],
        **{f"n{n}": number for n, (number, *_) in enumerate(steps, start=1)},
    }  # fmt: skip
    connection.execute("SET LOCAL work_mem = '512MB'")
    progress = PROGRESS.format(
        lanes=", ".join(lanes), same=", ".join(f"{one} = excluded.{one}" for one in lanes)
    )
    for statement in (DID, MET, ROWS, progress, MEETING, *DONE):
        connection.execute(statement, asked)
    renew_plan(connection, project_id)


def main() -> None:
    """Whether the product, counting the same people, writes the same."""
    from regulars.segments import filling, fills
    from tests.bench import large

    os.environ["REGULARS_BENCH_KEEP"] = ""
    with large.place("compare") as folder, large.stored(Path(folder), int(sys.argv[1])) as project:
        core, id_ = project.connection, project.project_id
        ours = core.execute(SAID, (id_,)).fetchall(), core.execute(COUNTED, (id_,)).fetchall()
        core.execute("DELETE FROM funnel_progress WHERE project_id = %s", (id_,))
        core.execute(
            "UPDATE person_activity SET checkpoints = '{}', event_times = '{}',"
            " segments = ARRAY(SELECT one FROM unnest(segments) one WHERE one <= 4)"
            " WHERE project_id = %s",
            (id_,),
        )
        core.execute("UPDATE segment_need SET filled = false WHERE project_id = %s", (id_,))
        for _, _, segment in core.execute(STEPS, (id_,)).fetchall():
            core.execute(
                "UPDATE segment_count SET people = 0 WHERE project_id = %s AND id = %s",
                (id_, segment),
            )
            fills.start(core, id_, segment, project.now)
        filling.fill_project(core, id_, project.now)
        theirs = core.execute(SAID, (id_,)).fetchall(), core.execute(COUNTED, (id_,)).fetchall()
        other = [pair for pair in zip(ours[0], theirs[0], strict=True) if pair[0] != pair[1]]
        print(f"{len(other)} of {len(ours[0])} rows differ", *other[:3], sep="\n")
        print("counts are the same:", ours[1] == theirs[1])


if __name__ == "__main__":
    main()
