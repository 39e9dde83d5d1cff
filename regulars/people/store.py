"""Reading and writing people's rows in bulk, on a plain connection.

Rows travel as one JSON text or one COPY a statement, so the number of people in a batch changes
no statement and costs no round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from operator import attrgetter
from random import getrandbits
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import set_json_loads

from regulars.kit import arrays, machine
from regulars.kit.connection import later
from regulars.people import compact
from regulars.people.numbers import slots
from regulars.people.person import BAGS, HOT, WIDE, Person, Wide, person_of, wide_of

set_json_loads(msgspec.json.decode)

Connection = psycopg.Connection[Any]
# Of how many people a process has the wide rows, at some 4 KB each: 2 % of the memory at most.
REMEMBERED = min(50_000, machine.memory() // 50 // 4096)
Values = Callable[[Person], tuple[Any, ...]]

_AS_READ = {
    "ip": "host({}.ip)",
    "tags": "array_to_json({}.tags)::text",
    "segments": "array_to_json({}.segments)::text",
} | {bag: "{}." + bag + "::text" for bag in BAGS if bag not in ("tags", "segments")}
_WIDE_READ = ", ".join(_AS_READ.get(c, "{}." + c).format("p") for c in WIDE[1:])
_WIDTH = len(WIDE) - 1  # of a row without the project
_HOT_READ = ", ".join(_AS_READ.get(c, "{}." + c).format("a") for c in HOT)

READ = f"""
SELECT {_WIDE_READ}, {_HOT_READ}, a.person_version
FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %s AND p.id = ANY(%s::uuid[])
"""
# The same without what stands for nothing that is said of them: their days, segments and sessions.
_TOLD = ("last_seen", "sessions")
READ_TOLD = f"""
SELECT {_WIDE_READ}, {", ".join(f"a.{column}" for column in _TOLD)}
FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %s AND p.id = ANY(%s::uuid[])
"""
# The hot rows, locked in id order: each as the last to hold its lock left it.
LOCK = f"""
SELECT uuid_send(id), {_HOT_READ}, person_version FROM person_activity a
WHERE project_id = %s AND id = ANY(%s::uuid[])
ORDER BY id
FOR UPDATE
"""
READ_WIDE = f"""
SELECT {_WIDE_READ} FROM person p WHERE project_id = %s AND id = ANY(%s::uuid[])
"""

INSERT_WIDE = f"""
INSERT INTO person ({", ".join(WIDE)})
SELECT {", ".join(WIDE)} FROM json_populate_recordset(NULL::person, %s::json)
"""
_UPDATED = [column for column in WIDE if column not in ("project_id", "id", "created_at")]
UPDATE_WIDE = f"""
UPDATE person p SET {", ".join(f"{column} = n.{column}" for column in _UPDATED)}
FROM json_populate_recordset(NULL::person, %s::json) n
WHERE p.project_id = n.project_id AND p.id = n.id
"""
# Who says what is known already, as most do who call identify on every page: only when it was said.
UPDATE_SAID = """
UPDATE person p SET stamps = n.stamps, updated_at = n.updated_at
FROM unnest(%s::uuid[], %s::jsonb[], %s::timestamptz[]) AS n (id, stamps, updated_at)
WHERE p.project_id = %s AND p.id = n.id
"""

# The hot rows' columns, each as one array: how it is written, and what PostgreSQL makes of it.
# (JSON would be read at twice the cost, by looking up each name in each row.)
_TEXTS, _PLAIN, _BAGS = arrays.of_texts, arrays.of_plain, arrays.of_bags
_ARRAYS: dict[str, tuple[Callable[[Sequence[Any]], str], str, str]] = {
    "kind": (_TEXTS, "text", ""),
    "open_sessions": (_BAGS, "jsonb", ""),
    "segments": (lambda lists: _TEXTS(map(_PLAIN, lists)), "text", "::smallint[]"),
    "event_times": (_BAGS, "jsonb", ""),
    "checkpoints": (_BAGS, "jsonb", ""),
    "last_seen": (_PLAIN, "timestamptz", ""),
    "browser_seen_at": (_PLAIN, "timestamptz", ""),
    "page_url": (_TEXTS, "text", ""),
    "page_path": (_TEXTS, "text", ""),
    "page_title": (_TEXTS, "text", ""),
    "page_since": (_PLAIN, "timestamptz", ""),
    "sessions": (_PLAIN, "integer", ""),
    "page_views": (_PLAIN, "bigint", ""),
    "rhythm": (arrays.of_bytes, "bytea", ""),
    "rhythm_day": (_PLAIN, "integer", ""),
    "next_move_at": (_PLAIN, "timestamptz", ""),
    "context_at": (_PLAIN, "timestamptz", ""),
    "did": (_PLAIN, "bigint", ""),
    "version": (_PLAIN, "bigint", ""),
}
# What changes whenever somebody comes by. The rest is left as it is: to write it would take longer.
COMING = (
    "open_sessions", "last_seen", "browser_seen_at", "page_url", "page_path", "page_title",
    "page_since", "sessions", "page_views", "rhythm", "rhythm_day", "context_at",
)  # fmt: skip


_COLUMN = {"version": "person_version"}  # what is called otherwise in the table
UPDATE_HOT = """
UPDATE person_activity a SET {set}
FROM unnest({arrays}) AS n (id, {names})
WHERE a.project_id = %s AND a.id = n.id
"""
INSERT_HOT = """
INSERT INTO person_activity (project_id, id, {names})
SELECT project.id, n.id, {values}
FROM unnest({arrays}) AS n (id, {names}), (SELECT %s::uuid AS id) AS project
"""


class _HotRows:
    """Writes these columns of hot rows."""

    def __init__(self, statement: str, *columns: str) -> None:
        written = {_COLUMN.get(column, column): _ARRAYS[column] for column in columns}
        types = ["uuid", *(type_ for _, type_, _ in written.values())]
        self._statement = statement.format(
            set=", ".join(f"{name} = n.{name}{cast}" for name, (_, _, cast) in written.items()),
            values=", ".join(f"n.{name}{cast}" for name, (_, _, cast) in written.items()),
            arrays=", ".join(f"%s::{type_}[]" for type_ in types),
            names=", ".join(written),
        )
        self._values: Values = attrgetter("id", *columns)
        self._writers = [arrays.of_ids, *(writer for writer, _, _ in written.values())]

    def of(self, people: Sequence[Person]) -> tuple[str, ...]:
        """These people's rows by column."""
        columns = zip(*map(self._values, people), strict=True)
        pairs = zip(self._writers, columns, strict=False)  # of nobody there are no columns
        return tuple([write(column) for write, column in pairs])

    def write(self, connection: Connection, project_id: UUID, columns: tuple[str, ...]) -> None:
        """Write the rows, if there are any."""
        if columns:
            later(connection, self._statement, (*columns, project_id))


