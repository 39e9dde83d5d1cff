"""Work that may take a while lets go first what cannot wait.

Filling a segment moves people as fast as the machine can, and events that come in meanwhile would
queue up behind it. So it steps back: the system gives it what time the others leave. Where that
can't be had, since PostgreSQL runs elsewhere, it rests between its transactions, as long as it
worked, while anybody else is asking the database. What nobody waits for rests in any case.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
Rest = Callable[[float], None]  # is told how many seconds the last piece of work took

# How far work steps back, as `nice` has it: behind all else, or behind what answers somebody. Not
# as far as can be: it holds locks now and then, and must not be left with them.
LAST, BEHIND = 10, 5

OTHERS = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
)
"""


def step_back(connection: Connection, by: int = LAST) -> bool:
    """Have this thread, and PostgreSQL's process that serves the connection, run behind others.

    False where that process is not this system's, or not ours to say so.
    """
    if sys.platform != "linux":
        return False
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    server = row[0] if row is not None else 0
    try:
        if not Path(f"/proc/{server}/cmdline").read_bytes().startswith(b"postgres:"):
            return False
        os.setpriority(os.PRIO_PROCESS, server, by)
    except OSError:
        return False
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), by)  # of the thread alone
    return True


def no_rest(took: float) -> None:
    """For whoever waits for the work to be done."""
    del took


def giving_way(connection: Connection, stop: threading.Event) -> Rest:
    """Step back, or if that can't be had rest: what to call between pieces of work on this
    connection. A stop ends the rest.
    """
    if step_back(connection):
        return no_rest

    def rest(took: float) -> None:
        row = connection.execute(OTHERS, prepare=True).fetchone()
        if row is not None and row[0]:
            stop.wait(took)

    return rest


def at_leisure(stop: threading.Event) -> Rest:
    """For work that nobody waits for, stepped back or not: it rests as long as it worked."""

    def rest(took: float) -> None:
        stop.wait(took)

    return rest
