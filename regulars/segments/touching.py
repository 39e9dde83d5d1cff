"""Whom a segment's rule touches, among the people of a range of ids.

Touched is whom the rule moves in or out, and whom it will move at an instant before the one at
which they are looked at again: by what they remember, or have done and do not remember yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.ast import EventCondition, FieldCondition, Filter, conditions, is_timed
from regulars.filters.compact_custom import custom_key
from regulars.filters.events import EventNeed, event_key
from regulars.filters.first_met import by_sightings
from regulars.filters.timeless import could_hold
from regulars.filters.to_sql import compact_sql, event_to_sql
from regulars.segments import doers
from regulars.segments.needs import kept, looked_for
from regulars.segments.steps import Passing
from regulars.segments.windows import foreseen

Connection = psycopg.Connection[Any]
Sql = tuple[str, list[Any]]
_NUMBER = attrgetter("int")  # ids compare by it, and sort faster by it alone
Place = tuple[UUID, UUID, UUID]  # project; the range's people are behind one, up to the other

# The range is asked of one table alone. PostgreSQL takes it for a person or two, and of two ranges
# it may compare each of the one with each of the other.
PEOPLE = """
SELECT p.id
FROM person_compact p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE a.project_id = %s AND a.id > %s AND a.id <= %s AND ({touched})
"""
# What rows remember of an event is asked of the one alone.
REMEMBERING = "SELECT a.id FROM person_activity a" + PEOPLE.partition("a.id = p.id")[2]
# Where nobody has to leave, the compact rows alone may tell.
ENTERING = """
SELECT p.id FROM person_compact p
WHERE p.project_id = %s AND p.id > %s AND p.id <= %s AND ({touched})
"""
# Where nothing but facts is asked for, the two are read side by side instead, each in its range.
SIDE_BY_SIDE = "SELECT set_config('enable_nestloop', 'off', true)"
ALSO = " AND p.project_id = %s AND p.id > %s AND p.id <= %s"
# Who did it so often and has it not in the row yet.
DOERS = """
SELECT e.person_id
FROM event e JOIN person_activity a ON a.project_id = e.project_id AND a.id = e.person_id
WHERE e.project_id = %s AND e.person_id > %s AND e.person_id <= %s
  AND NOT a.event_times ? %s AND {matching}
