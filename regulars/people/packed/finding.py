"""Who a filter holds for among everybody, found in packs.

One statement reads the columns that the filter needs, who changed since these were packed, and whom
of those the filter holds for: so all of it is of one moment. Where too many have changed, where not
everybody is packed yet, or columns do not tell what is asked, nothing is found, and SQL is asked.

Public: `find`, `Found`, `tells`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from regulars.filters.operands import KINDS
from regulars.filters.sql import Sql, joined
from regulars.people.asking import Asked
from regulars.people.packed.asking import NotTold, People, Told, told
from regulars.people.packed.columns import Column, Mask, unpacked
from regulars.people.packed.foremost import Foremost, Ids, Some, some
from regulars.people.packed.forms import Packed
from regulars.people.packed.packing import IDS

Connection = psycopg.Connection[Any]
# Who changed since and is asked one by one: of more, it is quicker to ask everybody by SQL.
MOST_UNPACKED = 20_000

STATE = f"""
SELECT bool_and(packed_at IS NOT NULL), (
    SELECT count(*) FROM (
        SELECT FROM person_unpacked WHERE project_id = %(project)s LIMIT {MOST_UNPACKED + 1}
    ) changed
) FROM person_pack WHERE project_id = %(project)s
"""
UNPACKED = """
WITH unpacked AS MATERIALIZED (
    SELECT DISTINCT person_id AS id FROM person_unpacked WHERE project_id = %s
)
"""
CHANGED = "SELECT id FROM unpacked"
COLUMNS = """
(SELECT k.id, k.people, k.packed_at IS NOT NULL, k.is_whole, c.field, c.form, c.codes, c.words
FROM person_pack k LEFT JOIN person_packed c
  ON c.project_id = k.project_id AND c.pack_id = k.id AND c.field = ANY(%s)
WHERE k.project_id = %s ORDER BY k.id)
"""
# What is looked up besides has the place of a pack that is none.
BESIDES = """
SELECT NULL::uuid, %s, true, true, NULL, NULL, string_agg(uuid_send(id), ''), NULL FROM ({ids}) p
"""
THEY = """
SELECT p.id FROM person_compact p
WHERE p.project_id = %s AND p.id IN (SELECT id FROM unpacked) AND p.kind = ANY(%s) AND {each}
"""


@dataclass(frozen=True)
class Found:
    """Whom the filter holds for: how many, and who, where that was asked for too: 16 bytes each."""

    number: int
    ids: bytes = b""


def find(
    connection: Connection,
    project_id: UUID,
    asked: Asked,
    kinds: tuple[str, ...],
    *,
    at_most: int | None = None,
    first: Foremost | None = None,
) -> Found | None:
    """Whom of these kinds the filter holds for; None where packs do not tell.

    With ids, and None where these are more than `at_most`, if that is given. Of those alone who may
    be `first`, if that is.
    """
    changed = _changed(connection, project_id)
    if changed is None:
        return None
    try:
        question = told(project_id, asked, kinds)
    except NotTold:
        return None
    asking = _Asking(connection, project_id, asked, kinds, question, at_most, first)
    return asking.answer(with_ids=changed > 0 or at_most is not None or bool(question.besides))


def tells(connection: Connection, project_id: UUID, asked: Asked) -> bool:
    """Whether packs tell whom the filter holds for."""
    if _changed(connection, project_id) is None:
        return False
    try:
        told(project_id, asked, KINDS)
    except NotTold:
        return False
    return True


def _changed(connection: Connection, project_id: UUID) -> int | None:
    """How many notes there are of who changed since; None where packs do not tell."""
    row = connection.execute(STATE, {"project": project_id}, prepare=True).fetchone()
    return row[1] if row is not None and row[0] and row[1] <= MOST_UNPACKED else None


@dataclass(frozen=True)
class _Asking:
    connection: Connection
    project_id: UUID
    asked: Asked
    kinds: Sequence[str]
    question: Told
    at_most: int | None
    first: Foremost | None

    def answer(self, *, with_ids: bool) -> Found | None:
        order = [self.first.field] if self.first is not None else []
        whose = [IDS] if with_ids else []
        statement = self._statement([*self.question.fields | {*order, *whose}])
        rows = self.connection.execute(
            statement.text, statement.params, prepare=False, binary=True
        ).fetchall()
        packs = [row for row in rows if row[0] is not None]
        changed, they, *looked_up = (
            np.sort(_ids(row[6]))
            for row in sorted((row for row in rows if row[0] is None), key=itemgetter(1))
        )
        if not self._is_told_by(packs):
            return None
        if len(changed) and not with_ids:  # somebody has changed since the look
            return self.answer(with_ids=True)
        return self._added_up(packs, changed, they, looked_up)

    def _is_told_by(self, packs: Sequence[Any]) -> bool:
        """Whether everybody is in packs, with all that is asked for."""
        all_the_same = not self.question.is_of_custom
        return bool(packs) and all(row[2] and (row[3] or all_the_same) for row in packs)

    def _added_up(
        self, packs: Sequence[Any], changed: Ids, they: Ids, looked_up: Sequence[Ids]
    ) -> Found | None:
        number, met = len(they), list[Some]()
        order = None if self.first is None else self.first.field
        for people, own in _packs(packs, looked_up):
            holds = self.question.holds(people)
            if own is not None:
                holds &= ~_among(own, changed)
                if self.at_most is not None:
                    met.append(some(own, holds, people.columns.get(order or "")))
            number += int(np.count_nonzero(holds))
        if self.at_most is None:
            return Found(number)
        ids = [one.ids for one in met]
        if self.first is not None and met:
            ids = self.first.of(met)
        if sum(map(len, ids)) > self.at_most:
            return None
        return Found(number, b"".join(one.tobytes() for one in (they, *ids)))

    def _statement(self, fields: list[str]) -> Sql:
        """The columns, and behind them what is looked up besides: 0 is who changed, 1 those of them
        whom the filter holds for, the rest what the question asks.
        """
        each = Sql(*self.asked.each)
        they = Sql(THEY.format(each=each.text), (self.project_id, list(self.kinds), *each.params))
        parts = [Sql(COLUMNS, (fields, self.project_id))]
        for place, ids in enumerate((Sql(CHANGED), they, *self.question.besides)):
            parts.append(Sql(BESIDES.format(ids=ids.text), (place, *ids.params)))
        all_of_it = joined(" UNION ALL ", parts)
        return Sql(UNPACKED, (self.project_id,)).then(all_of_it.text, *all_of_it.params)


def _packs(rows: Sequence[Any], looked_up: Sequence[Ids]) -> Iterator[tuple[People, Ids | None]]:
    """Each pack, with who they are where that was read."""
    for _, group in groupby(rows, key=lambda row: row[0]):
        columns: dict[str, Column] = {}
        own: Ids | None = None
        for _, number, _, _, name, form, codes, words in group:
            if name == IDS:
                own = _ids(codes)
            elif name is not None:
                columns[name] = unpacked(Packed(form, codes, words), number)
        if number:
            besides = () if own is None else tuple(_among(own, ids) for ids in looked_up)
            yield People(number, columns, besides), own


def _ids(sent: bytes | None) -> Ids:
    return np.frombuffer(sent or b"", "S16")


def _among(own: Ids, ids: Ids) -> Mask:
    """Who of a pack is among these people; both in order."""
    found = np.zeros(len(own), bool)
    first, beyond = np.searchsorted(ids, own[:1]), np.searchsorted(ids, own[-1:], "right")
    near = ids[first[0] : beyond[0]]  # so that no place is beyond the last
    places = np.searchsorted(own, near)
    found[places[own[places] == near]] = True
    return found
