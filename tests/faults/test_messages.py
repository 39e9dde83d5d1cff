"""Thousands of messages while lines are cut and processes killed: each arrives once, in order.

`REGULARS_FAULT_MESSAGES` says how many (400 where nothing is said); `-s` shows the figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from regulars.config.data_folder import DataFolder
from regulars.inbox import answering
from regulars.inbox.answering import Answer
from regulars.kit import clock, database
from regulars.people.actions import settled
from tests.faults.ledger import CONTRADICTIONS
from tests.faults.tabs import Heard, Tab
from tests.migrated import migrated
from tests.running import Running, free_port, running, serving_beside, wait_until

MESSAGES = int(os.environ.get("REGULARS_FAULT_MESSAGES", "400"))
BROWSERS = 10
ANSWERS = 0.2  # of all messages are an agent's
CUT_EVERY = 0.05  # seconds
SOON = 60.0
# What is killed, in turns: a web process most often.
VICTIMS = ("web", "web", "worker", "web", "postgres")

STORED = """
SELECT c.id, c.last_seq, m.seq, m.id, m.by, m.body FROM conversation c
JOIN message m ON m.project_id = c.project_id AND m.conversation_id = c.id
WHERE c.project_id = %s ORDER BY c.id, m.seq
"""
TOLD_TWICE = """
SELECT entry FROM outbox o, jsonb_array_elements(o.body -> 'messages') AS named (entry)
WHERE o.project_id = %s AND o.topic = 'messages' GROUP BY entry HAVING count(*) > 1
"""
TOLD = "SELECT count(*) FROM outbox WHERE project_id = %s AND topic = 'messages'"
THREADS = "SELECT id FROM conversation WHERE project_id = %s ORDER BY id"


class Project(NamedTuple):
    id: UUID
    key: str
    agent: UUID


class Row(NamedTuple):
    seq: int
    id: UUID
    by: str
    body: str


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    with running(migrated(tmp_path / "data")) as installation:
        yield installation


@pytest.fixture
def project(up: Running) -> Project:
    made = json.loads(up.run("project", "create", "Under fire", "--json").stdout)
    agent = up.run(
        "agent", "create", "--project", made["project_id"], "--email", "alice@example.com",
        "--password", "a sentence is easiest to keep", "--json",
    )  # fmt: skip
    agent_id = UUID(json.loads(agent.stdout)["agent_id"])
    return Project(UUID(made["project_id"]), made["write_key"], agent_id)


def test_each_message_arrives_once_and_in_order_while_lines_and_processes_die(
    up: Running, project: Project
) -> None:
    crowd = Crowd(project, [up.port], [up.port])
    agent = Colleague(_dsn(up), project)
    kills: list[str] = []
    with _at_work(agent), crowd.talking():
        while not crowd.is_done:
            victim = VICTIMS[len(kills) % len(VICTIMS)]
            _kill_one(up, victim)
            kills.append(victim)
        agent.finish()
        wait_until(lambda: not agent.is_alive(), seconds=SOON, otherwise=up.said)
        rows = _rows(_dsn(up), project)
        wait_until(lambda: crowd.heard_up_to(rows), seconds=SOON, otherwise=up.said)
    _is_true(rows, crowd, agent)
    assert _in_outbox(_dsn(up), project) == sum(len(one) for one in rows.values())
    print(f"\n{crowd.figures(rows)}; killed: {', '.join(kills)}")


def test_two_web_processes_behind_different_ports_lose_nothing_between_them(
    up: Running, project: Project
) -> None:
    ports = [free_port(), free_port()]
    crowd = Crowd(project, [ports[0]], [ports[1]])
    agent = Colleague(_dsn(up), project)
    with serving_beside(up, ports[0]) as first, serving_beside(up, ports[1]) as second:
        with _at_work(agent), crowd.talking():
            while not crowd.is_done:
                victim = random.choice([first, second])
                victim.kill()
                victim.start()
                time.sleep(random.uniform(0.5, 1.5))
            agent.finish()
            wait_until(lambda: not agent.is_alive(), seconds=SOON)
            rows = _rows(_dsn(up), project)
            wait_until(lambda: crowd.heard_up_to(rows), seconds=SOON)
        kills = first.kills + second.kills
    _is_true(rows, crowd, agent)
    print(f"\n{crowd.figures(rows)}; {kills} web processes killed")


class Crowd:
    """Browsers of two tabs: one says things, the other follows. They live in a loop of their own.

    The lines of all are cut at random while they talk.
    """

    def __init__(self, project: Project, say_on: list[int], follow_on: list[int]) -> None:
        each = round(MESSAGES * (1 - ANSWERS) / BROWSERS)
        self.texts = {
            f"browser-{number}": [f"{number}: {turn} {uuid4()}" for turn in range(each)]
            for number in range(BROWSERS)
        }
        saying, following = (
            [f"ws://127.0.0.1:{port}/messenger/socket" for port in ports]
            for ports in (say_on, follow_on)
        )
        self.tellers = [Tab(saying, project.key, anon, texts) for anon, texts in self.texts.items()]
        self.followers = [Tab(following, project.key, anon) for anon in self.texts]
        self.cuts = 0
        self._calm = False

    @property
    def tabs(self) -> list[Tab]:
        return [*self.tellers, *self.followers]

    @property
    def is_done(self) -> bool:
        return all(one.is_done for one in self.tellers)

    @contextmanager
    def talking(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._calm = True
            for tab in self.tabs:
                tab.is_over = True
            thread.join(SOON)
        assert not thread.is_alive()

    def heard_up_to(self, rows: dict[str, list[Row]]) -> bool:
        """Whether every tab has heard the newest message of its conversations."""
        self._calm = True  # the last of it is heard on lines that hold
        newest = {thread: _shown(of)[-1].seq for thread, of in rows.items()}
        heard = {(tab, thread): of[-1].seq for tab in self.tabs for thread, of in tab.heard.items()}
        return len(heard) == 2 * len(newest) and all(
            seq == newest[thread] for (_, thread), seq in heard.items()
        )

    def figures(self, rows: dict[str, list[Row]]) -> str:
        stored = sum(len(_shown(of)) for of in rows.values())
        heard = sum(len(of) for tab in self.tabs for of in tab.heard.values())
        return (
            f"{stored} messages stored, {heard} heard by two tabs of each browser;"
            f" {self.cuts} lines cut, {sum(tab.connections for tab in self.tabs)} connections,"
            f" {sum(tab.said_again for tab in self.tellers)} said again"
        )

    async def _live(self) -> None:
        lives = [asyncio.create_task(tab.live()) for tab in self.tabs]
        while not all(tab.is_over for tab in self.tabs):
            await asyncio.sleep(random.uniform(0, 2 * CUT_EVERY))
            if not self._calm:
                random.choice(self.tabs).cut()
                self.cuts += 1
        for tab in self.tabs:
            tab.end()
        await asyncio.gather(*lives)


class Colleague(threading.Thread):
    """An agent who answers in any conversation, and says again what was not taken."""

    def __init__(self, dsn: str, project: Project) -> None:
        super().__init__(daemon=True)
        self.texts: dict[str, list[str]] = {}
        self._dsn = dsn
        self._project = project
        self._left = round(MESSAGES * ANSWERS)
        self._hurry = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None

    def finish(self) -> None:
        """Say the rest without waiting."""
        self._hurry.set()

    def run(self) -> None:
        while self._left:
            threads = self._patiently(
                lambda connection: connection.execute(THREADS, (self._project.id,)).fetchall()
            )
            if threads:
                (thread,) = random.choice(threads)
                said = self.texts.setdefault(str(thread), [])
                text = f"answer {len(said)} {uuid4()}"
                self._answer(thread, text)
                said.append(text)
                self._left -= 1
            self._hurry.wait(0.02)
        if self._connection is not None:
            self._connection.close()

    def _answer(self, thread: UUID, text: str) -> None:
        answer = Answer(text, str(uuid4()))

        def work(connection: psycopg.Connection[Any]) -> None:
            answering.reply(
                connection, self._project.id, thread, self._project.agent, answer, clock.now()
            )

        def patiently(connection: psycopg.Connection[Any]) -> None:
            @contextmanager
            def transaction() -> Iterator[psycopg.Connection[Any]]:
                with connection.transaction():
                    yield connection

            settled(transaction, work)

        self._patiently(patiently)

    def _patiently(self, work: Any) -> Any:
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._dsn, autocommit=True)
                return work(self._connection)
            except database.Away:
                if self._connection is not None:
                    self._connection.close()
                time.sleep(0.1)


@contextmanager
def _at_work(agent: Colleague) -> Iterator[None]:
    agent.start()
    yield
    agent.join(1)


def _is_true(rows: dict[str, list[Row]], crowd: Crowd, agent: Colleague) -> None:
    """Nothing is lost, doubled or out of order, neither in the database nor in any tab."""
    assert len(rows) == BROWSERS
    for of in rows.values():
        assert [one.seq for one in of] == list(range(1, len(of) + 1))
    said = sorted([one.body for one in of if one.by == "person"] for of in rows.values())
    assert said == sorted(crowd.texts.values())
    for thread, of in rows.items():
        assert [one.body for one in of if one.by == "agent"] == agent.texts.get(thread, [])
    for tab in crowd.tabs:
        (thread,) = tab.heard
        assert tab.heard[thread] == _shown(rows[thread])
    surprises = [one for tab in crowd.tabs for one in tab.surprises]
    assert not surprises, "\n".join(surprises)


def _shown(rows: list[Row]) -> list[Heard]:
    """What a messenger shows of them."""
    names = {"person": "you", "agent": "agent"}
    return [Heard(r.seq, str(r.id), names[r.by], r.body) for r in rows if r.by in names]


def _rows(dsn: str, project: Project) -> dict[str, list[Row]]:
    """What is stored, by conversation."""
    found: dict[str, list[Row]] = {}
    with psycopg.connect(dsn) as connection:
        for thread, last, *row in connection.execute(STORED, (project.id,)):
            found.setdefault(str(thread), []).append(Row(*row))
            assert last >= row[0]
    return found


def _in_outbox(dsn: str, project: Project) -> int:
    """How many messages the outbox speaks of, each once, without gaps."""
    with psycopg.connect(dsn) as connection:
        assert connection.execute(TOLD_TWICE, (project.id,)).fetchall() == []
        gaps = CONTRADICTIONS["gaps in the outbox"]
        assert connection.execute(gaps, {"project": project.id}).fetchall() == []
        row = connection.execute(TOLD, (project.id,)).fetchone()
    assert row is not None
    return int(row[0])


def _kill_one(up: Running, kind: str) -> None:
    """Kill one after a while, and wait until it is back."""
    time.sleep(random.uniform(0.5, 1.5))
    before = _state(up).processes[kind]
    victim = random.choice(before)
    os.kill(victim, signal.SIGKILL)

    def is_back() -> bool:
        now = _state(up).processes.get(kind, [])
        return victim not in now and len(now) == len(before) and up.is_ready()

    wait_until(is_back, seconds=SOON, otherwise=up.said)


def _dsn(up: Running) -> str:
    return _state(up).dsn or ""


def _state(up: Running) -> Any:
    found = DataFolder(up.data).read()
    assert found is not None
    return found
