"""kill -9 of the worker and of the database amid an email to many, counted at the mail server.

Everybody gets one, or is listed unknown with the reason; nobody whose outcome is known gets two.
`REGULARS_FAULT_ROUNDS` says how many kills (3 where nothing is said), each amid 500 recipients;
`-s` shows the figures.
"""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.campaigns import emails, ledger
from regulars.config.data_folder import DataFolder
from regulars.mail.content.content import Content
from regulars.mail.letters import Mailbox
from regulars.people.selection import Everyone
from tests.migrated import migrated
from tests.running import Running, free_port, running, wait_until

ROUNDS = int(os.environ.get("REGULARS_FAULT_ROUNDS", "3"))
A_ROUND = 500  # recipients
A_REQUEST = 2_000
SOON = 90.0
STATES = """
SELECT address, state, reason FROM email_recipient WHERE project_id = %s AND email_id = %s
"""


class Post:
    """An installation that mails to a server which keeps count."""

    def __init__(self, up: Running, sink: Path, port: int) -> None:
        self.up = up
        self.sink = sink
        self.port = port
        made = json.loads(up.run("project", "create", "Under fire", "--json").stdout)
        self.project_id = UUID(made["project_id"])
        self.write_key = str(made["write_key"])
        self._serving: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Start the mail server."""
        command = [sys.executable, "-m", "tests.faults.mail_sink", str(self.port), str(self.sink)]
        self._serving = subprocess.Popen(command)

    def away(self) -> None:
        """End it."""
        if self._serving is not None:
            self._serving.kill()
            self._serving.wait()

    @property
    def arrived(self) -> Counter[str]:
        return Counter(self.sink.read_text(encoding="ascii").split() if self.sink.exists() else ())

    def know(self, people: int) -> None:
        """So many users, each with an address."""
        for start in range(0, people, A_REQUEST):
            batch = [
                {
                    "type": "identify",
                    "userId": f"u{number}",
                    "traits": {"email": f"p{number}@example.com", "first_name": "Pat"},
                }
                for number in range(start, min(people, start + A_REQUEST))
            ]
            credentials = base64.b64encode(f"{self.write_key}:".encode()).decode()
            connection = HTTPConnection("127.0.0.1", self.up.port, timeout=SOON)
            headers = {"Authorization": f"Basic {credentials}"}
            connection.request("POST", "/v1/batch", json.dumps({"batch": batch}), headers)
            assert connection.getresponse().status == 200
            connection.close()

    def connect(self) -> psycopg.Connection[Any]:
        found = DataFolder(self.up.data).read()
        assert found is not None
        return psycopg.connect(found.dsn or "", autocommit=True)

    def send(self) -> UUID:
        """An email to everybody, accepted."""
        with self.connect() as connection:
            now = datetime.now(UTC)
            with connection.transaction():
                email_id = emails.create(
                    connection,
                    self.project_id,
                    content=Content.of_text("Beans", "Hi {{ person.first_name }}"),
                    kind="transactional",
                    sender=Mailbox("hello@tideway.example", "Tideway"),
                    now=now,
                )
                emails.set_audience(
                    connection, self.project_id, email_id, Everyone(kind="user"), now, zone=UTC
                )
                ledger.begin(connection, self.project_id, email_id, now)
            # The worker gathers too; whoever comes first.
            wait_until(
                lambda: (
                    ledger.gather(connection, self.project_id, email_id, now, seconds=SOON).state
                    == "gathered"
                ),
                seconds=SOON,
                otherwise=self.up.said,
            )
            with connection.transaction():
                emails.accept(connection, self.project_id, email_id, now)
        return email_id

    def is_sent(self, email_id: UUID) -> bool:
        try:
            with self.connect() as connection:
                return emails.get(connection, self.project_id, email_id).state == "sent"
        except psycopg.OperationalError:
            return False

    def kill(self, kind: str) -> None:
        """Kill -9 of the worker or the database, and wait until there is another."""
        state = DataFolder(self.up.data).read()
        assert state is not None
        (victim,) = state.processes[kind]
        os.kill(victim, signal.SIGKILL)

        def another() -> bool:
            found = DataFolder(self.up.data).read()
            return found is not None and found.processes.get(kind, [victim]) != [victim]

        wait_until(another, seconds=SOON, otherwise=self.up.said)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    port = free_port()
    settings = {"REGULARS_SMTP_URL": f"smtp://127.0.0.1:{port}"}
    with running(migrated(tmp_path / "data"), settings=settings) as up:
        made = Post(up, tmp_path / "arrived", port)
        made.serve()
        yield made
        made.away()


def test_everybody_gets_one_or_is_listed_unknown(post: Post) -> None:
    chance = random.Random(5)
    everybody = ROUNDS * A_ROUND
    post.know(everybody)
    began = time.monotonic()
    email_id = post.send()
    for turn in range(1, ROUNDS + 1):
        here = turn * everybody // (ROUNDS + 2)
        wait_until(
            lambda here=here: post.arrived.total() >= here,  # type: ignore[misc]
            seconds=SOON,
            otherwise=post.up.said,
        )
        post.kill(chance.choice(("worker", "postgres")))
    wait_until(lambda: post.is_sent(email_id), seconds=SOON, otherwise=post.up.said)
    took = time.monotonic() - began
    with post.connect() as connection:
        rows = connection.execute(STATES, (post.project_id, email_id)).fetchall()
    states = {address: state for address, state, _ in rows}
    unknown = [reason for _, state, reason in rows if state == "unknown"]
    arrived = post.arrived
    found = Counter(states.values())
    print(
        f"\n{ROUNDS} kills amid {everybody} mails in {took:.0f} s: {dict(found)};"
        f" {len(arrived)} people got {arrived.total()};"
        f" of those unknown {sum(arrived[a] for a, s in states.items() if s == 'unknown')} did"
    )
    assert len(states) == everybody
    assert set(found) <= {"sent", "unknown"}
    assert {address: n for address, n in arrived.items() if n > 1} == {}
    assert [
        address for address, state in states.items() if state == "sent" and not arrived[address]
    ] == []
    assert all(unknown)


def test_nothing_is_lost_while_the_mail_server_is_away(post: Post) -> None:
    everybody = 200
    post.know(everybody)
    post.away()
    email_id = post.send()

    def waits() -> bool:
        with post.connect() as connection:
            return bool(emails.get(connection, post.project_id, email_id).trouble)

    wait_until(waits, seconds=SOON, otherwise=post.up.said)
    with post.connect() as connection:
        rows = connection.execute(STATES, (post.project_id, email_id)).fetchall()
    assert {state for _, state, _ in rows} == {"waiting"}
    post.serve()
    wait_until(lambda: post.is_sent(email_id), seconds=SOON, otherwise=post.up.said)
    assert sorted(post.arrived.values()) == [1] * everybody
