"""kill -9 while counts follow what comes in: each event is counted once, whatever died when."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.config.data_folder import DataFolder
from tests.faults.load import Sender
from tests.migrated import migrated
from tests.running import Running, running, wait_until

ROUNDS = int(os.environ.get("REGULARS_FAULT_ROUNDS", "3"))
SENDERS = 2
SOON = 60.0

# As kept, and as a look at every event finds them.
BOTH = """
SELECT coalesce((SELECT sum(count) FROM rollup r WHERE r.project_id = %(project)s
                 AND metric = %(metric)s AND name = '' AND dimension = %(dimension)s), 0)::bigint,
       ({anew})::bigint
"""
ANEW = {
    ("views", ""): "SELECT count(*) FROM event WHERE project_id = %(project)s"
    " AND kind IN ('page', 'screen')",
    ("views", "path"): "SELECT count(*) FROM event WHERE project_id = %(project)s"
    " AND kind IN ('page', 'screen')",
    ("events", "name"): "SELECT count(*) FROM event WHERE project_id = %(project)s"
    " AND kind = 'track'",
    ("visits", ""): "SELECT count(*) FROM session WHERE project_id = %(project)s",
    ("people", ""): "SELECT count(DISTINCT (person_id, (happened_at AT TIME ZONE 'UTC')::date))"
    " FROM event WHERE project_id = %(project)s AND kind IN ('page', 'screen', 'track')",
}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    with running(migrated(tmp_path / "data")) as installation:
        yield installation


def test_counts_go_on_where_a_killed_worker_left_them(up: Running) -> None:
    made = json.loads(up.run("project", "create", "Under fire", "--json").stdout)
    project = UUID(made["project_id"])
    senders = [Sender(number, up.port, made["write_key"]) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        for kind in ("worker", *random.choices(["worker", "postgres"], k=ROUNDS - 1)):
            _kill(up, kind)
    finally:
        for sender in senders:
            sender.finish()
    for sender in senders:
        sender.join(SOON)
    wait_until(lambda: _is_counted(up, project), seconds=SOON, otherwise=up.said)
    with _connection(up) as connection:
        found = {key: _both(connection, project, key) for key in ANEW}
    print(f"\nkill -9 {ROUNDS} times; kept and counted anew: {found}")
    assert all(kept == anew for kept, anew in found.values()), found
    assert found["views", ""][0] > 0


def _both(
    connection: psycopg.Connection[Any], project: UUID, key: tuple[str, str]
) -> tuple[int, int]:
    asked = {"project": project, "metric": key[0], "dimension": key[1]}
    row = connection.execute(BOTH.format(anew=ANEW[key]), asked).fetchall()[0]
    return row[0], row[1]


def _is_counted(up: Running, project: UUID) -> bool:
    behind = """
        SELECT 1 FROM rollup_state s JOIN outbox_counter c ON c.project_id = s.project_id
        WHERE s.project_id = %s AND s.phase = 'done' AND s.cursor = c.last
    """
    try:
        with _connection(up) as connection:
            return connection.execute(behind, (project,)).fetchone() is not None
    except psycopg.OperationalError:
        return False  # the database is on its way back


def _kill(up: Running, kind: str) -> None:
    time.sleep(random.uniform(0.3, 0.9))
    found = DataFolder(up.data).read()
    assert found is not None
    victim = found.processes[kind][0]
    os.kill(victim, signal.SIGKILL)

    def is_back() -> bool:
        now = DataFolder(up.data).read()
        return now is not None and victim not in now.processes.get(kind, []) and up.is_ready()

    wait_until(is_back, seconds=SOON, otherwise=up.said)


def _connection(up: Running) -> psycopg.Connection[Any]:
    found = DataFolder(up.data).read()
    assert found is not None
    return psycopg.connect(found.dsn or "", autocommit=True)
