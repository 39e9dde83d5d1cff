"""Bulk jobs: started and ended by agents, worked off by a loop of the worker.

A job goes through its people in the order of their ids, a batch a transaction, which also moves the
job's cursor: a worker killed at any instant leaves every person either done, with the cursor behind
them, or untouched. A job's row is locked for the length of a batch, so several workers share
the jobs and none meets another.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit import database
from regulars.kit.ids import new_id
from regulars.people import bulk_jobs, export, selection, taking_turns
from regulars.people.bulk_actions import ACTIONS
from regulars.people.bulk_jobs import Batch, Job
from regulars.people.changes import CollidedError
from regulars.people.selection import Asked, ChangedBy, Selection
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

READ_AHEAD = 5_000  # people whose ids are read at a time
MOST_OPEN = 20  # jobs of a project
TRIES = 5  # times that a step may fail in a row

# What the audit log calls these; the doors that have an actor write it.
AUDITED = {
    "people.bulk_changed": "Changed selected people",
    "people.bulk_erased": "Deleted selected people",
    "people.bulk_stopped": "Stopped a change of selected people",
    "people.exported": "Exported people",
    "people.imported": "Imported people",
    "people.export_downloaded": "Downloaded an export",
}

log = logging.getLogger(__name__)


def start(
    connection: Connection,
    project_id: UUID,
    kind: str,
    selected: Selection,
    now: datetime,
    *,
    zone: tzinfo,
    given: Mapping[str, Any] | None = None,
    agent_id: UUID | None = None,
    most: int | None = None,
) -> Job:
    """A new job, in the caller's transaction: it starts when that commits.

    Raises InvalidError for what it can't be done with or where nobody is selected, ConflictError
    where more than `most` are.
    """
    action = ACTIONS.get(kind)
    if action is None:
        raise InvalidError("action", "There is no such action.")
    if bulk_jobs.count_open(connection, project_id) >= MOST_OPEN:
        raise ConflictError("action", "Too much is going on at once. Let something finish first.")
    arguments = action.check(connection, project_id, given or {})
    asked = Asked(project_id, selected, now, zone)
    total = selection.count(connection, asked)
    if not total:
        raise InvalidError("selection", "Nobody is selected any more.")
    if most is not None and total > most:
        raise ConflictError("selection", f"It is {total:,} people by now.")
    return _added(connection, asked, kind, arguments=arguments, total=total, agent_id=agent_id)


def undo(
    connection: Connection, project_id: UUID, job_id: UUID, now: datetime, agent_id: UUID | None
) -> Job:
    """Take back what an ended job did, from those whom it changed; it is a job itself.

    Raises UnknownError, and ConflictError where nothing can be taken back.
    """
    job = _found(connection, project_id, job_id)
    counterpart = ACTIONS[job.kind].undo if job.kind in ACTIONS else None
    if counterpart is None or job.undoes is not None:
        raise ConflictError("job", "That can't be undone.")
    asked = Asked(project_id, ChangedBy(job_id), now, job.asked.zone)
    total = selection.count(connection, asked)
    undoing = _added(
        connection,
        asked,
        counterpart,
        arguments=job.arguments,
        total=total,
        agent_id=agent_id,
        undoes=job.id,
    )
    if not bulk_jobs.mark_undone(connection, project_id, job_id, undoing.id, now):
        raise ConflictError("job", "That is undone already, or not done yet.")
    return undoing


def cancel(connection: Connection, project_id: UUID, job_id: UUID, now: datetime) -> Job:
    """Stop a job behind the batch that is running; what was done stays.

    Raises UnknownError, and ConflictError for one that has ended.
    """
    job = _found(connection, project_id, job_id)
    if not bulk_jobs.end(connection, project_id, job_id, "cancelled", now):
        raise ConflictError("job", "It was finished already.")
    if job.kind == "export":
        export.remove(job_id)
    return _found(connection, project_id, job_id)


def close(connection: Connection, project_id: UUID, job_id: UUID, now: datetime) -> None:
    """Show a job that has ended no longer. Raises UnknownError."""
    _found(connection, project_id, job_id)
    bulk_jobs.close(connection, project_id, job_id, now)


def _added(
    connection: Connection,
    asked: Asked,
    kind: str,
    *,
    arguments: dict[str, Any],
    total: int,
    agent_id: UUID | None,
    undoes: UUID | None = None,
) -> Job:
    id_ = new_id(asked.now)
    bulk_jobs.add(
        connection,
        asked,
        kind,
        id_=id_,
        arguments=arguments,
        total=total,
        agent_id=agent_id,
        undoes=undoes,
    )
    return _found(connection, asked.project_id, id_)


def _found(connection: Connection, project_id: UUID, job_id: UUID) -> Job:
    job = bulk_jobs.find(connection, project_id, job_id)
    if job is None:
        raise UnknownError("There is no such job.")
    return job


def work_off(stop: threading.Event) -> None:
    """Until stopped: work on what agents asked for, and forget what is long done."""
    taking_turns.work_off(stop, Working, tidy)


def tidy(connection: Connection, now: datetime) -> None:
    """Let go of jobs that ended long ago, and of their files."""
    for project_id, job_id in bulk_jobs.old(connection, now):
        export.remove(job_id)
        bulk_jobs.forget(connection, project_id, job_id)


class Working:
    """One worker at work: it remembers whose turn is next, so that a job's question is asked
    once for thousands of people rather than once a batch.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ahead: dict[UUID, list[UUID]] = {}

    def step(self, now: datetime) -> bool:
        """A batch of one job, if there is any to work on; whether there was."""
        turns = bulk_jobs.open_jobs(self._connection)
        there = {job_id for _, job_id in turns}
        self._ahead = {job: ids for job, ids in self._ahead.items() if job in there}
        return any(self.work_on(project_id, job_id, now) for project_id, job_id in turns)

    def work_on(self, project_id: UUID, job_id: UUID, now: datetime) -> bool:
        """A batch of this job. False where another worker has it."""
        try:
            with self._connection.transaction():
                job = bulk_jobs.claim(self._connection, project_id, job_id)
                if job is None:
                    self._ahead.pop(job_id, None)
                    return False
                self._batch(job, now)
        except (CollidedError, *database.Collision):
            return True  # it met another writer, and nothing of it is done: again
        except database.Away:
            raise
        except (InvalidError, UnknownError) as refused:
            self._end(project_id, job_id, now, str(refused))
        except Exception:
            log.exception("A step of bulk job %s failed", job_id)
            tries = bulk_jobs.stumble(self._connection, project_id, job_id, now)
            if tries >= TRIES:
                self._end(project_id, job_id, now, "Something went wrong on our side.")
        return True

    def _batch(self, job: Job, now: datetime) -> None:
        action = ACTIONS.get(job.kind)
        if action is None:
            raise InvalidError("action", "There is no such action any more.")
        ahead = self._next(job, action.at_once)
        ids = ahead[: action.at_once]
        if ids:
            batch = Batch(self._connection, job, ids, now)
            bulk_jobs.advance(batch, action.work(batch))
        if len(ids) == len(ahead):
            bulk_jobs.end(self._connection, job.project_id, job.id, "done", now)

    def _next(self, job: Job, at_once: int) -> list[UUID]:
        """Who comes next: more than a batch, unless that is the last.

        Another worker may have gone on with the job since the last time.
        """
        ahead = [id_ for id_ in self._ahead.get(job.id, ()) if not job.cursor or id_ > job.cursor]
        if len(ahead) <= at_once:
            ahead = selection.ids_behind(self._connection, job.asked, job.cursor, READ_AHEAD)
        self._ahead[job.id] = ahead
        return ahead

    def _end(self, project_id: UUID, job_id: UUID, now: datetime, why: str) -> None:
        self._ahead.pop(job_id, None)
        bulk_jobs.end(self._connection, project_id, job_id, "failed", now, why)
