"""Puts people into segments that are picked by hand, and takes them out.

To be picked is a change of the person like any other: it goes through `people.changes`, and
segments built on the picked one follow at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from regulars.people.person import Person


def pick(people: Iterable[Person], number: int, *, into: bool) -> list[UUID]:
    """Put people, loaded in running changes, into the segment of that number, or take them out.

    Returns the ids of those whom that changes; nothing is written before the changes are flushed.
    """
    changed = []
    for person in people:
        picks = person.picks()
        wanted = picks | {number} if into else picks - {number}
        if wanted != picks:
            person.picked = wanted
            person.seen_changed = True
            changed.append(person.id)
    return changed
