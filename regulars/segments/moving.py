"""Moves many people into and out of one segment at once, by SQL alone.

What a segment's filling does where the rule asks for nothing that people's rows must remember, or
for one event alone (`doers`): it writes the same rows as `membership` would, without reading
anybody into memory. Whom it moves is found anew under their locks, and everybody who changes
meanwhile is moved by `membership`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import EventCondition, FieldCondition, Filter, conditions, is_timed
from regulars.filters.first_met import origin_sql
from regulars.filters.sql import by_name
from regulars.filters.to_sql import compact_sql
from regulars.kit import arrays
from regulars.kit.connection import later
from regulars.segments import doers
from regulars.segments.membership import COUNT, COUNTING, day_key, member_key
from regulars.segments.ranges import LOCK
from regulars.segments.steps import STEPPED, Passing, stepping
from regulars.segments.windows import FORESEEN

Connection = psycopg.Connection[Any]
Sql = tuple[str, dict[str, object]]  # with its parameters by name

# A statement that moves people, as `move`, with all that follows from it: nothing of them comes to
# Python and goes back, so that nobody's lock waits for that. Counts come last, since all writers of
# a project meet there.
MOVED = """
WITH moved{columns} AS ({move}),
{following},
differing (id, day_id, delta, entered, "left") AS (
    SELECT %(segment)s::uuid, %(day_id)s::uuid, people, 0::bigint, 0::bigint
    FROM delta WHERE people <> 0
), {counting}
"""
# Of a segment that lists show: its members, under keys that Python makes of all who may be moved.
MEMBERS = """
keys (person_id, id) AS (SELECT * FROM unnest(%(ids)s::uuid[], %(keys)s::uuid[])),
gone AS (
    DELETE FROM segment_member WHERE project_id = %(project)s AND id = ANY(ARRAY(
        SELECT k.id FROM moved JOIN keys k ON k.person_id = moved.id
        WHERE moved.is_in AND NOT moved.fits))
    RETURNING id
), come AS (
    INSERT INTO segment_member (project_id, id, segment_id, person_id, since)
    SELECT %(project)s, k.id, %(segment)s, k.person_id, %(now)s
    FROM moved JOIN keys k ON k.person_id = moved.id
    WHERE moved.fits AND NOT moved.is_in ORDER BY k.id
    RETURNING id
), delta (people) AS (SELECT (SELECT count(*) FROM come) - (SELECT count(*) FROM gone))
"""

MOVE = """
WITH asked AS (
    SELECT p.project_id, p.id, ({rule} IS TRUE) AS fits, {wake} AS wake, {reached} AS reached,
           ({rule_or_ever} IS TRUE) AS met, number.own, number.own = ANY(a.segments) AS is_in,
           a.checkpoints ? number.own::text AS had
    FROM person_compact p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id,
         (SELECT %(own)s::smallint AS own) number
    WHERE p.project_id = %(project)s AND p.id = ANY(%(ids)s::uuid[])
)
UPDATE person_activity a
SET segments = CASE
        WHEN asked.fits = asked.is_in THEN a.segments
        WHEN asked.fits AND asked.own > a.segments[cardinality(a.segments)]
        THEN a.segments || asked.own
        WHEN asked.fits THEN ARRAY(SELECT unnest(a.segments || asked.own) ORDER BY 1)
        ELSE array_remove(a.segments, asked.own)
    END,
    next_move_at = least(a.next_move_at, asked.wake){more}
FROM asked
WHERE a.project_id = asked.project_id AND a.project_id = %(project)s AND a.id = asked.id
  AND (asked.fits <> asked.is_in OR (asked.met AND NOT asked.had) OR {lost}
       OR asked.wake < a.next_move_at
       OR (asked.wake IS NOT NULL AND a.next_move_at IS NULL))
