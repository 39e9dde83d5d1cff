"""One transaction for a batch of events: all of it is there, once, or none of it.

The transaction claims the messages, finds out who did them, folds them into the people, writes
people, events, sessions, memberships and the outbox, and commits. An answer of 200 is given only
after that. Runs without Django, on a plain connection.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.events import arriving, record
from regulars.kit import database
from regulars.kit.connection import copying, later
from regulars.kit.ids import key_bytes, texts_at
from regulars.people.changes import Changes, CollidedError, Manner
from regulars.people.deeds import Deed
from regulars.tracking import catalogue, refusals, rows
from regulars.tracking.once import Memory
from regulars.tracking.pipeline.drops import Drop, DropReason
from regulars.tracking.pipeline.fold import OpenedSession, fold
from regulars.tracking.pipeline.steps import Event
from regulars.tracking.resolve import Resolver
from regulars.tracking.rows import Done
from regulars.workspaces.keys import ProjectConfig

Connection = psycopg.Connection[Any]

# Every statement of this transaction finds its rows by their keys. Left to itself, PostgreSQL plans
# each anew for each list of keys, at several times the cost of running it, and reads whole projects
# where its statistics still know nothing of them.
SETTINGS = ("SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off")

TRIES = 12  # against collisions with other writers; each is a fresh transaction
PAUSE = 0.002  # seconds at most before the second try, doubled for each further one


@dataclass(slots=True)
class Arrival:
    """What one request brought for one project, past the pure steps."""

    project: ProjectConfig
    events: list[Event]
    refused: list[refusals.Refused] = field(default_factory=list)
    quiet: Counter[str] = field(default_factory=Counter)  # drops that are only counted
    outcomes: list[Drop | None] = field(default_factory=list)  # one an event, set by commit


class Committer:
    """Commits arrivals over one connection. One a thread."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._partitions = record.Partitions()
        self._catalogue = catalogue.Known()

    def commit(self, connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
        """Write all arrivals, or raise and write none. Outcomes are set on return.

        All projects go in one transaction, locked in the order of their ids. (On several
        machines it would be one project a transaction: this is the seam.)
        """
        self._memory.ensure(connection, now)
        self._partitions.ensure(connection, now)
        done: list[tuple[Changes, _Written]] = []
        for attempt in range(TRIES):
            try:
                with connection.transaction():
                    for setting in SETTINGS:
                        later(connection, setting)
                    manner: Manner = "patient" if attempt > 1 else "plain"
                    # Kept until the locks are gone: to free thousands of objects takes a while.
                    done = [
                        self._write(connection, group, now, manner)
                        for group in _by_project(arrivals)
                    ]
            except (CollidedError, *database.Collision):
                self._catalogue.forget()
                if attempt == TRIES - 1:
                    raise
                # Apart from each other the next time: both would only meet again.
                time.sleep(random.uniform(0, PAUSE * 2 ** min(attempt, 5)))  # noqa: S311
            else:
                self._catalogue.keep()
                done.clear()
                return

    def _write(
        self, connection: Connection, group: list[Arrival], now: datetime, manner: Manner
    ) -> tuple[Changes, _Written]:
        project = group[0].project
        drops: dict[int, Drop] = {}
        events = [event for arrival in group for event in arrival.events]
        once = self._once(connection, project, events, now, drops)
        changes = Changes(connection, project.id, now)
        changes.begin(manner)
        fresh = once()
        written = _fold_all(changes, project, fresh, drops)
        changes.gather()
        # Before the people: what somebody did who is merged in this very batch moves with them.
        # PostgreSQL stores the events while we settle the people.
        lines = "".join(rows.event_lines(project.id, written.events))
        with copying(connection, record.COPY_EVENTS, lines):
            changes.settle()
        if written.sessions:
            columns = rows.session_columns(written.sessions)
            later(connection, record.ADD_SESSIONS, (project.id, *columns))
        changes.flush()
        self._catalogue.learn(connection, project.id, changes.people.values(), fresh, now)
        for arrival in group:
            arrival.outcomes = _outcomes(arrival.events, drops)
        refusals.write(connection, project.id, _refused(group, drops, written.notices), now)
        refusals.count(connection, project.id, _counted(group, drops), now)
        arriving.count(connection, project.id, len(written.events), now)
        if written.events:
            changes.outbox.append(("events", written.summary()))
        changes.finish()
        return changes, written

    def _once(
        self,
        connection: Connection,
        project: ProjectConfig,
        events: list[Event],
        now: datetime,
        drops: dict[int, Drop],
    ) -> Callable[[], list[Event]]:
        """What to ask for the events that were not counted before, here or in an earlier batch."""
        first: dict[bytes, Event] = {}
        for event in events:
            if event.message_id is None:
                continue
            if first.setdefault(key_bytes(event.message_id), event) is not event:
                drops[id(event)] = _DUPLICATE
        claimed: Callable[[], set[bytes]] = set
        if first:
            claimed = self._memory.claim(connection, project.id, first, now, project.dedupe_hours)

        def fresh() -> list[Event]:
            for key in first.keys() - claimed():
                drops[id(first[key])] = _DUPLICATE
            return [event for event in events if id(event) not in drops] if drops else events

        return fresh


class _Written:
    """What the events of one project became."""

    __slots__ = ("events", "notices", "sessions")

    def __init__(self) -> None:
        self.events: list[Done] = []
        self.sessions: list[OpenedSession] = []
        self.notices: list[refusals.Refused] = []

    def summary(self) -> dict[str, Any]:
        """The outbox's word on the batch: what happened, and to whom."""
        summary: dict[str, Any] = {
            "events": [
                (done.id, done.person.survivor().id, done.event.kind, done.event.name)
                for done in self.events
            ]
        }
        if self.sessions:
            summary["sessions"] = [opened.id for opened in self.sessions]
        return summary


def _fold_all(
    changes: Changes, project: ProjectConfig, events: list[Event], drops: dict[int, Drop]
) -> _Written:
    written = _Written()
    zone = zone_of(project.time_zone)
    resolver = Resolver(changes, events, project)
    for event_id, event in zip(texts_at(changes.now, len(events)), events, strict=True):
        person = resolver.person_of(event)
        if isinstance(person, Drop):
            drops[id(event)] = person
            continue
        session_id, opened, notices = fold(person, event, zone, changes.new_id)
        if event.name is not None and event.kind == "track":
            deed = Deed(person, event.name, event.happened_at, event.properties)
            changes.deeds.append(deed)
            changes.traces.append((person, "event", event.name))
        elif event.path is not None:
            changes.traces.append((person, "page", event.path))
        written.events.append(Done(event_id, event, person, session_id))
        if opened is not None:
            written.sessions.append(opened)
        for notice in notices:
            written.notices.append(
                refusals.Refused(
                    "trait_left_out", notice.field, notice.detail, _shown(event), refused=False
                )
            )
    return written


def _by_project(arrivals: Sequence[Arrival]) -> Iterable[list[Arrival]]:
    groups: dict[UUID, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(arrival.project.id, []).append(arrival)
    return [groups[project_id] for project_id in sorted(groups)]


def _refused(
    group: list[Arrival], drops: dict[int, Drop], notices: list[refusals.Refused]
) -> list[refusals.Refused]:
    found = [refused for arrival in group for refused in arrival.refused]
    for arrival in group if drops else ():
        for event in arrival.events:
            drop = drops.get(id(event))
            if drop is not None and drop.reason not in refusals.QUIET:
                found.append(
                    refusals.Refused(drop.reason.value, drop.field, drop.detail, _shown(event))
                )
    return found + notices


def _counted(group: list[Arrival], drops: dict[int, Drop]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for arrival in group:
        counted.update(arrival.quiet)
        counted.update(refused.reason for refused in arrival.refused if refused.refused)
    counted.update(drop.reason.value for drop in drops.values())
    return counted


def _shown(event: Event) -> str:
    """Enough of the event to recognise it on the Tracking page."""
    who = event.user_id or event.anonymous_id or ""
    return f"{event.kind} {event.name or event.path or ''} · {who}"[:400]


def _outcomes(events: list[Event], drops: dict[int, Drop]) -> list[Drop | None]:
    if not drops:
        return [None] * len(events)
    return [drops.get(id(event)) for event in events]


@lru_cache(maxsize=1000)
def zone_of(name: str) -> ZoneInfo:
    """The time zone, or UTC where the name is not one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


_DUPLICATE = Drop(DropReason.DUPLICATE, "This message was counted before.", "messageId")
