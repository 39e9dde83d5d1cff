"""One process that is kept alive: at once after a crash, calmly when it can't run at all."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from regulars.config.children import Child
from tests.running import wait_until


def _watched(child: Child) -> bool:
    child.watch()
    return not child.has_ended()


def test_a_single_crash_is_mended_at_once() -> None:
    child = Child("web", lambda: subprocess.Popen(["/bin/sleep", "60"]))
    child.start()
    assert child.process is not None
    first = child.process
    first.kill()
    first.wait()
    assert wait_until(lambda: _watched(child), seconds=2) < 1
    assert child.pid != first.pid
    child.process.kill()
    child.process.wait()


def test_a_program_that_cannot_run_is_tried_ever_more_seldom() -> None:
    starts: list[float] = []

    def spawn() -> subprocess.Popen[bytes]:
        starts.append(time.monotonic())
        return subprocess.Popen(["/bin/false"])

    child = Child("web", spawn)
    child.start()
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        child.watch()
        time.sleep(0.005)
    assert 4 <= len(starts) <= 8
    assert starts[-1] - starts[-2] > starts[2] - starts[1]


def test_a_program_that_is_not_there_is_tried_again() -> None:
    """As during an upgrade, while the environment is being replaced."""
    missing = Path("/nonexistent/regulars")
    child = Child("worker", lambda: subprocess.Popen([missing]))
    child.start()
    assert child.has_ended()
    child.spawn = lambda: subprocess.Popen(["/bin/sleep", "60"])
    wait_until(lambda: _watched(child), seconds=2)
    assert child.process is not None
    child.process.kill()
    child.process.wait()
