"""A project's people and events as flat columns, in files: what the rivals are given.

Dates are microseconds since 1970, addresses numbers, tags one text. A custom value that is of the
wrong type for a column is NULL there, as filters count it.
"""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from regulars.filters.catalog import ValueType


class Type(NamedTuple):
    """How DuckDB and ClickHouse call a type."""

    duck: str
    click: str


TEXT = Type("VARCHAR", "Nullable(String)")
FEW = Type("VARCHAR", "LowCardinality(Nullable(String))")
NUMBER = Type("DOUBLE", "Nullable(Float64)")
WHOLE = Type("BIGINT", "Nullable(Int64)")
YES_NO = Type("BOOLEAN", "Nullable(Bool)")
KEY = Type("INTEGER", "Int32")

_FEW = ("browser", "country", "gender", "utm_source", "referrer")


def _date(text: str) -> str:
    return f"(extract(epoch FROM {text}) * 1000000)::bigint"


def _wall(key: str) -> str:
    return _date(f"((p.attributes->>'{key}')::timestamp AT TIME ZONE %(zone)s)")


def _address(value: str) -> str:
    return f"({value} - '0.0.0.0'::inet)"


# Each column, its type and what it is made of.
COLUMNS: dict[str, tuple[Type, str]] = {
    "kind": (FEW, "p.kind"),
    "email": (TEXT, "p.folded->>'email'"),
    "name": (TEXT, "p.folded->>'name'"),
    **{name: (FEW, f"p.folded->>'{name}'") for name in _FEW},
    "sessions": (WHOLE, "a.sessions"),
    "signed_up_at": (WHOLE, _date("p.signed_up_at")),
    "last_seen": (WHOLE, _date("a.last_seen")),
    "ip": (WHOLE, _address("p.ip")),
    "tags": (FEW, "nullif(array_to_string(p.tags, ','), '')"),
    "plan": (FEW, "p.folded->>'attributes.plan'"),
    "about": (TEXT, "p.folded->>'attributes.about'"),
    "company_name": (TEXT, "p.folded->>'company.name'"),
    "company_industry": (FEW, "p.folded->>'company.industry'"),
    "seats": (NUMBER, "(p.attributes->>'seats')::float8"),
    "lifetime_value": (NUMBER, "(p.attributes->>'lifetime_value')::float8"),
    "newsletter": (YES_NO, "(p.attributes->>'newsletter')::boolean"),
    "renewal": (WHOLE, _wall("renewal")),
    "trial_ends": (WHOLE, _date("(p.attributes->>'trial_ends')::timestamptz")),
    "office_ip": (WHOLE, _address("(p.attributes->>'office_ip')::inet")),
    "segment": (YES_NO, "a.segments @> ARRAY[%(number)s::smallint]"),
}
PEOPLE = {"n": KEY} | {name: type_ for name, (type_, _) in COLUMNS.items()}
EVENTS = {
    "person": KEY,
    "name": Type("VARCHAR", "LowCardinality(String)"),
    "moment": Type("BIGINT", "Int64"),
    "total": NUMBER,
}
OF_PEOPLE = f"""
SELECT row_number() OVER (ORDER BY p.id), {", ".join(made for _, made in COLUMNS.values())}
FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %(project)s
"""
OF_EVENTS = f"""
SELECT p.n, e.name, {_date("e.happened_at")}, (e.properties->>'total')::float8
FROM event e JOIN (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM person WHERE project_id = %(project)s
) p ON p.id = e.person_id
WHERE e.project_id = %(project)s AND e.kind = 'track'
"""


def column_name(field: str, type_: ValueType) -> str:
    """The column that a filter's field has become."""
    del type_  # each has one type here
    return field.removeprefix("attributes.").replace(".", "_")


def export(
    connection: psycopg.Connection[Any],
    project_id: UUID,
    segment: UUID,
    folder: Path,
    zone: tzinfo,
) -> None:
    """Write `people.csv` and `events.csv`, separated by tabs."""
    row = connection.execute(
        "SELECT number FROM segment WHERE project_id = %s AND id = %s", (project_id, segment)
    ).fetchone()
    asked = {"project": project_id, "number": row[0] if row else 0, "zone": str(zone)}
    for table, statement in (("people", OF_PEOPLE), ("events", OF_EVENTS)):
        with (
            (folder / f"{table}.csv").open("wb") as file,
            psycopg.ClientCursor(connection).copy(f"COPY ({statement}) TO STDOUT", asked) as rows,
        ):
            for chunk in rows:
                file.write(chunk)
