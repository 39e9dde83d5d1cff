"""The data folder: who uses it now, told by a lock, and what they run, told by a small file."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from regulars.config import processes

UP = "regulars up"


class BusyError(RuntimeError):
    """Somebody else uses the data folder."""


@dataclass(frozen=True, slots=True)
class State:
    """What the holder of the lock says about itself.

    `address` is where it listens on this machine, `url` how the world reaches it.
    """

    pid: int
    doing: str
    dsn: str | None = None
    address: str | None = None
    url: str | None = None
    processes: dict[str, list[int]] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether it is `regulars up`, alive; a killed one leaves its state behind."""
        return self.doing == UP and processes.is_alive(self.pid)


class DataFolder:
    """A data folder, made where there is none, for its user's eyes alone."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._run = self.path / "run"
        self.left_behind: State | None = None

    def make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._run.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def locked(self, doing: str, *, patience: float) -> Iterator[None]:
        """Hold the folder alone; wait up to `patience` seconds for another command to finish.

        The kernel drops the lock with the process, however that dies.
        """
        self.make()
        with (self._run / "lock").open("a") as lock:
            deadline = time.monotonic() + patience
            while not _taken(lock.fileno()):
                other = self.read()
                if time.monotonic() > deadline or (other is not None and other.is_up):
                    raise BusyError(_refusal(self.path, other))
                time.sleep(0.1)
            # What is written here was left by a holder that was killed.
            self.left_behind = self.read()
            self.write(State(os.getpid(), doing))
            try:
                yield
            finally:
                (self._run / "state.json").unlink(missing_ok=True)

    def is_in_use(self) -> bool:
        """Whether somebody holds the lock."""
        try:
            with (self._run / "lock").open("r") as lock:
                # Shared: two who only ask are not in each other's way.
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def running(self) -> State | None:
        """What the holder of the lock says; None where nobody holds it."""
        return self.read() if self.is_in_use() else None

    def read(self) -> State | None:
        try:
            return State(**json.loads((self._run / "state.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, state: State) -> None:
        """Replace the file at once: a reader sees the old state or the new, never half of one."""
        fresh = self._run / "state.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
        fresh.replace(self._run / "state.json")


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refusal(path: Path, other: State | None) -> str:
    if other is None:
        return f"The data folder {path} is in use by another Regulars process."
    what = "Regulars is running already" if other.doing == UP else f"`{other.doing}` is running"
    where = f" at {other.address}" if other.address else ""
    return f"{what}{where} on the data folder {path} (process {other.pid})."
