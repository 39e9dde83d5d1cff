"""Fills a segment that is new, or whose rule is: everybody is looked at once, in the order of ids.

SQL finds whom the rule moves, in ranges of ids. These are moved in small transactions that also
note how far it is: by SQL too where that knows all there is to know, else through `people.changes`
like anybody who changes. Whoever changes meanwhile is evaluated by the new rule there and then. So
the segment is exact when the last range is done, and a stop at any moment costs nothing but the
range it was in.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from time import monotonic
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.filters.ast import Filter
from regulars.filters.first_met import by_sightings
from regulars.kit import arrays, clock, database
from regulars.kit.connection import later
from regulars.kit.giving_way import Rest, at_leisure, giving_way, no_rest
from regulars.people.actions import settled
from regulars.people.changes import Changes
from regulars.segments import (
    doers,
    findings,
    needs,
    reading,
    remembering,
    steps,
    touching,
)
from regulars.segments.fills import Fill, fills_running
from regulars.segments.moving import count, is_plain, move_all
from regulars.segments.plan import (
    lock_plan,
    renew_plan,
    segments_written_out,
    share_plan,
    tell,
)
from regulars.segments.ranges import BEFORE_ALL, LOCK, UNHURRIED, chunks
from regulars.segments.seeking import Search

Connection = psycopg.Connection[Any]

A_RANGE = 20_000  # people looked at by one statement
A_FIND = 1_000  # people of whom one statement writes what it finds
# People of one transaction: whoever of them does something meanwhile waits for it.
AT_ONCE, AT_ONCE_PLAIN = 200, 150
PAUSE = 0.25  # seconds between looks while nothing is to be filled

END_OF_RANGE = """
SELECT id FROM person WHERE project_id = %s AND id > %s AND id <= %s ORDER BY id
OFFSET %s LIMIT 1
"""
# One worker at a time goes on with a fill, from where it stood when the worker looked.
ADVANCE = """
UPDATE segment_fill f SET cursor = %(reached)s, done = least(done + (
    SELECT count(*) FROM person p
    WHERE p.project_id = %(project)s AND p.id > %(after)s AND p.id <= %(reached)s), total)
WHERE f.project_id = %(project)s AND f.id = %(segment)s AND f.started_at = %(started)s
  AND f.cursor IS NOT DISTINCT FROM %(at)s
"""
LOOK_AROUND = "ANALYZE step_found"  # a million rows more, or none, than the planner knew of
END = "DELETE FROM segment_fill WHERE project_id = %s AND id = %s AND started_at = %s"


def fill_segments(stop: threading.Event) -> None:
    """Until stopped: fill what is to be filled."""
    with database.connect_lean() as connection:
        rest, leisure = giving_way(connection, stop), at_leisure(stop)
        has_read = False
        while not stop.is_set():
            fills = fills_running(connection)
            for fill in fills:
                if not stop.is_set():
                    fill_range(connection, fill, clock.now(), rest)
            # What nobody waits for, when there is nothing else.
            is_busy = bool(fills) or _follow(connection, stop, leisure)
            if has_read and not is_busy:
                reading.let_go(connection)
            has_read = is_busy
            if not is_busy:
                stop.wait(PAUSE)


def _follow(connection: Connection, stop: threading.Event, rest: Rest) -> bool:
    """Let people's own rows say what is known of them beside; whether there was anything."""
    left = findings.steps_left(connection)
    for step in left:
        if not stop.is_set():
            findings.take_up_range(connection, step, rest)
    is_going_on = bool(left)
    for memory in remembering.memories_begun(connection):
        if not stop.is_set():
            is_going_on |= remembering.remember_range(connection, memory, rest)
    return is_going_on


def fill_project(connection: Connection, project_id: UUID, now: datetime) -> None:
    """Fill all that is to be filled in one project, and have people remember what is asked for."""
    while True:
        fills = [fill for fill in fills_running(connection) if fill.project_id == project_id]
        for fill in fills:
            fill_range(connection, fill, now)
        if fills:
            continue
        left = [step for step in findings.steps_left(connection) if step.project_id == project_id]
        for step in left:
            findings.take_up_range(connection, step)
        begun = remembering.memories_begun(connection)
        mine = [memory for memory in begun if memory.project_id == project_id]
        is_going_on = any(remembering.remember_range(connection, memory) for memory in mine)
        if not (left or is_going_on):
            return


def fill_range(connection: Connection, fill: Fill, now: datetime, rest: Rest = no_rest) -> None:
    """Look at the next people in the order of ids, and move whom the rule moves."""
    filters = segments_written_out(connection, fill.project_id)
    if fill.segment_id not in filters:
        return  # deleted since the look
    rule = filters[fill.segment_id]
    zone = ZoneInfo(fill.time_zone)
    passing = steps.passing_of(connection, fill.project_id, fill.segment_id, rule)
    if passing is not None:
        passing = _with_sightings(connection, fill, passing)
    if passing is not None and fill.is_finding:
        search = Search(fill.project_id, rule, passing, now, zone)
        _find_range(connection, fill, search, rest)
        return
    cursor = fill.cursor or BEFORE_ALL
    end = _end_of_range(connection, fill, cursor, A_RANGE)
    event = doers.event_of(rule)
    did = doers.read_once(connection, fill, event) if event is not None else None
    people = touching.people_to_touch(
        connection, fill.project_id, fill.number, rule,
        after=cursor, end=end, now=now, zone=zone, passing=passing,
        from_nobody=fill.from_nobody, did=did,
    )  # fmt: skip
    if fill.has_found and passing is not None:
        waiting = findings.waiting(connection, fill.project_id, passing.step, after=cursor, end=end)
        people = sorted(waiting.union(people), key=attrgetter("int"))
    at = fill.cursor
    for chunk, is_last in chunks(people, AT_ONCE_PLAIN if is_plain(rule) else AT_ONCE):
        reached = end if is_last else chunk[-1]
        step = partial(
            _step,
            fill=fill,
            rule=rule,
            passing=passing,
            people=chunk,
            at=at,
            reached=reached,
            now=now,
            did=did,
        )
        began = monotonic()
        if not settled(partial(database.inside, connection), step):
            return
        rest(monotonic() - began)
        at = reached
    if end == fill.until:
        _finish(connection, fill, rule, now, passing)


