"""The lists every project has from the start: segments like any other, over `kind is user`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.filters.parse import parse
from regulars.kit.ids import ids_at
from regulars.segments import windows

_USERS = {"field": "kind", "op": "is", "value": "user"}

# New: signed up in the last 7 days. Slipping away: last seen, or signed up if never seen, longer
# ago than 28 days.
BUILTIN: dict[str, tuple[str, dict[str, Any]]] = {
    "all": ("All", {"all": [_USERS]}),
    "new": (
        "New",
        {"all": [_USERS, {"field": "signed_up_at", "op": "within_last", "value": 7}]},
    ),
    "active": (
        "Active",
        {"all": [_USERS, {"field": "last_seen", "op": "within_last", "value": 28}]},
    ),
    "slipping": (
        "Slipping away",
        {
            "all": [
                _USERS,
                {
                    "any": [
                        {"field": "last_seen", "op": "at_least_ago", "value": 28},
                        {
                            "all": [
                                {"field": "last_seen", "op": "is_unknown"},
                                {"field": "signed_up_at", "op": "at_least_ago", "value": 28},
                            ]
                        },
                    ]
                },
            ]
        },
    ),
}

INSERT = """
INSERT INTO segment (project_id, id, number, name, builtin, filter, created_at)
VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s)
"""
START_COUNT = "INSERT INTO segment_count (project_id, id) VALUES (%s, %s)"
START_PLAN = """
INSERT INTO segment_plan (project_id, time_zone) SELECT id, time_zone FROM project WHERE id = %s
"""


def give_project_its_segments(
    connection: psycopg.Connection[Any], project_id: UUID, now: datetime
) -> None:
    """Make the built-in segments of a new project."""
    connection.execute(START_PLAN, (project_id,))
    for number, (id_, (builtin, (name, filter_))) in enumerate(
        zip(ids_at(now, len(BUILTIN)), BUILTIN.items(), strict=True), start=1
    ):
        text = msgspec.json.encode(filter_).decode()
        connection.execute(INSERT, (project_id, id_, number, name, builtin, text, now))
        connection.execute(START_COUNT, (project_id, id_))
    rules = [parse(filter_) for _, filter_ in BUILTIN.values()]
    windows.keep(connection, project_id, rules, now)
