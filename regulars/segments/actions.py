"""What is done to saved segments: make, rename, change, pick people, delete.

Every function takes a connection with a transaction open, and waits until nobody evaluates the
project's segments. Names are unique in a project, whatever their case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.filters.ast import Filter
from regulars.filters.errors import FilterError
from regulars.filters.parse import parse
from regulars.filters.to_json import to_json
from regulars.kit.ids import new_id
from regulars.kit.text import fold
from regulars.people.changes import Changes
from regulars.people.facts import unusable
from regulars.segments import fills, needs, queries, standing, windows
from regulars.segments.picking import pick
from regulars.segments.plan import KINDS, lock_plan, renew_plan, segments_written_out, tell
from regulars.segments.queries import Segment, segment
from regulars.workspaces.errors import ConflictError, ForbiddenError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

MAX_NAME = 80
MAX_SEGMENTS = 500  # that a project's agents may save
MAX_PICKED = 1_000  # people picked in one transaction

# What the audit log calls these.
AUDITED = {
    "segment.made": "Made a segment",
    "segment.changed": "Changed a segment",
    "segment.deleted": "Deleted a segment",
}

NUMBER = """
UPDATE segment_plan s SET last_number = greatest(s.last_number, (
    SELECT coalesce(max(number), 0) FROM segment n WHERE n.project_id = s.project_id
)) + 1
WHERE project_id = %s RETURNING last_number
"""
NAMES = """
SELECT id, name FROM segment
WHERE project_id = %s AND builtin IS NULL AND deleted_at IS NULL
"""
ADD = """
INSERT INTO segment (project_id, id, number, name, filter, created_at, created_by, changed_at)
VALUES (%(project)s, %(id)s, %(number)s, %(name)s, %(filter)s::jsonb, %(now)s, %(by)s, %(now)s)
"""
START_COUNT = "INSERT INTO segment_count (project_id, id) VALUES (%s, %s)"
RENAME = """
UPDATE segment SET name = %s, changed_at = %s, changed_by = %s WHERE project_id = %s AND id = %s
"""
CHANGE = """
UPDATE segment SET filter = %s::jsonb, changed_at = %s, changed_by = %s
WHERE project_id = %s AND id = %s
"""
DELETE = "UPDATE segment SET deleted_at = %s WHERE project_id = %s AND id = %s"
PICKED_BEFORE = """
SELECT person_id FROM segment_member
WHERE project_id = %s AND segment_id = %s ORDER BY person_id LIMIT %s
"""


def create(
    connection: Connection,
    project_id: UUID,
    name: str,
    now: datetime,
    *,
    filter_: Any = None,
    people: Sequence[UUID] | None = None,
    by: UUID | None = None,
) -> UUID:
    """A new segment: of whoever fits the filter (decoded JSON), or of the people picked.

    One with a filter is filled in the background. Raises InvalidError, ConflictError for a name
    that is taken, FilterError, UnknownError for people who are not there.
    """
    _lock(connection, project_id)
    name = _free_name(connection, project_id, name)
    if (filter_ is None) == (people is None):
        raise InvalidError("filter", "Expected either a filter or people.")
    rule = None if filter_ is None else _rule(connection, project_id, filter_)
    id_ = new_id(now)
    number = next_number(connection, project_id)
    values = {
        "project": project_id, "id": id_, "number": number, "name": name, "by": by, "now": now,
        "filter": None if rule is None else _json(rule),
    }  # fmt: skip
    connection.execute(ADD, values)
    connection.execute(START_COUNT, (project_id, id_))
    _renew(connection, project_id, id_, now, refill=[] if rule is None else [id_])
    if people:
        add_people(connection, project_id, id_, people, now, by=by)
    return id_


def rename(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    name: str,
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Give a segment another name."""
    _lock(connection, project_id)
    _own(connection, project_id, segment_id)
    kept = _free_name(connection, project_id, name, but=segment_id)
    connection.execute(RENAME, (kept, now, by, project_id, segment_id))
    tell(connection, project_id, segment_id, now)


