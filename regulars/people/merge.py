"""Two people who are one: everything moves to the survivor, and can be given back.

`absorb` is the pure part, on the two people in memory; `merge` and `undo` move the rows. A merge
keeps both people as they were, so that undo restores the one who went, takes from the survivor
what only came from them, and leaves whatever happened since.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars.events import record
from regulars.kit.ids import key_hash
from regulars.people import rhythm
from regulars.people.changes import CONSEQUENCES, Changes, NoConsequence
from regulars.people.facts import put
from regulars.people.person import HOT, WIDE, Kind, Person, new_person

Cause = Literal["identify", "alias", "agent", "rest"]

_RANK: dict[Kind, int] = {"visitor": 0, "lead": 1, "user": 2}

# Facts that fill a gap of the survivor's. First touch goes together, by who came first.
_FILLED = (
    "user_id", "email", "name", "first_name", "last_name", "gender", "phone", "country",
    "country_code", "region", "city", "browser", "browser_version", "os", "device", "ip",
    "language", "timezone",
)  # fmt: skip
_TOUCH = (
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer",
    "landing_page", "touched_at",
)  # fmt: skip
_EARLIEST = ("first_seen", "signed_up_at", "created_at")
_LATEST = ("last_contacted", "last_emailed", "last_seen", "browser_seen_at")
_CURRENT = ("page_url", "page_path", "page_title", "page_since")

INSERT_MERGE = """
INSERT INTO merge (project_id, id, from_id, into_id, cause, agent_id, at,
                   from_row, into_before, into_after)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb)
"""
MOVE_IDENTITIES = """
UPDATE identity SET person_id = %(into)s, came_from = came_from || %(gone)s::uuid
WHERE project_id = %(project)s AND person_id = %(gone)s
"""
MOVE_IDENTITIES_BACK = """
UPDATE identity
SET person_id = %(gone)s, came_from = came_from[:array_position(came_from, %(gone)s::uuid) - 1]
WHERE project_id = %(project)s AND person_id = %(into)s AND %(gone)s::uuid = ANY(came_from)
"""
FORGET_FORMER = "DELETE FROM identity WHERE project_id = %s AND id = %s AND kind = 'former'"
CLAIM_UNDO = """
UPDATE merge SET undone_at = %(now)s
WHERE project_id = %(project)s AND id = %(id)s AND undone_at IS NULL
RETURNING from_id, into_id, from_row, into_before, into_after
"""
MOVE_MERGES = """
UPDATE merge SET into_id = %(into)s, came_from = came_from || %(gone)s::uuid
WHERE project_id = %(project)s AND into_id = %(gone)s
"""
MOVE_MERGES_BACK = """
UPDATE merge
SET into_id = %(gone)s, came_from = came_from[:array_position(came_from, %(gone)s::uuid) - 1]
WHERE project_id = %(project)s AND into_id = %(into)s AND %(gone)s::uuid = ANY(came_from)
"""
DROP_DISMISSALS = "DELETE FROM merge_dismissal WHERE project_id = %s AND %s IN (one_id, other_id)"
DROP_HOT = "DELETE FROM person_activity WHERE project_id = %s AND id = %s"
DROP_WIDE = "DELETE FROM person WHERE project_id = %s AND id = %s"


class NotMergeableError(Exception):
    """The two can't become one; the message says why."""


class NothingToUndoError(Exception):
    """There is no such merge, or it was undone before."""


