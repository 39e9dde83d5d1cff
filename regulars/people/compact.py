"""The compact copy of what filters ask of people: what stands in it, and when it is written.

`person_compact` has a narrow row a person, so that a count over a million people reads a few
hundred megabytes instead of thousands. `filters/compact.py` asks it. It is written beside the rows
it copies, in their transaction; a page view changes it at most once a day and once a session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from string import hexdigits
from typing import Any
from uuid import UUID

import psycopg

from regulars.filters.compact_custom import (
    address_digits,
    address_key,
    custom_key,
    moment_key,
    wall_key,
)
from regulars.filters.slots import NEVER, NOWHERE, SLOTS, other_code, text_code, ticks
from regulars.filters.times import read_iso
from regulars.filters.values import address_number
from regulars.kit.connection import copying
from regulars.people.numbers import slots
from regulars.people.person import TEXT_FACTS, Person

Connection = psycopg.Connection[Any]

STANDARD = ("signed_up_at", "first_seen", "last_contacted", "last_emailed", "ip")
SLOT_COLUMNS = tuple(f"s{number}" for number in range(1, SLOTS + 1))
COLUMNS = (
    "project_id", "id", *SLOT_COLUMNS, "did", "sessions", "seen_day", "kind", *STANDARD,
    "tags", "texts", "others", *TEXT_FACTS,
)  # fmt: skip

COPY = f"COPY person_compact ({', '.join(COLUMNS)}) FROM STDIN"
# Whatever changes compact rows notes whose, since what is packed of these is out of date
# (`people/packed`). COPY does not: it is for many, of whom nobody is packed yet.
NOTE = "INSERT INTO person_unpacked (project_id, person_id) SELECT project_id, id FROM written"
NOTE_ONE = "INSERT INTO person_unpacked (project_id, person_id) VALUES (%s, %s)"
INSERT = f"""
WITH written AS (
    INSERT INTO person_compact ({", ".join(COLUMNS)})
    SELECT {", ".join(COLUMNS)} FROM json_populate_recordset(NULL::person_compact, %s::json)
    RETURNING project_id, id
)
{NOTE}
"""
UPDATE = f"""
WITH written AS (
    UPDATE person_compact p SET {", ".join(f"{column} = n.{column}" for column in COLUMNS[2:])}
    FROM json_populate_recordset(NULL::person_compact, %s::json) n
    WHERE p.project_id = n.project_id AND p.id = n.id RETURNING p.project_id, p.id
)
{NOTE}
"""
NEXT = "SELECT id FROM person WHERE project_id = %s AND id > %s ORDER BY id LIMIT %s"
A_CHUNK = 5_000
_LONGEST_NOTED = 50  # characters of a time or an address


def has_moved(person: Person) -> bool:
    """Whether the compact row must be written anew."""
    if person.changed:
        return True
    sessions, last_seen, did = person.compact_before
    if person.sessions != sessions or person.did != did:
        return True
    return person.last_seen is not last_seen and _day(person.last_seen) != _day(last_seen)


def keys(people: Iterable[Person]) -> Counter[str]:
    """Under which keys these people have custom values, and how many have each."""
    found: Counter[str] = Counter()
    for person in people:
        found.update([custom_key("attributes", name) for name in person.attributes])
        found.update([custom_key("company", name) for name in person.company])
    return found


def values(person: Person, slots: Mapping[str, int]) -> tuple[Any, ...]:
    """A person's row, in the order of `COLUMNS`; `slots` are the project's, by key."""
    folded = person.folded.get
    texts, others = _custom(person)
    return (
        person.project_id, person.id, *_slotted(texts, others, slots), person.did,
        person.sessions, _day(person.last_seen), person.kind,
        *[getattr(person, column) for column in STANDARD],
        person.tags or None, texts or None, others or None,
        *[folded(fact) or None for fact in TEXT_FACTS],
    )  # fmt: skip


def row(person: Person, slots: Mapping[str, int]) -> dict[str, Any]:
    """The same by name."""
    return dict(zip(COLUMNS, values(person, slots), strict=True))


def _slotted(
    texts: Mapping[str, str], others: Mapping[str, Any], slots: Mapping[str, int]
) -> list[int]:
    """What stands in the slots."""
    found = [0] * SLOTS
    for key, number in slots.items():
        if key in texts:
            found[number - 1] = text_code(texts[key])
        elif key in others:
            found[number - 1] = other_code(others[key])
    return found


def _custom(person: Person) -> tuple[dict[str, str], dict[str, Any]]:
    """The folded texts of the person's attributes and company, and all that is no text."""
    texts: dict[str, str] = {}
    others: dict[str, Any] = {}
    for bag in ("attributes", "company"):
        for name, value in getattr(person, bag).items():
            key = custom_key(bag, name)
            if isinstance(value, str):
                text = person.folded.get(f"{bag}.{name}")
                if text:
                    texts[key] = text
                    _note(texts, others, key, text)
            elif isinstance(value, (list, dict)):
                others[key] = {}
            elif value is not None:
                others[key] = value
    return texts, others


def _note(texts: dict[str, str], others: dict[str, Any], key: str, text: str) -> None:
    """What else the text is: a time or an address, in the form in which it is compared."""
    if len(text) > _LONGEST_NOTED or not (text[0] in hexdigits or text[0] == ":"):
        return
    moment = read_iso(text)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        others[moment_key(key)] = ticks(moment, NEVER)
    elif moment is not None:
        wall = moment if isinstance(moment, datetime) else datetime(*moment.timetuple()[:3])  # noqa: DTZ001
        others[wall_key(key)] = ticks(wall, NOWHERE)
    elif "." in text or ":" in text:
        number = address_number(text)
        if number is not None:
            texts[address_key(key)] = address_digits(number)


def _day(seen: datetime | None) -> date | None:
    return seen.astimezone(UTC).date() if seen is not None else None


def fill(connection: Connection) -> None:
    """Write everybody's rows where there are none: for migrations that make the table anew."""
    from regulars.people import store  # noqa: PLC0415 - which writes what is made here

    if connection.execute("SELECT FROM person_compact LIMIT 1").rowcount:
        return
    for project_id, ids in _chunks(connection):
        people = store.read(connection, project_id, ids).values()
        taken = slots.take(connection, project_id, keys(people))
        rows = [values(person, taken) for person in people]
        with copying(connection, COPY, store.copy_text(rows)):
            pass


def _chunks(connection: Connection) -> Iterator[tuple[UUID, list[UUID]]]:
    for (project_id,) in connection.execute("SELECT id FROM project ORDER BY id").fetchall():
        after = UUID(int=0)
        while found := connection.execute(NEXT, (project_id, after, A_CHUNK)).fetchall():
            yield project_id, [id_ for (id_,) in found]
            (after,) = found[-1]
