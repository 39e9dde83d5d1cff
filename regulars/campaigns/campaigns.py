"""Campaigns as rows: written, started, paused, resumed, stopped, changed while they run.

A campaign has a draft, which may be unfinished, and what is published, which is carried out.
Every function works in the caller's transaction; whoever moves people shares the campaign's row
lock, so that nobody moves once a pause has been answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from psycopg.rows import class_row

from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine import times
from regulars.campaigns.engine.editing import followed
from regulars.campaigns.engine.reading import DefinitionError, read
from regulars.campaigns.engine.writing import to_json
from regulars.kit import bus
from regulars.kit.ids import new_id
from regulars.workspaces import plain
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]
State = Literal["draft", "running", "paused", "stopped", "done"]

MAX_NAME = 120
MOST = 500  # campaigns of a project
TOPIC = "campaigns"  # on the bus

AUDITED = {
    "campaign.made": "Made a campaign",
    "campaign.changed": "Changed a campaign",
    "campaign.started": "Started a campaign",
    "campaign.published": "Published changes of a campaign",
    "campaign.paused": "Paused a campaign",
    "campaign.resumed": "Resumed a campaign",
    "campaign.stopped": "Stopped a campaign",
    "campaign.deleted": "Deleted a campaign",
    "campaign.settings": "Changed what holds for all campaigns",
}

COLUMNS = (
    "project_id, id, name, state, draft, published, letters, version, from_seq, next_day,"
    " next_run_at, runs, watch_until, trouble, created_by, changed_by, created_at, changed_at,"
    " started_at, ended_at"
)
ADD = """
INSERT INTO campaign (project_id, id, name, draft, created_by, changed_by, created_at, changed_at)
VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s, %s)
"""
COUNT = "SELECT count(*) FROM campaign WHERE project_id = %s AND deleted_at IS NULL"
FIND = f"""
SELECT {COLUMNS} FROM campaign WHERE project_id = %s AND id = %s AND deleted_at IS NULL
"""
ALL = f"""
SELECT {COLUMNS} FROM campaign WHERE project_id = %s AND deleted_at IS NULL
ORDER BY changed_at DESC, id DESC
"""
# Those who are moved along, or whose goals are still looked for.
LIVE = f"""
SELECT {COLUMNS} FROM campaign
WHERE project_id = %s AND deleted_at IS NULL
  AND (state IN ('running', 'paused') OR watch_until > %s)
ORDER BY id FOR SHARE
"""
SAVE = """
UPDATE campaign SET name = %s, draft = %s::jsonb, changed_by = %s, changed_at = %s
WHERE project_id = %s AND id = %s
"""
PUBLISH = """
UPDATE campaign
SET published = draft || %(moved)s::jsonb, letters = %(letters)s::jsonb, version = version + 1,
    next_day = %(next_day)s, next_run_at = %(next_run_at)s, changed_at = %(now)s,
    changed_by = %(by)s
WHERE project_id = %(project)s AND id = %(id)s
"""
START = """
UPDATE campaign SET state = 'running', started_at = %s, from_seq = %s, ended_at = NULL,
    watch_until = NULL
WHERE project_id = %s AND id = %s
"""
SET_STATE = """
UPDATE campaign SET state = %(state)s, changed_by = %(by)s, changed_at = %(now)s,
    from_seq = coalesce(%(seq)s::bigint, from_seq),
    next_day = coalesce(%(next_day)s::date, next_day),
    next_run_at = coalesce(%(next_run_at)s::timestamptz, next_run_at)
WHERE project_id = %(project)s AND id = %(id)s
"""
END = """
UPDATE campaign SET state = %s, ended_at = %s, watch_until = %s, next_run_at = NULL
WHERE project_id = %s AND id = %s
"""
DELETE = """
UPDATE campaign SET deleted_at = %s, watch_until = NULL WHERE project_id = %s AND id = %s
"""
# Whoever holds the counter commits before us: what comes behind its number is of after the start.
OUTBOX_ENDS = "SELECT last FROM outbox_counter WHERE project_id = %s FOR UPDATE"
ANY_LIVE = """
SELECT 1 FROM campaign
WHERE project_id = %s AND deleted_at IS NULL
  AND (state IN ('running', 'paused') OR watch_until > %s) LIMIT 1