def absorb(into: Person, gone: Person) -> None:
    """Make `into` both people. The newest saying of a custom fact wins; gaps are filled."""
    first = gone if _came_first(gone, into) else into
    if first is gone:
        for column in _TOUCH:
            put(into, column, getattr(gone, column))
    for column in _FILLED:
        if getattr(into, column) in (None, ""):
            put(into, column, getattr(gone, column))
            _take_stamp(into, gone, column)
    for column in _EARLIEST:
        put(into, column, _pick(min, getattr(into, column), getattr(gone, column)))
    if (gone.last_seen, into.last_seen) != (None, None) and _later(gone.last_seen, into.last_seen):
        for column in _CURRENT:
            setattr(into, column, getattr(gone, column))
    for column in _LATEST:
        setattr(into, column, _pick(max, getattr(into, column), getattr(gone, column)))
    _absorb_custom(into, gone, "attributes")
    _absorb_custom(into, gone, "company")
    into.tags = sorted({*into.tags, *gone.tags})
    into.sessions += gone.sessions
    into.page_views += gone.page_views
    into.open_sessions = {**gone.open_sessions, **into.open_sessions}
    into.rhythm, into.rhythm_day = rhythm.unite(
        into.rhythm, into.rhythm_day, gone.rhythm, gone.rhythm_day
    )
    if _RANK[gone.kind] > _RANK[into.kind]:
        into.kind = gone.kind
    into.changed = into.seen_changed = True


def merge(
    changes: Changes, gone: Person, into: Person, cause: Cause, agent_id: UUID | None = None
) -> UUID | None:
    """`gone` becomes `into`, both locked in `changes`. Returns the merge's id, for its undo.

    None where `gone` was never stored: then there is nothing to give back. The rows move when
    `changes` is flushed.
    """
    if gone is into:
        raise NotMergeableError("that is the same person")
    before = snapshot(into)
    gone_row = snapshot(gone)
    absorb(into, gone)
    gone.gone_into = into
    if gone.fresh:
        return None
    merge_id = changes.new_id()
    changes.know("former", str(gone.id), into)
    changes.merges.append((merge_id, gone, into, cause, agent_id, gone_row, before))
    return merge_id


class Merging(NoConsequence):
    """Moves the rows of who was merged, and of whose merge was undone."""

    def written(self, changes: Changes) -> None:
        write_partings(changes)
        write_returns(changes)


def write_partings(changes: Changes) -> None:
    """Move the rows of those who were merged, and let their own rows go."""
    connection, project = changes.connection, changes.project_id
    for merge_id, gone, into, cause, agent_id, gone_row, before in changes.merges:
        pair = {"project": project, "gone": gone.id, "into": into.survivor().id}
        record.move(connection, project, gone.id, into.survivor().id)
        connection.execute(MOVE_IDENTITIES, pair)
        connection.execute(MOVE_MERGES, pair)
        connection.execute(DROP_DISMISSALS, (project, gone.id))
        for consequence in CONSEQUENCES:
            consequence.merged(changes, gone, into.survivor())
        after = snapshot(into)
        connection.execute(
            INSERT_MERGE,
            (project, merge_id, gone.id, into.survivor().id, cause, agent_id, changes.now,
             gone_row, before, after),
        )  # fmt: skip
        connection.execute(DROP_HOT, (project, gone.id))
        connection.execute(DROP_WIDE, (project, gone.id))


def undo(changes: Changes, merge_id: UUID) -> Person:
    """Bring back the person who went. Raises NothingToUndoError."""
    connection, project = changes.connection, changes.project_id
    row = connection.execute(
        CLAIM_UNDO, {"project": project, "id": merge_id, "now": changes.now}
    ).fetchone()
    if row is None:
        raise NothingToUndoError
    from_id, into_id, from_row, before, after = row
    into = changes.load([into_id])[into_id]
    back = restore(changes.project_id, from_row, changes.now)
    changes.people[back.id] = back
    _give_back(into, back, before, after)
    changes.returning.append((back, into))
    connection.execute(FORGET_FORMER, (project, key_hash("former", str(from_id))))
    return back


def write_returns(changes: Changes) -> None:
    """Give back the rows of those whose merge is undone; their own rows exist already."""
    connection, project = changes.connection, changes.project_id
    for back, into in changes.returning:
        pair = {"project": project, "gone": back.id, "into": into.id}
        connection.execute(MOVE_IDENTITIES_BACK, pair)
        connection.execute(MOVE_MERGES_BACK, pair)
        record.move_back(connection, project, back.id, into.id)
        for consequence in CONSEQUENCES:
            consequence.unmerged(changes, back.id, into.id)


