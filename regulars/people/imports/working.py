"""Imports worked off by a loop of the worker: dry runs, and people brought in.

A step is one transaction: the import's row is locked, some rows of the file become people (or are
looked at), those refused are written behind what counts of their file, and the place in the file
moves. A worker killed at any instant has done a step or has not: every row has its effect once.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import database
from regulars.people import taking_turns
from regulars.people.changes import CollidedError
from regulars.people.export import BYTE_ORDER_MARK, csv_line
from regulars.people.imports import cells, file_rows, jobs, mapping
from regulars.people.imports.bringing import Bringing, Result
from regulars.people.imports.jobs import Import
from regulars.people.imports.mapping import REFUSED_LINE, REFUSED_WHY, Given
from regulars.people.imports.sheet import FileError, Record, RowError

Connection = psycopg.Connection[Any]

AT_ONCE = 100  # rows a transaction: whoever tracks these people waits for it
AT_ONCE_DRY = 500  # nobody waits for a look
MEETINGS = 200  # times in a row that a step may meet another writer
TRIES = 5  # times that a step may fail in a row

log = logging.getLogger(__name__)


def bring_people_in(stop: threading.Event) -> None:
    """Until stopped: work on what agents asked for, and forget what is long done."""
    taking_turns.work_off(stop, Working, tidy)


def tidy(connection: Connection, now: datetime) -> None:
    """Let go of imports that ended long ago."""
    for project_id, import_id in jobs.old(connection, now):
        file_rows.forget(connection, project_id, import_id)


@dataclass(slots=True)
class _Reading:
    """A file that is open: the rows of a step, which may be taken anew, and what follows."""

    revision: int
    place: int  # rows before `step`
    records: Iterator[Record]
    step: list[Record] = field(default_factory=list)

    def take(self, place: int, count: int) -> list[Record]:
        """The next rows behind `place`, which is that of the last step or the one behind it."""
        if place == self.place + len(self.step):
            self.place = place
            self.step = [record for _, record in zip(range(count), self.records, strict=False)]
        return self.step

    def stands_at(self, place: int, revision: int) -> bool:
        """Whether reading goes on from there."""
        here = place in (self.place, self.place + len(self.step))
        return here and revision == self.revision


class Working:
    """One worker at work; it keeps files open between steps."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: dict[UUID, _Reading] = {}

    def step(self, now: datetime) -> bool:
        """Some rows of one import, if there is any to work on; whether there was."""
        turns = jobs.turns(self._connection)
        there = {import_id for _, import_id in turns}
        self._open = {id_: reading for id_, reading in self._open.items() if id_ in there}
        return any(self.work_on(project_id, import_id, now) for project_id, import_id in turns)

    def work_on(self, project_id: UUID, import_id: UUID, now: datetime) -> bool:
        """A step of this import. False where another worker has it, or it has ended."""
        ended: Import | None = None
        job: Import | None = None
        try:
            with self._connection.transaction():
                job = jobs.claim(self._connection, project_id, import_id)
                if job is None:
                    self._open.pop(import_id, None)
                    return False
                if self._step(job, now):
                    ended = job
        except (CollidedError, *database.Collision):
            # It met another writer, and nothing of it is done: again.
            if jobs.stumble(self._connection, project_id, import_id, now) >= MEETINGS:
                self._fail(job, now, "Others kept changing the same people. Try it again later.")
        except database.Away:
            raise
        except (FileError, FileNotFoundError) as wrong:
            why = str(wrong) if isinstance(wrong, FileError) else "The file is gone: give it again."
            self._fail(job, now, why)
        except Exception:
            log.exception("A step of import %s failed", import_id)
            if jobs.stumble(self._connection, project_id, import_id, now) >= TRIES:
                self._fail(job, now, "Something went wrong on our side.")
        if ended is not None:
            self._close(ended)
        return True

    def _step(self, job: Import, now: datetime) -> bool:
        """Some rows; whether they were the last."""
        at_once = AT_ONCE_DRY if job.is_dry else AT_ONCE
        records = self._reading(job).take(job.rows_done, at_once)
        if records:
            self._take(job, records, now)
        if len(records) == at_once:
            return False
        return jobs.end(self._connection, job, "checked" if job.is_dry else "done", now)

    def _reading(self, job: Import) -> _Reading:
        """The open file, or the file opened anew where another worker went on with it."""
        reading = self._open.get(job.id)
        if reading is None or not reading.stands_at(job.rows_done, job.revision):
            records = job.sheet.records(skip=job.rows_done)
            reading = _Reading(job.revision, job.rows_done, records)
            self._open[job.id] = reading
        return reading

    def _take(self, job: Import, records: Sequence[Record], now: datetime) -> None:
        connection = self._connection
        results = dict.fromkeys(range(len(records)), Result(None))
        rows = self._read(job, records, results)
        bringing = Bringing(connection, job.project_id, job.how, now, dry=job.is_dry)
        brought = bringing.bring([given for _, _, given in rows], str(job.id))
        for (number, _, _), result in zip(rows, brought, strict=True):
            results[number] = result
        if not job.is_dry:
            made = {
                key: result.person.id
                for (_, key, _), result in zip(rows, brought, strict=True)
                if result.person and result.became in ("user", "lead")
            }
            file_rows.note_made(connection, job, made)
        refused = [
            (record, wrong)
            for record, result in zip(records, results.values(), strict=True)
            if (wrong := result.wrong) is not None
        ]
        file_rows.note_refused(connection, job, [(record.line, wrong) for record, wrong in refused])
        jobs.advance(
            connection,
            job,
            now,
            rows=len(records),
            bytes_=records[-1].at,
            counts=_counted(job.counts, results.values()),
            refused_bytes=_append(job, refused),
        )

    def _read(
        self, job: Import, records: Sequence[Record], results: dict[int, Result]
    ) -> list[tuple[int, UUID, Given]]:
        """What rows say, of those that can be used and stand there for the first time."""
        columns, how = job.mapping, job.how
        said: list[tuple[int, UUID, str, Given]] = []
        for number, record in enumerate(records):
            try:
                given = mapping.read(columns, record)
                name = "email" if how.by_email_only or given.user_id is None else "user_id"
                value = given.address if name == "email" else given.user_id
                if not value:
                    why = "It has no email, and people are found by it alone"
                    raise RowError("", why, given.user_id or "", "Find people by user_id, too")  # noqa: TRY301 - one way to refuse
            except RowError as wrong:
                results[number] = Result(None, wrong=wrong)
            else:
                said.append((number, file_rows.key_in(job, name, value), name, given))
        keys: dict[UUID, int] = {}
        for _, key, _, given in said:
            keys.setdefault(key, given.line)
        first = file_rows.take(self._connection, job, keys)
        rows: list[tuple[int, UUID, Given]] = []
        for number, key, name, given in said:
            if first[key] == given.line:
                rows.append((number, key, given))
                continue
            why = f"Twice in this file: line {first[key]:,} was taken"
            column = given.columns.get(name, name)
            says = (given.email if name == "email" else given.user_id) or ""
            results[number] = Result(given, wrong=RowError(column, why, says, "Keep one of them"))
        return rows

    def _fail(self, job: Import | None, now: datetime, why: str) -> None:
        if job is None:
            return
        self._open.pop(job.id, None)
        jobs.end(self._connection, job, "draft" if job.is_dry else "failed", now, why)
        if not job.is_dry:
            jobs.file_of(job.id).unlink(missing_ok=True)

    def _close(self, job: Import) -> None:
        """What an ended dry run or import need not keep."""
        self._open.pop(job.id, None)
        kept = job.revision + 1 if job.is_dry else job.revision
        file_rows.clear(self._connection, job, rows_before=kept)
        if not job.is_dry:
            jobs.file_of(job.id).unlink(missing_ok=True)


