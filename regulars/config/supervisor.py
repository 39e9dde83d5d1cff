"""`regulars up`: PostgreSQL, the web processes and the worker, started, watched and stopped.

One thread, no Django: it must outlive whatever goes wrong in what it watches. It binds the
listening socket itself, so that connections wait in the queue while a web process is restarted.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg

from regulars.config import asked_to_stop, processes, welcome
from regulars.config.children import Child
from regulars.config.data_folder import UP, DataFolder, State
from regulars.config.postgres import server
from regulars.config.postgres.cluster import Cluster, cluster_of, held
from regulars.kit.environment import Environment

BACKLOG = 2048

# Ctrl-C ends everything within 10 seconds: 4.5 for web and worker, then 3 + 1 for PostgreSQL.
_GRACE = 4.5
_FAST_SHUTDOWN = 3.0
_IMMEDIATE_SHUTDOWN = 1.0
_PATIENCE_WITH_A_COMMAND = 30.0
_PATIENCE_WITH_THE_DATABASE = 120.0

log = logging.getLogger(__name__)


class UpError(RuntimeError):
    """Regulars could not be started; the message says why."""


def up(environment: Environment, *, host: str, port: int, web_processes: int) -> int:
    """Run until told to stop; the exit status."""
    folder = DataFolder(environment.data)
    with contextlib.ExitStack() as stack:
        stack.enter_context(folder.locked(UP, patience=_PATIENCE_WITH_A_COMMAND))
        _end_left_behind(folder.left_behind)
        listener = stack.enter_context(_listening(host, port))
        supervisor = Supervisor(folder, listener, environment.database_url, web_processes)
        if environment.database_url is None:
            cluster = cluster_of(folder.path)
            stack.enter_context(held(cluster))
            messages = stack.enter_context(server.log_file(folder.path).open("ab"))
            supervisor.use(cluster, messages)
        return supervisor.run()


class Supervisor:
    """Keeps the children alive until it is told to stop."""

    def __init__(
        self,
        folder: DataFolder,
        listener: socket.socket,
        database_url: str | None,
        web_processes: int,
    ) -> None:
        self._folder = folder
        self._listener = listener
        self._dsn = database_url
        self._cluster: Cluster | None = None
        self._web_processes = web_processes
        self._children: list[Child] = []
        self._signals = 0
        self._ready = False
        host, port = listener.getsockname()[:2]
        self._host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared
        self._port = int(port)
        self._address = f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"
        self._url = os.environ.get("REGULARS_BASE_URL", "").rstrip("/") or self._address

    def use(self, cluster: Cluster, messages: IO[bytes]) -> None:
        """Run this embedded server, too."""
        self._cluster = cluster
        self._dsn = cluster.dsn
        spawn = lambda: server.spawn(cluster, messages)  # noqa: E731 - a name would say no more
        self._children.append(Child("postgres", spawn, signal.SIGINT))

    def run(self) -> int:
        with _woken_by(self._on_signal) as self._selector:
            if asked_to_stop.noted():
                return 0
            try:
                return self._run()
            finally:
                self._stop()

    def _run(self) -> int:
        for child in self._children:
            child.start()
        self._wait_for_the_database()
        first = self._prepare()
        if self._is_stopping():
            return 0
        fd = self._listener.fileno()
        for _ in range(self._web_processes):
            self._add(Child("web", lambda: self._spawn("web", "--fd", str(fd), fd=fd)))
        self._add(Child("worker", lambda: self._spawn("worker")))
        self._ready = True
        self._tell()
        if not self._wait(self._answers, seconds=30) and not self._is_stopping():
            log.warning("Not every part serves yet: %s/readyz says which", self._address)
        if not self._is_stopping():
            welcome.show(self._url, self._address, self._folder.path, first)
        self._wait(lambda: False, look_every=1)
        log.info("Stopping.")
        return 0

    def _add(self, child: Child) -> None:
        child.start()
        self._children.append(child)

    def _wait(
        self, until: Callable[[], bool], *, seconds: float | None = None, look_every: float = 0.05
    ) -> bool:
        """Watch the children until something holds, time is up or a stop is asked for."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._is_stopping():
            if until():
                return True
            if deadline is not None and time.monotonic() > deadline:
                return False
            # Signals wake it at once; the rest is for restarts that wait for their time.
            self._nap(look_every)
            changed = [child for child in self._children if child.watch()]
            if changed:
                self._tell()
        return False

    def _nap(self, seconds: float) -> None:
        pauses = [
            child.restart_at - time.monotonic() for child in self._children if child.has_ended()
        ]
        for key, _ in self._selector.select(max(0.0, min([seconds, *pauses]))):
            with contextlib.suppress(BlockingIOError):
                os.read(key.fd, 4096)

    def _wait_for_the_database(self) -> None:
        if self._cluster is not None:
            cluster = self._cluster
            came = self._wait(lambda: server.prepare(cluster), seconds=server.RECOVERY_SECONDS)
            if not came and not self._is_stopping():
                words = server.last_words(self._folder.path)
                raise UpError(f"PostgreSQL does not start. Its last words:\n{words}")
            return
        last: list[psycopg.OperationalError] = []
        came = self._wait(lambda: self._reaches(last), seconds=_PATIENCE_WITH_THE_DATABASE)
        if not came and not self._is_stopping():
            raise UpError(f"The database named in DATABASE_URL does not answer: {last[-1]}")

    def _reaches(self, problems: list[psycopg.OperationalError]) -> bool:
        try:
            psycopg.connect(self._dsn or "", connect_timeout=3).close()
        except psycopg.OperationalError as error:
            if not problems:
                log.warning("Waiting for the database named in DATABASE_URL: %s", error)
            problems.append(error)
            self._nap(1)
            return False
        return True

    def _prepare(self) -> welcome.FirstStart | None:
        """Bring the tables up to date and make the first project, in a process of its own."""
        if self._is_stopping():
            return None
        child = self._spawn("prepare", stdout=subprocess.PIPE)
        ended = lambda: child.poll() is not None  # noqa: E731 - a name would say no more
        self._wait(ended)
        if self._is_stopping():
            child.terminate()
        said, _ = child.communicate()
        if self._is_stopping():
            return None
        if child.returncode != 0:
            raise UpError("The database could not be brought up to date: see the lines above.")
        first = json.loads(said)
        return welcome.FirstStart(**first) if first else None

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _spawn(
        self, *words: str, fd: int | None = None, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        script = Path(sys.executable).with_name("regulars")
        return subprocess.Popen(
            [sys.executable, str(script), *words],
            env=os.environ
            | {
                "DATABASE_URL": self._dsn or "",
                "REGULARS_DATA": str(self._folder.path),
                "PORT": str(self._port),
                "REGULARS_BASE_URL": self._url,
            },
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            pass_fds=() if fd is None else (fd,),
            # Its own group: Ctrl-C at the terminal reaches us alone, and we end them in order.
            start_new_session=True,
            preexec_fn=processes.leash(signal.SIGTERM),  # noqa: PLW1509 - one thread, see leash
        )

    def _tell(self) -> None:
        """Write down who runs, for `up --pids` and for the commands that run beside us."""
        kinds: dict[str, list[int]] = {"web": [], "worker": [], "postgres": []}
        for child in self._children:
            if child.pid is not None:
                kinds[child.kind].append(child.pid)
        dsn = self._dsn if self._ready else None
        self._folder.write(State(os.getpid(), UP, dsn, self._address, self._url, kinds))

    def _is_stopping(self) -> bool:
        return self._signals > 0

    def _on_signal(self, number: int) -> None:
        if number != signal.SIGCHLD:
            self._signals += 1

    def _stop(self) -> None:
        """End web and worker, then PostgreSQL, which their last transactions need."""
        ours = [child for child in self._children if child.kind != "postgres"]
        database = [child for child in self._children if child.kind == "postgres"]
        self._end(ours, signal.SIGTERM, _GRACE)
        self._end(ours, signal.SIGKILL, 1)
        self._end(database, signal.SIGINT, _FAST_SHUTDOWN)
        self._end(database, signal.SIGQUIT, _IMMEDIATE_SHUTDOWN)
        self._end(database, signal.SIGKILL, 1)

    def _end(self, children: list[Child], sent: signal.Signals, seconds: float) -> None:
        left = [child for child in children if not child.has_ended()]
        for child in left:
            child.send(sent)
        deadline = time.monotonic() + seconds
        asked = self._signals
        while not all(child.has_ended() for child in left) and time.monotonic() < deadline:
            self._selector.select(0.05)
            if self._signals > asked + 1:  # Ctrl-C once more: do not wait
                return


def _end_left_behind(state: State | None) -> None:
    """End the web processes and the worker of a supervisor that was killed."""
    if state is None:
        return
    left = [
        pid
        for kind in ("web", "worker")
        for pid in state.processes.get(kind, [])
        if f"regulars {kind}" in processes.command_line(pid)
    ]
    processes.end(left, ask=signal.SIGTERM, seconds=1)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise UpError(
            f"Port {port} of {host} can't be used: {error.strerror}. Name another one with --port."
        ) from error
    with listener:
        yield listener


@contextmanager
def _woken_by(on_signal: Callable[[int], None]) -> Iterator[selectors.BaseSelector]:
    """A selector that wakes up for signals, which are handed to `on_signal`."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    before = {number: signal.signal(number, lambda got, _: on_signal(got)) for number in handled}
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        try:
            yield selector
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)
