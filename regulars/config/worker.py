"""The worker process: every loop of `wiring.LOOPS`, the job queue, and a sign of life."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

import psycopg
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from regulars.config import logs
from regulars.config.installation import set_up_django
from regulars.kit import clock, database

Loop = Callable[[threading.Event], None]

HEARTBEAT_SECONDS = 2.0

_JOBS_AT_ONCE = 4
_GRACE_SECONDS = 2.5
_RESCUE_SECONDS = 30.0

# A loop that fails is started anew after this long; longer each time while it keeps failing.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0

_BEAT = """
INSERT INTO worker_heartbeat (id, at) VALUES (%s, %s)
ON CONFLICT (id) DO UPDATE SET at = excluded.at
"""
_FORGET = "DELETE FROM worker_heartbeat WHERE at < %s - interval '1 day'"

log = logging.getLogger(__name__)


def serve() -> int:
    """Work until told to stop; the exit status."""
    logs.configure()
    set_up_django()
    from regulars.config.wiring import LOOPS  # noqa: PLC0415 - needs Django

    stop = threading.Event()
    threads = [
        threading.Thread(target=keep_running, args=(loop, stop), name=_name(loop), daemon=True)
        for loop in (*LOOPS, beat)
    ]
    for thread in threads:
        thread.start()
    asyncio.run(_until_stopped(stop))
    deadline = time.monotonic() + _GRACE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            log.warning("%s did not stop in time; what it had not committed is undone", thread.name)
    return 0


def keep_running(loop: Loop, stop: threading.Event) -> None:
    """Run a loop until the stop, starting it anew whenever it fails."""
    pause = _FIRST_PAUSE
    told = 0.0
    while not stop.is_set():
        started = time.monotonic()
        try:
            loop(stop)
        except database.Away as away:
            # Ours to wait for: told now and then, and without a pause that would slow the return.
            if started - told > _LONGEST_PAUSE:
                log.warning("%s waits for the database (%s)", _name(loop), type(away).__name__)
                told = started
            pause = _FIRST_PAUSE
        except Exception:
            log.exception("%s failed and starts anew", _name(loop))
            lasted = time.monotonic() - started > _LONGEST_PAUSE
            pause = _FIRST_PAUSE if lasted else min(pause * 2, _LONGEST_PAUSE)
        stop.wait(pause)


def beat(stop: threading.Event) -> None:
    """Say every other second that this worker lives, for /readyz."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    with database.connect() as connection:
        connection.execute(_FORGET, [clock.now()])
        while not stop.is_set():
            connection.execute(_BEAT, [name, clock.now()])
            stop.wait(HEARTBEAT_SECONDS)
        connection.execute("DELETE FROM worker_heartbeat WHERE id = %s", [name])


async def _until_stopped(stop: threading.Event) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    jobs = asyncio.create_task(_keep_working(asked))
    await asked.wait()
    stop.set()
    # The queue asks the database to let go of its jobs, which takes forever while that is away.
    # Whoever is cut off here has died like any other worker: the jobs are rescued.
    cut_off = threading.Timer(_GRACE_SECONDS + 0.5, os._exit, [0])
    cut_off.daemon = True
    cut_off.start()
    jobs.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await jobs


async def _keep_working(asked: asyncio.Event) -> None:
    """Run the job queue until the stop is asked for, starting it anew whenever it ends."""
    while not asked.is_set():
        try:
            await _until_it_answers()
            await _work()
        except Exception as error:  # noqa: BLE001 - whatever it was, the queue must go on
            if not asked.is_set():
                log.warning("The job queue failed: %s: %s", type(error).__name__, error)
        if not asked.is_set():
            log.warning("The job queue starts anew")
            await asyncio.sleep(_FIRST_PAUSE)


async def _until_it_answers() -> None:
    """Wait for the database. The queue's own pool would try ever more seldom."""
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(database.dsn(), connect_timeout=5)
        except psycopg.OperationalError:
            await asyncio.sleep(_FIRST_PAUSE)
        else:
            await connection.close()
            return


async def _work() -> None:
    """The job queue, until it ends: by itself it does when one of its connections is lost."""
    from regulars.kit.jobs import worker_app  # noqa: PLC0415 - needs Django

    async with worker_app().open_async() as app:
        rescue = asyncio.create_task(_rescue(app))
        try:
            await app.run_worker_async(
                concurrency=_JOBS_AT_ONCE,
                install_signal_handlers=False,
                shutdown_graceful_timeout=_GRACE_SECONDS,
                delete_jobs="successful",
            )
        finally:
            rescue.cancel()


async def _rescue(app: App) -> None:
    """Give jobs whose worker died to another one. No lock: two rescuers do no harm."""
    while True:
        try:
            for job in await app.job_manager.get_stalled_jobs():
                await app.job_manager.retry_job(job)
        except ConnectorException as error:
            log.info("Jobs of dead workers are looked for later: %s", error)
        await asyncio.sleep(_RESCUE_SECONDS)


def _name(loop: Loop) -> str:
    return f"{loop.__module__}.{getattr(loop, '__qualname__', loop)}"
