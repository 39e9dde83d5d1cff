"""Clients of the served application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.slices.public.served import Api, serving
from tests.slices.tracking.site import open_site


@pytest.fixture(scope="session")
def address(django_db_setup: None) -> Iterator[str]:
    """Where the application answers."""
    with serving() as url:
        yield url


@pytest.fixture
def api(database: psycopg.Connection[Any], address: str) -> Iterator[Api]:
    """Alice's project."""
    client = Api(open_site(database), address)
    yield client
    client.close()


@pytest.fixture
def stranger(database: psycopg.Connection[Any], address: str) -> Iterator[Api]:
    """Charlie's project: another one, with a good key of its own."""
    client = Api(open_site(database, name="Charlie's"), address)
    yield client
    client.close()
