"""What is done to the checkpoints of a funnel: all of them at once, or one.

Every function takes a connection with a transaction open, and waits until nobody evaluates the
project's segments. A checkpoint whose condition changes goes on with the old one's results until
everybody has been looked at (`evaluating`); titles, descriptions and the order change at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.errors import FilterError
from regulars.filters.parse import parse
from regulars.filters.to_json import to_json
from regulars.funnels import evaluating, queries, resting, rows
from regulars.funnels.queries import Checkpoint
from regulars.funnels.rows import MAX_CHECKPOINTS, Draft
from regulars.kit.text import fold
from regulars.people.facts import unusable
from regulars.segments import fills
from regulars.segments import queries as segments
from regulars.segments.plan import lock_plan, renew_plan
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MIN_CHECKPOINTS = 2
MAX_TITLE = 60
MAX_DESCRIPTION = 500

# What a checkpoint may ask about.
KINDS = frozenset({"field", "event", "segment"})

# What the audit log calls these.
AUDITED = {"funnel.changed": "Changed the user funnel"}

RENAME = """
UPDATE checkpoint SET title = %s, description = %s, place = %s, changed_at = %s, changed_by = %s
WHERE project_id = %s AND number = %s
"""
RENAME_SEGMENT = "UPDATE segment SET name = %s WHERE project_id = %s AND id = %s"
NEXT = """
UPDATE checkpoint SET next_segment_id = %s, dated_at = %s WHERE project_id = %s AND number = %s
"""
# A condition that was kept all along: whoever met it is dated by their past.
TAKE = """
UPDATE checkpoint SET segment_id = %s, next_segment_id = NULL, dated_at = NULL
WHERE project_id = %s AND number = %s
"""
DELETE = "DELETE FROM checkpoint WHERE project_id = %s AND number = %s"


def put(
    connection: Connection,
    project_id: UUID,
    drafts: Sequence[Draft],
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Let these be the funnel's checkpoints, in this order.

    One without a number is the one whose number is its place. Raises InvalidError, FilterError,
    and ConflictError where a segment asks for one that would go.
    """
    if lock_plan(connection, project_id) is None:
        raise UnknownError("There is no such project.")
    wanted = _checked(connection, project_id, drafts)
    before = {one.number: one for one in queries.checkpoints(connection, project_id)}
    changed = {n for n in before if n not in {one.number for one in wanted}}
    for number in changed:
        _delete(connection, project_id, before[number], now)
    for place, draft in enumerate(wanted, start=1):
        one = before.get(draft.number or 0)
        if one is None:
            woken = _wake(connection, project_id, draft, now)
            changed.add(rows.add(connection, project_id, draft, place, now, by, woken))
        elif _change(connection, project_id, one, draft, place, now, by):
            changed.add(one.number)
    evaluating.settle(connection, project_id, now, changed)
    renew_plan(connection, project_id)


def drafts_of(connection: Connection, project_id: UUID) -> list[Draft]:
    """The checkpoints as they were last set: where a change begins."""
    return [
        Draft(one.title, one.description, one.wanted, one.number)
        for one in queries.checkpoints(connection, project_id)
    ]


