"""Work that lets others go first: it steps back, and where that can't be had it rests."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import psycopg
import pytest

from regulars.kit import database as kit_database
from regulars.kit import giving_way

SERVER = "SELECT pg_backend_pid()"


def _niceness(process: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, process)


def _step_back() -> tuple[bool, int, int]:
    with kit_database.connect() as connection:
        stepped = giving_way.step_back(connection)
        [(server,)] = connection.execute(SERVER).fetchall()
        return stepped, _niceness(threading.get_native_id()), _niceness(server)


def test_the_thread_and_its_server_process_step_back_and_nobody_else(
    database: psycopg.Connection[Any],
) -> None:
    before = _niceness(threading.get_native_id())
    with ThreadPoolExecutor(1) as hands:
        assert hands.submit(_step_back).result() == (True, giving_way.LAST, giving_way.LAST)
    assert _niceness(threading.get_native_id()) == before
    [(server,)] = database.execute(SERVER).fetchall()
    assert _niceness(server) == before


def test_where_it_cannot_step_back_it_rests_while_others_are_at_work(
    database: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "step_back", lambda _connection: False)
    stop = threading.Event()
    with kit_database.connect() as mine, ThreadPoolExecutor(1) as hands:
        rest = giving_way.giving_way(mine, stop)
        at_work = hands.submit(database.execute, "SELECT pg_sleep(0.6)")
        while not mine.execute(giving_way.OTHERS).fetchall()[0][0]:
            pass
        began = monotonic()
        rest(0.2)
        assert monotonic() - began >= 0.2
        stop.set()
        began = monotonic()
        rest(60)
        assert monotonic() - began < 30
        at_work.result()
