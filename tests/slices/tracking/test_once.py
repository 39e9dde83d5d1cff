"""CONTRACT.md, 'Once': a messageId counts once per project within its window."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from regulars.kit import database as kit_database
from regulars.kit.ids import key_bytes
from regulars.tracking.once import MAX_DAYS, Memory
from regulars.workspaces.actions import change_project, create_project
from regulars.workspaces.audit import OPERATOR
from regulars.workspaces.errors import InvalidError
from tests.slices.tracking.site import NOON, Site, open_site, page, track

Database = psycopg.Connection[Any]

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def test_a_repeated_message_counts_once(site: Site) -> None:
    for _ in range(3):
        assert site.send(page("a1", messageId="m1")).status == 200
    assert site.only_person().page_views == 1
    assert site.count("event") == 1
    assert site.drops() == {"duplicate": 2}


def test_a_message_repeated_within_one_batch_counts_once(site: Site) -> None:
    site.send(page("a1", messageId="m1"), page("a1", messageId="m1"))
    assert site.count("event") == 1


def test_a_duplicate_is_no_refusal(site: Site) -> None:
    site.send(page("a1", messageId="m1"))
    answer = site.post("/v1/p", _body(site, "m1"))
    assert answer.status == 200
    assert site.refusals() == []


def test_a_message_counts_once_for_each_project(site: Site, database: Database) -> None:
    other = open_site(database)
    for each in (site, other):
        each.send(page("a1", messageId="m1"))
    assert (site.count("event"), other.count("event")) == (1, 1)


@pytest.mark.parametrize("hours", [0, 1, 23, 24, 25, 47, 48, 71])
def test_a_message_is_remembered_for_72_hours(site: Site, hours: int) -> None:
    site.send(page("a1", messageId="m1"), at=NOON)
    site.send(page("a1", messageId="m1"), at=NOON + hours * HOUR)
    assert site.count("event") == 1


def test_after_72_hours_a_message_counts_anew(site: Site) -> None:
    site.send(page("a1", messageId="m1"), at=NOON)
    site.send(page("a1", messageId="m1"), at=NOON + 72 * HOUR)
    assert site.count("event") == 2


def test_a_project_may_ask_for_a_shorter_memory(site: Site, database: Database) -> None:
    database.execute("UPDATE project SET dedupe_hours = 2 WHERE id = %s", (site.project.id,))
    asking = Memory()
    asking.ensure(database, NOON)
    key = key_bytes("m1")
    claimed = [
        asking.claim(database, site.project.id, [key], NOON + hours * HOUR, 2)()
        for hours in (0, 1, 2)
    ]
    assert claimed == [{key}, set(), {key}]


def test_a_project_may_ask_for_a_week(database: Database) -> None:
    project = create_project("Long memory", now=NOON).project_id
    asking = Memory()
    key = key_bytes("m1")
    for at, counts in (
        (NOON, True),
        (NOON + 167 * HOUR, False),
        (NOON + 168 * HOUR, True),
    ):
        asking.ensure(database, at)
        assert (asking.claim(database, project, [key], at, 168)() == {key}) is counts


def test_nobody_may_ask_for_more_than_is_remembered(site: Site) -> None:
    most = (MAX_DAYS - 1) * 24
    for hours, allowed in ((most, True), (most + 1, False)):
        with nullcontext() if allowed else pytest.raises(InvalidError):
            change_project(site.project.id, {"dedupe_hours": hours}, by=OPERATOR, now=NOON)


def test_without_a_message_id_nothing_is_deduplicated(site: Site) -> None:
    site.send(track("Bought", "a1", messageId=None), track("Bought", "a1", messageId=None))
    site.send(track("Bought", "a1", messageId=""))
    assert site.count("event") == 3


def test_a_number_as_message_id_is_one_too(site: Site) -> None:
    site.send(track("Bought", "a1", messageId=7))
    site.send(track("Bought", "a1", messageId="7"))
    assert site.count("event") == 1


def test_a_refused_event_does_not_use_up_its_message_id(site: Site) -> None:
    site.send({"type": "track", "anonymousId": "a1", "messageId": "m1"})
    site.send(track("Bought", "a1", messageId="m1"))
    assert site.reasons() == ["no_event_name"]
    assert site.count("event") == 1


@pytest.mark.parametrize("seconds", [-121, -119, -1, 0, 1, 119, 121])
def test_around_midnight_a_message_counts(site: Site, seconds: int) -> None:
    site.send(page("a1", messageId="m1"), at=MIDNIGHT + timedelta(seconds=seconds))
    assert site.count("event") == 1


@pytest.mark.parametrize("first", [-3, -1, 0, 1])
@pytest.mark.parametrize("later", [0.5, 1, 2, 3])
def test_a_retry_across_midnight_is_caught(site: Site, first: float, later: float) -> None:
    at = MIDNIGHT + first * MINUTE
    site.send(page("a1", messageId="m1"), at=at)
    site.send(page("a1", messageId="m1"), at=at + later * MINUTE)
    assert site.count("event") == 1


@pytest.mark.parametrize(("early", "late"), [(-1.5, 0.5), (-0.1, 0.1), (-2.5, -1), (1, 2.5)])
def test_two_connections_at_midnight_claim_a_message_once(
    database: Database, early: float, late: float
) -> None:
    """Both transactions are open at once, and neither sees the other's day."""
    project = create_project("Midnight", now=NOON).project_id
    keys = [key_bytes(f"m{number}") for number in range(20)]
    claimed: list[Any] = []
    together = threading.Barrier(2)

    def claim(at: datetime) -> None:
        memory = Memory()
        with kit_database.connect() as connection:
            memory.ensure(connection, at)
            with connection.transaction():
                together.wait(10)
                claimed.extend(memory.claim(connection, project, keys, at, 72)())

    threads = [
        threading.Thread(target=claim, args=(MIDNIGHT + minutes * MINUTE,))
        for minutes in (early, late)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(claimed) == sorted(keys)


def _body(site: Site, message_id: str) -> bytes:
    return (
        f'{{"writeKey":"{site.write_key}","anonymousId":"a1","messageId":"{message_id}"}}'
    ).encode()