RETURNING a.id, asked.fits, asked.is_in{told}
"""

# Of a step: when it was reached, which never changes once it is known here; and that it was not,
# where days that are others now had it seem so.
REACHED = """,
    checkpoints = CASE
        WHEN asked.met AND NOT asked.had
        THEN a.checkpoints || jsonb_build_object(asked.own::text, asked.reached)
        WHEN {lost} THEN a.checkpoints - asked.own::text
        ELSE a.checkpoints
    END"""
LOST = "(asked.had AND NOT asked.met)"
NEVER = "NULL::timestamptz"
TOLD = ", a.project_id, (a.checkpoints ->> asked.own::text)::timestamptz, asked.had"


def is_plain(rule: Filter) -> bool:
    """Whether SQL alone can say whom the rule moves, and when it moves them next."""
    return doers.event_of(rule) is not None or not any(
        isinstance(one, EventCondition)
        or (is_timed(one) and not (isinstance(one, FieldCondition) and one.about.column))
        for one in conditions(rule)
    )


def move_all(
    connection: Connection,
    project_id: UUID,
    segment: tuple[UUID, int],
    rule: Filter,
    people: Sequence[UUID],
    now: datetime,
    zone: tzinfo,
    passing: Passing | None = None,
    did: doers.Read | None = None,
) -> None:
    """Move these people into the segment (its id and number) or out of it, as the rule says.

    The rule `is_plain`. Nobody is told: they were in or out all along. `passing` is given for a
    step, whose followers write what they keep in the same statement; `did` is
    `doers.read_once`'s.
    """
    if not people:
        return
    segment_id, number = segment
    event = doers.event_of(rule)
    if event is not None:
        step = (passing.step, passing.over_users) if passing is not None else None
        move = doers.move(connection, project_id, event, zone, step, did)
    else:
        move = _move(rule, now, zone, passing)
    if move is None:
        return
    text, named = move
    day = now.date()
    asked = {
        **named, "project": project_id, "segment": segment_id, "ids": arrays.of_ids(people),
        "own": number, "now": now, "day": day,
        "day_id": UUID(bytes=day_key(segment_id, day.isoformat())),
    }  # fmt: skip
    if passing is None:
        asked["keys"] = arrays.of_ids(member_key(segment_id, id_) for id_ in people)
        following, columns = MEMBERS.strip(), ""
    else:
        following, columns = stepping(passing.step), STEPPED
    statement = MOVED.format(
        columns=columns, move=text, following=following, counting=COUNTING.strip()
    )
    later(connection, LOCK, (project_id, arrays.of_ids(people)))
    later(connection, statement, asked)


def _move(rule: Filter, now: datetime, zone: tzinfo, passing: Passing | None) -> Sql:
    """What moves people by a rule on their facts."""
    # Under people's locks the compact rows are what the wide ones are, and quicker to read.
    fits, params = compact_sql(rule, now=now, zone=zone)
    wake, more = _wake(rule, now)
    reached, most = reached_sql(passing, now, zone) if passing else (NEVER, [])
    ever, ever_params = passing.ever(zone) if passing is not None else ("false", [])
    met_params = [*params, *ever_params] if passing is not None else []
    lost = LOST if passing is not None and passing.step.origin else "false"
    statement = MOVE.format(
        rule=fits, wake=wake, reached=reached, lost=lost,
        more=REACHED.format(lost=lost) if passing else "",
        rule_or_ever=f"({fits} OR {ever})" if passing else "false",
        told=TOLD if passing else "",
    )  # fmt: skip
    return by_name(statement, [*params, *more, *most, *met_params])


def reached_sql(passing: Passing, now: datetime, zone: tzinfo) -> tuple[str, list[Any]]:
    """When somebody who fits has first met the step, said as `steps.note` would.

    Over a person's row `p`, and where the step has a twin `a`.
    """
    origin, over_users = passing.step.origin, passing.over_users
    text, params = origin_sql(origin, zone, passing.seen) if origin else (NEVER, [])
    if passing.twin:
        text = f"coalesce((a.checkpoints ->> %s::text)::timestamptz, {text})"
        params = [passing.twin, *params]
    signed_up = "CASE WHEN p.kind = 'user' THEN p.signed_up_at END" if over_users else "NULL"
    return (
        f"least(greatest(coalesce({text}, %s::timestamptz), {signed_up}), %s::timestamptz)",
        [*params, now, now],
    )


def count(
    connection: Connection, project_id: UUID, segment_id: UUID, delta: int, now: datetime
) -> None:
    """So many more are in the segment, or fewer, who were all along."""
    day = now.date()
    later(
        connection,
        COUNT,
        {
            "project": project_id,
            "day": day,
            "segments": arrays.of_ids([segment_id]),
            "days": arrays.of_keys([day_key(segment_id, day.isoformat())]),
            "deltas": arrays.of_plain([delta]),
            "entered": arrays.of_plain([0]),
            "left": arrays.of_plain([0]),
        },
    )


def _wake(rule: Filter, now: datetime) -> tuple[str, list[Any]]:
    """The first instant at which a condition on time may turn for the person: never too late.

    Of a window whose ends are told, those that are near: the clock may have been there between
    `now` and the person's lock, and has to come again.
    """
    moving = dict.fromkeys(
        (one.about.column, int(one.value), FORESEEN.get(one.field))  # type: ignore[arg-type]
        for one in conditions(rule)
        if isinstance(one, FieldCondition) and is_timed(one)
    )
    if not moving:
        return NEVER, []
    turns: list[str] = []
    params: list[Any] = []
    for column, days, ahead in moving:
        window = timedelta(days=days)
        near, until = (f" AND {column} < %s", [now - window + ahead]) if ahead else ("", [])
        turns.append(f"CASE WHEN {column} >= %s{near} THEN {column} + %s::interval END")
        params += [now - window, *until, window]
    return f"least({', '.join(turns)})", params
