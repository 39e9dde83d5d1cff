"""kill -9 while segments are filled and people come by: the fill goes on, and nobody is misplaced.

`REGULARS_FAULT_ROUNDS` says how many kills (3 where nothing is said); `-s` shows the figures.
"""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.config.data_folder import DataFolder
from regulars.filters.operands import When
from regulars.filters.to_sql import to_sql
from regulars.funnels.actions import put
from regulars.funnels.rows import Draft
from regulars.segments import actions
from regulars.segments.needs import kept
from regulars.segments.plan import segments_written_out
from tests.faults.load import Sender
from tests.migrated import migrated
from tests.running import Running, running, wait_until
from tests.slices.people.packs import check_packs, is_packed
from tests.slices.segments.saved import check_memories

ROUNDS = int(os.environ.get("REGULARS_FAULT_ROUNDS", "3"))
PEOPLE = 8  # requests of newcomers to fill from, each of as many as a request may carry
A_REQUEST = 2_500
SENDERS = 2
SOON = 60.0
# By SQL alone, and by what people's rows remember.
RULES = (
    {"field": "attributes.size", "op": "gte", "value": 5},
    {"event": "Tried", "op": "at_least", "count": 1},
    {
        "all": [
            {"field": "attributes.size", "op": "lt", "value": 5},
            {"event": "Tried", "op": "at_most", "count": 2, "within_days": 30},
        ]
    },
)
COUNT = """
SELECT count(*), count(*) FILTER (WHERE a.segments @> ARRAY[s.number])
FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id, segment s
WHERE p.project_id = %s AND s.project_id = %s AND s.id = %s AND {filter}
"""
KEPT = """
SELECT c.people, (SELECT count(*) FROM segment_member m
                  WHERE m.project_id = c.project_id AND m.segment_id = c.id)
FROM segment_count c WHERE c.project_id = %s AND c.id = %s
"""

