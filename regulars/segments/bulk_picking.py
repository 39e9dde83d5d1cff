"""Adding people to a hand-picked segment and taking them out, by the thousand: bulk actions.

Wired into `people.bulk_actions.ACTIONS` in `config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from regulars.people.bulk_actions import Changing
from regulars.people.changes import Changes
from regulars.people.person import Person
from regulars.segments import queries
from regulars.segments.picking import pick
from regulars.segments.queries import Segment
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]


class _Picking(Changing):
    """What both have in common: the segment, found anew for each batch, since it may go."""

    into: bool

    def check(
        self, connection: Connection, project_id: UUID, given: Mapping[str, Any], /
    ) -> dict[str, Any]:
        try:
            id_ = UUID(str(given.get("segment")))
        except ValueError:
            raise InvalidError("segment", "Choose a segment.") from None
        one = _hand_picked(connection, project_id, id_)
        return {"segment": str(one.id), "name": one.name}

    def change(
        self, changes: Changes, people: Sequence[Person], arguments: Mapping[str, Any], /
    ) -> list[UUID]:
        one = _hand_picked(changes.connection, changes.project_id, UUID(arguments["segment"]))
        return pick(people, one.number, into=self.into)


class AddToSegment(_Picking):
    """Put everybody into a segment picked by hand."""

    into = True
    undo: str | None = "segment_remove"


class RemoveFromSegment(_Picking):
    """Take everybody out of a segment picked by hand."""

    into = False
    undo: str | None = "segment_add"


def _hand_picked(connection: Connection, project_id: UUID, segment_id: UUID) -> Segment:
    """The segment. Raises UnknownError where it is gone, InvalidError where it has a rule."""
    one = queries.segment(connection, project_id, segment_id)
    if one.filter is not None or one.builtin is not None:
        raise InvalidError("segment", "The people of this segment follow its rule.")
    return one