"""
SET_CURSOR = """
INSERT INTO campaign_cursor AS c (project_id, id, seq) VALUES (%(project)s, %(project)s, %(seq)s)
ON CONFLICT (project_id, id) DO UPDATE
    SET seq = CASE WHEN %(skip)s THEN greatest(c.seq, excluded.seq) ELSE c.seq END
"""
SENDER = "SELECT from_name, company, name FROM project WHERE id = %s"
ZONE = "SELECT time_zone FROM project WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as its row says."""

    project_id: UUID
    id: UUID
    name: str
    state: State
    draft: dict[str, Any]
    published: dict[str, Any] | None
    letters: dict[str, Any]
    version: int
    from_seq: int
    next_day: date | None
    next_run_at: datetime | None
    runs: int
    watch_until: datetime | None
    trouble: str
    created_by: UUID | None
    changed_by: UUID | None
    created_at: datetime
    changed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def definition(self) -> d.Definition:
        """What is carried out; of a draft, what would be. Raises DefinitionError for a draft."""
        kept = self.draft if self.published is None else self.published
        return read_kept(msgspec.json.encode(kept))

    @property
    def written(self) -> d.Definition:
        """What agents wrote last."""
        return read_kept(msgspec.json.encode(self.draft))

    @property
    def is_changed(self) -> bool:
        """Whether something was written that is not published."""
        return self.published is not None and without_moved(self.published) != self.draft


@lru_cache(maxsize=500)
def read_kept(text: bytes) -> d.Definition:
    """A definition of its JSON text: the same ones are read again and again."""
    return read(msgspec.json.decode(text))


def without_moved(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kept.items() if key != "moved"}


def create(
    connection: Connection,
    project_id: UUID,
    name: str,
    data: Any,
    now: datetime,
    by: UUID | None = None,
) -> UUID:
    """A new campaign, a draft. Raises InvalidError, whose field is that of the JSON."""
    row = connection.execute(COUNT, (project_id,)).fetchone()
    if row and row[0] >= MOST:
        raise ConflictError("name", f"A project has at most {MOST} campaigns.")
    id_ = new_id(now)
    kept = _name(name)
    connection.execute(ADD, (project_id, id_, kept, encoded(cleaned(data)), by, by, now, now))
    return id_


def cleaned(data: Any) -> dict[str, Any]:
    """The definition's JSON as it is kept. Raises InvalidError."""
    try:
        return without_moved(to_json(read(data)))
    except DefinitionError as wrong:
        raise InvalidError(wrong.field, wrong.message) from wrong


def encoded(data: Any) -> str:
    return msgspec.json.encode(data).decode()


def get(connection: Connection, project_id: UUID, campaign_id: UUID) -> Campaign:
    """The campaign. Raises UnknownError."""
    return _one(connection, FIND, project_id, campaign_id)


def lock(connection: Connection, project_id: UUID, campaign_id: UUID) -> Campaign:
    """The campaign, and nobody moves in it until the transaction ends. Raises UnknownError."""
    return _one(connection, f"{FIND} FOR UPDATE", project_id, campaign_id)


def share(connection: Connection, project_id: UUID, campaign_id: UUID) -> Campaign | None:
    """The campaign as it stays until the transaction ends; None where there is none."""
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        return cursor.execute(f"{FIND} FOR SHARE", (project_id, campaign_id)).fetchone()


def all_of(connection: Connection, project_id: UUID) -> list[Campaign]:
    """The project's campaigns, those that were changed last first."""
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        return cursor.execute(ALL, (project_id,)).fetchall()


def live(connection: Connection, project_id: UUID, now: datetime) -> list[Campaign]:
    """Those that go on, which stay as they are until the transaction ends."""
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        return cursor.execute(LIVE, (project_id, now)).fetchall()


