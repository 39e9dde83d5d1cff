"""Starting an embedded PostgreSQL and waiting until it answers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from regulars.config import processes
from regulars.config.postgres.cluster import NAME, Cluster, clear_the_way, held

# A crash under full load leaves up to max_wal_size to replay.
RECOVERY_SECONDS = 300
_LOG_BYTES = 10_000_000


class ServerError(RuntimeError):
    """PostgreSQL did not come up."""


def log_file(data: Path) -> Path:
    """Where the server's messages go; the last one is set aside once it is large."""
    file = data / "log" / "postgres.log"
    file.parent.mkdir(mode=0o700, exist_ok=True)
    if file.exists() and file.stat().st_size > _LOG_BYTES:
        file.replace(file.with_suffix(".log.1"))
    return file


def spawn(cluster: Cluster, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the server process; it ends by itself when this process dies.

    Call from the main thread, holding the data folder's lock.
    """
    clear_the_way(cluster)
    return subprocess.Popen(
        cluster.command(),
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=processes.leash(signal.SIGINT),  # noqa: PLW1509 - one thread, see leash
        **cluster.account.as_popen_options(),
    )


def prepare(cluster: Cluster) -> bool:
    """Whether the server answers; makes our database where it is missing."""
    try:
        with psycopg.connect(
            cluster.dsn_of("postgres"), autocommit=True, connect_timeout=2
        ) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
            if there.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def running(cluster: Cluster, data: Path) -> Iterator[None]:
    """The server for the duration of a block, for a command run while nothing else is."""
    with held(cluster), log_file(data).open("ab") as log:
        server = Server(cluster, log)
        try:
            server.wait()
            yield
        finally:
            server.stop()


class Server:
    """A server process of our own, outside the supervisor."""

    def __init__(self, cluster: Cluster, log: IO[bytes]) -> None:
        self._cluster = cluster
        self._log = log
        self._process = spawn(cluster, log)

    def wait(self) -> None:
        """Wait until it answers; start it anew where an old one's memory was in its way."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        starts_left = 20
        while not prepare(self._cluster):
            if self._process.poll() is not None:
                starts_left -= 1
                if starts_left == 0:
                    raise ServerError(f"PostgreSQL does not start: see {self._log.name}")
                time.sleep(0.2)
                self._process = spawn(self._cluster, self._log)
            elif time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL does not answer: see {self._log.name}")
            time.sleep(0.03)

    def stop(self) -> None:
        """A fast shutdown, then an immediate one (which the next start recovers from)."""
        for sent, seconds in ((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            if self._process.poll() is not None:
                return
            self._process.send_signal(sent)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue


def last_words(data: Path, count: int = 6) -> str:
    """The end of the server's log, for a message about why it did not start."""
    try:
        lines = (data / "log" / "postgres.log").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])


def _environment() -> dict[str, str]:
    """Ours without PG*: a stray PGPORT would move the socket."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
