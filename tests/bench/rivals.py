"""The same questions asked of DuckDB, of chDB and of bare NumPy columns, over the same data.

The data is exported from the project as flat columns, one a field: what a column store would hold
if each custom attribute had a column of its own. Texts are folded already, and nothing of it is
ever changed: it is the easy side of the product's task, and shows what the rest of it costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import chdb.session
import duckdb
import numpy as np
import psycopg

from regulars.filters.ast import (
    All,
    AnyOf,
    EventCondition,
    FieldCondition,
    Filter,
    Not,
    SegmentCondition,
)
from regulars.filters.catalog import ValueType
from regulars.filters.operands import When
from regulars.filters.operators import OPERATORS
from tests.bench.flat import COLUMNS, EVENTS, PEOPLE, column_name, export

Found = tuple[int, float, float]  # how many, ms to the count, ms to the first page


class Rival(Protocol):
    """Somebody who counts and lists."""

    name: str

    def count(self, filter_: Filter, when: When) -> int: ...
    def page(self, filter_: Filter, when: When) -> int: ...


class Sql:
    """A filter as the SQL that DuckDB and ClickHouse share, over the table `people`."""

    def __init__(self, when: When, starts: str, ends: str) -> None:
        self._when = when
        self._starts, self._ends = starts, ends

    def of(self, filter_: Filter) -> str:
        match filter_:
            case All(parts):
                return "(" + " AND ".join(map(self.of, parts)) + ")"
            case AnyOf(parts):
                return "(" + " OR ".join(map(self.of, parts)) + ")"
            case Not(part):
                return f"NOT {self.of(part)}"
            case SegmentCondition(_, op):
                return f"(segment = {'true' if op == 'is_in' else 'false'})"
            case EventCondition():
                return self._event(filter_)
            case FieldCondition():
                return self._field(filter_)
            case _:
                raise ValueError(f"no rival is asked this: {filter_}")

    def _event(self, condition: EventCondition) -> str:
        tests = [f"name = {_text(condition.event)}"]
        tests += [f"total > {one.value}" for one in condition.where]
        if condition.within_days is not None:
            since = self._when.now - timedelta(days=condition.within_days)
            tests.append(f"moment >= {_micros(since)}")
        fewest, too_many = condition.operator.bounds(condition.count)
        did = f"SELECT person FROM events WHERE {' AND '.join(tests)} GROUP BY person"
        sides = [f"n IN ({did} HAVING count(*) >= {fewest})"] if fewest else []
        sides += [f"n NOT IN ({did} HAVING count(*) >= {too_many})"] if too_many else []
        return "(" + " AND ".join(sides) + ")"

    def _field(self, condition: FieldCondition) -> str:
        operator = condition.operator
        name = column_name(condition.field, condition.type)
        positive = self._positive(condition, name, operator.negates or operator.key)
        sql = f"coalesce({positive}, false)"
        return f"NOT {sql}" if operator.negates else sql

    def _positive(self, condition: FieldCondition, name: str, key: str) -> str:  # noqa: PLR0911  # one a case
        wanted = OPERATORS[condition.type, key].prepare(condition.value, self._when)
        if condition.type is ValueType.DATE:
            sides = [f"{name} >= {_micros(wanted.start)}"] if wanted.start else []
            sides += [f"{name} < {_micros(wanted.end)}"] if wanted.end else []
            return " AND ".join(sides)
        if condition.type is ValueType.IP:
            return f"{name} >= {wanted.first} AND {name} <= {wanted.last}"
        match key:
            case "is" | "eq" if isinstance(wanted, bool):
                return f"{name} = {str(wanted).lower()}"
            case "is" | "eq" | "is_any_of":
                values = wanted if isinstance(wanted, tuple) else (wanted,)
                return f"{name} IN ({', '.join(map(_text, values))})"
            case "contains" | "has":
                return f"{name} LIKE {_text(f'%{wanted}%')}"
            case "starts_with":
                return f"{self._starts}({name}, {_text(wanted)})"
            case "ends_with":
                return f"{self._ends}({name}, {_text(wanted)})"
            case "between":
                return f"{name} >= {wanted[0]} AND {name} <= {wanted[1]}"
            case "is_known":
                return f"{name} IS NOT NULL"
            case _:
                sign = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[key]
                return f"{name} {sign} {wanted}"


class DuckDB:
    """DuckDB on its own table, in memory."""

    name = "DuckDB"

    def __init__(self, folder: Path, threads: int) -> None:
        self._db = duckdb.connect()
        self._db.execute(f"SET threads = {threads}")
        for table, columns in (("people", PEOPLE), ("events", EVENTS)):
            types = ", ".join(f"'{name}': '{type_.duck}'" for name, type_ in columns.items())
            self._db.execute(
                f"CREATE TABLE {table} AS SELECT * FROM read_csv('{folder / table}.csv',"
                f" header = false, nullstr = '\\N', delim = '\t', quote = '', escape = '',"
                f" columns = {{{types}}})"
            )

    def count(self, filter_: Filter, when: When) -> int:
        return self._first(f"SELECT count(*) FROM people WHERE {self._where(filter_, when)}")

    def page(self, filter_: Filter, when: When) -> int:
        rows = self._db.execute(
            f"SELECT n FROM people WHERE {self._where(filter_, when)}"
            " ORDER BY last_seen DESC NULLS LAST, n DESC LIMIT 50"
        ).fetchall()
        return len(rows)

    def columns(self) -> dict[str, Any]:
        """Everything as NumPy has it."""
        return dict(self._db.execute("SELECT * FROM people ORDER BY n").fetchnumpy())

    def _first(self, statement: str) -> int:
        row = self._db.execute(statement).fetchone()
        return int(row[0]) if row else 0

    def _where(self, filter_: Filter, when: When) -> str:
        return Sql(when, "starts_with", "ends_with").of(filter_)


class ChDB:
    """ClickHouse inside this process, on a MergeTree table ordered by who was seen last."""

    name = "chDB"

    def __init__(self, folder: Path, threads: int) -> None:
        self._session = chdb.session.Session(str(folder / "clickhouse"))
        self._settings = f" SETTINGS max_threads = {threads}"
        self._session.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        for table, columns, by in (("people", PEOPLE, "n"), ("events", EVENTS, "(name, moment)")):
            types = ", ".join(f"{name} {type_.click}" for name, type_ in columns.items())
            self._session.query(
                f"CREATE TABLE bench.{table} ({types}) ENGINE = MergeTree ORDER BY {by}"
            )
            self._session.query(
                f"INSERT INTO bench.{table} FROM INFILE '{folder / table}.csv' FORMAT TSV"
            )
            self._session.query(f"OPTIMIZE TABLE bench.{table} FINAL")

    def count(self, filter_: Filter, when: When) -> int:
        where = (
            Sql(when, "startsWith", "endsWith").of(filter_).replace(" events ", " bench.events ")
        )
        return int(self._ask(f"SELECT count(*) FROM bench.people WHERE {where}"))

    def page(self, filter_: Filter, when: When) -> int:
        where = (
            Sql(when, "startsWith", "endsWith").of(filter_).replace(" events ", " bench.events ")
        )
        return self._ask(
            f"SELECT n FROM bench.people WHERE {where}"
            " ORDER BY last_seen DESC NULLS LAST, n DESC LIMIT 50"
        ).count("\n")

    def _ask(self, statement: str) -> str:
        return str(self._session.query(statement + self._settings, "TSV"))


class Bare:
    """NumPy over the columns, texts as numbers of their distinct values: the physical limit."""

    name = "NumPy"

    def __init__(self, columns: dict[str, Any]) -> None:
        self._values: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        self._codes: dict[str, tuple[Any, list[str]]] = {}
        for name, column in columns.items():
            known = ~np.ma.getmaskarray(column)
            values = np.ma.getdata(column)
            self._known[name] = known
            if values.dtype == object or values.dtype.kind in "UT":
                texts, codes = np.unique(
                    np.where(known, values, "").astype(str), return_inverse=True
                )
                self._codes[name] = codes.astype(np.int32), [str(text) for text in texts]
            else:
                self._values[name] = values
        self.skipped = EventCondition

    def count(self, filter_: Filter, when: When) -> int | None:
        mask = self._mask(filter_, when)
        return None if mask is None else int(np.count_nonzero(mask))

    def _mask(self, filter_: Filter, when: When) -> Any:
        match filter_:
            case All(parts) | AnyOf(parts):
                masks = [self._mask(part, when) for part in parts]
                if any(mask is None for mask in masks):
                    return None
                both = np.logical_and if isinstance(filter_, All) else np.logical_or
                return both.reduce(masks)
            case Not(part):
                mask = self._mask(part, when)
                return None if mask is None else ~mask
            case SegmentCondition(_, op):
                return self._values["segment"] == (op == "is_in")
            case FieldCondition():
                mask = self._positive(filter_, when)
                return ~mask if filter_.operator.negates else mask
            case _:
                return None  # events are rows of their own, not a column

    def _positive(self, condition: FieldCondition, when: When) -> Any:
        key = condition.operator.negates or condition.operator.key
        operator = OPERATORS[condition.type, key]
        name = column_name(condition.field, condition.type)
        known = self._known[name]
        if key == "is_known":
            return known
        wanted = operator.prepare(condition.value, when)
        if name in self._codes:
            codes, texts = self._codes[name]
            test: Callable[[Any], bool] = (
                (lambda text: wanted in text)
                if key == "has"
                else lambda t: operator.holds(t, wanted)
            )
            return np.array([bool(text) and test(text) for text in texts])[codes]
        values = self._values[name]
        return known & self._compared(values, key, wanted, condition.type)

    def _compared(self, values: Any, key: str, wanted: Any, type_: ValueType) -> Any:
        if type_ is ValueType.DATE:
            low = _micros(wanted.start) if wanted.start else np.iinfo(np.int64).min
            high = _micros(wanted.end) if wanted.end else np.iinfo(np.int64).max
            return (values >= low) & (values < high)
        if type_ is ValueType.IP:
            return (values >= wanted.first) & (values <= wanted.last)
        match key:
            case "is" | "eq":
                return values == wanted
            case "between":
                return (values >= wanted[0]) & (values <= wanted[1])
            case _:
                compare = {"gt": np.greater, "gte": np.greater_equal, "lt": np.less}
                return compare.get(key, np.less_equal)(values, wanted)


def ready(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    segment: UUID,
    folder: Path,
    zone: tzinfo,
    threads: int,
) -> tuple[list[Rival], Bare]:
    """The rivals, with the project's data."""
    export(connection, project_id, segment, folder, zone)
    duck = DuckDB(folder, threads)
    return [duck, ChDB(folder, threads)], Bare(duck.columns())


def timed(ask: Callable[[], Any], times: int) -> tuple[Any, list[float]]:
    """What was answered, and how many ms each time took."""
    took = []
    answer = None
    for _ in range(times):
        started = time.perf_counter()
        answer = ask()
        took.append((time.perf_counter() - started) * 1000)
    return answer, took


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _text(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


assert set(COLUMNS) <= set(PEOPLE)