def save(
    connection: Connection,
    project_id: UUID,
    campaign_id: UUID,
    now: datetime,
    *,
    name: str | None = None,
    data: Any = None,
    by: UUID | None = None,
) -> None:
    """Keep another name or draft. What runs goes on as it is published."""
    one = lock(connection, project_id, campaign_id)
    if one.state in ("stopped", "done") and data is not None:
        raise ConflictError("state", "This campaign is over: duplicate it to start another.")
    kept = one.name if name is None else _name(name)
    draft = one.draft if data is None else cleaned(data)
    connection.execute(SAVE, (kept, encoded(draft), by, now, project_id, campaign_id))


def start(
    connection: Connection,
    project_id: UUID,
    campaign_id: UUID,
    letters: Mapping[str, Any],
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Start a draft. `letters` are its messages as they are now, by "step:variant".

    Whoever calls has looked for mistakes. Raises ConflictError for one that has started.
    """
    one = lock(connection, project_id, campaign_id)
    if one.state != "draft":
        raise ConflictError("state", "This campaign has been started already.")
    _publish(connection, one, letters, now, by)
    seq = _outbox_ends(connection, project_id)
    skip = connection.execute(ANY_LIVE, (project_id, now)).fetchone() is None
    connection.execute(SET_CURSOR, {"project": project_id, "seq": seq, "skip": skip})
    connection.execute(START, (now, seq, project_id, campaign_id))
    tell(connection, project_id)


def publish(
    connection: Connection,
    project_id: UUID,
    campaign_id: UUID,
    letters: Mapping[str, Any],
    now: datetime,
    by: UUID | None = None,
) -> None:
    """Let what was written since be carried out, by the rules of `engine.editing`."""
    one = lock(connection, project_id, campaign_id)
    if one.state not in ("running", "paused"):
        raise ConflictError("state", "Only a campaign that runs can be changed like this.")
    before, after = one.definition, one.written
    if before.once != after.once:
        raise ConflictError("trigger", "A campaign that runs stays sent once, or again and again.")
    _publish(connection, one, letters, now, by)
    tell(connection, project_id)


def pause(
    connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime, by: UUID | None
) -> None:
    """Nobody enters and nobody moves; whoever waits keeps the instant at which that is over."""
    one = lock(connection, project_id, campaign_id)
    if one.state != "running":
        raise ConflictError("state", "Only a campaign that runs can be paused.")
    _set_state(connection, one, "paused", now, by)


def resume(
    connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime, by: UUID | None
) -> None:
    """Go on. What happened during the pause lets nobody in; what came round is passed over."""
    one = lock(connection, project_id, campaign_id)
    if one.state != "paused":
        raise ConflictError("state", "This campaign is not paused.")
    seq = _outbox_ends(connection, project_id)
    trigger = one.definition.trigger
    day, at = (None, None)
    if isinstance(trigger, d.Every) and one.next_run_at is not None and one.next_run_at <= now:
        day, at = times.next_run(trigger, now, zone_of(connection, project_id))
    _set_state(connection, one, "running", now, by, seq=seq, next_day=day, next_run_at=at)


def stop(
    connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime, by: UUID | None
) -> None:
    """End it for everybody, for good. What was sent stays; goals are looked for as before."""
    one = lock(connection, project_id, campaign_id)
    if one.state not in ("running", "paused"):
        raise ConflictError("state", "This campaign does not run.")
    _set_state(connection, one, "stopped", now, by)
    end(connection, one, "stopped", now)


def end(connection: Connection, one: Campaign, state: State, now: datetime) -> None:
    """It is over. Goals of who was in it are looked for until their days are over."""
    goal = one.definition.goal
    until = now + timedelta(days=goal.days) if goal is not None else None
    connection.execute(END, (state, now, until, one.project_id, one.id))
    tell(connection, one.project_id)


def duplicate(
    connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime, by: UUID | None
) -> UUID:
    """Another draft of what was written last."""
    one = get(connection, project_id, campaign_id)
    name = f"{one.name[: MAX_NAME - 7]} (copy)"
    return create(connection, project_id, name, one.draft, now, by)


def delete(connection: Connection, project_id: UUID, campaign_id: UUID, now: datetime) -> None:
    """Let go of one that does not run. What it sent stays in people's timelines."""
    one = lock(connection, project_id, campaign_id)
    if one.state in ("running", "paused"):
        raise ConflictError("state", "Stop the campaign before you delete it.")
    connection.execute(DELETE, (now, project_id, campaign_id))


def tell(connection: Connection, project_id: UUID) -> None:
    """Let whoever looks know, once this commits."""
    connection.execute(bus.NOTIFY, (bus.message(project_id, TOPIC),))


def zone_of(connection: Connection, project_id: UUID) -> ZoneInfo:
    """The project's time zone."""
    row = connection.execute(ZONE, (project_id,)).fetchone()
    return times.zone_of(row[0] if row else None) or ZoneInfo("UTC")


def names(connection: Connection, project_id: UUID) -> dict[UUID, str]:
    """What the project's campaigns are called."""
    found: Iterable[tuple[UUID, str]] = connection.execute(
        "SELECT id, name FROM campaign WHERE project_id = %s AND deleted_at IS NULL", (project_id,)
    ).fetchall()
    return dict(found)


def _publish(
    connection: Connection,
    one: Campaign,
    letters: Mapping[str, Any],
    now: datetime,
    by: UUID | None,
) -> None:
    new = one.written
    if one.published is not None:
        new = followed(one.definition, new)
    day, at = one.next_day, one.next_run_at
    changed = one.published is None or one.definition.trigger != new.trigger
    if changed:
        day, at = _first_run(new.trigger, now, zone_of(connection, one.project_id))
    connection.execute(
        PUBLISH,
        {
            "project": one.project_id,
            "id": one.id,
            "moved": encoded({"moved": dict(new.moved)} if new.moved else {}),
            "letters": encoded(letters),
            "next_day": day,
            "next_run_at": at,
            "now": now,
            "by": by,
        },
    )


def _first_run(
    trigger: d.Trigger, now: datetime, zone: ZoneInfo
) -> tuple[date | None, datetime | None]:
    match trigger:
        case d.Now():
            return now.date(), now
        case d.At(reading, whose):
            day = reading.date()
            return day, max(now, times.gathered_at(day, reading.time(), whose, zone))
        case d.Entered(_, True):
            return now.date(), now
        case d.Every():
            return times.next_run(trigger, now, zone)
        case _:
            return None, None


def _set_state(
    connection: Connection,
    one: Campaign,
    state: State,
    now: datetime,
    by: UUID | None,
    *,
    seq: int | None = None,
    next_day: date | None = None,
    next_run_at: datetime | None = None,
) -> None:
    connection.execute(
        SET_STATE,
        {
            "project": one.project_id,
            "id": one.id,
            "state": state,
            "now": now,
            "by": by,
            "seq": seq,
            "next_day": next_day,
            "next_run_at": next_run_at,
        },
    )
    tell(connection, one.project_id)


def _outbox_ends(connection: Connection, project_id: UUID) -> int:
    row = connection.execute(OUTBOX_ENDS, (project_id,)).fetchone()
    return int(row[0]) if row else 0


def _one(connection: Connection, statement: str, project_id: UUID, campaign_id: UUID) -> Campaign:
    with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        found = cursor.execute(statement, (project_id, campaign_id)).fetchone()
    if found is None:
        raise UnknownError("There is no such campaign.")
    return found


def _name(name: Any) -> str:
    return plain.line("name", name, most=MAX_NAME, called="The name")


def project_name(connection: Connection, project_id: UUID) -> str:
    """Who a project's mail is from, where nobody else is named."""
    row = connection.execute(SENDER, (project_id,)).fetchone()
    return next((name for name in row or () if name), "")