def _find_range(connection: Connection, fill: Fill, search: Search, rest: Rest) -> None:
    """Write beside people's own rows of whom the rule holds, a few at a time."""
    before, at = fill.cursor, fill.cursor
    for _ in range(A_RANGE // A_FIND):
        end = _end_of_range(connection, fill, at or BEFORE_ALL, A_FIND)
        step = partial(_find, fill=fill, search=search, before=before, at=at, reached=end)
        began = monotonic()
        if not settled(partial(database.inside, connection), step):
            return
        rest(monotonic() - began)
        before, at = at, end
        if end == fill.until:
            _finish(connection, fill, search.rule, search.now, search.passing)
            connection.execute(LOOK_AROUND)  # reports read it from now on
            return


def _find(
    connection: Connection,
    *,
    fill: Fill,
    search: Search,
    before: UUID | None,
    at: UUID | None,
    reached: UUID,
) -> bool:
    """One transaction of it; False where another worker has gone on from `at`, or it begun anew.

    `before` is where the one before it began: of those who changed meanwhile, what it found goes.
    """
    later(connection, UNHURRIED)
    share_plan(connection, fill.project_id)
    if not _advance(connection, fill, at, reached):
        return False
    number = search.find(connection, at or BEFORE_ALL, reached)
    if at is not None and before != at:
        number -= findings.settle(
            connection, fill.project_id, search.passing.step, after=before or BEFORE_ALL, reached=at
        )
    if number:
        count(connection, fill.project_id, fill.segment_id, number, search.now)
    return True


def _advance(connection: Connection, fill: Fill, at: UUID | None, reached: UUID) -> bool:
    """Note how far it is; False where it is no longer ours to go on from there."""
    place = {
        "project": fill.project_id, "segment": fill.segment_id, "started": fill.started_at,
        "at": at, "after": at or BEFORE_ALL, "reached": reached,
    }  # fmt: skip
    return bool(connection.execute(ADVANCE, place, prepare=True).rowcount)


def _with_sightings(connection: Connection, fill: Fill, passing: steps.Passing) -> steps.Passing:
    """Read once when everybody was seen first, where each would else be asked of history."""
    origin = passing.step.origin
    if origin is None or passing.twin or not by_sightings(origin):
        return passing
    if not fill.is_first:
        return passing  # it is known who reached it when, but for those whom other days let in
    table = reading.sightings_table(connection, fill.project_id, f"seen_{fill.mark}")
    return replace(passing, seen=table)


def _end_of_range(connection: Connection, fill: Fill, cursor: UUID, people: int) -> UUID:
    place = (fill.project_id, cursor, fill.until, people - 1)
    row = connection.execute(END_OF_RANGE, place, prepare=False).fetchone()
    return row[0] if row else fill.until


def _step(
    connection: Connection,
    *,
    fill: Fill,
    rule: Filter,
    passing: steps.Passing | None,
    people: list[UUID],
    at: UUID | None,
    reached: UUID,
    now: datetime,
    did: doers.Read | None,
) -> bool:
    """Move whom the rule moves of these people, and note how far that is.

    False where another worker has gone on with the fill from `at`, or it has begun anew.
    """
    later(connection, UNHURRIED)
    changes = Changes(connection, fill.project_id, now)
    changes.cause = ("rule", None)
    changes.begin()
    if not _advance(connection, fill, at, reached):
        return False
    if fill.has_found and passing is not None and people:
        later(connection, LOCK, (fill.project_id, arrays.of_ids(people)))
        findings.take_up(connection, fill.project_id, passing.step, people)
    if is_plain(rule):
        segment, zone = (fill.segment_id, fill.number), ZoneInfo(fill.time_zone)
        move_all(connection, fill.project_id, segment, rule, people, now, zone, passing, did)
        return True
    for person in changes.load(people).values():
        person.seen_changed = True
    changes.flush()
    changes.finish()
    return True


def _finish(
    connection: Connection, fill: Fill, rule: Filter, now: datetime, passing: steps.Passing | None
) -> None:
    """All have been looked at: from now on who enters is news."""
    with connection.transaction():
        lock_plan(connection, fill.project_id)
        ended = connection.execute(END, (fill.project_id, fill.segment_id, fill.started_at))
        if ended.rowcount:
            if fill.has_found and passing is not None:
                twice = findings.settle(connection, fill.project_id, passing.step)
                if twice:
                    count(connection, fill.project_id, fill.segment_id, -twice, now)
            needs.filled(connection, fill, rule)
            for follower in steps.FOLLOWERS:
                follower.filled(connection, fill.project_id, fill.segment_id, now)
            renew_plan(connection, fill.project_id)
            tell(connection, fill.project_id, fill.segment_id, now)
