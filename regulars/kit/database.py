"""Connections to PostgreSQL for all code that does without Django's ORM.

`DATABASE_URL` says where: `regulars up` and the commands set it to the embedded server's socket
where the operator named none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from regulars.kit.connection import Connection

# What means "the server is away", as against "the statement was wrong".
Away = (psycopg.OperationalError, psycopg.InterfaceError)

# Two transactions met: the loser starts anew (40001 serialization_failure, 40P01 deadlock).
Collision = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


# A table that is not there (yet): migrations were not run.
Undefined = psycopg.errors.UndefinedTable


_SETTINGS: dict[str, Any] = {
    "autocommit": True, "connect_timeout": 5, "application_name": "regulars",
}  # fmt: skip


class NoDatabaseError(RuntimeError):
    """No database was named."""


def dsn() -> str:
    """The connection string of the installation's database."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise NoDatabaseError("DATABASE_URL is not set: start with `regulars up`, or name a server")
    return url


def connect(**options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """A new connection; autocommit, so that transactions are always written out."""
    return psycopg.connect(dsn(), **_SETTINGS, **options)


def connect_lean() -> Connection:
    """The same for whoever runs many small statements: what is prepared costs less there."""
    return Connection.connect(dsn(), prepare_threshold=None, **_SETTINGS)


@cache
def pool() -> ConnectionPool[psycopg.Connection[tuple[Any, ...]]]:
    """The process's pool, for short reads and writes off the hot path."""
    return ConnectionPool(
        dsn(),
        min_size=0,
        max_size=8,
        open=True,
        timeout=2,
        reconnect_timeout=1,  # whoever asks next tries anew: no long sleep over the server's return
        kwargs=_SETTINGS,
        check=ConnectionPool.check_connection,
    )


@contextmanager
def transaction() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A pooled connection inside one transaction."""
    with pool().connection() as connection, connection.transaction():
        yield connection


@contextmanager
def inside(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The connection, inside one transaction."""
    with connection.transaction():
        yield connection


class _Borrowed(psycopg.Connection[tuple[Any, ...]]):
    """Another's connection, used in the core's own way: its owner closes it."""

    def __del__(self, _warn: Any = None, /) -> None:
        """Nothing: psycopg would warn of a connection left open."""


@contextmanager
def of_django() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The connection under Django's, inside one transaction that Django's ORM shares.

    Django sets its own up to bind values on the client and to read JSON as text; the core's
    statements meet the same server session without that.
    """
    from django.db import connection, transaction  # noqa: PLC0415 - the core runs without Django

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")  # Django begins its transaction with the first statement
        core = _Borrowed(connection.connection.pgconn)
        core.prepare_threshold = None  # two sets of prepared statements would share their names
        yield core
