"""Clients of the served application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.slices.public.served import Api, Served
from tests.slices.tracking.site import open_site


@pytest.fixture
def api(database: psycopg.Connection[Any], served: Served) -> Iterator[Api]:
    """Alice's project."""
    client = Api(open_site(database), served)
    yield client
    client.close()


@pytest.fixture
def stranger(database: psycopg.Connection[Any], served: Served) -> Iterator[Api]:
    """Charlie's project: another one, with a good key of its own."""
    client = Api(open_site(database, name="Charlie's"), served)
    yield client
    client.close()
