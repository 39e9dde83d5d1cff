"""Bulk jobs in tests: asked for, and worked off to the end by a worker of the test's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from regulars.filters.parse import parse
from regulars.people import bulk, bulk_jobs
from regulars.people.bulk_jobs import Job
from regulars.people.person import Person
from regulars.people.queries import Which
from regulars.people.selection import Everyone, Picked, Selection, everyone, picked
from tests.slices.people.crowd import add_all
from tests.slices.tracking.site import NOON, Site

AGENT = UUID(int=7)


def ticked(people: Iterable[Person]) -> Picked:
    """These people, ticked one by one."""
    return picked(person.id for person in people)


def ask(site: Site, kind: str, selected: Selection, at: datetime = NOON, **given: Any) -> Job:
    """An agent asks for a job."""
    with site.connection.transaction():
        return bulk.start(
            site.connection,
            site.project.id,
            kind,
            selected,
            at,
            zone=UTC,
            given=given,
            agent_id=AGENT,
        )


def step(site: Site, job: Job, at: datetime = NOON) -> Job:
    """One batch."""
    bulk.Working(site.connection).work_on(job.project_id, job.id, at)
    return look(site, job)


def finish(site: Site, job: Job, at: datetime = NOON) -> Job:
    """All that is left of it."""
    working = bulk.Working(site.connection)
    while working.work_on(job.project_id, job.id, at):
        pass
    return look(site, job)


def do(site: Site, kind: str, selected: Selection, at: datetime = NOON, **given: Any) -> Job:
    """Ask for a job and see it done."""
    return finish(site, ask(site, kind, selected, at, **given), at)


def undo(site: Site, job: Job, at: datetime = NOON) -> Job:
    """Take a job back and see that done."""
    with site.connection.transaction():
        undoing = bulk.undo(site.connection, job.project_id, job.id, at, AGENT)
    return finish(site, undoing, at)


def look(site: Site, job: Job) -> Job:
    """The job as it is now."""
    found = bulk_jobs.find(site.connection, job.project_id, job.id)
    assert found is not None
    return found


def tags_of(site: Site, people: Sequence[Person]) -> list[list[str]]:
    """Each one's tags, as they are now."""
    return [site.person(person.id).tags for person in people]


def crowd(site: Site, count: int, **said: Any) -> list[Person]:
    """So many people."""
    return add_all(site, [{"name": f"P{number}", **said} for number in range(count)])


def listed(**said: Any) -> Everyone:
    """Everyone on such a list."""
    filter_ = said.pop("filter", None)
    return everyone(Which(NOON, filter=parse(filter_) if filter_ else None, **said))


EVERYBODY = Everyone()
