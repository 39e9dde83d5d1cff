"""A real `regulars up` for tests: its own data folder, a free port, and a certain end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import IO

from regulars.config import processes
from regulars.config.data_folder import DataFolder

# In a shell's background interrupts are ignored, and would be by what is started here until it
# heeds them itself.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An unprivileged user that has a name everywhere.
NOBODY = 65534

REGULARS = (sys.executable, str(Path(sys.executable).with_name("regulars")))


class Running:
    """One installation: what is started, where it answers, how it ends."""

    def __init__(
        self,
        data: Path,
        *,
        without_root: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._prefix = as_somebody_else() if without_root else []
        self._log = data.with_name(f"{data.name}.out")
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self._environment = inherited | {
            "REGULARS_DATA": str(data),
            "PORT": str(self.port),
            "REGULARS_WEB_PROCESSES": "2",
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it serves."""
        with self._log.open("ab") as log:
            self.process = self.spawn("up", output=log)
        wait_until(self.is_ready, seconds=120, otherwise=self.said)

    def spawn(self, *words: str, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start a command on this installation, as its user."""
        return subprocess.Popen(
            [*self._prefix, *REGULARS, *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output != subprocess.PIPE else subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command on this installation, to hear what it says."""
        return self.spawn(*words, output=subprocess.PIPE)

    def run(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on this installation to its end."""
        process = self.begin(*words)
        said, complained = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(
            words, process.returncode, said.decode(), complained.decode()
        )

    def said(self) -> str:
        """What `up` has printed so far."""
        return self._log.read_text(errors="replace")

    def get(self, path: str) -> int | None:
        """The status that a GET answers; None where nothing does."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """It serves: not what a killed supervisor left behind and the new one is about to end."""
        state = DataFolder(self.data).read()
        if state is None or not processes.is_alive(state.pid) or not state.processes.get("web"):
            return False
        return self.get("/readyz") == 200

    def pids(self) -> dict[str, list[int]]:
        """What `regulars up --pids` prints."""
        listed = self.run("up", "--pids")
        assert listed.returncode == 0, listed.stderr
        found: dict[str, list[int]] = json.loads(listed.stdout)
        return found

    def everything(self) -> list[int]:
        """Every process that works on this data folder, whoever its parent is now."""
        mark = f"REGULARS_DATA={self.data}".encode()
        cluster = (self.data / "postgres").resolve() / "cluster"
        ours = [
            int(e.name) for e in Path("/proc").iterdir() if e.name.isdecimal() and _has(e, mark)
        ]
        found = sorted({*ours, *processes.working_in(cluster)})
        return [pid for pid in found if processes.is_alive(pid)]

    def interrupt(self) -> float:
        """Ctrl-C; the seconds until it had ended."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - started

    def kill_everything(self) -> None:
        """`kill -9` of every process, and of those that others had just started."""
        while left := self.everything():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        if self.process is not None:
            self.process.wait(10)

    def remove(self) -> None:
        """Kill what is left and take the data away."""
        self.kill_everything()
        shutil.rmtree((self.data / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)


@contextmanager
def running(
    data: Path, *, without_root: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """A started installation, gone after the block."""
    installation = Running(data, without_root=without_root, settings=settings)
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


class Beside:
    """A `regulars web` on a port of its own, against the database of an installation that runs."""

    def __init__(self, up: Running, port: int, log: IO[bytes]) -> None:
        state = DataFolder(up.data).read()
        assert state is not None
        self._command = Running(up.data, settings={"DATABASE_URL": state.dsn or ""})
        self._command.port = port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    @property
    def url(self) -> str:
        return self._command.url

    def start(self) -> None:
        """Start it, and wait until it serves."""
        words = ("web", "--port", str(self._command.port))
        self._process = self._command.spawn(*words, output=self._log)
        wait_until(lambda: self._command.get("/healthz") == 200, seconds=120)

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self.kills += 1


@contextmanager
def serving_beside(up: Running, port: int) -> Iterator[Beside]:
    """Another web process of an installation, killed after the block."""
    with up.data.with_name(f"web-{port}.out").open("ab") as log:
        one = Beside(up, port, log)
        one.start()
        try:
            yield one
        finally:
            one.kill()


@cache
def as_somebody_else() -> list[str]:
    """What to put before a command so that it runs without root; nothing where we are not root.

    A user namespace where the system allows one: there we still reach a virtual environment in a
    private home directory. Where not, a plain change of user.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return namespace
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_until(
    holds: Callable[[], bool], *, seconds: float, otherwise: Callable[[], str] = lambda: ""
) -> float:
    """Wait for something; the seconds it took. `otherwise` explains a failure."""
    started = time.monotonic()
    while not holds():
        waited = time.monotonic() - started
        assert waited < seconds, f"not within {seconds} s\n{otherwise()}"
        time.sleep(0.03)
    return time.monotonic() - started


def _has(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
