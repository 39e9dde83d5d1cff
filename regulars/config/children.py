"""One process that the supervisor keeps alive."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

Spawn = Callable[[], "subprocess.Popen[bytes]"]

# The wait before the n-th start in a row that did not last: at once for a single crash, then
# slower, so that a program that can't run does not burn the machine.
_PAUSES = (0.0, 0.0, 0.1, 0.1, 0.2, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0)
_LASTED = 10.0


@dataclass(slots=True)
class Child:
    """A process and how it is started; `kind` is postgres, web or worker."""

    kind: str
    spawn: Spawn
    ask_to_end: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    restart_at: float = 0.0
    _started_at: float = 0.0
    _short_lives: int = field(default=0)

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None else None

    def start(self) -> None:
        """Start it; where even that fails, try again later."""
        self._started_at = time.monotonic()
        try:
            self.process = self.spawn()
        except (OSError, subprocess.SubprocessError) as error:
            log.exception("%s could not be started", self.kind, exc_info=error)
            self._plan_restart()

    def watch(self) -> bool:
        """Note an end and start anew when it is time; whether the process changed."""
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return False
            log.warning("%s (process %d) %s", self.kind, self.process.pid, _told(status))
            self.process = None
            self._plan_restart()
            if self.restart_at > time.monotonic():
                return True
        if time.monotonic() < self.restart_at:
            return False
        self.start()
        return True

    def send(self, sent: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(sent)

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _plan_restart(self) -> None:
        now = time.monotonic()
        self._short_lives = 0 if now - self._started_at > _LASTED else self._short_lives + 1
        self.restart_at = now + _PAUSES[min(self._short_lives, len(_PAUSES) - 1)]


def _told(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}; starting it again"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was killed by {name}; starting it again"
