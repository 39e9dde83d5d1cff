"""What is counted of the funnel and kept for some minutes, since it looks at everybody's row.

The report, the weeks and the impact of channels are each counted at once when they are asked for
the first time. After that they are what was counted last; where that is some minutes old a loop of
the worker counts it anew, as long as somebody looks. What is too old to show is counted at once
again, and what nobody has looked at for a month goes. Report and weeks of few people are counted
whenever they are asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
import psycopg

from regulars.funnels.impact import Impact, impact
from regulars.funnels.parts import only_of, split_of
from regulars.funnels.report import Chain, Numbers, Period, Report, chain_of, numbers, shown
from regulars.funnels.weeks import Week, cohorts
from regulars.kit import clock, database
from regulars.kit.ids import key_bytes
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]
T = TypeVar("T")

FEW = 100_000  # people, up to whom report and weeks are counted each time
KEPT = timedelta(days=30)  # since somebody looked
PAUSE = 5.0  # seconds between looks of the loop
MINUTE = timedelta(minutes=1)

PEOPLE = "SELECT coalesce(sum(people), 0) FROM kind_count WHERE project_id = %s"
READ = "SELECT body, at FROM funnel_kept WHERE project_id = %s AND id = %s"
KEEP = """
INSERT INTO funnel_kept (project_id, id, what, place, days, split, part, body, at, wanted_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)
ON CONFLICT (project_id, id) DO UPDATE SET body = excluded.body, at = excluded.at
"""
WANT = "UPDATE funnel_kept SET wanted_at = %s WHERE project_id = %s AND id = %s"
STALE = """
SELECT project_id, id, place, days, split, part FROM funnel_kept
WHERE what = %s AND at <= %s AND wanted_at > at ORDER BY at LIMIT 20
"""
FORGET = "DELETE FROM funnel_kept WHERE wanted_at < %s"
DROP = "DELETE FROM funnel_kept WHERE project_id = %s AND id = %s"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page asks for, as far as its kind knows it."""

    place: int = 0  # of a checkpoint: the impact's first of two from 1, the weeks' later one
    days: int | None = None  # None: of all time
    split: str = ""
    part: str = ""  # of the split; empty for everybody


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One thing that is kept: how it is counted, and for how long that may be shown."""

    name: str
    body: type[Any] | Any  # what is stored
    count: Callable[[Connection, UUID, Chain, Asked, datetime], T]
    lasts: timedelta  # until it is counted anew
    too_old: timedelta | None = None  # to be shown; None: never
    even_of_few: bool = False  # people it is kept


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """One look at a project's funnel: what is asked for, of which chain of checkpoints."""

    project_id: UUID
    kind: Kind[T]
    chain: Chain
    asked: Asked

    @property
    def id(self) -> UUID:
        """Of the lanes: with another condition or in another order it is something else."""
        chain, asked = self.chain, self.asked
        parts = (chain.lanes, chain.over, asked.place, asked.days, asked.split, asked.part)
        text = msgspec.json.encode(parts).decode()
        return UUID(bytes=key_bytes(f"funnel {self.kind.name}", text))

    def count(self, connection: Connection, now: datetime) -> T:
        """Look at everybody."""
        return self.kind.count(connection, self.project_id, self.chain, self.asked, now)


def _numbers(
    connection: Connection, project_id: UUID, chain: Chain, asked: Asked, now: datetime
) -> Numbers:
    split = split_of(connection, project_id, asked.split)
    return numbers(connection, project_id, chain, _period(asked.days, now), split)


def _weeks(
    connection: Connection, project_id: UUID, chain: Chain, asked: Asked, now: datetime
) -> list[Week]:
    only = only_of(connection, project_id, asked.split, asked.part)
    return cohorts(connection, project_id, chain, asked.place, now, only)


def _impact(
    connection: Connection, project_id: UUID, chain: Chain, asked: Asked, now: datetime
) -> Impact:
    only = only_of(connection, project_id, asked.split, asked.part)
    return impact(connection, project_id, chain, asked.place, asked.days or 0, now, only)


