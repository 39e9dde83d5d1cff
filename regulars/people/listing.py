"""A page of a list of people: which statement answers it, however many people there are.

Two ways lead to a page. Where few people can be on the list (a small segment, a narrow search)
they are gathered and sorted. Otherwise the index that holds the order is walked, leaving out who
does not belong: that is quick because many do. Where a filter decides who belongs, nobody knows
beforehand which it is; `filtering` says how that is found out. Statements that look at everybody
are never prepared: a plan for any values takes twice as long as one for these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.sql import Sql
from regulars.kit import arrays
from regulars.people import filtering
from regulars.people.asking import Asked
from regulars.people.orders import Cursor, Order, Sort
from regulars.people.packed import lookup

Connection = psycopg.Connection[Any]
Row = tuple[UUID, Any]  # a person's id, and the value that the list is ordered by

FEW = 3_000  # people of a segment that are gathered and sorted rather than met on a walk
FOUND = 1_000  # people that a search or a filter gathers; of more, nobody is told how many

KINDS = ("user", "lead", "visitor")

# Time moves people in and out of the built-in segments; this much late at worst.
LATE = timedelta(days=2)
WEEK, FOUR_WEEKS = timedelta(days=7), timedelta(days=28)

JOINED = "person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id"


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL over `p` and `a`, with its parameters; `of_p` where it looks at `p` alone."""

    text: str
    params: tuple[Any, ...] = ()
    of_p: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A segment to list: its key, its number on people's rows, and how many are in it."""

    id: UUID
    number: int
    people: int
    builtin: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked for: kinds of people, a segment, and conditions that narrow them down.

    `asked` is the filter among the conditions, if any, and `besides` are the others. `kinds` are
    those that it can hold for, of `listed`.
    """

    project_id: UUID
    kinds: tuple[str, ...]
    listed: tuple[str, ...]
    now: datetime
    group: Group | None = None
    narrow: tuple[Condition, ...] = ()
    asked: Asked | None = None
    besides: tuple[Condition, ...] = ()


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
        return _Walk(self._connection, self._question, self._sort).on(after, limit)

    def one_ahead(self, of: Cursor) -> UUID | None:
        """Who stands right before the place: who comes next in the order turned round."""
        back = Sort(self._sort.order, descending=not self._sort.descending)
        if self._few is not None:
            rows = self._sorted(self._few, _ahead(back, of), 1, back=back)
        else:
            walk = _Walk(self._connection, self._question, back)
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
        where = _asked_for(self._question, self._few or ANYBODY)
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
        walk = _Walk(self._connection, replace(question, narrow=()), sort)
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
        conditions = [_of_everybody(question)]
        if question.group is not None:
            conditions.append(_members(question.project_id, question.group))
        if question.besides:
            rest = _all(_of_kinds(question), *question.besides)
            source = _source(replace(question, group=None, narrow=question.besides), "p")
            conditions.append(
                Condition(f"p.id IN (SELECT p.id FROM {source} WHERE {rest.text})", rest.params)
            )
        return _all(*conditions, *narrow)

    def _sorted(
        self, few: Condition, which: Condition, limit: int, *, back: Sort | None = None
    ) -> list[Row]:
        """The few, sorted. Looking back, those with an unknown value come first."""
        sort = back or self._sort
        order = sort.order
        where = _asked_for(self._question, few)
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


class _Walk:
    """Along the index that holds the order, kind by kind, since the indexes begin with it."""

    def __init__(self, connection: Connection, question: Question, sort: Sort) -> None:
        self._connection = connection
        self._question = question
        self._sort = sort
        self._way = "DESC" if sort.descending else "ASC"
        self._side = "<" if sort.descending else ">"

    def on(self, after: Cursor | None, limit: int) -> list[Row]:
        """The next `limit` people behind the cursor."""
        rows: list[Row] = []
        if after is None or after.value is not None:
            rows = self.known(after, limit)
            after = None
        if len(rows) < limit:
            rows += self.unknown(after, limit - len(rows))
        return rows

    def known(self, after: Cursor | None, limit: int) -> list[Row]:
        """Those whose value is known."""
        order = self._sort.order
        conditions = [Condition(order.is_known, order.params)]
        if after is not None:
            behind = f"({order.value}, {order.table}.id) {self._side} (%s::{order.type}, %s)"
            conditions.append(Condition(behind, (*order.params, after.value, after.id)))
            if order.rounded:
                from_there = Condition(f"{order.rounded} {self._side}= %s", (minute(after.value),))
                conditions.append(from_there)
        implied = _implied(self._question, order.key)
        if implied is not None:
            conditions.append(implied)
        conditions += _bounded(self._question, order)
        # NULLs are left out above; their place is named so that the index serves.
        nulls = order.nulls(descending=self._sort.descending)
        value = Condition(order.value, order.params)
        # What the index holds comes first; within a minute PostgreSQL sorts what it has read.
        first = f"{order.rounded} {self._way} {nulls}, " if order.rounded else ""
        return self._merged(value, conditions, f"value {self._way} {nulls}, ", limit, first)

    def unknown(self, after: Cursor | None, limit: int) -> list[Row]:
        """Those whose value is unknown, by id: the end of every list."""
        order = self._sort.order
        conditions = [Condition(order.is_unknown, order.params)]
        if after is not None:
            conditions.append(Condition(f"{order.table}.id {self._side} %s", (after.id,)))
        return self._merged(Condition("NULL::text"), conditions, "", limit)

    def _merged(
        self,
        value: Condition,
        conditions: Sequence[Condition],
        by: str,
        limit: int,
        first: str = "",
    ) -> list[Row]:
        question, table = self._question, self._sort.order.table
        where = _all(*conditions, *_belonging(question))
        walks = [
            f"(SELECT {table}.id, {value.text} AS value FROM {_source(question, table)}"
            f" WHERE {table}.project_id = %s AND {table}.kind = '{kind}' AND {where.text}"
            f" ORDER BY {first}{by}id {self._way} LIMIT %s)"
            for kind in question.kinds
        ]
        shown = "value::text" if self._sort.order.type == "jsonb" else "value"
        params = (*value.params, question.project_id, *where.params, limit) * len(walks)
        return self._connection.execute(
            f"SELECT id, {shown} AS shown FROM ({' UNION ALL '.join(walks)}) walked"
            f" ORDER BY {by}id {self._way} LIMIT %s",
            (*params, limit),
        ).fetchall()


def few_of(connection: Connection, question: Question) -> Condition | None:
    """Those among whom the answer is, where they are few."""
    group = question.group
    if group is not None and group.people <= FEW:
        return _members(question.project_id, group)
    narrow = question.narrow if question.asked is None else question.besides
    if not narrow:
        return None
    where = _all(_of_kinds(question), *narrow)
    source = _source(replace(question, group=None, narrow=narrow), "p")
    found = connection.execute(
        f"SELECT p.id FROM {source} WHERE {where.text} LIMIT {FOUND + 1}", where.params
    ).fetchall()
    if len(found) > FOUND:
        return None
    return Condition("p.id = ANY(%s)", ([row[0] for row in found],))


def _members(project_id: UUID, group: Group) -> Condition:
    members = "SELECT person_id FROM segment_member WHERE project_id = %s AND segment_id = %s"
    return Condition(f"p.id IN ({members})", (project_id, group.id))


def _far_end(question: Question, sort: Sort) -> Condition | None:
    """Those of the new who were not seen for longest: a walk would meet all others first."""
    is_new = question.group is not None and question.group.builtin == "new"
    if is_new and sort.order.key == "last_seen" and not sort.descending:
        return Condition("p.signed_up_at >= %s", (question.now - WEEK - LATE,))
    return None


def _source(question: Question, table: str) -> str:
    """The tables that must be read, beginning with one of the two."""
    needs_p = table == "p" or bool(question.narrow)
    narrow_by_p = all(condition.of_p for condition in question.narrow)
    needs_a = table == "a" or question.group is not None or not narrow_by_p
    if needs_p and needs_a:
        return JOINED
    return "person p" if table == "p" else "person_activity a"


def _belonging(question: Question) -> list[Condition]:
    group = question.group
    inside = [Condition("a.segments @> %s::smallint[]", ([group.number],))] if group else []
    return [*inside, *question.narrow]


def _implied(question: Question, key: str) -> Condition | None:
    """What a built-in segment says of the order's value: the walk need not pass the rest."""
    builtin = question.group.builtin if question.group else None
    now = question.now
    if key == "last_seen" and builtin == "active":
        return Condition("a.last_seen_minute >= %s", (now - FOUR_WEEKS - LATE,))
    if key == "last_seen" and builtin == "slipping":
        return Condition("a.last_seen_minute <= %s", (now - FOUR_WEEKS + LATE,))
    if key == "signed_up_at" and builtin == "new":
        return Condition("p.signed_up_at >= %s", (now - WEEK - LATE,))
    return None


