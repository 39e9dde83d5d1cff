"""Packs, made of compact rows.

A pack is made in one transaction that sees one moment: the compact rows of its people go into
columns, and the notes go of who had changed. Whoever changes meanwhile leaves a note that this
transaction does not see.

Public: `begin`, `pack`, `make`, `Pack`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import psycopg

from regulars.filters.compact_custom import moment_key, wall_key
from regulars.filters.slots import EXACT_BELOW
from regulars.filters.values import address_number
from regulars.people.compact import STANDARD
from regulars.people.packed import forms
from regulars.people.packed.forgetting import BEGINNING
from regulars.people.packed.forms import Packed
from regulars.people.person import TEXT_FACTS

Connection = psycopg.Connection[Any]

IDS = "id"  # the column that says who they are
CUSTOM = 200  # custom values of a pack that have columns, the most frequent
CUSTOM_BYTES = 32 * 1024 * 1024  # of custom values that are packed at once

BEFORE_ALL = UUID(int=0)
_MOMENTS = tuple(field for field in STANDARD if field != "ip")
_TEXTS = (*TEXT_FACTS, "kind")
_UNKNOWN = -(1 << 63)
_TICKS = moment_key(""), wall_key("")  # before keys of times

# As PostgreSQL sends whole numbers: microseconds since 2000 for instants, days for days.
_WHOLE = {
    "ip": "CASE WHEN family(ip) = 4 THEN int8send(ip - inet '0.0.0.0') END",
    "sessions": "int8send(sessions)",
    "did": "int8send(did)",
    "seen_day": "int8send((seen_day - date '2000-01-01')::bigint)",
    **{moment: f"timestamptz_send({moment})" for moment in _MOMENTS},
}
_GATHERED = ", ".join(
    (
        "string_agg(uuid_send(id), '')",
        *(f"string_agg(coalesce({sent}, int8send({_UNKNOWN})), '')" for sent in _WHOLE.values()),
        *(f"array_agg({text})" for text in _TEXTS),
        "CASE WHEN bool_or(family(ip) = 6) THEN array_agg(host(ip)) END",
        "array_agg(array_to_json(tags)::text)",
        "array_agg(texts::text)", "array_agg(others::text)",
    )
)  # fmt: skip
ROWS = f"""
SELECT {_GATHERED} FROM (
    SELECT * FROM person_compact WHERE project_id = %(project)s AND id >= %(first)s
      AND (%(beyond)s::uuid IS NULL OR id < %(beyond)s) ORDER BY id LIMIT %(most)s
) p
"""
# Of a pack that is too large, the rest is another one's. Custom values count as they are stored.
REST = """
SELECT id FROM (
    SELECT id, row_number() OVER (ORDER BY id) AS people,
           sum(coalesce(pg_column_size(texts), 0) + coalesce(pg_column_size(others), 0))
               OVER (ORDER BY id) AS bytes
    FROM person_compact WHERE project_id = %(project)s AND id >= %(first)s
      AND (%(beyond)s::uuid IS NULL OR id < %(beyond)s) ORDER BY id LIMIT %(most)s + 1
) p WHERE people > %(most)s OR (people > 1 AND bytes > %(bytes)s) ORDER BY id LIMIT 1
"""
BEGIN = "INSERT INTO person_pack (project_id, id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
BEYOND = "SELECT id FROM person_pack WHERE project_id = %s AND id > %s ORDER BY id LIMIT 1"
LET_GO = """
DELETE FROM person_unpacked WHERE project_id = %(project)s AND person_id >= %(first)s
  AND (%(beyond)s::uuid IS NULL OR person_id < %(beyond)s)
