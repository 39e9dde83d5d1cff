"""Who entered and left which segment, when, and what brought it about: kept for timelines.

Written with the moves themselves. Entering and leaving the list of all users says nothing that
registering did not, so it is left out.
"""

from __future__ import annotations

from uuid import UUID

from regulars.kit import arrays
from regulars.kit.connection import later
from regulars.people.changes import Cause, Changes

# Of ids and times alike: what is said of one change of a person sorts as it was said.
WRITE = """
INSERT INTO segment_transition (project_id, id, segment_id, person_id, way, cause, detail, at)
SELECT %(project)s, n.id, n.segment_id, n.person_id, n.way, n.cause, n.detail, %(now)s
FROM unnest(%(ids)s::uuid[], %(segments)s::uuid[], %(people)s::uuid[], %(ways)s::text[],
            %(causes)s::text[], %(details)s::text[])
     AS n (id, segment_id, person_id, way, cause, detail)
"""
TABLES = ("segment_transition",)  # rows that move as people are merged
ERASE = "DELETE FROM segment_transition WHERE project_id = %s AND person_id = %s"


def write(changes: Changes, everybody: UUID | None) -> None:
    """Keep the moves of these changes, but those of people who are merged into others."""
    moves = [
        move
        for move in changes.moves
        if move[0] != everybody and changes.people[move[1]].gone_into is None
    ]
    if not moves:
        return
    causes = _causes(changes, {id(changes.people[person]) for _, person, _ in moves})
    said = [causes.get(person, changes.cause) for _, person, _ in moves]
    later(
        changes.connection,
        WRITE,
        {
            "project": changes.project_id,
            "now": changes.now,
            "ids": arrays.of_ids(changes.new_id() for _ in moves),
            "segments": arrays.of_ids(segment for segment, _, _ in moves),
            "people": arrays.of_ids(person for _, person, _ in moves),
            "ways": arrays.of_texts(way for _, _, way in moves),
            "causes": arrays.of_texts(cause for cause, _ in said),
            "details": arrays.of_texts(detail for _, detail in said),
        },
    )


def erase(changes: Changes, person_id: UUID) -> None:
    """Nothing is left of what the person went through."""
    changes.connection.execute(ERASE, (changes.project_id, person_id))


def _causes(changes: Changes, moved: set[int]) -> dict[UUID, Cause]:
    """The last of what each of the moved did; an event outlasts a page that was looked at.

    They are told apart by the objects they are: most of a batch's people have not moved.
    """
    causes: dict[UUID, Cause] = {}
    for person, cause, detail in changes.traces:
        home = person if person.gone_into is None else person.survivor()
        if id(home) in moved and (
            cause == "event" or causes.get(home.id, ("page", None))[0] == "page"
        ):
            causes[home.id] = cause, detail
    return causes