GROUP BY e.person_id HAVING count(*) >= %s
"""


def people_to_touch(
    connection: Connection,
    project_id: UUID,
    number: int,
    rule: Filter,
    *,
    after: UUID,
    end: UUID,
    now: datetime,
    zone: tzinfo,
    passing: Passing | None = None,
    from_nobody: bool = False,
    did: doers.Read | None = None,
) -> list[UUID]:
    """Their ids, ascending, behind `after` and up to `end`.

    `passing` is given for a step: who met its rule at some time is touched, too, where that can be
    told. `from_nobody` as a filling has it: whoever is in by now may be among them. `did` is
    `doers.read_once`'s.
    """
    place = (project_id, after, end)
    needs = kept(connection, project_id)
    numbers = {key: need.name for key, need in needs.items()}
    event = doers.event_of(rule)
    if event is not None:
        name, touched = numbers.get(event_key(event)), doers.touched(event, number, numbers)
        found = _asked(connection, REMEMBERING, place, [touched])
        if name is not None and not needs[event_key(event)].filled:
            found |= _enough(connection, place, event, name, zone, did)
        return sorted(found, key=_NUMBER)
    origin = passing.step.origin if passing is not None else None
    ever = passing.ever(zone) if passing is not None and origin is not None else None
    woken = list(_woken(rule, numbers, now, zone))
    if from_nobody:
        parts = [compact_sql(rule, now=now, zone=zone), *([ever] if ever is not None else [])]
    else:
        parts = [_moved(rule, number, now, zone)]
        if ever is not None:
            parts.append(_met_or_not(rule, ever, number, now, zone))
    # When somebody was last seen is on the wide row, as is what they wait for.
    if from_nobody and not woken and not (origin is not None and by_sightings(origin)):
        found = _asked(connection, ENTERING, place, parts)
    elif all(isinstance(one, FieldCondition) for one in conditions(rule)):
        with connection.transaction():
            connection.execute(SIDE_BY_SIDE)
            found = _asked(connection, PEOPLE + ALSO, place, [*parts, *woken], also=place)
    else:
        found = _asked(connection, PEOPLE, place, [*parts, *woken])
    for key, need in looked_for(rule).items():
        if key in needs and not needs[key].filled:
            found |= _did(connection, place, need, numbers[key], zone, times=1)
    return sorted(found, key=_NUMBER)


def _asked(
    connection: Connection, statement: str, place: Place, parts: Sequence[Sql],
    also: tuple[Any, ...] = (),
) -> set[UUID]:  # fmt: skip
    touched, params = _joined(" OR ", parts)
    asked = (*place, *params, *also)
    # Never prepared: without the range's own ends in sight the planner reads everybody for it.
    rows = connection.execute(statement.format(touched=touched), asked, prepare=False)
    return {row[0] for row in rows}


def _enough(
    connection: Connection, place: Place, event: EventCondition, name: str, zone: tzinfo,
    did: doers.Read | None,
) -> set[UUID]:  # fmt: skip
    """Who did it often enough and does not remember."""
    if did is not None and did.memory == name:
        return doers.unaware(connection, place, did)
    return _did(connection, place, event, name, zone, times=event.count)


def _did(
    connection: Connection, place: Place, event: EventCondition | EventNeed, name: str,
    zone: tzinfo, times: int,
) -> set[UUID]:  # fmt: skip
    matching, params = event_to_sql(event, zone=zone, of_people=True)
    asked = (*place, name, *params, times)
    statement = DOERS.format(matching=matching)
    return {row[0] for row in connection.execute(statement, asked, prepare=False)}


def _moved(rule: Filter, number: int, now: datetime, zone: tzinfo) -> Sql:
    text, params = compact_sql(rule, now=now, zone=zone)
    return f"({text} IS TRUE) <> (a.segments @> %s::smallint[])", [*params, [number]]


def _met_or_not(rule: Filter, ever: Sql, number: int, now: datetime, zone: tzinfo) -> Sql:
    """Who has met the step and is not known to, or is known to and never did: by other days."""
    text, params = compact_sql(rule, now=now, zone=zone)
    met, more = ever
    return f"({text} IS TRUE OR {met}) <> (a.checkpoints ? %s)", [*params, *more, str(number)]


def _woken(rule: Filter, numbers: dict[str, str], now: datetime, zone: tzinfo) -> Iterable[Sql]:
    """Those whose stored instant may be later than the one at which the rule moves them."""
    if not is_timed(rule):
        return
    moving = dict.fromkeys(one for one in conditions(rule) if is_timed(one) and not foreseen(one))
    wakes = [wake for one in moving if (wake := _wake(one, numbers, now)) is not None]
    if not wakes:
        return
    text, params = _joined(" OR ", wakes)
    waiting = could_hold(rule)
    if waiting is not None:
        narrowed, more = compact_sql(waiting, now=now, zone=zone)
        text, params = f"({text}) AND {narrowed}", [*params, *more]
    yield text, params


def _wake(condition: Any, numbers: dict[str, str], now: datetime) -> Sql | None:
    match condition:
        case FieldCondition() if condition.about.column is not None:
            days = timedelta(days=int(condition.value))  # type: ignore[arg-type]
            at = condition.about.column
            too_late = f"a.next_move_at IS NULL OR a.next_move_at > {at} + %s::interval"
            return f"({at} >= %s AND ({too_late}))", [now - days, days]
        case FieldCondition():
            about = condition.about
            return "(p.texts -> %s) IS NOT NULL", [custom_key(about.bag or "", about.name)]
        case EventCondition():
            number = numbers.get(event_key(condition))
            return ("a.event_times ? %s", [number]) if number else None
        case _:
            return None


def _joined(word: str, parts: Iterable[Sql]) -> Sql:
    known = [part for part in parts if part[0]]
    text = word.join(f"({text})" for text, _ in known)
    return text, [param for _, params in known for param in params]