def snapshot(person: Person) -> str:
    """All of a person's facts, as JSON."""
    row = {column: getattr(person, column) for column in (*WIDE, *HOT)}
    row["rhythm"] = person.rhythm.hex()
    row["segments"] = []
    return msgspec.json.encode(row, enc_hook=str).decode()


def restore(project_id: UUID, row: dict[str, Any], now: datetime) -> Person:
    """The person a snapshot was taken of, to be stored anew."""
    person = new_person(project_id, UUID(row["id"]), now)
    for column in (*WIDE, *HOT):
        if column not in ("project_id", "id", "segments", "next_move_at"):
            setattr(person, column, _revive(column, row[column]))
    return person


def _give_back(into: Person, back: Person, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Take from the survivor what the merge alone brought, unless it changed since."""
    for column in (*_FILLED, *_TOUCH, *_EARLIEST, "kind", "last_contacted", "last_emailed"):
        if before[column] != after[column] and _plain(getattr(into, column)) == after[column]:
            put(into, column, _revive(column, before[column]))
    for scope in ("attributes", "company"):
        kept: dict[str, Any] = dict(getattr(into, scope))
        for key, value in after[scope].items():
            if before[scope].get(key) == value or kept.get(key) != value:
                continue
            _restore_custom(into, kept, f"{scope}.{key}", key, before)
        setattr(into, scope, kept)
    into.rhythm = rhythm.without(into.rhythm, into.rhythm_day, back.rhythm, back.rhythm_day)
    into.open_sessions = {
        browser: runs
        for browser, runs in into.open_sessions.items()
        if browser not in back.open_sessions
    }
    brought = set(after["tags"]) - set(before["tags"])
    into.tags = [tag for tag in into.tags if tag not in brought]
    into.sessions = max(0, into.sessions - (after["sessions"] - before["sessions"]))
    into.page_views = max(0, into.page_views - (after["page_views"] - before["page_views"]))
    if _plain(into.last_seen) == after["last_seen"]:
        for column in ("last_seen", "browser_seen_at", *_CURRENT):
            setattr(into, column, _revive(column, before[column]))
    into.changed = into.seen_changed = True


def _restore_custom(
    into: Person, kept: dict[str, Any], slot: str, key: str, before: dict[str, Any]
) -> None:
    """A custom fact as it was before the merge; none, where the merge brought it."""
    scope = slot.partition(".")[0]
    for now, then, name in (
        (kept, before[scope], key),
        (into.folded, before["folded"], slot),
        (into.stamps, before["stamps"], slot),
    ):
        if name in then:
            now[name] = then[name]
        else:
            now.pop(name, None)


def _absorb_custom(into: Person, gone: Person, scope: str) -> None:
    mine: dict[str, Any] = dict(getattr(into, scope))
    for key, value in getattr(gone, scope).items():
        slot = f"{scope}.{key}"
        if key in mine and gone.stamps.get(slot, 0) <= into.stamps.get(slot, 0):
            continue
        mine[key] = value
        _take_stamp(into, gone, slot)
        if slot in gone.folded:
            into.folded[slot] = gone.folded[slot]
        else:
            into.folded.pop(slot, None)
    setattr(into, scope, mine)


def _take_stamp(into: Person, gone: Person, slot: str) -> None:
    if slot in gone.stamps:
        into.stamps[slot] = gone.stamps[slot]


def _came_first(gone: Person, into: Person) -> bool:
    if gone.touched_at is None or into.touched_at is None:
        return into.touched_at is None and gone.touched_at is not None
    return gone.touched_at < into.touched_at


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)


def _pick(choose: Any, one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=str)


def _revive(column: str, value: Any) -> Any:
    if column == "rhythm":
        return bytes.fromhex(value)
    if value is not None and column in _INSTANTS:
        return datetime.fromisoformat(value)
    return value


_INSTANTS = frozenset(
    {*_EARLIEST, *_LATEST, "touched_at", "page_since", "context_at", "updated_at", "next_move_at"}
)
