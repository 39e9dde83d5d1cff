"""Reading and writing people's rows in bulk, on a plain connection.

Rows travel as one JSON text or one COPY a statement, so the number of people in a batch changes
no statement and costs no round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import set_json_loads

from regulars.kit import arrays
from regulars.people.person import HOT, WIDE, Person, person_of_rows

set_json_loads(msgspec.json.decode)

Connection = psycopg.Connection[Any]

_WIDE_READ = ", ".join("host(ip)" if column == "ip" else column for column in WIDE[1:])
_HOT_READ = ", ".join(HOT)

# The hot rows, locked in id order: each as the last to hold its lock left it.
LOCK = f"""
SELECT id, {_HOT_READ} FROM person_activity
WHERE project_id = %s AND id = ANY(%s::uuid[])
ORDER BY id
FOR UPDATE
"""
READ_WIDE = f"SELECT {_WIDE_READ} FROM person WHERE project_id = %s AND id = ANY(%s::uuid[])"
READ_HOT = f"""
SELECT id, {_HOT_READ} FROM person_activity
WHERE project_id = %s AND id = ANY(%s::uuid[])
"""

_UPDATED = [column for column in WIDE if column not in ("project_id", "id", "created_at")]
UPDATE_WIDE = f"""
UPDATE person p SET {", ".join(f"{column} = n.{column}" for column in _UPDATED)}
FROM json_populate_recordset(NULL::person, %s::json) n
WHERE p.project_id = n.project_id AND p.id = n.id
"""

_HOT_ROW = ("project_id", "id", "kind", *HOT)
Values = Callable[[Person], tuple[Any, ...]]
_wide_values: Values = attrgetter(*WIDE)
_hot_values: Values = attrgetter(*_HOT_ROW)
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


def read(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Person]:
    """The people as they are; ids that stand for nobody are left out."""
    return _read(connection, project_id, ids, READ_HOT)


def lock_and_read(
    connection: Connection, project_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Person]:
    """The people as they are, locked until the transaction ends.

    The wide rows are read after the lock is held: they are what its last holder made of them.
    """
    return _read(connection, project_id, ids, LOCK)


def _read(
    connection: Connection, project_id: UUID, ids: Iterable[UUID], hot: str
) -> dict[UUID, Person]:
    array = arrays.of_ids(ids)
    if array == "{}":
        return {}
    asked = (project_id, array)
    hot_rows = {row[0]: row for row in _rows(connection, hot, asked)}
    return {
        row[0]: person_of_rows(project_id, row, hot_rows[row[0]])
        for row in _rows(connection, READ_WIDE, asked)
        if row[0] in hot_rows
    }


def _rows(connection: Connection, statement: str, asked: Sequence[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(statement, asked, prepare=True, binary=True).fetchall()


def write(connection: Connection, people: Iterable[Person], now: datetime) -> None:
    """Insert the fresh ones and update what changed of the others."""
    ordered = sorted(people, key=lambda person: person.id.int)
    fresh = [person for person in ordered if person.fresh]
    wide = [person for person in ordered if person.changed and not person.fresh]
    hot = [person for person in ordered if person.seen_changed and not person.fresh]
    for person in ordered:
        if person.changed:
            person.updated_at = now
    if fresh:
        copy(connection, COPY_WIDE, map(_wide_values, fresh))
        copy(connection, COPY_HOT, map(_hot_values, fresh))
    if wide:
        connection.execute(UPDATE_WIDE, (_json(wide, WIDE, _wide_values),), prepare=True)
    if hot:
        connection.execute(UPDATE_HOT, (_json(hot, _HOT_ROW, _hot_values),), prepare=True)


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
        return _escaped(value)
    if kind is datetime:
        return str(value)
    if kind is dict or kind is list:
        is_list = kind is list
        return _escaped(arrays.of_texts(map(str, value)) if is_list else _json_of(value))
    if kind is bytes:
        return f"\\\\x{value.hex()}"
    return str(value)


def _json(people: list[Person], columns: Sequence[str], values_of: Values) -> str:
    rows = [dict(zip(columns, values_of(person), strict=True)) for person in people]
    if "rhythm" in columns:
        for row in rows:
            row["rhythm"] = "\\x" + row["rhythm"].hex()  # as bytes it would become base64
    return msgspec.json.encode(rows).decode()


def _json_of(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _escaped(text: str) -> str:
    return text if text.isalnum() else text.translate(_ESCAPES)


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_number(day: date) -> int:
    """Days since 1970, as `rhythm_day` counts them."""
    return day.toordinal() - _EPOCH_ORDINAL


_EPOCH_ORDINAL = _EPOCH.date().toordinal()
