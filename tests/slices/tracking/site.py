"""A customer's site as the tracking API sees it: real calls through the real door.

The door is the one that `config/asgi.py` opens (`Collect` in front of `Intake`), on the test
database; only the clock is the test's own, so that a test can say when things come in.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import itertools
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg

from regulars.kit.ids import key_hash
from regulars.people import store
from regulars.people.changes import Changes
from regulars.people.person import Person
from regulars.public.collect import Collect
from regulars.public.projects import Projects
from regulars.tracking.commit import Arrival
from regulars.tracking.enrich.geo import GeoDatabase
from regulars.tracking.intake import Intake
from regulars.tracking.pipeline import parse, steps
from regulars.tracking.pipeline.steps import Event, Request
from regulars.workspaces.actions import create_project
from regulars.workspaces.keys import ProjectConfig, load_project

# Midday of an ordinary day: tests that care say other times.
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

# "Nothing said", where None means "null was said".
UNSAID: Any = object()


class Answer(NamedTuple):
    """What the door answered."""

    status: int
    body: Any
    headers: dict[str, str]


class Door:
    """The tracking API of one web process, on a thread of its own."""

    def __init__(self) -> None:
        self.now = NOON
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._intake = Intake(lambda: self.now)
        self._collect = Collect(self._intake, Projects(), GeoDatabase.open(None), lambda: self.now)
        self._loop.call_soon_threadsafe(self._intake.start, self._loop)
        while not self._intake.serves:
            threading.Event().wait(0.01)

    def close(self) -> None:
        self._intake.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def call(self, path: str, body: bytes, headers: Mapping[str, str], ip: str) -> Answer:
        """One request, start to end."""
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
            "client": (ip, 50000),
        }
        return asyncio.run_coroutine_threadsafe(self._call(scope, body), self._loop).result(30)

    async def _call(self, scope: dict[str, Any], body: bytes) -> Answer:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._collect(scope, receive, send)
        start, content = sent
        answered = {k.decode(): v.decode() for k, v in start["headers"]}
        return Answer(start["status"], json.loads(content["body"] or b"null"), answered)


@cache
def the_door() -> Door:
    """The session's door: one is enough, since tests keep apart by project."""
    door = Door()
    atexit.register(door.close)
    return door


