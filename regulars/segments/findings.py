"""What the filling of a new step found of everybody, until people's own rows say it.

A new condition may be met by everybody, and to write so on each person's row takes many times as
long as to find it. So the filling of a step that nobody was in writes what it finds in narrow rows
of its own (`step_found`), and is done: the step is in force. People's own rows follow, those of
whoever is loaded there and then, all others by and by. Reports and filters read both.

Nobody is locked while people are looked at, and nobody waits. Whoever is loaded before the filling
has passed them, and changes, is evaluated by the new rule: their own row says what holds, and a
note beside (`step_evaluated`) lets the filling pass them over. Of a filling and a change that come
at once neither sees what the other writes; what was found then goes again as soon as both are there
(`settle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays, database
from regulars.kit.connection import later
from regulars.kit.giving_way import Rest, no_rest
from regulars.people.actions import settled
from regulars.people.person import Person
from regulars.segments.plan import lock_plan, renew_plan, share_plan
from regulars.segments.ranges import BEFORE_ALL, BEHIND_ALL, LOCK, UNHURRIED, chunks
from regulars.segments.steps import Step, following

Connection = psycopg.Connection[Any]
Found = tuple[UUID, datetime, bool]  # of whom, when they reached the step, whether they are in it

A_RANGE = 20_000  # people whose rows follow before others have their turn
AT_ONCE = 150  # people of one transaction: whoever of them does something meanwhile waits for it
GOING = 5_000  # rows of a step that is gone, in one transaction

# What is found comes and goes by the million, so the planner is often told of a table that is not
# there any more. Whoever asks for some people's goes by the only key there is, and by all of it.
BY_KEY, AS_ALWAYS = "SET LOCAL enable_seqscan = off", "SET LOCAL enable_seqscan = on"
# What was found of these people goes to their own rows, which are locked.
# With them comes how far the filling had come: in one look, so that who is behind that is found or
# is never going to be.
TAKE_UP = """
WITH keys (ids) AS MATERIALIZED (
    SELECT array_agg(step_found_id(id, %(lane)s)) FROM unnest(%(ids)s::uuid[]) AS id
), taken AS (
    DELETE FROM step_found
    WHERE project_id = %(project)s AND id = ANY((SELECT ids FROM keys)::uuid[])
      AND id <> ALL(ARRAY(
        SELECT id FROM step_evaluated
        WHERE project_id = %(project)s AND id = ANY((SELECT ids FROM keys)::uuid[])))
    RETURNING person_id AS id, at, is_in
), moved AS (
    UPDATE person_activity a
    SET checkpoints = a.checkpoints || jsonb_build_object(%(own)s::text, taken.at),
        segments = CASE
            WHEN NOT taken.is_in OR a.segments @> ARRAY[%(own)s::smallint] THEN a.segments
            WHEN %(own)s::smallint > a.segments[cardinality(a.segments)]
            THEN a.segments || %(own)s::smallint
            ELSE ARRAY(SELECT unnest(a.segments || %(own)s::smallint) ORDER BY 1)
        END
    FROM taken
    WHERE a.project_id = %(project)s AND a.id = taken.id
    RETURNING a.project_id, a.id, taken.at, false AS had, taken.is_in
){kept}
SELECT id, at, is_in FROM moved
UNION ALL
SELECT coalesce(f.cursor, %(first)s), NULL, NULL
FROM segment s JOIN segment_fill f ON f.project_id = s.project_id AND f.id = s.id
WHERE s.project_id = %(project)s AND s.number = %(own)s
"""
EVALUATED = """
INSERT INTO step_evaluated (project_id, id, number)
SELECT %(project)s, step_found_id(id, %(lane)s), %(own)s FROM unnest(%(ids)s::uuid[]) AS id
ORDER BY id
ON CONFLICT (project_id, id) DO NOTHING
"""
SETTLE = """
WITH evaluated AS (
    DELETE FROM step_evaluated
    WHERE project_id = %(project)s AND number = %(own)s
      AND id > step_found_id(%(after)s, %(lane)s) AND id <= step_found_id(%(reached)s, %(lane)s)
    RETURNING id
), gone AS (
    DELETE FROM step_found
    WHERE project_id = %(project)s AND id = ANY(ARRAY(SELECT id FROM evaluated))
    RETURNING is_in
)
SELECT count(*) FILTER (WHERE is_in) FROM gone
"""
# Of people whose own rows may not say it yet. Never prepared: the planner sees how much there is.
TOLD = """
SELECT f.person_id, s.number, f.at, f.is_in
FROM segment s CROSS JOIN unnest(%s::uuid[]) AS one (id) CROSS JOIN LATERAL (
    SELECT * FROM step_found WHERE project_id = s.project_id AND id = step_found_id(one.id, s.lane)
    LIMIT 1
) AS f
WHERE s.project_id = %s AND s.has_found AND s.deleted_at IS NULL
"""
WAITING = """
SELECT person_id FROM step_found
WHERE project_id = %(project)s AND number = %(own)s
  AND id > step_found_id(%(after)s, %(lane)s) AND id <= step_found_id(%(reached)s, %(lane)s)