def change_filter(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    filter_: Any,
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Give a segment another rule: it is filled anew, and so are those that are built on it.

    Raises FilterError, also where the segment would be made from itself.
    """
    _lock(connection, project_id)
    before = _own(connection, project_id, segment_id)
    if before.filter is None:
        raise InvalidError("filter", "The people of this segment are picked by hand.")
    rule = _rule(connection, project_id, filter_)
    if to_json(rule) == before.filter:
        return
    connection.execute(CHANGE, (_json(rule), now, by, project_id, segment_id))
    refill = _with_those_built_on(connection, project_id, segment_id)
    _renew(connection, project_id, segment_id, now, refill=refill)


def duplicate(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    now: datetime,
    by: UUID | None = None,
) -> UUID:
    """Another segment by the same rule. Raises InvalidError for one picked by hand by many."""
    _lock(connection, project_id)
    one = segment(connection, project_id, segment_id)
    name = _name_of_copy(connection, project_id, one.name)
    if one.filter is not None:
        return create(connection, project_id, name, now, filter_=one.filter, by=by)
    rows = connection.execute(PICKED_BEFORE, (project_id, segment_id, MAX_PICKED + 1)).fetchall()
    people = [row[0] for row in rows]
    return create(connection, project_id, name, now, people=people, by=by)


def delete(connection: Connection, project_id: UUID, segment_id: UUID, now: datetime) -> None:
    """Let a segment go. The people stay. Raises ConflictError where others are built on it."""
    _lock(connection, project_id)
    one = _own(connection, project_id, segment_id)
    uses = queries.all_uses(connection, project_id, segment_id)
    names = [use.name for use in uses if use.holds][:3]
    if names:
        raise ConflictError("segment", f"Built on {one.name}: {', '.join(names)}.")
    connection.execute(DELETE, (now, project_id, segment_id))
    fills.stop(connection, project_id, segment_id)
    _renew(connection, project_id, segment_id, now, refill=[])


def add_people(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    ids: Sequence[UUID],
    now: datetime,
    by: UUID | None = None,
) -> list[UUID]:
    """Put people into a segment picked by hand; returns those who were not in it."""
    return _pick(connection, project_id, segment_id, ids, now, by, into=True)


def remove_people(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    ids: Sequence[UUID],
    now: datetime,
    by: UUID | None = None,
) -> list[UUID]:
    """Take people out of a segment picked by hand; returns those who were in it."""
    return _pick(connection, project_id, segment_id, ids, now, by, into=False)


def _pick(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    ids: Sequence[UUID],
    now: datetime,
    by: UUID | None,
    *,
    into: bool,
) -> list[UUID]:
    one = _own(connection, project_id, segment_id)
    if one.filter is not None:
        raise InvalidError("people", "The people of this segment follow its rule.")
    if len(ids) > MAX_PICKED:
        raise InvalidError("people", f"At most {MAX_PICKED:,} people at a time.")
    changes = Changes(connection, project_id, now)
    changes.cause = ("agent", str(by)) if by else ("rest", None)
    changes.begin()
    found = changes.load(ids)
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        raise InvalidError("people", f"There is no person {missing[0]}.")
    picked = pick(found.values(), one.number, into=into)
    changes.flush()
    changes.finish()
    return picked


def _rule(connection: Connection, project_id: UUID, given: Any) -> Filter:
    """A rule that can be kept. Raises FilterError."""
    rule = parse(given, kinds=KINDS)
    missing = queries.missing_steps(connection, project_id, rule)
    if missing:
        raise FilterError(f"There is no checkpoint {min(missing)}", "filter")
    gone = queries.missing_campaigns(connection, project_id, rule)
    if gone:
        raise FilterError(f"There is no campaign {min(gone)}", "filter")
    return rule


def _lock(connection: Connection, project_id: UUID) -> None:
    if lock_plan(connection, project_id) is None:
        raise UnknownError("There is no such project.")


def _own(connection: Connection, project_id: UUID, segment_id: UUID) -> Segment:
    one = segment(connection, project_id, segment_id)
    if one.builtin is not None:
        raise ForbiddenError("The lists that every project has can't be changed.")
    return one


def _renew(
    connection: Connection,
    project_id: UUID,
    segment_id: UUID,
    now: datetime,
    *,
    refill: Sequence[UUID],
) -> None:
    """Let everybody evaluate by the segments as they are now, and remember what these need."""
    filters = segments_written_out(connection, project_id)
    needs.reconcile(connection, project_id, filters, refill, now)
    standing.keep(connection, project_id, filters.values())
    windows.keep(connection, project_id, filters.values(), now)
    renew_plan(connection, project_id)
    tell(connection, project_id, segment_id, now)


def _with_those_built_on(connection: Connection, project_id: UUID, segment_id: UUID) -> list[UUID]:
    """The segment, and those whose rules ask for it, or for one that does."""
    found = [segment_id]
    for one in found:
        users = queries.used_by(connection, project_id, one)
        found += [user.id for user in users if user.id not in found]
    return found


def _free_name(
    connection: Connection, project_id: UUID, name: str, *, but: UUID | None = None
) -> str:
    kept = " ".join(name.split())
    if not kept:
        raise InvalidError("name", "Give the segment a name.")
    problem = unusable(kept)
    if problem or len(kept) > MAX_NAME:
        raise InvalidError("name", f"A name has at most {MAX_NAME} characters.")
    rows = connection.execute(NAMES, (project_id,)).fetchall()
    if any(fold(other) == fold(kept) and id_ != but for id_, other in rows):
        raise ConflictError("name", f"There is a segment “{kept}” already.")
    if but is None and len(rows) >= MAX_SEGMENTS:
        raise InvalidError("name", f"A project has at most {MAX_SEGMENTS} segments.")
    return kept


def _name_of_copy(connection: Connection, project_id: UUID, name: str) -> str:
    taken = {fold(other) for _, other in connection.execute(NAMES, (project_id,)).fetchall()}
    for count in range(1, MAX_SEGMENTS + 2):
        tail = " (copy)" if count == 1 else f" (copy {count})"
        wanted = name[: MAX_NAME - len(tail)] + tail
        if fold(wanted) not in taken:
            return wanted
    raise FilterError("Too many copies", "name")


def next_number(connection: Connection, project_id: UUID) -> int:
    """A number that no segment of the project ever had."""
    (number,) = connection.execute(NUMBER, (project_id,)).fetchall()[0]
    return int(number)


def _json(rule: Filter) -> str:
    return msgspec.json.encode(to_json(rule)).decode()
