"""What time it is, from one place.

Logic never reads a clock: it is given `now`. The doors (HTTP handlers, loops, commands) ask here.
For tests, `REGULARS_CLOCK` names a file that holds an ISO instant which stands for now; it is
refused unless `REGULARS_TESTING=1`, so that a stray setting can't freeze a real installation.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path


class ClockError(RuntimeError):
    """The clock is set up in a way that must not be used."""


class Clock:
    """The machine's clock, or the instant written in a file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._read_at: tuple[int, int] | None = None
        self._instant = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        if self._file is None:
            return datetime.now(UTC)
        stat = self._file.stat()
        version = (stat.st_mtime_ns, stat.st_size)
        if version != self._read_at:
            instant = datetime.fromisoformat(self._file.read_text(encoding="utf-8").strip())
            self._instant = (
                instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
            )
            self._read_at = version
        return self._instant


def from_environment() -> Clock:
    """The clock that the process's environment asks for."""
    named = os.environ.get("REGULARS_CLOCK")
    if not named:
        return Clock()
    if os.environ.get("REGULARS_TESTING") != "1":
        raise ClockError("REGULARS_CLOCK is for tests only: it needs REGULARS_TESTING=1")
    return Clock(Path(named))


_clock = from_environment()
now = _clock.now
