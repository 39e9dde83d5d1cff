"""What a command needs before it can do its work: the installation's database, and Django on it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg

from regulars.config.data_folder import BusyError, DataFolder
from regulars.config.postgres import server
from regulars.config.postgres.cluster import cluster_of
from regulars.config.postgres.server import ServerError
from regulars.kit import environment as settings
from regulars.kit.environment import Environment

# A server that is just starting, or another command that has to finish first.
_PATIENCE = 60.0


def environment_of(data: Path | None) -> Environment:
    """The environment, with the data folder that the command line names."""
    if data is not None:
        os.environ["REGULARS_DATA"] = str(data.absolute())
    environment = settings.read()
    if environment.storage_url is not None:
        from regulars.kit import bucket  # noqa: PLC0415 - only who has one loads its client

        try:
            bucket.read_address(environment.storage_url)
        except ValueError as wrong:
            raise click.ClickException(str(wrong)) from None
    return environment


@contextmanager
def ensure_database(environment: Environment, doing: str) -> Iterator[bool]:
    """The installation's database for a block; whether its server was started for it alone.

    It is the one that DATABASE_URL names, else that of the running `regulars up`, else the
    embedded one. `DATABASE_URL` is set to it meanwhile, which is where all code looks.
    """
    if environment.database_url is not None:
        _must_answer(environment.database_url)
        yield False
        return
    folder = DataFolder(environment.data)
    dsn = _of_running(folder)
    if dsn is not None:
        with _named(dsn):
            yield False
        return
    with folder.locked(doing, patience=_PATIENCE):
        cluster = cluster_of(folder.path)
        with server.running(cluster, folder.path), _named(cluster.dsn):
            yield True


@contextmanager
def installation(data: Path | None, doing: str) -> Iterator[str]:
    """Django, set up on the installation's database; its tables made where nobody did yet.

    Gives the address that the console is reached at.
    """
    environment = environment_of(data)
    with ensure_database(environment, doing) as is_ours:
        set_up_django()
        if is_ours:
            from regulars.config import migrations  # noqa: PLC0415 - needs Django

            migrations.apply()
        yield url_of(environment)


def set_up_django() -> None:
    """Load Django and wire the slices together: most of a command's start-up time."""
    import django  # noqa: PLC0415 - not every command needs it

    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.config.settings"
    django.setup()
    from regulars.config import wiring  # noqa: PLC0415 - needs Django

    wiring.wire()


def url_of(environment: Environment) -> str:
    """Where the console is reached: as set, else where the running `regulars up` listens."""
    state = DataFolder(environment.data).running()
    if os.environ.get("REGULARS_BASE_URL") or state is None or state.url is None:
        return environment.base_url
    return state.url


def _of_running(folder: DataFolder) -> str | None:
    """Where the running `regulars up` has its database; waits for one that is just starting."""
    deadline = time.monotonic() + _PATIENCE
    while (state := folder.running()) is not None and state.is_up:
        if state.dsn is not None:
            return state.dsn
        if time.monotonic() > deadline:
            raise BusyError("Regulars is still starting; try again when it serves.")
        time.sleep(0.1)
    return None


def _must_answer(url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        raise ServerError(f"The database named in DATABASE_URL does not answer: {error}") from error


@contextmanager
def _named(dsn: str) -> Iterator[None]:
    os.environ["DATABASE_URL"] = dsn
    try:
        yield
    finally:
        del os.environ["DATABASE_URL"]