def _counted(before: dict[str, int], results: Any) -> dict[str, int]:
    counts = dict(before)
    for result in results:
        name = "refused" if result.wrong is not None else result.became
        counts[name] = counts.get(name, 0) + 1
        if result.wrong is None and result.left_marketing:
            counts["left_marketing"] = counts.get("left_marketing", 0) + 1
    return counts


def _append(job: Import, refused: Sequence[tuple[Record, RowError]]) -> int:
    """Write refused rows behind what counts of their file; how much of it counts then."""
    if not refused:
        return job.refused_bytes
    keep = [n for n, one in enumerate(job.columns) if one["name"] not in mapping.OURS[1:]]
    lines = []
    if not job.refused_bytes:
        names = [job.columns[n]["name"] for n in keep]
        lines = [BYTE_ORDER_MARK + csv_line([*names, REFUSED_LINE, REFUSED_WHY])]
    for record, wrong in refused:
        texts = [record.cells[n] if n < len(record.cells) else "" for n in keep]
        column = f"{wrong.column}: " if wrong.column else ""
        shown = [cells.bare(text.replace("\x00", "")) for text in texts]
        lines.append(csv_line([*shown, record.line, f"{column}{wrong.why}"]))
    file = jobs.refused_file(job.id)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as handle:
        handle.truncate(job.refused_bytes)
        handle.seek(job.refused_bytes)
        handle.write("".join(lines).encode("utf-8", "replace"))
        handle.flush()
        os.fsync(handle.fileno())
        return handle.tell()
