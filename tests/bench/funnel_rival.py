"""The same funnel asked of DuckDB over the raw events: what it costs where nothing is kept.

The project's events and people are exported as flat columns that are never changed: everybody's
first times are found anew from all events with each question, as fast as a column store can.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import psycopg

from tests.bench.large import BEHIND

# Ids as numbers: shorter, and as far apart.
OF_EVENTS = """
SELECT hashtextextended(person_id::text, 0), kind, coalesce(name, ''),
       (extract(epoch FROM happened_at) * 1000000)::bigint
FROM event WHERE project_id = %s
"""
OF_PEOPLE = """
SELECT hashtextextended(p.id::text, 0), p.country,
       (extract(epoch FROM p.signed_up_at) * 1000000)::bigint,
       (extract(epoch FROM p.first_seen) * 1000000)::bigint
FROM person p WHERE p.project_id = %s AND p.kind = 'user'
"""
TABLES = {
    "events": (OF_EVENTS, "person BIGINT, kind VARCHAR, name VARCHAR, moment BIGINT"),
    "people": (OF_PEOPLE, "person BIGINT, country VARCHAR, signed_up BIGINT, first_seen BIGINT"),
}
# How many got how far in order, of those who signed up in the period.
FUNNEL = """
WITH did AS (
    SELECT person, min(moment) FILTER (kind IN ('page', 'screen', 'track')) AS seen, {firsts}
    FROM events GROUP BY person
), met AS (
    SELECT {part} AS part, signed_up AS t1,
           greatest(signed_up, coalesce(seen, first_seen)) AS t2, {times}
    FROM people LEFT JOIN did USING (person) WHERE signed_up >= $since AND signed_up < $until
)
SELECT part, {counts} FROM met GROUP BY part
"""


class Rival:
    """DuckDB, in this process."""

    def __init__(self, connection: psycopg.Connection[Any], project_id: UUID, folder: Path) -> None:
        self._duck = duckdb.connect()
        for table, (statement, columns) in TABLES.items():
            file = folder / f"{table}.csv"
            with (
                file.open("wb") as out,
                psycopg.ClientCursor(connection).copy(
                    f"COPY ({statement}) TO STDOUT (FORMAT csv)", (project_id,)
                ) as rows,
            ):
                for chunk in rows:
                    out.write(chunk)
            self._duck.execute(f"CREATE TABLE {table} ({columns})")
            self._duck.execute(f"COPY {table} FROM '{file}' (FORMAT csv, HEADER false)")
            file.unlink()

    def reached(self, since: datetime, until: datetime, *, by_country: bool = False) -> list[int]:
        """How many came as far as each checkpoint; of all parts together."""
        firsts, times = [], []
        for n, (_, event, count) in enumerate(BEHIND, start=3):
            did = f"FILTER (kind = 'track' AND name = '{event}')"
            first = f"min(moment) {did}" if count == 1 else f"(min(moment, {count}) {did})[{count}]"
            firsts.append(f"{first} AS d{n}")
            times.append(f"CASE WHEN d{n} IS NOT NULL THEN greatest(signed_up, d{n}) END AS t{n}")
        order, counts = "true", ["count(*)"]
        for n in range(2, len(BEHIND) + 3):
            order += f" AND t{n - 1} <= t{n}"
            counts.append(f"count(*) FILTER ({order})")
        statement = FUNNEL.format(
            firsts=", ".join(firsts), times=", ".join(times), counts=", ".join(counts),
            part="country" if by_country else "NULL",
        )  # fmt: skip
        asked = {"since": _micros(since), "until": _micros(until)}
        rows = self._duck.execute(statement, asked).fetchall()
        return [sum(row[n] for row in rows) for n in range(1, len(counts) + 1)]


def _micros(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, at.tzinfo)) // timedelta(microseconds=1)