# The funnel's second checkpoint, on being seen, asks for something else meanwhile.
SIGNED_UP = {"field": "kind", "op": "is", "value": "user"}
AWAY = {"field": "first_seen", "op": "is_known"}
BACK = {"field": "last_seen", "op": "within_last", "value": 7}
# People whose own rows say otherwise than the funnel's when they reached a checkpoint.
OTHERWISE = """
SELECT a.id, a.checkpoints, r
FROM person_activity a
JOIN segment s ON s.project_id = a.project_id AND s.builtin = 'checkpoint' AND s.deleted_at IS NULL
LEFT JOIN funnel_progress r ON r.project_id = a.project_id AND r.id = a.id
WHERE a.project_id = %(project)s
  AND (a.checkpoints ->> s.number::text)::timestamptz IS DISTINCT FROM funnel_lane(r, s.lane)
"""
# How many were ever seen, and how many are known to have reached that.
ACTIVE = """
SELECT (SELECT count(*) FROM person_activity a
        WHERE a.project_id = c.project_id AND a.last_seen IS NOT NULL),
       (SELECT count(*) FROM checkpoint_reached r
        WHERE r.project_id = c.project_id AND r.checkpoint = c.number)
FROM checkpoint c WHERE c.project_id = %s AND c.number = 2
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    with running(migrated(tmp_path / "data")) as installation:
        yield installation


def test_a_fill_goes_on_where_a_killed_worker_left_it(up: Running) -> None:
    made = json.loads(up.run("project", "create", "Under fire", "--json").stdout)
    project = UUID(made["project_id"])
    for turn in range(PEOPLE):
        _send(up, made["write_key"], turn)
    senders = [Sender(number, up.port, made["write_key"]) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        segments = _save(up, project)
        _change_funnel(up, project, AWAY)
        kills = sum(_kill(up, kind) for kind in _victims())
        wait_until(lambda: not _filling(up, project), seconds=SOON, otherwise=up.said)
        _change_funnel(up, project, BACK)
        kills += _kill(up, "worker")
        wait_until(lambda: not _filling(up, project), seconds=SOON, otherwise=up.said)
        wait_until(lambda: _all_remember(up, project), seconds=SOON, otherwise=up.said)
    finally:
        for sender in senders:
            sender.finish()
    for sender in senders:
        sender.join(SOON)
    wait_until(lambda: _all_say_it(up, project), seconds=SOON, otherwise=up.said)
    wait_until(lambda: _is_packed(up, project), seconds=SOON, otherwise=up.said)
    with _connection(up) as connection:
        found = [_people(connection, project, segment) for segment in segments]
        check_memories(connection, project, UTC)
        rules = segments_written_out(connection, project).values()
        told = check_packs(connection, project, When(datetime.now(UTC), UTC), rules)
        assert connection.execute(OTHERWISE, {"project": project}).fetchall() == []
        [(active, reached)] = connection.execute(ACTIVE, (project,)).fetchall()
        assert active == reached > 0
    print(f"\nkill -9 amid {len(segments)} fills, {kills} times; people in them: {found}")
    assert kills == ROUNDS + 1
    assert told > 1
    assert all(len(set(numbers)) == 1 for numbers in found), found
    assert found[0][0] == PEOPLE * A_REQUEST // 2


def _save(up: Running, project: UUID) -> list[UUID]:
    with _connection(up) as connection, connection.transaction():
        return [
            actions.create(connection, project, f"Segment {n}", datetime.now(UTC), filter_=rule)
            for n, rule in enumerate(RULES)
        ]


def _change_funnel(up: Running, project: UUID, second: dict[str, Any]) -> None:
    drafts = [Draft("Signed up", "", SIGNED_UP), Draft("Second", "", second)]
    with _connection(up) as connection, connection.transaction():
        put(connection, project, drafts, datetime.now(UTC))


def _people(connection: psycopg.Connection[Any], project: UUID, segment: UUID) -> tuple[int, ...]:
    """As a look at everybody finds them, as their rows say, as kept, and as members."""
    rule = segments_written_out(connection, project)[segment]
    text, params = to_sql(rule, now=datetime.now(UTC), zone=UTC)
    asked = (project, project, segment, *params)
    found = connection.execute(COUNT.format(filter=text), asked).fetchall()[0]
    kept = connection.execute(KEPT, (project, segment)).fetchall()[0]
    return (*found, *kept)


def _filling(up: Running, project: UUID) -> bool:
    try:
        with _connection(up) as connection:
            statement = "SELECT count(*) FROM segment_fill WHERE project_id = %s"
            return connection.execute(statement, (project,)).fetchall() != [(0,)]
    except psycopg.OperationalError:
        return True  # the database is on its way back


def _all_remember(up: Running, project: UUID) -> bool:
    with _connection(up) as connection:
        return all(need.filled for need in kept(connection, project).values())


def _all_say_it(up: Running, project: UUID) -> bool:
    """Whether people's own rows say what fillings of steps have found."""
    with _connection(up) as connection:
        statement = "SELECT FROM segment WHERE project_id = %s AND has_found"
        return not connection.execute(statement, (project,)).rowcount


def _is_packed(up: Running, project: UUID) -> bool:
    with _connection(up) as connection:
        return is_packed(connection, project)


def _victims() -> list[str]:
    return ["worker", *random.choices(["worker", "worker", "postgres"], k=ROUNDS - 1)]


def _kill(up: Running, kind: str) -> int:
    time.sleep(random.uniform(0.1, 0.6))
    found = DataFolder(up.data).read()
    assert found is not None
    victim = found.processes[kind][0]
    os.kill(victim, signal.SIGKILL)

    def is_back() -> bool:
        now = DataFolder(up.data).read()
        return now is not None and victim not in now.processes.get(kind, []) and up.is_ready()

    wait_until(is_back, seconds=SOON, otherwise=up.said)
    return 1


def _connection(up: Running) -> psycopg.Connection[Any]:
    found = DataFolder(up.data).read()
    assert found is not None
    return psycopg.connect(found.dsn or "", autocommit=True)


def _send(up: Running, key: str, turn: int) -> None:
    batch = [
        {"type": "identify", "userId": f"u{turn}-{n}", "traits": {"size": n % 10}}
        for n in range(A_REQUEST)
    ]
    credentials = base64.b64encode(f"{key}:".encode()).decode()
    connection = HTTPConnection("127.0.0.1", up.port, timeout=SOON)
    headers = {"Authorization": f"Basic {credentials}"}
    connection.request("POST", "/v1/batch", json.dumps({"batch": batch}), headers)
    assert connection.getresponse().status == 200
    connection.close()
