"""What all tests share: one real PostgreSQL for the session (see `tests/server.py`).

Tests share a database and keep apart by project: each makes its own, as the product's tenants do,
so nothing needs cleaning and all may run side by side.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

# What holds of a project: a failure there should say what it found.
pytest.register_assert_rewrite("tests.slices.tracking.truths", "tests.slices.segments.saved")

# A machine that is busy with other things is no finding. Where CI is set Hypothesis tries the same
# examples each time, by its own profile; elsewhere others each time.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

from tests.browser import chromium  # noqa: E402
from tests.sharing_out import ByFile, place_of  # noqa: E402

__all__ = ["chromium"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place_of)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """Django's tests use the same database: the server is the session's own."""
    from regulars.config import migrations, wiring

    with django_db_blocker.unblock():
        migrations.apply()
    wiring.wire()


@pytest.fixture(scope="session")
def served(django_db_setup: None) -> Iterator[Any]:
    """The application on loopback (`Served`), for all tests: a process can serve it once."""
    from tests.slices.public.served import serving

    with serving() as application:
        yield application


@pytest.fixture
def _reachable(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def database(_reachable: None) -> Iterator[psycopg.Connection[Any]]:
    """A plain connection to the test database, as the core uses them."""
    from regulars.kit import database as kit_database

    with kit_database.connect() as connection:
        yield connection


@pytest.fixture
def empty_database(database: psycopg.Connection[Any]) -> Iterator[str]:
    """The address of a database with nothing in it, gone after the test."""
    name = f"empty_{uuid4().hex[:12]}"
    database.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    address = urlsplit(os.environ["DATABASE_URL"])
    yield f"{address.scheme}://{address.netloc}/{name}?{address.query}"
    database.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def project(database: psycopg.Connection[Any]) -> Any:
    """A project of the test's own (`ProjectConfig`)."""
    from regulars.kit import clock
    from regulars.workspaces.actions import create_project
    from regulars.workspaces.keys import load_project

    created = create_project("Test project", now=clock.now())
    found = load_project(database, created.project_id)
    assert found is not None
    return found
