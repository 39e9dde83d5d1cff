"""kill -9 at any instant under load: what was answered 200 is there, once and whole.

`REGULARS_FAULT_ROUNDS` says how many kills (3 where nothing is said); `-s` shows the figures.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.config import processes
from regulars.config.data_folder import DataFolder
from tests.faults.ledger import balance, contradictions
from tests.faults.load import Sender
from tests.migrated import migrated
from tests.running import Running, running, wait_until

ROUNDS = int(os.environ.get("REGULARS_FAULT_ROUNDS", "3"))
SENDERS = 4
KINDS = ("postgres", "web", "worker")

# What is promised holds for a machine that is not busy with other things; a test's limit is wide.
SOON = 30.0


class Project(NamedTuple):
    id: UUID
    key: str


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    with running(migrated(tmp_path / "data")) as installation:
        yield installation


@pytest.fixture
def project(up: Running) -> Project:
    made = json.loads(up.run("project", "create", "Under fire", "--json").stdout)
    return Project(UUID(made["project_id"]), made["write_key"])


def test_nothing_answered_is_lost_or_doubled_or_halved(up: Running, project: Project) -> None:
    senders = [Sender(number, up.port, project.key) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        returns = [_kill_one(up, kind) for kind in _victims()]
    finally:
        for sender in senders:
            sender.finish()
    for sender in senders:
        sender.join(SOON)
    assert not any(sender.is_alive() for sender in senders), up.said()
    answered = {key: message for sender in senders for key, message in sender.answered.items()}
    with psycopg.connect(_state(up).dsn or "") as connection:
        found = balance(connection, project.id, answered)
        against = contradictions(connection, project.id)
    print(
        f"\nkill -9, {ROUNDS} rounds: {found.answered} events answered 200,"
        f" {found.found} found, {found.twice} twice, {found.missing} missing, {found.half} half;"
        f" {sum(sender.sent_again for sender in senders)} requests sent again;"
        f" slowest return to service {max(returns):.2f} s"
    )
    assert found.answered > 100 * ROUNDS
    assert found == (found.answered, found.answered, 0, 0, 0, 0)
    assert against == {}
    assert [surprise for sender in senders for surprise in sender.surprises] == []


def test_while_the_database_is_away_the_answer_is_503_at_once(
    up: Running, project: Project
) -> None:
    before = _state(up)
    assert up.process is not None
    assert _post(up, project).status == 200
    up.process.send_signal(signal.SIGSTOP)  # so that nobody starts the database again
    try:
        _end_database(up)
        answers = [_post(up, project) for _ in range(100)]
    finally:
        up.process.send_signal(signal.SIGCONT)
    wait_until(lambda: _accepts(before.dsn or ""), seconds=SOON, otherwise=up.said)
    accepted = time.monotonic()
    first = wait_until(lambda: _post(up, project).status == 200, seconds=SOON, otherwise=up.said)
    # All web processes, not one alone: whoever takes the next connections.
    wait_until(lambda: all(_post(up, project).status == 200 for _ in range(10)), seconds=SOON)
    everywhere = time.monotonic() - accepted
    print(
        f"\ndatabase away: {len(answers)} answers of 503,"
        f" the slowest after {max(one.seconds for one in answers) * 1000:.0f} ms;"
        f" first 200 {first:.2f} s after PostgreSQL accepted connections,"
        f" ten in a row within {everywhere:.2f} s"
    )
    assert {(one.status, one.retry_after) for one in answers} == {(503, "1")}
    assert max(one.seconds for one in answers) < 2
    assert _state(up).processes["web"] == before.processes["web"]


def _victims() -> Iterator[str]:
    """Whom to kill, round by round: by chance, but each kind in any three rounds."""
    turns = itertools.chain.from_iterable(random.sample(KINDS, 3) for _ in itertools.count())
    return itertools.islice(turns, ROUNDS)


def _kill_one(up: Running, kind: str) -> float:
    """Kill one after a while; the seconds until it was replaced and everything served."""
    time.sleep(random.uniform(0.3, 2))
    victim = random.choice(_state(up).processes[kind])
    wanted = len(_state(up).processes[kind])
    os.kill(victim, signal.SIGKILL)

    def is_back() -> bool:
        now = _state(up).processes.get(kind, [])
        return victim not in now and len(now) == wanted and up.is_ready()

    return wait_until(is_back, seconds=SOON, otherwise=up.said)


def _end_database(up: Running) -> None:
    """Kill the postmaster and wait until its backends have noticed."""
    (postmaster,) = _state(up).processes["postgres"]
    os.kill(postmaster, signal.SIGKILL)
    cluster = (up.data / "postgres").resolve() / "cluster"
    wait_until(
        lambda: not [pid for pid in processes.working_in(cluster) if processes.is_alive(pid)],
        seconds=SOON,
    )


class Answer(NamedTuple):
    status: int | None
    retry_after: str | None
    seconds: float


def _post(up: Running, project: Project) -> Answer:
    """One event over a connection of its own."""
    credentials = base64.b64encode(f"{project.key}:".encode()).decode()
    event: dict[str, Any] = {"anonymousId": "a1", "event": "Tried", "messageId": str(uuid4())}
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", up.port, timeout=SOON)
    try:
        connection.request(
            "POST", "/v1/track", json.dumps(event), {"Authorization": f"Basic {credentials}"}
        )
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return Answer(None, None, time.monotonic() - started)
    finally:
        connection.close()
    return Answer(answer.status, answer.getheader("Retry-After"), time.monotonic() - started)


def _accepts(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _state(up: Running) -> Any:
    found = DataFolder(up.data).read()
    assert found is not None
    return found
