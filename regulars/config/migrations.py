"""Bringing the tables up to date, by one process at a time, and telling whether they are."""

from __future__ import annotations

from functools import cache

import psycopg
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from regulars.kit import database

# Any number that nothing else locks; several machines may start at once.
_LOCK = 7_134_022_817


def apply(*, verbosity: int = 0) -> None:
    """Run what has not run yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=verbosity)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def pending() -> list[str]:
    """What has not run yet, as `app.name`. Cheap: a monitor asks every few seconds.

    Raises what `database.Away` names while the database is away.
    """
    with database.pool().connection(timeout=1) as core:
        try:
            rows = core.execute("SELECT app, name FROM django_migrations").fetchall()
        except psycopg.errors.UndefinedTable:
            rows = []
    return sorted(f"{app}.{name}" for app, name in _known() - {(row[0], row[1]) for row in rows})


@cache
def _known() -> frozenset[tuple[str, str]]:
    """Every migration that this version of Regulars has."""
    return frozenset(MigrationLoader(None).disk_migrations)
