"""That people were written to, many at once: the one fact of theirs that an email to many changes.

Where nothing follows from it (no segment asks when somebody was last emailed), nobody needs to be
read and evaluated for that: three narrow updates do.
"""

from __future__ import annotations

from collections.abc import Collection
from random import getrandbits
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import arrays
from regulars.people.changes import CONSEQUENCES, Changes

Connection = psycopg.Connection[Any]

# In id order, as everybody who changes people locks them.
LOCK = """
SELECT id FROM person_activity
WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
ORDER BY id FOR UPDATE
"""
# The version tells those who remember the wide row that it is another.
MARK = """
WITH told AS (
    UPDATE person_activity SET person_version = %(version)s
    WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
), compacted AS (
    UPDATE person_compact SET last_emailed = greatest(last_emailed, %(now)s)
    WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[]) RETURNING project_id, id
), noted AS (
    INSERT INTO person_unpacked (project_id, person_id) SELECT project_id, id FROM compacted
)
UPDATE person SET last_emailed = greatest(last_emailed, %(now)s), updated_at = %(now)s
WHERE project_id = %(project)s AND id = ANY(%(ids)s::uuid[])
"""


def has_followers(changes: Changes) -> bool:
    """Whether something may follow from nothing but that people were emailed. After `begin`."""
    return any(one.follows_emailing(changes) for one in CONSEQUENCES)


def mark(changes: Changes, people: Collection[UUID]) -> set[UUID]:
    """They were emailed now, which nothing follows from; those of them who are there.

    In the place of `load` and the writing of people: locked until the transaction ends.
    """
    if not people:
        return set()
    named = {"project": changes.project_id, "ids": arrays.of_ids(people)}
    found = {row[0] for row in changes.connection.execute(LOCK, named, prepare=True)}
    named |= {"version": getrandbits(63), "now": changes.now}
    changes.connection.execute(MARK, named, prepare=True)
    return found
