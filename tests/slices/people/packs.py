"""Packs of few people, and whether they tell what the rows of all people do."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg

from regulars.filters.ast import Filter
from regulars.filters.operands import KINDS, When
from regulars.filters.to_sql import to_sql
from regulars.people import asking
from regulars.people.packed import forms
from regulars.people.packed.asking import NotTold, told
from regulars.people.packed.finding import Found, find
from regulars.people.packed.keeping import pack_project
from regulars.people.packed.packing import Pack, pack

Connection = psycopg.Connection[Any]

PACKS = "SELECT id FROM person_pack WHERE project_id = %s ORDER BY id"
PEOPLE = """
SELECT p.id FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %s AND {filter}
"""
EVERYBODY = 1_000_000


def pack_some(
    connection: Connection, project_id: UUID, now: datetime, chance: random.Random
) -> None:
    """Pack everybody by threes, or one of the packs that are there anew."""
    packs = connection.execute(PACKS, (project_id,)).fetchall()
    with patch.object(forms, "MOST", 3):
        if packs and chance.random() < 0.8:
            # Unless somebody in it is being erased.
            with suppress(psycopg.errors.SerializationFailure):
                pack(connection, Pack(project_id, chance.choice(packs)[0]), now)
        else:
            with suppress(psycopg.errors.SerializationFailure):
                pack_project(connection, project_id, now)


def check_packs(
    connection: Connection, project_id: UUID, when: When, filters: Iterable[Filter]
) -> int:
    """Packs find whom the rows say, wherever they tell; returns of how many filters they do."""
    if not is_packed(connection, project_id):
        return 0
    asked_of = 0
    for filter_ in filters:
        asked = asking.asked(connection, project_id, filter_, when)
        try:
            told(project_id, asked, KINDS)
        except NotTold:
            continue
        found = find(connection, project_id, asked, KINDS, at_most=EVERYBODY)
        text, params = to_sql(filter_, now=when.now, zone=when.zone)
        rows = connection.execute(PEOPLE.format(filter=text), (project_id, *params)).fetchall()
        assert found is not None, filter_
        assert set(ids_of(found)) == {id_ for (id_,) in rows}, filter_
        counted = find(connection, project_id, asked, KINDS)
        assert counted is not None, filter_
        assert counted.number == found.number == len(rows), filter_
        asked_of += 1
    return asked_of


def ids_of(found: Found) -> list[UUID]:
    """Who was found."""
    return [UUID(bytes=found.ids[at : at + 16]) for at in range(0, len(found.ids), 16)]


def is_packed(connection: Connection, project_id: UUID) -> bool:
    """Whether all of the project's people are in packs."""
    row = connection.execute(
        "SELECT bool_and(packed_at IS NOT NULL) FROM person_pack WHERE project_id = %s",
        (project_id,),
    ).fetchone()
    return row is not None and bool(row[0])