"""
LEFT = """
SELECT s.project_id, s.id, s.number, s.deleted_at IS NOT NULL FROM segment s
WHERE s.has_found AND NOT EXISTS (
    SELECT FROM segment_fill f WHERE f.project_id = s.project_id AND f.id = s.id
)
ORDER BY s.project_id, s.number
"""
STEP = """
SELECT number, checkpoint, lane FROM segment
WHERE project_id = %s AND id = %s AND has_found AND deleted_at IS NULL
"""
NEXT = """
SELECT person_id FROM step_found WHERE project_id = %s AND number = %s ORDER BY id LIMIT %s
"""
DONE = """
UPDATE segment s SET has_found = false
WHERE s.project_id = %s AND s.id = %s AND NOT EXISTS (
    SELECT FROM step_found f WHERE f.project_id = s.project_id AND f.number = s.number)
"""
LET_GO = """
DELETE FROM step_found
WHERE project_id = %(project)s AND number = %(own)s AND id <= coalesce((
    SELECT id FROM step_found WHERE project_id = %(project)s AND number = %(own)s
    ORDER BY id OFFSET %(most)s LIMIT 1), %(last)s)
"""
LET_NOTES_GO = "DELETE FROM step_evaluated WHERE project_id = %s AND number = %s"


@dataclass(frozen=True, slots=True)
class Left:
    """A step of which something is found that people's own rows do not say."""

    project_id: UUID
    segment_id: UUID
    number: int
    is_gone: bool  # no checkpoint has it any more


def take_up(
    connection: Connection, project_id: UUID, step: Step, people: Iterable[UUID]
) -> tuple[list[Found], UUID | None]:
    """Write what was found of these people, who are locked, to their own rows.

    Returns that, and the last person whom the step's filling had passed; None where it is not being
    filled.
    """
    rows = _taking_up(connection, project_id, step, people).fetchall()
    passed = next((id_ for id_, at, _ in rows if at is None), None)
    return [row for row in rows if row[1] is not None], passed


def _taking_up(connection: Connection, project_id: UUID, step: Step, people: Iterable[UUID]) -> Any:
    """What it finds, as soon as somebody looks."""
    later(connection, BY_KEY)
    asked = _asked(project_id, step, ids=arrays.of_ids(people), first=BEFORE_ALL)
    return later(connection, TAKE_UP.format(kept=following(step)), asked)


def note_evaluated(
    connection: Connection, project_id: UUID, step: Step, people: Iterable[UUID]
) -> None:
    """The filling need not look at these people, who are locked, new or gone.

    Before it has passed them, as far as the transaction knows.
    """
    later(connection, EVALUATED, _asked(project_id, step, ids=arrays.of_ids(people)))


