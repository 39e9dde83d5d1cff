"""What lists ask of packs; None where these do not tell.

What answers needs NumPy, which takes a tenth of a second to load and which an installation without
packs never needs. So it is loaded by the first question of a project that has them.

Public: `tells`, `count`, `first_ids`.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from regulars.people.packed import readiness

if TYPE_CHECKING:
    from regulars.people.asking import Asked
    from regulars.people.orders import Cursor, Sort

Connection = psycopg.Connection[Any]

SORTED = 50_000  # people at most whom a page is sorted from


def tells(connection: Connection, project_id: UUID, asked: Asked) -> bool:
    """Whether packs tell whom the filter holds for."""
    if readiness.changed(connection, project_id) is None:
        return False
    from regulars.people.packed import asking

    return asking.tells(project_id, asked)


def count(
    connection: Connection, project_id: UUID, asked: Asked, kinds: tuple[str, ...]
) -> int | None:
    """How many people of these kinds the filter holds for."""
    notes = readiness.changed(connection, project_id)
    if notes is None:
        return None
    from regulars.people.packed.finding import ask

    found = ask(connection, project_id, asked, kinds, notes)
    return None if found is None else found.number


def first_ids(
    connection: Connection,
    project_id: UUID,
    asked: Asked,
    kinds: tuple[str, ...],
    page: tuple[Sort, int, Cursor | None],
) -> bytes | None:
    """Ids of people among whom a page is, given by its order, its length and its cursor: 16 bytes
    each. All of them where packs have not the order.
    """
    notes = readiness.changed(connection, project_id)
    if notes is None:
        return None
    from regulars.people.packed.finding import ask
    from regulars.people.packed.foremost import foremost

    found = ask(connection, project_id, asked, kinds, notes, at_most=SORTED, first=foremost(*page))
    return None if found is None else found.ids
