"""Who a filter holds for among everybody, found in packs.

One statement reads the columns that the filter needs, who changed since these were packed, and whom
of those the filter holds for: so all of it is of one moment. Where too many have changed, where not
everybody is packed yet, or columns do not tell what is asked, nothing is found, and SQL is asked.

Public: `find`, `ask`, `Found`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import psycopg

from regulars.filters.sql import Sql, joined
from regulars.kit import arrays
from regulars.people.asking import Asked
from regulars.people.packed import readiness
from regulars.people.packed.asking import NotTold, People, Told, told
from regulars.people.packed.columns import Mask, unpacked
from regulars.people.packed.foremost import Foremost, Ids, Some, some
from regulars.people.packed.forms import LEFT_OUT, Packed
from regulars.people.packed.packing import IDS
from regulars.people.packed.remembered import remembered

Connection = psycopg.Connection[Any]
UNPACKED = """
WITH unpacked AS MATERIALIZED (
    SELECT DISTINCT person_id AS id FROM person_unpacked WHERE project_id = %s
)
"""
CHANGED = "SELECT id FROM unpacked"
# What is remembered of columns is not sent again.
COLUMNS = """
(SELECT k.id, k.people, k.packed_at IS NOT NULL, k.is_whole, c.id, c.field, c.form,
       CASE WHEN c.id <> ALL(%s::uuid[]) THEN c.codes END,
       CASE WHEN c.id <> ALL(%s::uuid[]) THEN c.words END
FROM person_pack k LEFT JOIN person_packed c
  ON c.project_id = k.project_id AND c.pack_id = k.id AND c.field = ANY(%s)
WHERE k.project_id = %s ORDER BY k.id)
"""
# What is looked up besides has the place of a pack that is none.
BESIDES = """
SELECT NULL::uuid, %s, true, true, NULL, NULL, NULL, string_agg(uuid_send(id), ''), NULL
FROM ({ids}) p
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
) -> Found | None:
    """`ask`, if the project's packs tell anything."""
    notes = readiness.changed(connection, project_id)
    if notes is None:
        return None
    return ask(connection, project_id, asked, kinds, notes, at_most=at_most)


def ask(
    connection: Connection,
    project_id: UUID,
    asked: Asked,
    kinds: tuple[str, ...],
    notes: int,
    *,
    at_most: int | None = None,
    first: Foremost | None = None,
) -> Found | None:
    """Whom of these kinds the filter holds for; None where packs do not tell.

    With ids, and None where these are more than `at_most`, if that is given. Of those alone who may
    be `first`, if that is. `notes` is how many there were of who has changed.
    """
    try:
        question = told(project_id, asked, kinds)
    except NotTold:
        return None
    asking = _Asking(connection, project_id, asked, kinds, question, at_most, first)
    return asking.answer(with_ids=notes > 0 or at_most is not None or bool(question.besides))


class _Row(NamedTuple):
    """Of a pack, a column of it, if it has any that is asked for; or else what was looked up."""

    pack: UUID | None
    people: int
    is_packed: bool
    is_whole: bool
    id: UUID | None
    field: str
    form: str
    codes: bytes | None
    words: bytes | None


class _Columns(NamedTuple):
    """A pack's number of people, and its columns by name."""

    people: int
    columns: Mapping[str, Packed]


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
        order = {self.first.field} if self.first is not None else set()
        fields = self.question.fields | order | ({IDS} if with_ids else set())
        known = remembered.known(self.project_id, fields)
        statement = self._statement(list(fields), arrays.of_ids(known))
        found = self.connection.execute(
            statement.text, statement.params, prepare=False, binary=True
        ).fetchall()
        rows = [_Row(*row) for row in found]
        packs = [row for row in rows if row.pack is not None]
        changed, they, *looked_up = (
            np.sort(_ids(row.codes or b""))
            for row in sorted((row for row in rows if row.pack is None), key=attrgetter("people"))
        )
        if not self._is_told_by(packs):
            return None
        if len(changed) and not with_ids:  # somebody has changed since the look
            return self.answer(with_ids=True)
        return self._added_up(self._read(packs, known), changed, they, looked_up)

    def _is_told_by(self, packs: Sequence[_Row]) -> bool:
        """Whether everybody is in packs, with all that is asked for."""
        any_will_do = not self.question.is_of_custom
        return bool(packs) and all(
            one.is_packed and (one.is_whole or any_will_do) and one.form != LEFT_OUT
            for one in packs
        )

    def _read(self, packs: Sequence[_Row], known: Mapping[UUID, Packed]) -> list[_Columns]:
        """Each pack's number of people, and its columns by name."""
        found = []
        for _, group in groupby(packs, key=attrgetter("pack")):
            rows = list(group)
            columns = {}
            for row in rows:
                if row.id is not None:
                    column = known.get(row.id) or Packed(
                        row.form, row.codes or b"", row.words or b""
                    )
                    columns[row.field] = column
                    remembered.add(self.project_id, row.field, row.id, column)
            found.append(_Columns(rows[0].people, columns))
        for field in {row.field for row in packs if row.id is not None}:
            named = {row.id for row in packs if row.field == field and row.id is not None}
            remembered.keep_of(self.project_id, field, named)
        return found

    def _added_up(
        self, packs: Sequence[_Columns], changed: Ids, they: Ids, looked_up: Sequence[Ids]
    ) -> Found | None:
        number, met = len(they), list[Some]()
        order = None if self.first is None else self.first.field
        for people, own in _people(packs, looked_up):
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

    def _statement(self, fields: list[str], known: str) -> Sql:
        """The columns, and behind them what is looked up besides: 0 is who changed, 1 those of them
        whom the filter holds for, the rest what the question asks.
        """
        each = Sql(*self.asked.each)
        they = Sql(THEY.format(each=each.text), (self.project_id, list(self.kinds), *each.params))
        parts = [Sql(COLUMNS, (known, known, fields, self.project_id))]
        for place, ids in enumerate((Sql(CHANGED), they, *self.question.besides)):
            parts.append(Sql(BESIDES.format(ids=ids.text), (place, *ids.params)))
        all_of_it = joined(" UNION ALL ", parts)
        return Sql(UNPACKED, (self.project_id,)).then(all_of_it.text, *all_of_it.params)


def _people(
    packs: Sequence[_Columns], looked_up: Sequence[Ids]
) -> Iterator[tuple[People, Ids | None]]:
    """The people of each pack, and who they are where that was read."""
    for number, packed in packs:
        own = _ids(packed[IDS].codes) if IDS in packed else None
        columns = {name: unpacked(column, number) for name, column in packed.items() if name != IDS}
        if number:
            besides = () if own is None else tuple(_among(own, ids) for ids in looked_up)
            yield People(number, columns, besides), own


def _ids(sent: bytes) -> Ids:
    return np.frombuffer(sent, "S16")


def _among(own: Ids, ids: Ids) -> Mask:
    """Who of a pack is among these people; both in order."""
    found = np.zeros(len(own), bool)
    first, beyond = np.searchsorted(ids, own[:1]), np.searchsorted(ids, own[-1:], "right")
    near = ids[first[0] : beyond[0]]  # so that no place is beyond the last
    places = np.searchsorted(own, near)
    found[places[own[places] == near]] = True
    return found
