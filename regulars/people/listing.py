"""A page of a list of people: which statement answers it, however many people there are.

Two ways lead to a page. Where few people can be on the list (a small segment, a narrow search)
they are gathered and sorted. Otherwise the index that holds the order is walked (`walking`),
leaving out who does not belong: that is quick because many do. Where a filter decides who belongs,
nobody knows beforehand which it is; `filtering` says how that is found out. Statements that look at
everybody are never prepared: a plan for any values takes twice as long as one for these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.sql import Sql
from regulars.kit import arrays
from regulars.people import filtering
from regulars.people.asking import Asked
from regulars.people.orders import Cursor, Sort
from regulars.people.packed import lookup
from regulars.people.questions import (
    ANYBODY,
    JOINED,
    Condition,
    Question,
    all_of,
    asked_for,
    members,
    of_everybody,
    of_kinds,
    tables,
)
from regulars.people.walking import LATE, WEEK, Row, Walk

Connection = psycopg.Connection[Any]

FEW = 3_000  # people of a segment that are gathered and sorted rather than met on a walk
FOUND = 1_000  # people that a search or a filter gathers; of more, nobody is told how many


@dataclass(frozen=True, slots=True)
class Total:
    """How many people a list has; not `exact` where there are more than were counted."""

    number: int
    exact: bool = True


class Listing:
    """One list in one order, ready to be read in pages."""

    def __init__(self, connection: Connection, question: Question, sort: Sort) -> None:
        self._connection = connection
        self._question = question
        self._sort = sort
        self._few = few_of(connection, question)

    def page(self, limit: int, after: Cursor | None) -> list[Row]:
        """The next `limit` people, behind the cursor."""
        few = self._few
        if few is None and self._question.asked is not None:
            rows = self._met(self._question.asked, limit, after)
            return self._gathered(self._question.asked, limit, after) if rows is None else rows
        if few is None and after is None:
            few = _far_end(self._question, self._sort)
        if few is not None:
            return self._sorted(few, _behind(self._sort, after), limit)
        return Walk(self._connection, self._question, self._sort).on(after, limit)

    def one_ahead(self, of: Cursor) -> UUID | None:
        """Who stands right before the place: who comes next in the order turned round."""
        back = Sort(self._sort.order, descending=not self._sort.descending)
        if self._few is not None:
            rows = self._sorted(self._few, _ahead(back, of), 1, back=back)
        else:
            walk = Walk(self._connection, self._question, back)
            rows = walk.known(of, 1) if of.value is not None else walk.unknown(of, 1)
            if not rows and of.value is None:
                rows = walk.known(None, 1)
        return rows[0][0] if rows else None

    def shown_before(self, ids: Sequence[UUID], end: Cursor | None) -> list[UUID]:
        """Which of the people stand before the cursor; anywhere, where that is None."""
        if end is None:
            which = ANYBODY
        else:
            behind = _behind(self._sort, end)
            which = Condition(f"NOT ({behind.text})", behind.params)
        these = Condition("p.id = ANY(%s)", (list(ids),))
        return [id_ for id_, _ in self._sorted(these, which, len(ids))]

    def place_of(self, person_id: UUID) -> Cursor | None:
        """Where in the order the person stands."""
        order = self._sort.order
        shown = f"{order.value}::text" if order.type == "jsonb" else order.value
        row = self._connection.execute(
            f"SELECT CASE WHEN {order.is_known} THEN {shown} END FROM {JOINED}"
            " WHERE p.project_id = %s AND p.id = %s",
            (*order.params, *order.params, self._question.project_id, person_id),
        ).fetchone()
        return Cursor(str(self._sort), row[0], person_id) if row else None

    def total(self, *, exact: bool) -> Total:
        """How many people there are: counted to the end if `exact`, else to a thousand."""
        if self._question.asked is not None and self._few is None:
            return self._asked_total(exact=exact)
        where = asked_for(self._question, self._few or ANYBODY)
        bound = "" if exact or self._few is not None else f" LIMIT {FOUND + 1}"
        found = self._connection.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {JOINED} WHERE {where.text}{bound}) counted",
            where.params,
        ).fetchone()
        number = int(found[0]) if found else 0
        return Total(FOUND, exact=False) if bound and number > FOUND else Total(number)

    def _met(self, asked: Asked, limit: int, after: Cursor | None) -> list[Row] | None:
        """Those whom the filter holds for, met on a walk; None where the walk is too long."""
        question, sort = self._question, self._sort
        if question.besides or not sort.order.indexed.issuperset(question.kinds):
            return None
        walk = Walk(self._connection, replace(question, narrow=()), sort)
        met: list[Row] = []
        looked = 0
        is_packed = False
        while step := filtering.next_step(len(met), looked, limit, is_packed=is_packed):
            rows = walk.on(after, step)
            ids = [id_ for id_, _ in rows]
            belong = filtering.belonging(self._connection, question.project_id, asked, ids)
            met += [row for row in rows if row[0] in belong]
            looked += len(rows)
            if len(met) >= limit or len(rows) < step:
                return met[:limit]
            after = Cursor(str(sort), rows[-1][1], rows[-1][0])
            is_packed = is_packed or lookup.tells(self._connection, question.project_id, asked)
        return None

    def _gathered(self, asked: Asked, limit: int, after: Cursor | None) -> list[Row]:
        """Everybody whom the filter holds for, sorted."""
        order = self._sort.order
        packed = self._packed(limit, after)
        doers = self._doers() if packed is None else None
        everybody = packed or doers or self._among_texts(asked)
        table = "person p" if order.table == "p" else "person_activity a"
        way = "DESC" if self._sort.descending else "ASC"
        which = _behind(self._sort, after)
        shown = "value::text" if order.type == "jsonb" else "value"
        statement = f"""
            WITH found AS MATERIALIZED ({everybody.text}),
            few AS MATERIALIZED (
                SELECT {order.table}.id, CASE WHEN {order.is_known} THEN {order.value} END AS value
                FROM found JOIN {table}
                  ON {order.table}.project_id = %s AND {order.table}.id = found.id
            )
            SELECT id, {shown} AS shown FROM few WHERE {which.text}
            ORDER BY value IS NULL, few.value {way}, id {way}
            LIMIT %s
        """
        own = (*order.params, *order.params, self._question.project_id, *which.params, limit)
        with filtering.room(self._connection, by_page=doers is not None):
            return self._connection.execute(
                statement, (*everybody.params, *own), prepare=False
            ).fetchall()

    def _packed(self, limit: int, after: Cursor | None) -> Sql | None:
        """The ids of all among whom the page is, where packs tell."""
        question, asked = self._question, self._filter_alone()
        if asked is None:
            return None
        page = (self._sort, limit, after)
        ids = lookup.first_ids(self._connection, question.project_id, asked, question.listed, page)
        if ids is None:
            return None
        return Sql("SELECT unnest(%s::uuid[]) AS id", (arrays.of_sent_ids(ids),))

    def _among_texts(self, asked: Asked) -> Sql:
        """The ids of everybody whom the filter holds for, looked for by the index on texts."""
        among = filtering.found_by_texts(self._connection, self._question.project_id, asked)
        everybody = self._compact(among)
        return Sql(f"SELECT p.id {everybody.text}", everybody.params)

    def _doers(self) -> Sql | None:
        """The ids of everybody, where what they did is asked last (`doing`); else None."""
        asked = self._filter_alone()
        if asked is None or asked.apart.doing is None:
            return None
        people = self._everybody(Condition(*asked.apart.doing.besides))
        return asked.apart.doing.among(Sql(people.text, people.params))

    def _filter_alone(self) -> Asked | None:
        """The filter, if nothing else is asked of people."""
        question = self._question
        return None if question.group is not None or question.besides else question.asked

    def _asked_total(self, *, exact: bool) -> Total:
        if exact:
            return Total(self._counted())
        everybody = self._compact()
        with filtering.room(self._connection, everybody.text):
            found = self._connection.execute(
                f"SELECT count(*) FROM (SELECT {everybody.text} LIMIT {FOUND + 1}) counted",
                everybody.params,
                prepare=False,
            ).fetchone()
        number = int(found[0]) if found else 0
        return Total(FOUND, exact=False) if number > FOUND else Total(number)

    def _counted(self) -> int:
        """How many are asked for, to the last."""
        question, asked = self._question, self._filter_alone()
        if asked is not None:
            packed = lookup.count(self._connection, question.project_id, asked, question.listed)
            if packed is not None:
                return packed
        doers = self._doers()
        if doers is not None:
            return filtering.counted_doers(self._connection, doers)
        everybody = self._compact()
        return filtering.counted(
            self._connection,
            Sql(everybody.text, everybody.params),
            in_shares=asked is not None and asked.apart.is_told,
        )

    def _compact(self, among: list[UUID] | None = None) -> Condition:
        """All who are asked for, from the compact rows alone where that is possible.

        `among` are those of whom it is known that nobody else is.
        """
        conditions = []
        if among is not None:
            conditions.append(Condition("p.id = ANY(%s)", (among,)))
        asked = self._question.asked
        if asked is not None:
            conditions.append(Condition(*(asked.apart[:2] if among is None else asked.each)))
        where = self._everybody(*conditions)
        return Condition(f"FROM person_compact p WHERE {where.text}", where.params)

    def _everybody(self, *narrow: Condition) -> Condition:
        """What is asked of compact rows, the filter left to `narrow`."""
        question = self._question
        conditions = [of_everybody(question)]
        if question.group is not None:
            conditions.append(members(question.project_id, question.group))
        if question.besides:
            rest = all_of(of_kinds(question), *question.besides)
            source = tables(replace(question, group=None, narrow=question.besides), "p")
            conditions.append(
                Condition(f"p.id IN (SELECT p.id FROM {source} WHERE {rest.text})", rest.params)
            )
        return all_of(*conditions, *narrow)

    def _sorted(
        self, few: Condition, which: Condition, limit: int, *, back: Sort | None = None
    ) -> list[Row]:
        """The few, sorted. Looking back, those with an unknown value come first."""
        sort = back or self._sort
        order = sort.order
        where = asked_for(self._question, few)
        way = "DESC" if sort.descending else "ASC"
        shown = "value::text" if order.type == "jsonb" else "value"
        # Gathered apart: else the planner might walk the order's index in search of the few.
        statement = f"""
            WITH few AS MATERIALIZED (
                SELECT p.id, CASE WHEN {order.is_known} THEN {order.value} END AS value
                FROM {JOINED} WHERE {where.text}
            )
            SELECT id, {shown} AS shown FROM few WHERE {which.text}
            ORDER BY value IS NULL {"DESC" if back else "ASC"}, few.value {way}, id {way}
            LIMIT %s
        """
        params = (*order.params, *order.params, *where.params, *which.params, limit)
        return self._connection.execute(statement, params).fetchall()


def few_of(connection: Connection, question: Question) -> Condition | None:
    """Those among whom the answer is, where they are few."""
    group = question.group
    if group is not None and group.people <= FEW:
        return members(question.project_id, group)
    narrow = question.narrow if question.asked is None else question.besides
    if not narrow:
        return None
    where = all_of(of_kinds(question), *narrow)
    source = tables(replace(question, group=None, narrow=narrow), "p")
    found = connection.execute(
        f"SELECT p.id FROM {source} WHERE {where.text} LIMIT {FOUND + 1}", where.params
    ).fetchall()
    if len(found) > FOUND:
        return None
    return Condition("p.id = ANY(%s)", ([row[0] for row in found],))


def _far_end(question: Question, sort: Sort) -> Condition | None:
    """Those of the new who were not seen for longest: a walk would meet all others first."""
    is_new = question.group is not None and question.group.builtin == "new"
    if is_new and sort.order.key == "last_seen" and not sort.descending:
        return Condition("p.signed_up_at >= %s", (question.now - WEEK - LATE,))
    return None


def _behind(sort: Sort, cursor: Cursor | None) -> Condition:
    """Who comes behind the cursor, among the few: unknown values come last."""
    side = "<" if sort.descending else ">"
    if cursor is None:
        return ANYBODY
    if cursor.value is None:
        return Condition(f"value IS NULL AND id {side} %s", (cursor.id,))
    # The comparison with an unknown value is NULL; what stands before it decides then.
    behind = f"value IS NULL OR (value, id) {side} (%s::{sort.order.type}, %s)"
    return Condition(behind, (cursor.value, cursor.id))


def _ahead(back: Sort, of: Cursor) -> Condition:
    """Who comes before the place, among the few; `back` is the order turned round."""
    side = "<" if back.descending else ">"
    if of.value is None:
        return Condition(f"value IS NOT NULL OR id {side} %s", (of.id,))
    ahead = f"value IS NOT NULL AND (value, id) {side} (%s::{back.order.type}, %s)"
    return Condition(ahead, (of.value, of.id))
