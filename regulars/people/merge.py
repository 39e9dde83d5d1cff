"""Two people who are one: everything moves to the survivor, and can be given back.

What becomes of their facts is `unite`'s; here rows move. A merge keeps both people as they were,
so that undo restores the one who went, takes from the survivor what only came from them, and
leaves whatever happened since.
"""

from __future__ import annotations

from collections.abc import Callable
from random import getrandbits
from typing import Literal
from uuid import UUID

from regulars.events import record
from regulars.kit.ids import key_hash
from regulars.people import deeds
from regulars.people.changes import CONSEQUENCES, Changes, CollidedError, NoConsequence
from regulars.people.compact import NOTE_ONE
from regulars.people.person import Person
from regulars.people.unite import absorb, copied, restore, revise, snapshot, united

Cause = Literal["identify", "alias", "agent", "rest"]

INSERT_MERGE = """
INSERT INTO merge (project_id, id, from_id, into_id, cause, agent_id, at,
                   from_row, into_before, into_after)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s::jsonb)
"""
EARLIER_MERGES = """
SELECT id FROM merge WHERE project_id = %s AND into_id = ANY(%s) ORDER BY id DESC LIMIT 1
"""
IDENTITIES = ("identity",)
FORGET_FORMER = "DELETE FROM identity WHERE project_id = %s AND id = %s AND kind = 'former'"
FIND_MERGE = "SELECT into_id FROM merge WHERE project_id = %s AND id = %s AND undone_at IS NULL"
READ_MERGE = """
SELECT from_id, coalesce(came_from[1], into_id), from_row, into_before, into_after
FROM merge
WHERE project_id = %s AND id = %s AND into_id = %s AND undone_at IS NULL
FOR UPDATE
"""
# What an undone merge kept of the two people is of no use any more, and would outlive an erasure.
END_MERGE = """
UPDATE merge SET undone_at = %s, from_row = '{}', into_before = '{}', into_after = '{}'
WHERE project_id = %s AND id = %s
"""
# Merges that came after this one and had its survivor in them, on one side or the other.
LATER_MERGES = """
SELECT id, from_id, coalesce(came_from[1], into_id), from_row, into_before, into_after
FROM merge
WHERE project_id = %s AND into_id = %s AND id > %s AND undone_at IS NULL
ORDER BY id FOR UPDATE
"""
REWRITE_MERGE = """
UPDATE merge SET from_row = %s::jsonb, into_before = %s::jsonb, into_after = %s::jsonb
WHERE project_id = %s AND id = %s
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
DROP_COMPACT = "DELETE FROM person_compact WHERE project_id = %s AND id = %s"
DROP_WIDE = "DELETE FROM person WHERE project_id = %s AND id = %s"


class NotMergeableError(Exception):
    """The two can't become one; the message says why."""


class NothingToUndoError(Exception):
    """There is no such merge, or it was undone before."""


def merge(
    changes: Changes,
    gone: Person,
    into: Person,
    cause: Cause,
    agent_id: UUID | None = None,
    decide: Callable[[Person], None] = lambda _into: None,
) -> UUID | None:
    """`gone` becomes `into`, both locked in `changes`. Returns the merge's id, for its undo.

    `decide` may settle whose facts stay: what it changes is part of the merge, and undone with
    it. None where `gone` was never stored: then there is nothing to give back. The rows move when
    `changes` is flushed.
    """
    if gone is into:
        raise NotMergeableError("that is the same person")
    before, gone_row = snapshot(into), snapshot(gone)
    absorb(into, gone)
    decide(into)
    gone.gone_into = into
    if gone.fresh:
        return None
    merge_id = _id_after_earlier(changes, gone, into)
    changes.know("former", str(gone.id), into)
    rows = (gone_row, before, snapshot(into))
    changes.merges.append((merge_id, gone, into, cause, agent_id, rows))
    return merge_id


def _id_after_earlier(changes: Changes, gone: Person, into: Person) -> UUID:
    """The new merge's id: above those of all merges into either, whatever the clocks said.

    Both are locked, so ids tell the order of merges that concern the same people. Not the very
    next one: a merge that was undone may have that id, and concern somebody else by now.
    """
    earlier = [merge_id for merge_id, *_ in changes.merges]
    earlier += [
        row[0]
        for row in changes.connection.execute(
            EARLIER_MERGES, (changes.project_id, [gone.id, into.id])
        )
    ]
    after = [UUID(int=one.int + 1 + getrandbits(32)) for one in earlier]
    return max([changes.new_id(), *after])


