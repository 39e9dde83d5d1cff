"""The loop by which a worker works off what agents asked for of many people, a step at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

import psycopg

from regulars.kit import clock, database

Connection = psycopg.Connection[Any]

PAUSE = 0.25  # seconds between looks while there is nothing to do
TIDY_EVERY = 60.0  # seconds


class Worker(Protocol):
    """What is at work on one connection."""

    def step(self, now: datetime) -> bool:
        """Some of what there is to do; whether there was anything."""


def work_off(
    stop: threading.Event,
    worker_on: Callable[[Connection], Worker],
    tidy: Callable[[Connection, datetime], None],
) -> None:
    """Until stopped: step after step, and while there is nothing to do, tidy up now and then."""
    tidied = 0.0
    with database.connect() as connection:
        worker = worker_on(connection)
        while not stop.is_set():
            if worker.step(clock.now()):
                continue
            if monotonic() - tidied > TIDY_EVERY:
                tidy(connection, clock.now())
                tidied = monotonic()
            stop.wait(PAUSE)
