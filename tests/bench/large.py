"""A project of a million people and ten million events: what the funnel and Home are measured on.

People are `population`'s, their past is `history`'s with page views among it; the funnel has five
checkpoints (`large_funnel`); emails, campaigns with a holdout, conversations and notes
reached some of the people. REGULARS_BENCH_KEEP names a folder that keeps all this from one run to
the next, since storing it takes a good while; without it everything is gone afterwards.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from regulars.config import migrations
from regulars.config.installation import ensure_database, set_up_django
from regulars.kit import clock, database, environment
from tests.bench import large_funnel
from tests.running import Running

PEOPLE = int(os.environ.get("REGULARS_BENCH_PEOPLE", "1000000"))
KEEP = os.environ.get("REGULARS_BENCH_KEEP", "")

VIEWS = 8.7  # pages that somebody looks at on average; what else they did is two events
EMAIL = "ines@tideway.example"
# The funnel behind its two checkpoints: their titles, events, and how many times they were done.
BEHIND = (("Came back", "Signed In", 1), ("Ordered", "Order Completed", 1),
          ("Ordered again", "Order Completed", 2))  # fmt: skip
NAMED = "SELECT id FROM project WHERE name = %s"
HISTORY_COUNTED = "UPDATE rollup_state SET phase = 'done' WHERE project_id = %s"
EVENTS = "SELECT count(*) FROM event WHERE project_id = %s"

# Every fifth user got the campaign or was held out of it, every tenth of these the latter; every
# sixth got an email of its own; some talked, had a ticket, or were written a note.
CONTACTS = (
    """
    INSERT INTO campaign (project_id, id, name, draft, created_at, changed_at, state)
    VALUES (%(project)s, md5('campaign')::uuid, 'Second order', '{}', %(now)s, %(now)s, 'done')
    """,
    """
    INSERT INTO email (project_id, id, campaign_id, state, subject, content, kind, sender,
                       created_at, changed_at, worked_at)
    SELECT %(project)s, md5(name)::uuid, campaign, 'sent', name, '{}', 'marketing',
           '{"address": "a@b.example", "name": ""}', %(now)s, %(now)s, %(now)s
    FROM (VALUES ('of a campaign', md5('campaign')::uuid), ('of its own', NULL)) e (name, campaign)
    """,
    """
    INSERT INTO campaign_entry (project_id, id, campaign_id, person_id, state, held_out, since,
                                entered_at)
    SELECT project_id, md5('entry' || id)::uuid, md5('campaign')::uuid, id, 'ended',
           abs(hashtext(id::text || 'held')) %% 10 = 0, at, at
    FROM {drawn} WHERE abs(hashtext(id::text)) %% 5 = 0
    """,
    """
    INSERT INTO email_recipient (project_id, id, email_id, person_id, first_person, state,
                                 created_at, ended_at)
    SELECT project_id, md5('campaign' || person_id)::uuid, md5('of a campaign')::uuid, person_id,
           person_id, 'sent', entered_at, entered_at + interval '1 minute'
    FROM campaign_entry WHERE project_id = %(project)s AND NOT held_out
    """,
    """
    INSERT INTO email_recipient (project_id, id, email_id, person_id, first_person, state,
                                 created_at, ended_at)
    SELECT project_id, md5('own' || id)::uuid, md5('of its own')::uuid, id, id, 'sent', at, at
    FROM {drawn} WHERE abs(hashtext(id::text || 'email')) %% 6 = 0
    """,
    """
    INSERT INTO conversation (project_id, id, person_id, channel, state, number, status, priority,
                              created_at, last_at)
    SELECT project_id, id, id, 'chat', 'closed', number, CASE WHEN number > 0 THEN 'closed' END,
           CASE WHEN number > 0 THEN 'normal' END, at, at
    FROM (SELECT *, CASE WHEN abs(hashtext(id::text || 'talk')) %% 60 = 0
                    THEN row_number() OVER () END AS number FROM {drawn}) d
    WHERE abs(hashtext(id::text || 'talk')) %% 20 = 0
    """,
    """
    INSERT INTO message (project_id, id, conversation_id, seq, by, body, at)
    SELECT project_id, md5('said' || id)::uuid, id, 1, 'agent', 'Hello', created_at
    FROM conversation WHERE project_id = %(project)s
    """,
    """
    INSERT INTO note (project_id, id, person_id, html, text, shared, created_at)
    SELECT project_id, md5('note' || id)::uuid, id, 'Hi', 'Hi', true, at
    FROM {drawn} WHERE abs(hashtext(id::text || 'note')) %% 50 = 0
    """,
)
# Users, each at an instant since they signed up.
DRAWN = """
(SELECT project_id, id,
        signed_up_at + random() ^ 2 * (%(now)s - signed_up_at) AS at
 FROM person WHERE project_id = %(project)s AND kind = 'user') drawn