def change(
    connection: Connection,
    project_id: UUID,
    number: int,
    draft: Draft,
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Give one checkpoint another title, description or condition."""
    drafts = drafts_of(connection, project_id)
    _among(drafts, number)
    given = replace(draft, number=number)
    kept = [given if one.number == number else one for one in drafts]
    put(connection, project_id, kept, now, by)


def add(
    connection: Connection, project_id: UUID, draft: Draft, now: datetime, by: UUID | None = None
) -> int:
    """A checkpoint more, behind the others. Returns its number."""
    drafts = drafts_of(connection, project_id)
    if len(drafts) >= MAX_CHECKPOINTS:
        raise InvalidError("checkpoints", f"A funnel has at most {MAX_CHECKPOINTS} checkpoints.")
    free = min(set(range(1, MAX_CHECKPOINTS + 1)) - {one.number for one in drafts})
    put(connection, project_id, [*drafts, replace(draft, number=free)], now, by)
    return free


def remove(
    connection: Connection, project_id: UUID, number: int, now: datetime, by: UUID | None = None
) -> None:
    """Let a checkpoint go. Raises InvalidError for one of the last two."""
    drafts = drafts_of(connection, project_id)
    _among(drafts, number)
    put(connection, project_id, [one for one in drafts if one.number != number], now, by)


def move(
    connection: Connection,
    project_id: UUID,
    number: int,
    by_places: int,
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Move a checkpoint to the front (negative) or the back; it stops at the ends."""
    drafts = drafts_of(connection, project_id)
    at = _among(drafts, number)
    moved = drafts.pop(at)
    drafts.insert(max(0, min(len(drafts), at + by_places)), moved)
    put(connection, project_id, drafts, now, by)


def _among(drafts: Sequence[Draft], number: int) -> int:
    for at, one in enumerate(drafts):
        if one.number == number:
            return at
    raise UnknownError("There is no such checkpoint.")


def _checked(connection: Connection, project_id: UUID, drafts: Sequence[Draft]) -> list[Draft]:
    if not MIN_CHECKPOINTS <= len(drafts) <= MAX_CHECKPOINTS:
        raise InvalidError(
            "checkpoints", f"A funnel has {MIN_CHECKPOINTS} to {MAX_CHECKPOINTS} checkpoints."
        )
    checked: list[Draft] = []
    for place, draft in enumerate(drafts, start=1):
        at = f"checkpoints[{place - 1}]"
        number = place if draft.number is None else draft.number
        if not 1 <= number <= MAX_CHECKPOINTS:
            raise InvalidError(f"{at}.number", f"A number is 1 to {MAX_CHECKPOINTS}.")
        if number in {one.number for one in checked}:
            raise InvalidError(f"{at}.number", "Two checkpoints can't have the same number.")
        title = " ".join(draft.title.split())
        if not title or unusable(title) or len(title) > MAX_TITLE:
            raise InvalidError(
                f"{at}.title", f"A checkpoint needs a title of at most {MAX_TITLE} characters."
            )
        if fold(title) in {fold(one.title) for one in checked}:
            raise ConflictError(f"{at}.title", f"There are two checkpoints “{title}”.")
        description = draft.description.strip()
        if unusable(description) or len(description) > MAX_DESCRIPTION:
            raise InvalidError(
                f"{at}.description", f"A description has at most {MAX_DESCRIPTION} characters."
            )
        condition = _condition(connection, project_id, draft.filter, at)
        checked.append(Draft(title, description, condition, number))
    return checked


def _condition(connection: Connection, project_id: UUID, given: Any, at: str) -> Any:
    """The condition as it is kept. Raises FilterError under the checkpoint's name."""
    try:
        rule = parse(given, kinds=KINDS)
    except FilterError as wrong:
        raise FilterError(wrong.message, f"{at}.{wrong.field}") from wrong
    missing = segments.missing(connection, project_id, rule)
    if missing:
        raise FilterError(f"There is no segment {min(missing)}", f"{at}.filter")
    return to_json(rule)


def _change(
    connection: Connection,
    project_id: UUID,
    one: Checkpoint,
    draft: Draft,
    place: int,
    now: datetime,
    by: UUID | None,
) -> bool:
    """Change it as it is drafted; whether people have reached it at other times at once."""
    if (one.title, one.description, one.place, one.wanted) == (
        draft.title, draft.description, place, draft.filter,
    ):  # fmt: skip
        return False
    values = (draft.title, draft.description, place, now, by, project_id, one.number)
    connection.execute(RENAME, values)
    connection.execute(RENAME_SEGMENT, (draft.title, project_id, one.segment_id))
    if one.wanted == draft.filter:
        return False
    if one.next_segment_id is not None:
        connection.execute(NEXT, (None, one.dated_at, project_id, one.number))
        rows.let_segment_go(connection, project_id, one.next_segment_id, now)
    if one.filter == draft.filter:
        return False  # back to what is in force
    if evaluating.replaces(one.filter, draft.filter):
        evaluating.replace(connection, project_id, one.segment_id, draft.filter, now)
        return False
    woken = _wake(connection, project_id, replace(draft, number=one.number), now)
    if woken is not None:
        connection.execute(TAKE, (woken, project_id, one.number))
        resting.rest_or_go(connection, project_id, one.segment_id, now)
        return True
    made = rows.add_segment(connection, project_id, draft, now)
    dated = rows.undated_from(connection, project_id, draft.filter, now)
    connection.execute(NEXT, (made, dated, project_id, one.number))
    if fills.last_person(connection, project_id) is None:
        evaluating.take_effect(connection, project_id, made, now)
    return False


def _wake(connection: Connection, project_id: UUID, draft: Draft, now: datetime) -> UUID | None:
    number = draft.number or 0  # as `_checked` has it
    return resting.wake(connection, project_id, number, draft.title, draft.filter, now)


def _delete(connection: Connection, project_id: UUID, one: Checkpoint, now: datetime) -> None:
    built = queries.asking(connection, project_id, one.number)
    if built:
        names = ", ".join(built[:3])
        raise ConflictError("checkpoints", f"{one.title} is asked for by {names}.")
    connection.execute(DELETE, (project_id, one.number))
    resting.rest_or_go(connection, project_id, one.segment_id, now)
    if one.next_segment_id is not None:
        rows.let_segment_go(connection, project_id, one.next_segment_id, now)