class Site:
    """One project and what its pages and servers send."""

    def __init__(
        self, connection: psycopg.Connection[Any], project: ProjectConfig, secret_key: str
    ) -> None:
        self.connection = connection
        self.project = project
        self.write_key = project.write_keys[0]
        self.secret_key = secret_key
        self._door = the_door()
        self._seconds = itertools.count()

    # What is sent

    def send(
        self,
        *messages: Mapping[str, Any],
        at: datetime | None = None,
        way: str = "browser",
        headers: Mapping[str, str] | None = None,
        ip: str = "127.0.0.1",
    ) -> Answer:
        """Send messages in one request that arrives at `at`, else a second after the last.

        `way` is "browser" (our tracker's path), "server" (an SDK with the write key) or "secret"
        (a server that has the secret key).
        """
        self._door.now = at or NOON + timedelta(seconds=next(self._seconds))
        key = self.secret_key if way == "secret" else self.write_key
        basic = base64.b64encode(f"{key}:".encode()).decode()
        batch = [{"messageId": f"{uuid4()}", **message} for message in messages]
        path = "/v1/b" if way == "browser" else "/v1/batch"
        return self._door.call(
            path,
            json.dumps({"batch": batch}).encode(),
            {"authorization": f"Basic {basic}", **(headers or {})},
            ip,
        )

    def post(
        self,
        path: str,
        body: bytes,
        *,
        at: datetime = NOON,
        headers: Mapping[str, str] | None = None,
        ip: str = "127.0.0.1",
    ) -> Answer:
        """One raw request."""
        self._door.now = at
        return self._door.call(path, body, headers or {}, ip)

    def arrival(
        self, *messages: Mapping[str, Any], at: datetime = NOON, way: str = "browser"
    ) -> Arrival:
        """The same, past the door: what the door hands to a committer."""
        request = Request(
            received_at=at,
            browser_call=way == "browser",
            trusted=way in ("secret", "import"),
            imported=way == "import",
        )
        body = json.dumps({"batch": [{"messageId": f"{uuid4()}", **one} for one in messages]})
        events = [steps.run(piece.message, request) for piece in parse.read_batch(body.encode())[1]]
        return Arrival(self.project, [event for event in events if isinstance(event, Event)])

    @contextmanager
    def connection_in_transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """The test's connection, inside a transaction."""
        with self.connection.transaction():
            yield self.connection

    # Who is there

    def person_of(self, *, user: str | None = None, anon: str | None = None) -> Person | None:
        """Whom the project knows by this."""
        key = key_hash("user", user) if user is not None else key_hash("anonymous", anon or "")
        row = self.connection.execute(
            "SELECT person_id FROM identity WHERE project_id = %s AND id = %s",
            (self.project.id, key),
        ).fetchone()
        return self.person(row[0]) if row else None

    def person(self, person_id: UUID) -> Person:
        """The person with this id."""
        return store.read(self.connection, self.project.id, [person_id])[person_id]

    def people(self) -> list[Person]:
        """Everybody, in the order in which they were made."""
        rows = self.connection.execute(
            "SELECT id FROM person WHERE project_id = %s ORDER BY id", (self.project.id,)
        ).fetchall()
        found = store.read(self.connection, self.project.id, [row[0] for row in rows])
        return [found[row[0]] for row in rows]

    def only_person(self) -> Person:
        """The one person there is."""
        (person,) = self.people()
        return person

    # What was kept

    def events(self, *, of: Person | None = None) -> list[dict[str, Any]]:
        """The events, oldest first; of one person where named."""
        cursor = self.connection.execute(
            "SELECT id, person_id, session_id, kind, name, happened_at, path, properties,"
            " source, message_id, came_from FROM event WHERE project_id = %s"
            " AND coalesce(person_id = %s, true) ORDER BY happened_at, id",
            (self.project.id, of.id if of else None),
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def paths(self, of: Person) -> list[str]:
        """The paths of the person's page views, oldest first."""
        return [event["path"] for event in self.events(of=of) if event["kind"] == "page"]

    def refusals(self) -> list[tuple[str, str | None, bool]]:
        """What the Tracking page shows: (reason, field, whether the event was refused)."""
        return self.connection.execute(
            "SELECT reason, field, refused FROM refusal WHERE project_id = %s ORDER BY id",
            (self.project.id,),
        ).fetchall()

    def reasons(self) -> list[str]:
        """The reasons of refusals and warnings, oldest first."""
        return [reason for reason, _, _ in self.refusals()]

    def drops(self) -> dict[str, int]:
        """How many events were dropped, by reason."""
        rows: Sequence[tuple[str, int]] = self.connection.execute(
            "SELECT reason, sum(events)::int FROM drop_count WHERE project_id = %s GROUP BY 1",
            (self.project.id,),
        ).fetchall()
        return dict(rows)

    def count(self, table: str) -> int:
        """How many rows of a tenant table are the project's."""
        row = self.connection.execute(
            f"SELECT count(*) FROM {table} WHERE project_id = %s", (self.project.id,)
        ).fetchone()
        return row[0] if row else 0

    def kinds(self) -> dict[str, int]:
        """The kept numbers of visitors, leads and users; zeros left out."""
        rows: Sequence[tuple[str, int]] = self.connection.execute(
            "SELECT id, people FROM kind_count WHERE project_id = %s AND people <> 0",
            (self.project.id,),
        ).fetchall()
        return dict(rows)


def open_site(connection: psycopg.Connection[Any], *, name: str = "Test project") -> Site:
    """A site whose project is new."""
    created = create_project(name, now=NOON)
    project = load_project(connection, created.project_id)
    assert project is not None
    return Site(connection, project, created.secret_key)


def page(anon: str | None = None, path: str = "/", **more: Any) -> dict[str, Any]:
    """A page view."""
    url = f"https://shop.example{path}"
    return _message("page", anon, properties={"url": url, "path": path}, **more)


def track(name: str, anon: str | None = None, **more: Any) -> dict[str, Any]:
    """Something that happened."""
    return _message("track", anon, event=name, **more)


def identify(
    user: str | None = None, anon: str | None = None, traits: Any = UNSAID, **more: Any
) -> dict[str, Any]:
    """Who somebody is."""
    if traits is not UNSAID:
        more["traits"] = traits
    return _message("identify", anon, user=user, **more)


def alias(previous: str, user: str, **more: Any) -> dict[str, Any]:
    """Two ids that are one person's."""
    return _message("alias", None, user=user, previousId=previous, **more)


def group(company: str, anon: str | None = None, **more: Any) -> dict[str, Any]:
    """The company somebody is with."""
    return _message("group", anon, groupId=company, **more)


def _message(
    kind: str, anon: str | None, *, user: str | None = None, at: datetime | None = None, **more: Any
) -> dict[str, Any]:
    message: dict[str, Any] = {"type": kind, **more}
    if anon is not None:
        message["anonymousId"] = anon
    if user is not None:
        message["userId"] = user
    if at is not None:
        message["timestamp"] = at.isoformat()
    return message


def changing(site: Site, at: datetime = NOON) -> Changes:
    """A set of changes to the site's people, begun; finish it with `done`."""
    changes = Changes(site.connection, site.project.id, at)
    changes.begin()
    return changes


def done(changes: Changes) -> None:
    """Write what was changed."""
    changes.flush()
    changes.finish()
