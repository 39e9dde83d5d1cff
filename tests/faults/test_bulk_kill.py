"""kill -9 of a worker in the middle of bulk jobs: nobody is left out and nobody is met twice.

`REGULARS_FAULT_ROUNDS` says how many kills (3 where nothing is said); `-s` shows the figures.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.config.data_folder import DataFolder
from regulars.people import bulk, bulk_jobs
from regulars.people.bulk_jobs import Job
from regulars.people.selection import Everyone
from tests.migrated import migrated
from tests.running import Running, running, wait_until

ROUNDS = int(os.environ.get("REGULARS_FAULT_ROUNDS", "3"))
A_ROUND = 2_500  # people: as many as a request may carry
SOON = 60.0

EVERYBODY = Everyone(kind="user")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    with running(migrated(tmp_path / "data")) as installation:
        yield installation


@pytest.fixture
def project(up: Running) -> UUID:
    """A project with so many people that a job outlives the kills."""
    made = json.loads(up.run("project", "create", "Under fire", "--json").stdout)
    for turn in range(ROUNDS + 1):
        _identify(up, made["write_key"], range(turn * A_ROUND, (turn + 1) * A_ROUND))
    return UUID(made["project_id"])


@pytest.fixture
def connection(up: Running) -> Iterator[psycopg.Connection[Any]]:
    found = DataFolder(up.data).read()
    assert found is not None
    with psycopg.connect(found.dsn or "", autocommit=True) as opened:
        yield opened


def test_jobs_go_on_where_a_killed_worker_left_them(
    up: Running, project: UUID, connection: psycopg.Connection[Any]
) -> None:
    everybody = (ROUNDS + 1) * A_ROUND
    jobs = [_ask(connection, project, "tag", tag="vip"), _ask(connection, project, "export")]
    kills = 0
    for turn in range(1, ROUNDS + 1):
        here = turn * everybody // (ROUNDS + 2)
        wait_until(
            lambda here=here: sum(_look(connection, job).done for job in jobs) >= here,  # type: ignore[misc]
            seconds=SOON,
            otherwise=up.said,
        )
        kills += _kill_worker(up)
    wait_until(
        lambda: all(_look(connection, job).ended_at for job in jobs),
        seconds=SOON,
        otherwise=up.said,
    )
    tagged, exported = (_look(connection, job) for job in jobs)
    print(f"\nkill -9 of a worker, {kills} times amid a tag and an export of {everybody} people")
    assert kills == ROUNDS
    for job in (tagged, exported):
        assert (job.state, job.total, job.done, job.changed) == ("done", *(everybody,) * 3)
    # Each was given the tag, once, and is remembered by the job, once.
    assert _one(connection, "SELECT count(*) FROM person WHERE tags = '{vip}'") == everybody
    assert _one(connection, "SELECT count(*) FROM bulk_change") == everybody
    told = _one(
        connection,
        "SELECT sum(jsonb_array_length(body -> 'people')) FROM outbox"
        f" WHERE topic = 'people' AND body ->> 'people' LIKE '%-%' AND project_id = '{project}'"
        f" AND at >= '{tagged.asked_at}'",
    )
    assert told == everybody
    text = (up.data / "exports" / f"{exported.id}.csv").read_bytes().decode("utf-8-sig")
    ids = [row["id"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert len(ids) == len(set(ids)) == everybody


def _identify(up: Running, key: str, numbers: range) -> None:
    """Users known to the project, by one request."""
    batch = [{"type": "identify", "userId": f"u{number}"} for number in numbers]
    credentials = base64.b64encode(f"{key}:".encode()).decode()
    connection = HTTPConnection("127.0.0.1", up.port, timeout=SOON)
    headers = {"Authorization": f"Basic {credentials}"}
    connection.request("POST", "/v1/batch", json.dumps({"batch": batch}), headers)
    assert connection.getresponse().status == 200
    connection.close()


def _ask(
    connection: psycopg.Connection[Any], project: UUID, kind: str, **given: Any
) -> Job:  # fmt: skip
    now = datetime.now(UTC)
    with connection.transaction():
        return bulk.start(connection, project, kind, EVERYBODY, now, zone=UTC, given=given)


def _look(connection: psycopg.Connection[Any], job: Job) -> Job:
    found = bulk_jobs.find(connection, job.project_id, job.id)
    assert found is not None
    return found


def _kill_worker(up: Running) -> int:
    """Kill the worker and wait until there is another; 1."""
    state = DataFolder(up.data).read()
    assert state is not None
    (victim,) = state.processes["worker"]
    os.kill(victim, signal.SIGKILL)

    def is_another() -> bool:
        now = DataFolder(up.data).read()
        return now is not None and now.processes.get("worker", []) not in ([], [victim])

    wait_until(is_another, seconds=SOON, otherwise=up.said)
    return 1


def _one(connection: psycopg.Connection[Any], question: str) -> Any:
    row = connection.execute(question).fetchone()
    return row[0] if row else None
