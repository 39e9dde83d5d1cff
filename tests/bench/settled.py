"""An installation as it is when it has run for a while: what its worker begins with is done.

People of a benchmark are stored all at once, so that the worker finds a million whom nobody has
packed (`people/packed`), which it does once and at leisure: with nobody to wait for that the first
minutes would be measured, and not the rest.
"""

from __future__ import annotations

import time
from uuid import UUID

import psycopg

from tests.slices.people.packs import is_packed

PATIENCE = 600.0  # seconds
PAUSE = 0.5
UNDER_WAY = """
SELECT EXISTS (SELECT FROM segment_fill) OR EXISTS (SELECT FROM segment WHERE has_found)
"""


def wait_until_settled(connection: psycopg.Connection[tuple[object, ...]], project: UUID) -> float:
    """Wait until everybody is packed, and no segment being filled. How long it took, in seconds.

    Raises TimeoutError where that takes more than ten minutes.
    """
    began = time.monotonic()
    while not _is_settled(connection, project):
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError("the worker has not come to an end of what it began with")
        time.sleep(PAUSE)
    return time.monotonic() - began


def _is_settled(connection: psycopg.Connection[tuple[object, ...]], project: UUID) -> bool:
    [(is_under_way,)] = connection.execute(UNDER_WAY).fetchall()
    return not is_under_way and is_packed(connection, project)
