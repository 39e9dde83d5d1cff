"""The tables that filters read, as temporary ones made like the real ones, with nobody in them.

Temporary tables have no foreign keys, so that a test fills them with any rows it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

READ_TABLES = (
    "person", "person_activity", "person_compact", "event", "segment_member", "campaign_entry",
    "campaign_email", "email_recipient", "person_pack", "person_packed", "person_unpacked",
)  # fmt: skip


@pytest.fixture
def tables(database: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    for table in READ_TABLES:
        made_like = f"LIKE public.{table} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING IDENTITY"
        database.execute(f"CREATE TEMP TABLE {table} ({made_like})")
    database.execute(
        "CREATE TEMP TABLE checkpoint_reached "
        "(project_id uuid NOT NULL, person_id uuid, checkpoint int, reached_at timestamptz)"
    )
    database.execute(
        "CREATE TEMP TABLE checkpoint_times (project_id uuid NOT NULL, person_id uuid,"
        " at1 timestamptz, at2 timestamptz, at3 timestamptz, at4 timestamptz, at5 timestamptz)"
    )
    database.execute(
        "CREATE TEMP TABLE campaign_outcome "
        "(project_id uuid NOT NULL, person_id uuid, campaign_id uuid, outcome text)"
    )
    database.execute("SET TIME ZONE 'Asia/Kathmandu'")  # SQL must not depend on the session's
    yield database
    for table in (*READ_TABLES, "checkpoint_reached", "checkpoint_times", "campaign_outcome"):
        database.execute(f"DROP TABLE pg_temp.{table}")
