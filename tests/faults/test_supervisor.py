"""`regulars up` against crashes, kills and a second one: real processes, killed for real."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from procrastinate import App, SyncPsycopgConnector

from regulars.config import processes
from regulars.config.data_folder import DataFolder
from tests.running import Running, running, wait_until

# What comes back does so within seconds where the machine does nothing else.
SOON = 60.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("up") / "data") as installation:
        yield installation


def test_the_parts_are_named_as_promised(up: Running) -> None:
    pids = up.pids()
    assert {kind: len(found) for kind, found in pids.items()} == {
        "web": 2,
        "worker": 1,
        "postgres": 1,
    }
    assert " regulars web " in _named(pids["web"][0])
    assert " regulars worker " in _named(pids["worker"][0])
    assert "/postgres -D " in _named(pids["postgres"][0])


def test_the_first_start_says_how_to_get_in(up: Running) -> None:
    wait_until(lambda: "Ctrl-C stops it" in up.said(), seconds=SOON)
    said = up.said()
    assert f"{up.url}/first-sign-in/" in said
    assert "Write key" in said
    assert f"{up.url}/demo/" in said


@pytest.mark.parametrize("kind", ["web", "worker", "postgres"])
def test_a_killed_part_comes_back(up: Running, kind: str) -> None:
    before = up.pids()[kind]
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: before[0] not in up.pids()[kind], seconds=SOON)
    wait_until(lambda: len(up.pids()[kind]) == len(before), seconds=SOON, otherwise=up.said)
    wait_until(up.is_ready, seconds=SOON, otherwise=up.said)


def test_the_database_is_back_within_seconds_of_a_kill(up: Running) -> None:
    dsn = _dsn(up)
    killed = up.pids()["postgres"][0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in up.everything(), seconds=SOON)
    wait_until(lambda: _connects(dsn), seconds=SOON, otherwise=up.said)
    wait_until(up.is_ready, seconds=SOON, otherwise=up.said)


def test_a_backend_that_outlives_its_killed_server_is_not_in_the_way(up: Running) -> None:
    wait_until(lambda: _connects(_dsn(up)), seconds=SOON, otherwise=up.said)
    busy = threading.Thread(target=_burn, args=(_dsn(up),))
    busy.start()
    wait_until(lambda: _is_burning(_dsn(up)), seconds=SOON)
    os.kill(up.pids()["postgres"][0], signal.SIGKILL)
    busy.join(SOON)
    assert not busy.is_alive()
    wait_until(lambda: _connects(_dsn(up)), seconds=SOON, otherwise=up.said)
    wait_until(up.is_ready, seconds=SOON, otherwise=up.said)


def test_connections_wait_while_every_web_process_is_restarted(up: Running) -> None:
    for pid in up.pids()["web"]:
        os.kill(pid, signal.SIGKILL)
    connection = HTTPConnection("127.0.0.1", up.port, timeout=SOON)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


def test_the_job_queue_goes_on_after_the_database_was_away(up: Running) -> None:
    os.kill(up.pids()["postgres"][0], signal.SIGKILL)
    wait_until(lambda: _connects(_dsn(up)), seconds=SOON, otherwise=up.said)
    with App(connector=SyncPsycopgConnector(conninfo=_dsn(up))).open() as queue:
        queue.configure_task("builtin:procrastinate.builtin_tasks.remove_old_jobs").defer(
            max_hours=24
        )
    wait_until(lambda: _jobs_left(_dsn(up)) == 0, seconds=SOON, otherwise=up.said)


def test_commands_work_beside_it(up: Running, tmp_path: Path) -> None:
    made = up.run("project", "create", "Beside", "--json")
    assert set(json.loads(made.stdout)) == {"project_id", "write_key", "secret_key"}
    assert up.run("backup", str(tmp_path / "dump")).returncode == 0
    doctor = up.run("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert f"web: serves at {up.url}" in doctor.stdout
    refused = up.run("restore", str(tmp_path / "dump"))
    assert refused.returncode == 1
    assert "stop Regulars first" in refused.stderr


def test_a_second_one_on_the_same_data_refuses_and_says_why(up: Running) -> None:
    second = up.run("up", "--port", "0")
    assert second.returncode == 1
    assert f"Regulars is running already at {up.url}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = Running(tmp_path / "data").run("up", "--port", port)
    assert told.returncode == 1
    assert f"Port {port} of 127.0.0.1 can't be used" in told.stderr
    assert "Traceback" not in told.stderr


def test_killing_everything_loses_nothing(up: Running) -> None:
    _write(up, "kept through a kill of everything")
    up.kill_everything()
    up.start()
    assert _written(up, "kept through a kill of everything")


def test_killing_the_supervisor_alone_ends_the_rest_and_loses_nothing(up: Running) -> None:
    _write(up, "kept through a kill of the supervisor")
    assert up.process is not None
    up.process.kill()
    up.process.wait(SOON)
    up.start()
    assert _written(up, "kept through a kill of the supervisor")
    wait_until(lambda: _parents(up) == {up.process.pid if up.process else 0}, seconds=SOON)


def test_ctrl_c_ends_everything_within_ten_seconds_streams_or_not(up: Running) -> None:
    stalled = socket.create_connection(("127.0.0.1", up.port))
    stalled.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert up.interrupt() < 10
    stalled.close()
    assert up.process is not None
    assert up.process.returncode == 0, up.said()
    assert up.everything() == []
    assert not DataFolder(up.data).is_in_use()
    assert not (up.data / "run" / "state.json").exists()
    assert not list((up.data / "postgres").glob("cluster/postmaster.pid"))
    assert not list((up.data / "postgres").glob("socket/.s.*"))


def test_a_stop_during_the_start_ends_it(up: Running) -> None:
    for seconds in (0.2, 0.8):
        with Path(os.devnull).open("wb") as nowhere:
            up.process = up.spawn("up", output=nowhere)
        threading.Event().wait(seconds)
        assert up.interrupt() < 10
        assert up.everything() == []


def _named(pid: int) -> str:
    # The program's path ends where its words begin.
    return processes.command_line(pid).replace("/regulars ", " regulars ") + " "


def _dsn(up: Running) -> str:
    state = DataFolder(up.data).read()
    assert state is not None
    assert state.dsn is not None
    return state.dsn


def _connects(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _jobs_left(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone()
        return row[0] if row else 0


def _burn(dsn: str) -> None:
    """A query that never looks up from its work, as long ones may."""
    forever = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"
    with pytest.raises(psycopg.OperationalError), psycopg.connect(dsn) as connection:
        connection.execute(forever)


def _is_burning(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()",
            ["SELECT count(*) FROM generate_series%"],
        )
        return found.fetchone() is not None


def _write(up: Running, text: str) -> None:
    with psycopg.connect(_dsn(up)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept_by_the_test (text text)")
        connection.execute("INSERT INTO kept_by_the_test VALUES (%s)", [text])


def _written(up: Running, text: str) -> bool:
    with psycopg.connect(_dsn(up)) as connection:
        rows = connection.execute("SELECT 1 FROM kept_by_the_test WHERE text = %s", [text])
        return rows.fetchone() is not None


def _parents(up: Running) -> set[int]:
    """The parents of everything that runs but the supervisor and what PostgreSQL starts."""
    found = set()
    for pid in up.everything():
        line = processes.command_line(pid)
        if " web --fd" in line or line.endswith(" worker") or "/postgres -D" in line:
            status = Path(f"/proc/{pid}/stat").read_text()
            found.add(int(status.rpartition(")")[2].split()[1]))
    return found