def settle(
    connection: Connection,
    project_id: UUID,
    step: Step,
    *,
    after: UUID = BEFORE_ALL,
    reached: UUID = BEHIND_ALL,
) -> int:
    """Let what was found go again of those whose own rows count, in a range that was passed.

    Returns how many of them the filling has counted as being in the step.
    """
    later(connection, BY_KEY)
    asked = _asked(project_id, step, after=after, reached=reached)
    [(number,)] = connection.execute(SETTLE, asked, prepare=True).fetchall()
    later(connection, AS_ALWAYS)
    return int(number)


def _asked(project_id: UUID, step: Step, **more: object) -> dict[str, object]:
    return {"project": project_id, "own": step.number, "lane": step.lane, **more}


def tell(connection: Connection, project_id: UUID, people: Sequence[Person]) -> None:
    """Let people who were read without a lock say what was found of them."""
    if not people:
        return
    by_id = {person.id: person for person in people}
    rows = connection.execute(TOLD, (arrays.of_ids(by_id), project_id), prepare=False).fetchall()
    for id_, number, at, is_in in rows:
        give(by_id[id_], number, at, is_in=is_in)


def give(person: Person, number: int, at: datetime, *, is_in: bool) -> None:
    """Let the person have reached the step, and be in it, as their row in the database has."""
    person.checkpoints = {**person.checkpoints, str(number): at}
    if is_in and number not in person.segments:
        person.segments = sorted([*person.segments, number])


def waiting(
    connection: Connection, project_id: UUID, step: Step, *, after: UUID, end: UUID
) -> set[UUID]:
    """Those of a range of people whose own rows do not say yet what was found of them."""
    asked = _asked(project_id, step, after=after, reached=end)
    rows = connection.execute(WAITING, asked, prepare=False)
    return {id_ for (id_,) in rows}


def steps_left(connection: Connection) -> list[Left]:
    """All there are, but for those being filled."""
    return [Left(*row) for row in connection.execute(LEFT).fetchall()]


def take_up_range(connection: Connection, left: Left, rest: Rest = no_rest) -> None:
    """Let the next people's own rows say it; behind the last of them it is done."""
    if left.is_gone:
        _let_go(connection, left, rest)
        return
    place = (left.project_id, left.number, A_RANGE)
    people = [id_ for (id_,) in connection.execute(NEXT, place).fetchall()]
    for chunk, _ in chunks(people, AT_ONCE):
        began = monotonic()
        step = partial(_take_up, left=left, people=chunk)
        if not settled(partial(database.inside, connection), step):
            return
        rest(monotonic() - began)
    if len(people) < A_RANGE:
        _finish(connection, left)


def _take_up(connection: Connection, *, left: Left, people: list[UUID]) -> bool:
    """False where there is no such step any more."""
    later(connection, UNHURRIED)
    share_plan(connection, left.project_id)
    row = connection.execute(STEP, (left.project_id, left.segment_id), prepare=True).fetchone()
    if row is None:
        return False
    if people:
        later(connection, LOCK, (left.project_id, arrays.of_ids(people)))
        number, checkpoint, lane = row
        step = Step(number, checkpoint, lane, str(number), None)
        _taking_up(connection, left.project_id, step, people)
    return True


def _let_go(connection: Connection, left: Left, rest: Rest) -> None:
    asked = {
        "project": left.project_id, "own": left.number, "most": GOING, "last": BEHIND_ALL,
    }  # fmt: skip
    began = monotonic()
    if not connection.execute(LET_GO, asked).rowcount:
        connection.execute(LET_NOTES_GO, (left.project_id, left.number))
        connection.execute(DONE, (left.project_id, left.segment_id))
    rest(monotonic() - began)


def _finish(connection: Connection, left: Left) -> None:
    with connection.transaction():
        lock_plan(connection, left.project_id)
        if connection.execute(DONE, (left.project_id, left.segment_id)).rowcount:
            renew_plan(connection, left.project_id)