def _bounded(question: Question, order: Order) -> list[Condition]:
    """What a filter says of the order's value."""
    span = question.asked.bounds.get(order.key) if question.asked else None
    column = order.rounded or order.value
    bounds = []
    if span is not None and span.start is not None:
        start = minute(span.start) if order.rounded else span.start
        bounds.append(Condition(f"{column} >= %s", (start,)))
    if span is not None and span.end is not None:
        bounds.append(Condition(f"{column} <= %s", (span.end,)))
    return bounds


def _asked_for(question: Question, few: Condition) -> Condition:
    return _all(_of_kinds(question), few, *_belonging(question))


def _of_everybody(question: Question) -> Condition:
    """The same where the filter is asked as well and no index is to serve by kind."""
    if len(question.listed) < len(KINDS):
        return _of_kinds(replace(question, kinds=question.listed))
    return Condition("p.project_id = %s", (question.project_id,))


def _of_kinds(question: Question) -> Condition:
    kinds = ", ".join(f"'{kind}'" for kind in question.kinds)
    return Condition(f"p.project_id = %s AND p.kind IN ({kinds})", (question.project_id,))


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


def _all(*conditions: Condition) -> Condition:
    text = " AND ".join(f"({condition.text})" for condition in conditions)
    return Condition(text, tuple(one for condition in conditions for one in condition.params))


ANYBODY = Condition("true")


def minute(at: datetime) -> datetime:
    """The minute that `person_activity.last_seen_minute` holds for an instant."""
    return at.replace(second=0, microsecond=0)