"""


@dataclass(frozen=True, slots=True)
class Large:
    """The project as it stands."""

    connection: psycopg.Connection[Any]
    project_id: UUID
    events: int
    now: datetime

    def agent(self) -> Any:
        """A browser in which the owner is signed in."""
        from django.test import Client

        from regulars.workspaces.models import Agent

        client = Client()
        agent = Agent.objects.get(email=EMAIL)
        client.force_login(agent, backend="regulars.workspaces.authentication.PasswordBackend")
        return client


@contextmanager
def place(what: str) -> Iterator[Path]:
    """The folder of the installation: the one that is kept, or one that is gone afterwards."""
    if KEEP:
        Path(KEEP).mkdir(parents=True, exist_ok=True)
        yield Path(KEEP)
        return
    with tempfile.TemporaryDirectory(prefix=f"regulars-{what}") as folder:
        yield Path(folder)


@contextmanager
def stored(folder: Path, people: int) -> Iterator[Large]:
    """The project, in a database that runs alone; stored first where it is not there yet."""
    with ExitStack() as stack:
        os.environ |= {"REGULARS_DATA": str(folder / "data")}
        os.environ.pop("DATABASE_URL", None)
        stack.enter_context(ensure_database(environment.read(), "benchmark"))
        set_up_django()
        migrations.apply()
        connection = stack.enter_context(database.connect())
        name, now = f"{people:,} people", clock.now()
        row = connection.execute(NAMED, (name,)).fetchone()
        project_id = row[0] if row else _store(connection, name, people, now)
        counted = connection.execute(EVENTS, (project_id,)).fetchone()
        yield Large(connection, project_id, counted[0] if counted else 0, now)


@contextmanager
def serving(folder: Path) -> Iterator[Running]:
    """The whole installation on the same folder: two web processes and the worker."""
    installation = Running(folder / "data")
    try:
        installation.start()
        yield installation
    finally:
        if KEEP:
            installation.interrupt()
        else:
            installation.remove()


def _store(connection: psycopg.Connection[Any], name: str, people: int, now: datetime) -> UUID:
    from regulars.reports import state
    from regulars.workspaces import actions
    from tests.bench import history, population

    # It gets its name at last: what was stored in part is begun anew.
    project_id = actions.create_project("Being stored", now=now).project_id
    connection.execute("UPDATE agent SET email = id || email WHERE email = %s", (EMAIL,))
    actions.create_agent(project_id, EMAIL, "not a secret at all", "owner", now=now)
    with _told(f"{people:,} people"):
        population.load(connection, project_id, people, now=now)
    with _told("what they did"):
        history.load(connection, project_id, now=now, views=VIEWS)
    with _told("contacts"):
        asked = {"project": project_id, "now": now}
        for statement in CONTACTS:
            connection.execute(statement.replace("{drawn}", DRAWN), asked)
    with _told("five checkpoints, counted"):
        _checkpoints(connection, project_id, now)
    with connection.transaction():  # Home's counts: how fast history is counted is `home`'s
        state.begin(connection, project_id, now)
        connection.execute(HISTORY_COUNTED, (project_id,))
    connection.execute("VACUUM ANALYZE")
    connection.execute("UPDATE project SET name = %s WHERE id = %s", (name, project_id))
    return project_id


def _checkpoints(connection: psycopg.Connection[Any], project_id: UUID, now: datetime) -> None:
    from regulars.funnels import actions
    from regulars.funnels.rows import Draft

    more = [
        Draft(title, "", {"event": event, "op": "at_least", "count": times})
        for title, event, times in BEHIND
    ]
    with connection.transaction():
        drafts = actions.drafts_of(connection, project_id)
        actions.put(connection, project_id, [*drafts, *more], now)
    with connection.transaction():
        large_funnel.count(connection, project_id, now)


@contextmanager
def _told(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"stored {what} in {time.perf_counter() - started:.0f} s", flush=True)
