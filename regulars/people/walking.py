"""A list of people walked along the index that holds its order, leaving out who does not belong.

Where many belong that is quick, however many people there are. What a built-in segment or a filter
says of the order's own value keeps the walk to a part of the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from regulars.people.orders import Cursor, Order, Sort, minute
from regulars.people.questions import Condition, Question, all_of, belonging, tables

Connection = psycopg.Connection[Any]
Row = tuple[UUID, Any]  # a person's id, and the value that the list is ordered by

# Time moves people in and out of the built-in segments; this much late at worst.
LATE = timedelta(days=2)
WEEK, FOUR_WEEKS = timedelta(days=7), timedelta(days=28)


class Walk:
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
        where = all_of(*conditions, *belonging(question))
        walks = [
            f"(SELECT {table}.id, {value.text} AS value FROM {tables(question, table)}"
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
