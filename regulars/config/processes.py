"""What the standard library leaves out about processes: who they are, and a leash for them."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LINUX = platform.system() == "Linux"
_PROC = Path("/proc")


def command_line(pid: int) -> str:
    """The command line of a process, words joined by blanks; empty where there is none."""
    if _LINUX:
        try:
            words = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            return ""
        return words.replace(b"\0", b" ").decode(errors="replace").strip()
    listing = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return listing.stdout.strip()


def working_in(folder: Path) -> list[int]:
    """The processes whose working directory is `folder`, where the system tells (Linux)."""
    if not _LINUX:
        return []
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
    return found


def end(pids: Iterable[int], *, ask: signal.Signals, seconds: float) -> None:
    """Ask processes to end, wait, and kill those that are still there after `seconds`."""
    alive = [pid for pid in pids if _send(pid, ask)]
    deadline = time.monotonic() + seconds
    while alive and time.monotonic() < deadline:
        time.sleep(0.02)
        alive = [pid for pid in alive if is_alive(pid)]
    for pid in alive:
        _send(pid, signal.SIGKILL)
    while any(is_alive(pid) for pid in alive):
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and awaits its parent (a zombie) does not."""
    if _LINUX:
        try:
            status = (_PROC / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            return False
        return status.rpartition(")")[2].split()[0] != "Z"
    return _send(pid, 0)


def leash(sent: signal.Signals) -> Callable[[], None] | None:
    """What a child calls before exec, so that it gets the signal `sent` when its parent dies.

    Linux only (None elsewhere). It must be set after the child's user has changed, since a change
    of user clears it, and it is tied to the thread that forked: start children from the main one.
    """
    if not _LINUX:
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
        if os.getppid() != parent:  # it died before the leash was on
            os._exit(1)

    return bind


def _send(pid: int, sent: int) -> bool:
    try:
        os.kill(pid, sent)
    except ProcessLookupError:
        return False
    except PermissionError:
        return sent == 0
    return True