"""
HOLD = "SELECT FROM person_pack WHERE project_id = %s AND id = %s FOR UPDATE"
DROP = "DELETE FROM person_packed WHERE project_id = %s AND pack_id = %s"
STORE = """
INSERT INTO person_packed (project_id, pack_id, field, form, codes, words)
VALUES (%s, %s, %s, %s, %s, %s)
"""
NOTE = """
UPDATE person_pack SET people = %s, packed_at = %s, is_whole = %s WHERE project_id = %s AND id = %s
"""


class Pack(NamedTuple):
    """A pack by its project and its first id."""

    project_id: UUID
    first: UUID


def begin(connection: Connection, project_id: UUID) -> None:
    """Have the project packed, from its first person on."""
    with connection.transaction():
        connection.execute(BEGINNING, (str(project_id),))
        connection.execute(BEGIN, (project_id, BEFORE_ALL))


def pack(connection: Connection, which: Pack, now: datetime) -> None:
    """Make the pack, of all who are in it at this moment.

    Raises `psycopg.errors.SerializationFailure` where somebody in it is erased meanwhile.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        make(connection, which, now)


def make(connection: Connection, which: Pack, now: datetime) -> None:
    """The same, of the moment that the transaction sees."""
    connection.execute(HOLD, which)
    (beyond,) = connection.execute(BEYOND, which).fetchone() or (None,)
    place = {
        "project": which.project_id, "first": which.first, "beyond": beyond,
        "most": forms.MOST, "bytes": CUSTOM_BYTES,
    }  # fmt: skip
    rest = connection.execute(REST, place).fetchone()
    if rest is not None:
        place["beyond"] = rest[0]
        connection.execute(BEGIN, (which.project_id, rest[0]))
    rows = connection.execute(ROWS, place, prepare=False, binary=True).fetchone()
    ids: bytes = rows[0] or b"" if rows else b""
    columns, is_whole = _columns(rows[1:]) if rows and ids else ({}, True)
    columns[IDS] = Packed(IDS, ids, b"")
    connection.execute(LET_GO, place)
    connection.execute(DROP, which)
    with connection.cursor() as cursor:
        cursor.executemany(STORE, [(*which, name, *one) for name, one in columns.items()])
    connection.execute(NOTE, (len(ids) // 16, now, is_whole, *which))


def _columns(rows: Sequence[Any]) -> tuple[dict[str, Packed], bool]:
    """The columns of what `ROWS` answers behind the ids, and whether all custom values have one."""
    numbers, texts = rows[: len(_WHOLE)], rows[len(_WHOLE) :]
    found: dict[str, Packed | None] = {}
    for name, sent in zip(_WHOLE, numbers, strict=True):
        values = np.frombuffer(sent, ">i8").astype(np.int64)
        found[name] = forms.whole(values, values != _UNKNOWN)
    *facts, addresses, tags, custom_texts, custom_others = texts
    found |= {name: forms.words(values) for name, values in zip(_TEXTS, facts, strict=True)}
    if addresses is not None:  # too long for a number, some of them
        found["ip"] = forms.mixed([address_number(text) for text in addresses])
    found["tags"] = forms.words(tags)
    custom = [_read(text) for text in custom_texts], [_read(text) for text in custom_others]
    often = Counter(key for rows in custom for row in rows for key in row)
    kept = [key for key, _ in often.most_common(CUSTOM)]
    for key in kept:
        first, other = ([row.get(key) for row in rows] for rows in custom)
        both = [text if value is None else value for text, value in zip(first, other, strict=True)]
        found[key] = _of_any(key, both)
    return {name: one for name, one in found.items() if one}, len(kept) == len(often)


def _read(text: str | None) -> dict[str, Any]:
    return json.loads(text) if text is not None else {}


def _of_any(key: str, values: list[Any]) -> Packed | None:
    """Custom values: texts alone, numbers alone, or something of each."""
    if key.startswith(_TICKS):
        return _whole(values)
    types = {type(value) for value in values} - {type(None)}
    if types == {str}:
        return forms.words(values)
    if types == {int} and all(value is None or abs(value) < EXACT_BELOW for value in values):
        return _whole(values)
    plain = forms.floats(values) if types <= {int, float} else None
    return plain or forms.mixed(values)


def _whole(values: Sequence[int | None]) -> Packed | None:
    known = np.array([value is not None for value in values], bool)
    return forms.whole(np.array([value or 0 for value in values], np.int64), known)
