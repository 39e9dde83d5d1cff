"""kill -9 of a worker in the middle of an import: every row has its effect once.

`REGULARS_FAULT_ROUNDS` says how many kills (3 where nothing is said); `-s` shows the figures.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.config.data_folder import DataFolder
from regulars.people.imports import jobs, sheet, taking
from regulars.people.imports.bringing import How
from regulars.people.imports.jobs import Import
from tests.faults.test_bulk_kill import SOON, _kill_worker
from tests.migrated import migrated
from tests.running import Running, running, wait_until

ROUNDS = int(os.environ.get("REGULARS_FAULT_ROUNDS", "3"))
A_ROUND = 1_500  # rows
BAD_EVERY = 50


def test_an_import_goes_on_where_a_killed_worker_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(migrated(tmp_path / "data")) as up:
        monkeypatch.setenv("REGULARS_DATA", str(up.data))
        for connection in _connected(up):
            _see_it_through(up, connection)


def _see_it_through(up: Running, connection: psycopg.Connection[Any]) -> None:
    made = json.loads(up.run("project", "create", "Under fire", "--json").stdout)
    project, rows = UUID(made["project_id"]), (ROUNDS + 1) * A_ROUND
    job = _ask(connection, project, rows)
    kills = 0
    for turn in range(1, ROUNDS + 1):
        here = turn * rows // (ROUNDS + 2)
        wait_until(
            lambda here=here: jobs.find(connection, project, job.id).rows_done >= here,  # type: ignore[misc]
            seconds=SOON,
            otherwise=up.said,
        )
        kills += _kill_worker(up)
    wait_until(
        lambda: jobs.find(connection, project, job.id).state == "done",
        seconds=SOON,
        otherwise=up.said,
    )
    print(f"\nkill -9 of a worker, {kills} times amid an import of {rows} rows")
    ended = jobs.find(connection, project, job.id)
    refused = rows // BAD_EVERY
    assert ended.rows_done == rows
    assert ended.counts == {"lead": rows - refused, "refused": refused}
    people = "SELECT count(*), count(DISTINCT email) FROM person WHERE project_id = %s"
    assert connection.execute(people, (project,)).fetchone() == (rows - refused, rows - refused)
    told = "SELECT sum(jsonb_array_length(body -> 'people')) FROM outbox WHERE project_id = %s"
    assert connection.execute(told, (project,)).fetchone() == (rows - refused,)
    assert taking.refused_text(ended).count(b"not an email") == refused


def _ask(connection: psycopg.Connection[Any], project: UUID, rows: int) -> Import:
    lines = [
        f"p{number}" if number % BAD_EVERY == 0 else f"p{number}@b.example"
        for number in range(rows)
    ]
    content = io.BytesIO("\n".join(["email", *lines]).encode())
    now = datetime.now(UTC)
    job = taking.take(connection, project, "list.csv", content, now, agent_id=None)
    assert sheet.open_sheet(jobs.file_of(job.id)).columns == ("email",)
    options = taking.options(How(), make_segment=False)
    jobs.start(connection, job, options, now, unchecked=True)
    return job


def _connected(up: Running) -> Iterator[psycopg.Connection[Any]]:
    found = DataFolder(up.data).read()
    assert found is not None
    with psycopg.connect(found.dsn or "", autocommit=True) as opened:
        yield opened