class Merging(NoConsequence):
    """Moves the rows of who was merged, and of whose merge was undone."""

    def written(self, changes: Changes) -> None:
        write_partings(changes)
        write_returns(changes)


def write_partings(changes: Changes) -> None:
    """Move the rows of those who were merged, and let their own rows go."""
    connection, project = changes.connection, changes.project_id
    for merge_id, gone, into, cause, agent_id, rows in changes.merges:
        survivor = into.survivor()
        pair = {"project": project, "gone": gone.id, "into": survivor.id}
        record.move(connection, project, gone.id, survivor.id)
        record.move(connection, project, gone.id, survivor.id, IDENTITIES)
        connection.execute(MOVE_MERGES, pair)
        connection.execute(DROP_DISMISSALS, (project, gone.id))
        for consequence in CONSEQUENCES:
            consequence.merged(changes, gone, survivor)
        connection.execute(
            INSERT_MERGE,
            (project, merge_id, gone.id, survivor.id, cause, agent_id, changes.now, *rows),
        )
        connection.execute(DROP_HOT, (project, gone.id))
        connection.execute(DROP_COMPACT, (project, gone.id))
        connection.execute(NOTE_ONE, (project, gone.id))
        connection.execute(DROP_WIDE, (project, gone.id))


def undo(changes: Changes, merge_id: UUID) -> Person:
    """Bring back the person who went. Raises NothingToUndoError; CollidedError: start anew."""
    connection, project = changes.connection, changes.project_id
    found = connection.execute(FIND_MERGE, (project, merge_id)).fetchone()
    if found is None:
        raise NothingToUndoError
    into = changes.load([found[0]]).get(found[0])
    row = connection.execute(READ_MERGE, (project, merge_id, found[0])).fetchone()
    if into is None or row is None:
        raise CollidedError  # merged on, erased or undone before we had the lock
    from_id, carrier, *rows = row
    back, before, after = (restore(project, one, changes.now) for one in rows)
    connection.execute(END_MERGE, (changes.now, project, merge_id))
    revise(into, *_rewrite_later(changes, merge_id, into.id, carrier, after, before))
    changes.people[back.id] = back
    changes.returning.append((back, into))
    connection.execute(FORGET_FORMER, (project, key_hash("former", str(from_id))))
    return back


def _rewrite_later(
    changes: Changes, merge_id: UUID, into_id: UUID, carrier: UUID, old: Person, new: Person
) -> tuple[Person, Person]:
    """Make the later merges what they would be had this one not been.

    `carrier` is who had become `old` by the merge and is `new` without it. Returns both as the
    last of the later merges left them.
    """
    connection, project = changes.connection, changes.project_id
    later = connection.execute(LATER_MERGES, (project, into_id, merge_id)).fetchall()
    for other_id, from_id, onto_id, *rows in later:
        gone, before, after = (restore(project, one, changes.now) for one in rows)
        if from_id == carrier:
            sides = united(before, gone)
            revise(gone, old, new)
        elif onto_id == carrier:
            sides = united(before, gone)
            revise(before, old, new)
        else:
            continue
        old, new = after, copied(after)
        revise(new, sides, united(before, gone))
        connection.execute(
            REWRITE_MERGE, (snapshot(gone), snapshot(before), snapshot(new), project, other_id)
        )
        carrier = onto_id
    return old, new


def write_returns(changes: Changes) -> None:
    """Give back the rows of those whose merge is undone; their own rows exist already."""
    connection, project = changes.connection, changes.project_id
    for back, into in changes.returning:
        pair = {"project": project, "gone": back.id, "into": into.id}
        record.move_back(connection, project, back.id, into.id, IDENTITIES)
        connection.execute(MOVE_MERGES_BACK, pair)
        record.move_back(connection, project, back.id, into.id)
        deeds.recount(connection, project, (back.id, into.id))
        for consequence in CONSEQUENCES:
            consequence.unmerged(changes, back.id, into.id)
