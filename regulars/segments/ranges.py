"""Going through everybody in the order of their ids, a few in each transaction."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

BEFORE_ALL, BEHIND_ALL = UUID(int=0), UUID(int=2**128 - 1)

# What a crash of the server takes back, how far it was included, is done again; nobody waits for
# the disk behind the people's locks.
UNHURRIED = "SET LOCAL synchronous_commit = off"

# As everywhere, people are locked in the order of their ids; what is asked of them comes after.
LOCK = """
SELECT id FROM person_activity WHERE project_id = %s AND id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE
"""


def chunks(people: list[UUID], size: int) -> Iterator[tuple[list[UUID], bool]]:
    """The people in small groups, at least one, and whether it is the last."""
    for at in range(0, max(1, len(people)), size):
        yield people[at : at + size], at + size >= len(people)
