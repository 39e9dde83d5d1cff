"""What can be done to many people at once: every action of a bulk job, by name.

An action checks what it is given before a job is made of it, works through one batch of people in
the batch's transaction, and names the action that takes it back, if there is one. Slices above add
theirs to `ACTIONS`, wired in `config`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import psycopg

from regulars.people import actions, bulk_jobs, erasure, export, selection
from regulars.people.bulk_jobs import Batch, Worked
from regulars.people.changes import Changes, Manner
from regulars.people.person import Person
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

# People a transaction: whoever tracks them waits for it, and the outbox's counter may not be held
# for long. Twice as many were no quicker, and took four times as long to let go of.
AT_ONCE = 100
ERASED_AT_ONCE = 10  # each takes their events along, and merges wait meanwhile


class BulkAction(Protocol):
    """An action on many people.

    `at_once` is how many a transaction takes; `undo` the action that takes it back, with the same
    arguments, from those whom it changed.
    """

    at_once: int
    undo: str | None

    def check(
        self, connection: Connection, project_id: UUID, given: Mapping[str, Any], /
    ) -> dict[str, Any]:
        """The arguments as the job keeps them. Raises InvalidError and UnknownError."""

    def work(self, batch: Batch) -> Worked:
        """Do it to the people of the batch, in its transaction."""


class Changing(ABC):
    """An action that changes people: says how in `change`, and all else follows from that."""

    at_once = AT_ONCE
    undo: str | None = None
    manner: Manner = "plain"

    def check(
        self, _connection: Connection, _project_id: UUID, _given: Mapping[str, Any], /
    ) -> dict[str, Any]:
        """Nothing is asked for unless an action says so."""
        return {}

    @abstractmethod
    def change(
        self, changes: Changes, people: Sequence[Person], arguments: Mapping[str, Any], /
    ) -> list[UUID]:
        """Change the people, locked in `changes`; the ids of those who are different now."""

    def work(self, batch: Batch) -> Worked:
        """Lock the people, leave out who has left the selection, change, and remember whom."""
        connection, job = batch.connection, batch.job
        changes = Changes(connection, job.project_id, batch.now)
        if job.created_by is not None:
            changes.cause = ("agent", str(job.created_by))
        changes.begin(self.manner)
        locked = changes.load(batch.ids)
        meant = selection.still(connection, job.asked, locked)
        people = [locked[id_] for id_ in batch.ids if id_ in meant]
        changed = self.change(changes, people, job.arguments)
        if not changed:
            return Worked(0)
        changes.flush()
        if self.undo is not None:
            bulk_jobs.remember(connection, job.project_id, job.id, changed)
        changes.outbox.append(("people", {"people": sorted(str(id_) for id_ in changed)}))
        changes.finish()
        return Worked(len(changed))


class Tag(Changing):
    """Give everybody a tag. Whoever has it, or has as many as fit, stays as they are."""

    undo: str | None = "untag"

    def check(
        self, _connection: Connection, _project_id: UUID, given: Mapping[str, Any], /
    ) -> dict[str, Any]:
        return {"tag": _tag(given)}

    def change(
        self, _changes: Changes, people: Sequence[Person], arguments: Mapping[str, Any], /
    ) -> list[UUID]:
        tag = arguments["tag"]
        changed = [p for p in people if tag not in p.tags and len(p.tags) < actions.MAX_TAGS]
        for person in changed:
            person.tags = [*person.tags, tag]
            person.changed = True
        return [person.id for person in changed]


class Untag(Changing):
    """Take a tag off everybody who has it."""

    undo: str | None = "tag"

    def check(
        self, _connection: Connection, _project_id: UUID, given: Mapping[str, Any], /
    ) -> dict[str, Any]:
        return {"tag": _tag(given)}

    def change(
        self, _changes: Changes, people: Sequence[Person], arguments: Mapping[str, Any], /
    ) -> list[UUID]:
        tag = arguments["tag"]
        changed = [person for person in people if tag in person.tags]
        for person in changed:
            person.tags = [one for one in person.tags if one != tag]
            person.changed = True
        return [person.id for person in changed]


class Erase(Changing):
    """Erase everybody, each as one alone is erased. Nothing takes it back."""

    at_once = ERASED_AT_ONCE
    manner: Manner = "alone"

    def change(
        self, changes: Changes, people: Sequence[Person], _arguments: Mapping[str, Any], /
    ) -> list[UUID]:
        for person in people:
            erasure.erase(changes, person)
        return [person.id for person in people]


ACTIONS: dict[str, BulkAction] = {
    "tag": Tag(),
    "untag": Untag(),
    "export": export.Export(),
    "erase": Erase(),
}


def _tag(given: Mapping[str, Any]) -> str:
    kept = actions.clean_tags([given.get("tag")])
    if not kept:
        raise InvalidError("tag", "A tag needs a name.")
    return kept[0]
