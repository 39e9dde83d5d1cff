from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.mail import compose, outgoing, sending
from regulars.mail.letters import Letter, Mailbox
from regulars.mail.outgoing import Outgoing
from regulars.mail.smtp import AwayError
from regulars.workspaces.keys import ProjectConfig
from tests.cast import cast
from tests.slices.mail.sink import Sink, sink

__all__ = ["cast"]

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


class Post:
    """A project's mail: queued, and sent by hand at an instant that the test says."""

    def __init__(self, connection: psycopg.Connection[Any], project_id: UUID) -> None:
        self.connection = connection
        self.project_id = project_id
        self.stop = threading.Event()

    def write(self, text: str = "Hello", **changed: Any) -> UUID:
        """Queue a letter; its id."""
        letter = Letter(
            id=uuid4(),
            kind="conversation",
            sender=Mailbox("help@tideway.example", "Tideway Coffee"),
            to=Mailbox("pat@example.com", "Pat Doe"),
            subject="Your beans",
            text=text,
        )
        mail = compose.write(self.project_id, replace(letter, **changed), NOW)
        with self.connection.transaction():
            return outgoing.queue(self.connection, self.project_id, mail, NOW)

    def send(self, *, after: timedelta = timedelta(), runner: asyncio.Runner | None = None) -> int:
        """Send what is due by then; how many mails were taken up."""
        if runner is not None:
            return self._send(runner, after)
        with asyncio.Runner() as own:
            return self._send(own, after)

    def _send(self, runner: asyncio.Runner, after: timedelta) -> int:
        now = NOW + after
        return sending.send_project(self.connection, runner, self.project_id, now, self.stop)

    def away(self, *, after: timedelta = timedelta()) -> str:
        """Try to send while the server is away; what was said of it."""
        with pytest.raises(AwayError) as caught:
            self.send(after=after)
        return str(caught.value)

    def look(self, mail: UUID) -> Outgoing:
        found = outgoing.find(self.connection, self.project_id, mail)
        assert found is not None
        return found


@pytest.fixture
def post(database: psycopg.Connection[Any], project: ProjectConfig) -> Post:
    return Post(database, project.id)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """The mail server that is named by the settings."""
    with sink() as running:
        monkeypatch.setenv("REGULARS_SMTP_URL", running.url)
        yield running


Named = Callable[[str], None]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Named:
    """Name another mail server in the settings."""
    return lambda url: monkeypatch.setenv("REGULARS_SMTP_URL", url)
