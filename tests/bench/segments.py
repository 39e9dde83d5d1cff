"""Twenty-four segments such as teams make: what the benchmarks evaluate for every person."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.kit.ids import ids_at
from regulars.segments import windows
from regulars.segments.plan import segments_written_out


def _is(field: str, value: str) -> dict[str, Any]:
    return {"field": field, "op": "is", "value": value}


FILTERS: list[dict[str, Any]] = [
    {"all": [_is("browser", "Firefox"), {"field": "last_seen", "op": "within_last", "value": 28}]},
    {"all": [_is("browser", "Safari"), _is("os", "macOS")]},
    {"all": [_is("country", "Germany")]},
    {"all": [{"field": "country", "op": "is_any_of", "value": ["France", "Spain", "Italy"]}]},
    {"all": [_is("kind", "user"), {"field": "sessions", "op": "gt", "value": 10}]},
    {"all": [_is("attributes.plan", "pro")]},
    {"all": [{"field": "attributes.lifetime_value", "op": "gte", "value": 100}]},
    {"all": [_is("utm_source", "newsletter")]},
    {"all": [{"field": "email", "op": "ends_with", "value": "@example.com"}]},
    {"all": [{"field": "name", "op": "contains", "value": "an"}, _is("kind", "user")]},
    {"all": [_is("device", "mobile"), {"field": "last_seen", "op": "within_last", "value": 7}]},
    {"all": [{"field": "email", "op": "is_unknown"}, _is("kind", "visitor")]},
    {"any": [_is("language", "de-DE"), _is("language", "de")]},
    {"all": [{"field": "signed_up_at", "op": "within_last", "value": 30}]},
    {"all": [{"field": "tags", "op": "has", "value": "vip"}]},
    {"not": {"field": "browser", "op": "is_any_of", "value": ["Chrome", "Edge"]}},
    {"all": [{"field": "referrer", "op": "contains", "value": "search"}]},
    {"all": [_is("kind", "lead")]},
    {"all": [{"field": "last_seen", "op": "within_last", "value": 1}]},
    {"all": [_is("timezone", "Europe/London"), {"field": "sessions", "op": "gte", "value": 2}]},
]


# Behind those that lists show there are those of the first checkpoints.
LAST_NUMBER = "SELECT max(number) FROM segment WHERE project_id = %s"


def many(wanted: int) -> list[dict[str, Any]]:
    """So many segments, no two alike: those above, each with a condition of its own."""
    return [
        {
            "all": [
                FILTERS[number % len(FILTERS)],
                {"field": "sessions", "op": "gte", "value": number},
            ]
        }
        for number in range(wanted)
    ]


def add_segments(
    connection: psycopg.Connection[Any], project_id: UUID, wanted: int, now: datetime
) -> None:
    """Give the project so many segments in all, the built-in ones among them."""
    extra = FILTERS[: max(0, wanted - 4)]
    with connection.transaction():
        last = connection.execute(LAST_NUMBER, (project_id,)).fetchall()[0][0]
        for number, (id_, filter_) in enumerate(
            zip(ids_at(now, len(extra)), extra, strict=True), start=last + 1
        ):
            connection.execute(
                "INSERT INTO segment (project_id, id, number, name, filter, created_at)"
                " VALUES (%s, %s, %s, %s, %s::jsonb, %s)",
                (project_id, id_, number, f"Segment {number}",
                 msgspec.json.encode(filter_).decode(), now),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO segment_count (project_id, id) VALUES (%s, %s)", (project_id, id_)
            )
        rules = segments_written_out(connection, project_id).values()
        windows.keep(connection, project_id, rules, now)
        connection.execute(
            "UPDATE segment_plan SET version = version + 1 WHERE project_id = %s", (project_id,)
        )
