"""People as CSV: one writer for the console's exports and for `regulars people export`.

A file is UTF-8 with a byte order mark (spreadsheets guess another encoding without one), its rows
as RFC 4180 has them. The first row names the columns as filters and the REST API do: the standard
facts, `tags`, `segments`, then `company.<key>` and `attributes.<key>` for every key the project
has seen. Times are ISO 8601 in UTC; tags and segments' names stand in one cell, separated by
commas and quoted as a row of CSV is; lists and objects are JSON.

A spreadsheet takes a cell that begins with one of `= + - @`, a tab or a line break for a formula,
and whoever is tracked chooses what their name begins with. So text that begins so is written with
an apostrophe before it. Numbers that are numbers, negative ones too, stay as they are.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from regulars.kit import environment
from regulars.people import selection, store
from regulars.people.bulk_jobs import Batch, Job, Worked
from regulars.people.person import Person
from regulars.people.selection import Asked

Connection = psycopg.Connection[Any]

AT_ONCE = 1_000  # people a step: nobody is locked meanwhile
BYTE_ORDER_MARK = "\ufeff"

STANDARD = (
    "id", "kind", "user_id", "email", "name", "first_name", "last_name", "gender", "phone",
    "signed_up_at", "first_seen", "last_seen", "last_contacted", "last_emailed", "sessions",
    "country", "country_code", "region", "city", "browser", "browser_version", "os", "device",
    "ip", "language", "timezone", "utm_source", "utm_medium", "utm_campaign", "utm_term",
    "utm_content", "referrer", "landing_page", "created_at",
)  # fmt: skip

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

KEYS = "SELECT scope, key FROM attribute_key WHERE project_id = %s ORDER BY scope DESC, key"
JOBS = "SELECT id FROM bulk_job WHERE project_id = %s AND kind = 'export'"
SEGMENT_NAMES = """
SELECT number, name FROM segment
WHERE project_id = %s AND deleted_at IS NULL AND builtin IS DISTINCT FROM 'checkpoint'
ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns behind the standard ones, and what segments' numbers mean."""

    company: Sequence[str]
    attributes: Sequence[str]
    segments: Mapping[int, str]

    @property
    def header(self) -> str:
        """The first row, behind the byte order mark."""
        named = [f"company.{key}" for key in self.company]
        named += [f"attributes.{key}" for key in self.attributes]
        return BYTE_ORDER_MARK + csv_line([*STANDARD, "tags", "segments", *named])

    def row(self, person: Person) -> str:
        """One person."""
        names = [name for number, name in self.segments.items() if number in person.segments]
        values: list[Any] = [getattr(person, fact) for fact in STANDARD]
        values += [_list(person.tags), _list(names)]
        values += [person.company.get(key) for key in self.company]
        values += [person.attributes.get(key) for key in self.attributes]
        return csv_line(values)

    def rows(self, people: Iterable[Person]) -> str:
        """These people, a row each."""
        return "".join([self.row(person) for person in people])


def sheet_of(
    connection: Connection, project_id: UUID, keys: Mapping[str, Sequence[str]]
) -> Sheet:  # fmt: skip
    """A sheet with columns for these custom keys."""
    names = dict(connection.execute(SEGMENT_NAMES, (project_id,)).fetchall())
    return Sheet(keys["company"], keys["attributes"], names)


def keys_of(connection: Connection, project_id: UUID) -> dict[str, list[str]]:
    """Every custom key that the project has seen: of companies, and of people."""
    keys: dict[str, list[str]] = {"company": [], "attributes": []}
    for scope, key in connection.execute(KEYS, (project_id,)):
        keys[scope].append(key)
    return keys


def parts(connection: Connection, asked: Asked) -> Iterator[tuple[str, int]]:
    """The whole file, a thousand people at a time, and how many each part holds."""
    sheet = sheet_of(connection, asked.project_id, keys_of(connection, asked.project_id))
    yield sheet.header, 0
    after: UUID | None = None
    while ids := selection.ids_behind(connection, asked, after, AT_ONCE):
        found = store.read(connection, asked.project_id, ids)
        yield sheet.rows(found[id_] for id_ in ids if id_ in found), len(found)
        after = ids[-1]


class Export:
    """The action of a bulk job that writes its people into a file."""

    at_once = AT_ONCE
    undo: str | None = None

    def check(
        self, connection: Connection, project_id: UUID, _given: Mapping[str, Any], /
    ) -> dict[str, Any]:
        """The custom columns, as they are now: rows written later have the same ones."""
        return keys_of(connection, project_id)

    def work(self, batch: Batch) -> Worked:
        """Write behind what the job's row says was written: a step cut off leaves no trace."""
        job = batch.job
        sheet = sheet_of(batch.connection, job.project_id, job.arguments)
        found = store.read(batch.connection, job.project_id, batch.ids)
        text = sheet.rows(found[id_] for id_ in batch.ids if id_ in found)
        if not job.file_bytes:
            text = sheet.header + text
        return Worked(len(found), _append(file_of(job), job.file_bytes, text.encode()))


def file_of(job: Job) -> Path:
    """Where the job's file lies."""
    return _folder() / f"{job.id}.csv"


def forget_files(connection: Connection, project_id: UUID) -> None:
    """The files of a project's exports: the project goes."""
    for (job_id,) in connection.execute(JOBS, (project_id,)).fetchall():
        remove(job_id)


def remove(job_id: UUID) -> None:
    """Take a job's file away, if it has one."""
    (_folder() / f"{job_id}.csv").unlink(missing_ok=True)


def _append(file: Path, behind: int, data: bytes) -> int:
    """Write the bytes at this place, and nothing behind them; the file's length then."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as handle:
        handle.truncate(behind)
        handle.seek(behind)
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
        return handle.tell()


def _folder() -> Path:
    return environment.read().data / "exports"


def csv_line(values: Iterable[Any]) -> str:
    """One line of a file, each cell harmless."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([cell(value) for value in values])
    return buffer.getvalue()


def cell(value: Any) -> str:
    """One value as a cell."""
    match value:
        case None:
            return ""
        case str():
            return harmless(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case bool():
            return "true" if value else "false"
        case int() | float() | UUID():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _list(names: Sequence[str]) -> str:
    """Several names in one cell."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(names)
    return buffer.getvalue()
