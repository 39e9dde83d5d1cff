"""Puts people into segments that are picked by hand, and takes them out.

To be picked is a change of the person like any other: it goes through `people.changes`, and
segments built on the picked one follow at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from regulars.people.person import Person


def pick(
    people: Iterable[Person], *, add: int | None = None, remove: int | None = None
) -> list[UUID]:
    """Put people, loaded in running changes, into the segment numbered `add`, out of `remove`.

    Returns the ids of those whom that changes; nothing is written before the changes are flushed.
    """
    changed = []
    for person in people:
        picks = person.picks()
        wanted = frozenset(
            number for number in {*picks, *([] if add is None else [add])} if number != remove
        )
        if wanted != picks:
            person.picked = wanted
            person.seen_changed = True
            changed.append(person.id)
    return changed