_update_hot = _HotRows(UPDATE_HOT, "kind", *HOT, "version")
_update_coming = _HotRows(UPDATE_HOT, *COMING)
_insert_hot = _HotRows(INSERT_HOT, "kind", *HOT, "version")

_wide_values: Values = attrgetter(*WIDE)

COUNT_KINDS = """
INSERT INTO kind_count (project_id, id, people) VALUES (%s, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET people = kind_count.people + excluded.people
"""


def read(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Person]:
    """The people as they are; ids that stand for nobody are left out."""
    rows = _rows(connection, READ, project_id, arrays.of_ids(ids))
    return {row[0]: person_of(project_id, wide_of(row[:_WIDTH]), row[_WIDTH:]) for row in rows}


def read_told(connection: Connection, project_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Person]:
    """The people with all that templates can say of them; not to be written."""
    people: dict[UUID, Person] = {}
    for row in _rows(connection, READ_TOLD, project_id, arrays.of_ids(ids)):
        person = people[row[0]] = Person(project_id, *wide_of(row[:_WIDTH]))
        person.last_seen, person.sessions = row[_WIDTH:]
    return people


def lock_and_read(
    connection: Connection, project_id: UUID, ids: Iterable[bytes]
) -> dict[bytes, Person]:
    """The people as they are, locked until the transaction ends. (Ids are bytes, which Python
    looks up several times faster than UUIDs.)

    The wide rows are looked up after the lock is held: they are what its last holder made of
    them. Those that are remembered in the same version are not read again.
    """
    array = arrays.of_keys(ids)
    if array == arrays.EMPTY:
        return {}
    people: dict[bytes, Person] = {}
    unknown: dict[bytes, tuple[Any, ...]] = {}
    for row in _rows(connection, LOCK, project_id, array):
        id_ = row[0]
        wide = _remembered.get(id_, row[-1])
        if wide is None:
            unknown[id_] = row
        else:
            people[id_] = person_of(project_id, wide, row[1:])
    if unknown:
        for found in _rows(connection, READ_WIDE, project_id, arrays.of_keys(unknown)):
            id_ = found[0].bytes
            row, wide = unknown[id_], wide_of(found)
            _remembered.keep(id_, row[-1], wide)
            people[id_] = person_of(project_id, wide, row[1:])
    return people