REPORT = Kind("report", Numbers, _numbers, lasts=MINUTE, too_old=15 * MINUTE)
WEEKS = Kind("weeks", list[Week], _weeks, lasts=5 * MINUTE, too_old=60 * MINUTE)
IMPACT = Kind("impact", Impact, _impact, lasts=5 * MINUTE, even_of_few=True)
KINDS: tuple[Kind[Any], ...] = (REPORT, WEEKS, IMPACT)


def of(connection: Connection, look: Look[T], now: datetime) -> tuple[T, datetime]:
    """What is asked for, and when it was counted.

    Raises InvalidError where the funnel can't be split by that, or has no such part.
    """
    return _at_hand(connection, look, now) or (_count(connection, look, now), now)


def report_of(
    connection: Connection, project_id: UUID, days: int | None, split: str, now: datetime
) -> tuple[Report, datetime]:
    """The report of so many days (None: of all time), and when it was counted. InvalidError."""
    look = _look_at_report(connection, project_id, days, split)
    found, at = of(connection, look, now)
    return shown(look.chain, _period(days, at), found), at


def report_at_hand(
    connection: Connection, project_id: UUID, days: int | None, split: str, now: datetime
) -> tuple[Report, datetime] | None:
    """The same; None where somebody would have to wait for it to be counted."""
    look = _look_at_report(connection, project_id, days, split)
    found = _at_hand(connection, look, now)
    if found is None:
        return None
    return shown(look.chain, _period(days, found[1]), found[0]), found[1]


def _look_at_report(
    connection: Connection, project_id: UUID, days: int | None, split: str
) -> Look[Numbers]:
    chain = chain_of(connection, project_id)
    return Look(project_id, REPORT, chain, Asked(days=days, split=split))


def keep_reports(stop: threading.Event) -> None:
    """Until stopped: count anew what is old and looked at."""
    with database.connect() as connection:
        while not stop.is_set():
            count_stale(connection, clock.now())
            stop.wait(PAUSE)


def count_stale(connection: Connection, now: datetime) -> None:
    """Count anew what is old and was looked at since; what no funnel has any more goes."""
    for kind in KINDS:
        rows = connection.execute(STALE, (kind.name, now - kind.lasts)).fetchall()
        for project_id, id_, place, days, split, part in rows:
            chain = chain_of(connection, project_id)
            look = Look(project_id, kind, chain, Asked(place, days, split, part))
            try:
                if place > len(chain.lanes) or look.id != id_:
                    connection.execute(DROP, (project_id, id_))
                else:
                    _count(connection, look, now)
            except InvalidError:  # the segment it is split by is gone
                connection.execute(DROP, (project_id, id_))
    connection.execute(FORGET, (now - KEPT,))


def _at_hand(connection: Connection, look: Look[T], now: datetime) -> tuple[T, datetime] | None:
    """What nobody has to wait for: of few people, or kept and not too old to show."""
    kind = look.kind
    if not kind.even_of_few:
        people = connection.execute(PEOPLE, (look.project_id,)).fetchone()
        if people is None or people[0] <= FEW:
            return look.count(connection, now), now
    row = connection.execute(READ, (look.project_id, look.id)).fetchone()
    if row is None or (kind.too_old is not None and row[1] <= now - kind.too_old):
        return None
    body, at = row
    if at <= now - kind.lasts:
        connection.execute(WANT, (now, look.project_id, look.id))
    return msgspec.convert(body, kind.body), at


def _count(connection: Connection, look: Look[T], now: datetime) -> T:
    """Count it and keep it."""
    found, asked = look.count(connection, now), look.asked
    named = (look.kind.name, asked.place, asked.days, asked.split, asked.part)
    body = msgspec.json.encode(found).decode()
    connection.execute(KEEP, (look.project_id, look.id, *named, body, now, now))
    return found


def _period(days: int | None, now: datetime) -> Period:
    return Period() if days is None else Period(now - timedelta(days=days), now)
