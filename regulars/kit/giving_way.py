"""Work that may take a while lets go first what cannot wait.

Filling a segment moves people as fast as the machine can, and events that come in meanwhile would
queue up behind it. So between its transactions it rests, as long as it worked, while anybody else
is asking the database. What nobody waits for rests in any case, and longer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
Rest = Callable[[float], None]  # is told how many seconds the last piece of work took

LEISURE = 3.0  # times as long as it worked rests what nobody waits for

OTHERS = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
)
"""


def no_rest(took: float) -> None:
    """For whoever waits for the work to be done."""
    del took


def resting(connection: Connection, stop: threading.Event) -> Rest:
    """What to call between pieces of work on this connection; a stop ends the rest."""

    def rest(took: float) -> None:
        row = connection.execute(OTHERS, prepare=True).fetchone()
        if row is not None and row[0]:
            stop.wait(took)

    return rest


def at_leisure(stop: threading.Event) -> Rest:
    """What to call between pieces of work that nobody waits for; a stop ends the rest."""

    def rest(took: float) -> None:
        stop.wait(LEISURE * took)

    return rest