class Remembered:
    """Wide rows of those who came by lately: most who come back have not changed since."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[bytes, tuple[int, Wide]] = {}

    def get(self, id_: bytes, version: int) -> Wide | None:
        """The person's row, if it is still the one of this version."""
        kept = self._rows.get(id_)
        return kept[1] if kept is not None and kept[0] == version else None

    def keep(self, id_: bytes, version: int, row: Wide) -> None:
        """Remember the row; the half that was kept first goes when there are too many."""
        if not version:
            return
        if len(self._rows) >= self._most:
            for old in list(islice(self._rows, self._most // 2)):
                self._rows.pop(old, None)
        self._rows[id_] = version, row


_remembered = Remembered(REMEMBERED)


def _rows(
    connection: Connection, statement: str, project_id: UUID, ids: str
) -> list[tuple[Any, ...]]:
    asked = (project_id, ids)
    return connection.execute(statement, asked, prepare=True, binary=True).fetchall()


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be written of some people, as the texts that PostgreSQL takes."""

    fresh_wide: str
    fresh_hot: tuple[str, ...]
    wide: str
    said: tuple[str, ...]
    hot: tuple[str, ...]
    coming: tuple[str, ...]
    fresh_compact: str
    compact: str


def rows_of(project_id: UUID, people: Iterable[Person], now: datetime) -> Rows:
    """All of the fresh ones, and what changed of the others, in id order."""
    ordered = sorted(people, key=lambda person: person.id.int)
    for person in ordered:
        if person.changed or person.said_again:
            person.updated_at = now
            person.version = getrandbits(63)  # unlike a count it never comes again
            person.seen_changed = True
            _remembered.keep(person.id.bytes, person.version, _own(person))
    fresh = [person for person in ordered if person.fresh]
    stored = [person for person in ordered if not person.fresh]
    wide = [person for person in stored if person.changed]
    said = [person for person in stored if person.said_again and not person.changed]
    narrow = [person for person in stored if compact.has_moved(person)]
    taken = slots.of(project_id, compact.keys((*fresh, *narrow)))
    return Rows(
        _records(map(_wide_row, fresh)),
        _insert_hot.of(fresh),
        _records(map(_wide_row, wide)),
        _said(said) if said else (),
        _update_hot.of([person for person in stored if person.seen_changed]),
        _update_coming.of([one for one in stored if one.came_by and not one.seen_changed]),
        _records(compact.row(person, taken) for person in fresh),
        _records(compact.row(person, taken) for person in narrow),
    )


def write(connection: Connection, project_id: UUID, rows: Rows) -> None:
    """Insert the fresh ones and update the others."""
    if rows.fresh_wide:
        later(connection, INSERT_WIDE, (rows.fresh_wide,))
    _insert_hot.write(connection, project_id, rows.fresh_hot)
    if rows.wide:
        later(connection, UPDATE_WIDE, (rows.wide,))
    if rows.said:
        later(connection, UPDATE_SAID, (*rows.said, project_id))
    _update_hot.write(connection, project_id, rows.hot)
    _update_coming.write(connection, project_id, rows.coming)
    if rows.fresh_compact:
        later(connection, compact.INSERT, (rows.fresh_compact,))
    if rows.compact:
        later(connection, compact.UPDATE, (rows.compact,))


def count_kinds(connection: Connection, project_id: UUID, moved: dict[str, int]) -> None:
    """Move the project's numbers of visitors, leads and users by the differences."""
    for kind in sorted(moved):
        if moved[kind]:
            later(connection, COUNT_KINDS, (project_id, kind, moved[kind]))


def copy_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows of Python values in COPY's text format."""
    return "".join(["\t".join([copy_field(value) for value in row]) + "\n" for row in rows])


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
        return _escaped(arrays.of_texts(map(str, value)) if is_list else _json(value))
    if kind is bytes:
        return f"\\\\x{value.hex()}"
    return str(value)


def _own(person: Person) -> Wide:
    """The wide row that is about to be written, sharing nothing that is changed in place."""
    *plain, company, attributes, folded, tags, stamps = _wide_values(person)[1:]
    return (*plain, {**company}, {**attributes}, {**folded}, [*tags], {**stamps})


def _wide_row(person: Person) -> dict[str, Any]:
    return dict(zip(WIDE, _wide_values(person), strict=True))


def _said(people: Sequence[Person]) -> tuple[str, ...]:
    return (
        arrays.of_ids(person.id for person in people),
        arrays.of_bags(person.stamps for person in people),
        arrays.of_plain([person.updated_at for person in people]),
    )


def _records(rows: Iterable[Mapping[str, Any]]) -> str:
    """What a statement takes as its rows; nothing where there is none."""
    records = list(rows)
    return _json(records) if records else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _escaped(text: str) -> str:
    return text if text.isalnum() else text.translate(_ESCAPES)


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_number(day: date) -> int:
    """Days since 1970, as `rhythm_day` counts them."""
    return day.toordinal() - _EPOCH_ORDINAL


_EPOCH_ORDINAL = _EPOCH.date().toordinal()
