"""What ingest needs done ahead and behind it: partitions made early, old memory dropped.

A loop of the worker. Nothing depends on it being on time: ingest makes what it misses itself.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import psycopg

from regulars.events import arriving, record
from regulars.kit import clock, database
from regulars.people import erasure
from regulars.tracking import once, refusals

PAUSE = 60.0  # seconds
AHEAD = timedelta(days=40)

PROJECTS = "SELECT DISTINCT project_id FROM refusal"
OLD_DROPS = "DELETE FROM drop_count WHERE day < %s"
DROPS_KEPT = timedelta(days=90)


def keep_house(stop: threading.Event) -> None:
    """Until stopped: tidy once a minute."""
    with database.connect() as connection:
        while not stop.is_set():
            tidy(connection, clock.now())
            stop.wait(PAUSE)


def tidy(connection: psycopg.Connection[Any], now: datetime) -> None:
    """Make what will be needed, drop what nobody asks for any more."""
    record.make_partition(connection, now)
    record.make_partition(connection, now + AHEAD)
    once.Memory().ensure(connection, now)
    once.drop_old(connection, now)
    erasure.forget_old(connection, now)
    arriving.forget_old(connection, now)
    connection.execute(OLD_DROPS, ((now - DROPS_KEPT).date(),))
    for (project_id,) in connection.execute(PROJECTS).fetchall():
        refusals.trim(connection, project_id)
