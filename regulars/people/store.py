"""Reading and writing people's rows in bulk, on a plain connection.

Rows travel as one JSON text or one COPY a statement, so the number of people in a batch changes
no statement and costs no round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import set_json_loads

from regulars.people.person import HOT, WIDE, Person, person_of_row

set_json_loads(msgspec.json.decode)

Connection = psycopg.Connection[Any]

LOCK = """
SELECT id FROM person_activity
WHERE project_id = %s AND id = ANY(%s)
ORDER BY id
FOR UPDATE
"""

_COLUMNS = ", ".join(
    ["host(p.ip)" if column == "ip" else f"p.{column}" for column in WIDE]
    + [f"a.{column}" for column in HOT]
)

READ = f"""
SELECT {_COLUMNS}
FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %s AND p.id = ANY(%s) AND a.project_id = %s
"""

_UPDATED = [column for column in WIDE if column not in ("project_id", "id", "created_at")]
UPDATE_WIDE = f"""
UPDATE person p SET {", ".join(f"{column} = n.{column}" for column in _UPDATED)}
FROM json_populate_recordset(NULL::person, %s::json) n
WHERE p.project_id = n.project_id AND p.id = n.id
"""

_HOT_ROW = ("project_id", "id", "kind", *HOT)
UPDATE_HOT = f"""
UPDATE person_activity a SET kind = n.kind, {", ".join(f"{column} = n.{column}" for column in HOT)}
FROM json_populate_recordset(NULL::person_activity, %s::json) n
WHERE a.project_id = n.project_id AND a.id = n.id
"""

COPY_WIDE = f"COPY person ({', '.join(WIDE)}) FROM STDIN"
COPY_HOT = f"COPY person_activity ({', '.join(_HOT_ROW)}) FROM STDIN"

COUNT_KINDS = """
INSERT INTO kind_count (project_id, id, people) VALUES (%s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET people = kind_count.people + excluded.people
"""


def lock(connection: Connection, project_id: UUID, ids: Sequence[UUID]) -> None:
    """Lock the people, in id order, until the transaction ends."""
    connection.execute(LOCK, (project_id, sorted(ids)), prepare=True)


def read(connection: Connection, project_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Person]:
    """The people as they are; ids that stand for nobody are left out."""
    rows = connection.execute(READ, (project_id, list(ids), project_id), prepare=True, binary=True)
    return {row[1]: person_of_row(row) for row in rows}


def lock_and_read(
    connection: Connection, project_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Person]:
    """The people as they are, locked. Two statements: the second must see what the lock awaited."""
    if not ids:
        return {}
    lock(connection, project_id, ids)
    return read(connection, project_id, ids)


def write(connection: Connection, people: Iterable[Person], now: datetime) -> None:
    """Insert the fresh ones and update what changed of the others."""
    ordered = sorted(people, key=lambda person: (person.project_id, person.id))
    fresh = [person for person in ordered if person.fresh]
    wide = [person for person in ordered if person.changed and not person.fresh]
    hot = [person for person in ordered if person.seen_changed and not person.fresh]
    for person in ordered:
        if person.changed:
            person.updated_at = now
    if fresh:
        copy(connection, COPY_WIDE, [[getattr(p, column) for column in WIDE] for p in fresh])
        copy(connection, COPY_HOT, [[getattr(p, column) for column in _HOT_ROW] for p in fresh])
    if wide:
        connection.execute(UPDATE_WIDE, (_json(wide, WIDE),), prepare=True)
    if hot:
        connection.execute(UPDATE_HOT, (_json(hot, _HOT_ROW),), prepare=True)


def count_kinds(connection: Connection, project_id: UUID, moved: dict[str, int]) -> None:
    """Move the project's numbers of visitors, leads and users by the differences."""
    for kind in sorted(moved):
        if moved[kind]:
            connection.execute(COUNT_KINDS, (project_id, kind, moved[kind]), prepare=True)


def copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows of Python values as PostgreSQL's text format."""
    text = "".join(["\t".join([copy_field(value) for value in row]) + "\n" for row in rows])
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(text.encode())


def copy_field(value: Any) -> str:
    """One value in COPY's text format."""
    if value is None:
        return r"\N"
    kind = type(value)
    if kind is str:
        return value.translate(_ESCAPES) if not value.isalnum() else value
    if kind is datetime:
        return str(value)
    if kind is dict or kind is list:
        text = array_text(value) if kind is list else msgspec.json.encode(value).decode()
        return text.translate(_ESCAPES)
    if kind is bytes:
        return "\\\\x" + value.hex()
    return str(value)


def array_text(values: Iterable[object]) -> str:
    """An array of values in PostgreSQL's text form."""
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join([f'"{value}"' for value in quoted]) + "}"


def _json(people: list[Person], columns: Sequence[str]) -> str:
    rows = [{column: getattr(person, column) for column in columns} for person in people]
    if "rhythm" in columns:
        for row in rows:
            row["rhythm"] = "\\x" + row["rhythm"].hex()  # as bytes it would become base64
    return msgspec.json.encode(rows).decode()


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_number(day: date) -> int:
    """Days since 1970, as `rhythm_day` counts them."""
    return day.toordinal() - _EPOCH_ORDINAL


_EPOCH_ORDINAL = _EPOCH.date().toordinal()
