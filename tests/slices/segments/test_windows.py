"""Windows on the last visit: rows say their ends shortly before, and nobody is passed over."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import psycopg
import pytest

from regulars.kit import clock, database
from regulars.segments import windows
from tests.slices.segments.saved import check, fill, members, save, save_and_fill, wait_until
from tests.slices.tracking.site import NOON, Site, changing, open_site, page

Database = psycopg.Connection[Any]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SEEN = {"field": "last_seen", "op": "within_last", "value": 14}
WINDOWS = "SELECT id, woken_until FROM segment_window WHERE project_id = %s ORDER BY id"


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def told(site: Site) -> datetime | None:
    """The instant that the only person's row has."""
    person = site.person(site.only_person().id)
    return person.next_move_at


def test_a_row_says_the_end_of_a_window_an_hour_before(site: Site) -> None:
    segment = save_and_fill(site, SEEN)
    site.send(page("a"), at=NOON)
    assert told(site) is None
    wait_until(site, NOON + 13 * DAY)
    assert told(site) is None
    wait_until(site, NOON + 14 * DAY - HOUR)
    assert told(site) == NOON + 14 * DAY
    wait_until(site, NOON + 14 * DAY)
    assert members(site, segment) == {site.only_person().id}
    wait_until(site, NOON + 14 * DAY + timedelta(microseconds=1))
    assert members(site, segment) == set()
    check(site, NOON + 14 * DAY + timedelta(microseconds=1))


def test_who_comes_by_shortly_before_says_it_themselves(site: Site) -> None:
    save_and_fill(site, SEEN)
    site.send(page("a"), at=NOON)
    late = page("b") | {"timestamp": (NOON - 14 * DAY + 90 * MINUTE).isoformat()}
    site.send(late, at=NOON + MINUTE)
    assert sorted(filter(None, (one.next_move_at for one in site.people()))) == [
        NOON + 90 * MINUTE + timedelta(microseconds=1)
    ]


def test_a_worker_that_stood_still_begins_where_it_was(site: Site) -> None:
    segment = save_and_fill(site, SEEN)
    for n in range(4):
        site.send(page(f"v{n}"), at=NOON + n * DAY)
    wait_until(site, NOON + 3 * DAY)
    wait_until(site, NOON + 16 * DAY)  # nothing happened for two weeks
    assert len(members(site, segment)) == 2
    wait_until(site, NOON + 40 * DAY)
    assert not members(site, segment)
    check(site, NOON + 40 * DAY)


def test_a_clock_that_is_put_back_passes_nobody_over(site: Site) -> None:
    save_and_fill(site, SEEN)
    wait_until(site, NOON + 100 * DAY)
    wait_until(site, NOON)
    site.send(page("a"), at=NOON)
    wait_until(site, NOON + 15 * DAY)
    check(site, NOON + 15 * DAY)


def test_more_than_a_statement_tells_are_all_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "AT_ONCE", 2)
    segment = save_and_fill(site, SEEN)
    for n in range(7):
        site.send(page(f"v{n}"), at=NOON + n * timedelta(seconds=1))
    wait_until(site, NOON + 14 * DAY - MINUTE)
    assert {one.next_move_at is not None for one in site.people()} == {True}
    wait_until(site, NOON + 15 * DAY)
    assert not members(site, segment)


def test_a_transaction_under_way_while_its_hour_is_told_is_not_passed_over(site: Site) -> None:
    segment = save_and_fill(site, SEEN)
    site.send(page("a"), at=NOON - 30 * DAY)
    id_ = site.only_person().id
    end = NOON + 70 * MINUTE
    with database.connect() as other, other.transaction():
        changes = changing(Site(other, site.project, ""), at=NOON)
        person = changes.load([id_])[id_]
        person.last_seen = end - 14 * DAY
        person.seen_changed = True
        changes.flush()
        wait_until(site, end - MINUTE)  # all ends of the next hour are told
        changes.finish()
    assert members(site, segment) == {id_}
    wait_until(site, end + MINUTE)
    assert members(site, segment) == set()


@pytest.mark.parametrize("op", ["within_last", "at_least_ago"])
def test_who_is_moved_by_time_before_a_filling_that_began_earlier_comes_to_them(
    site: Site, op: str
) -> None:
    """A filling says `now` a moment before it has the locks; the clock may be there meanwhile."""
    site.send(page("a"), at=NOON)
    end = NOON + 14 * DAY
    save(site, {**SEEN, "op": op}, at=end - MINUTE)
    wait_until(site, end + timedelta(seconds=1))
    fill(site, end - timedelta(seconds=1))
    wait_until(site, end + timedelta(seconds=2))
    check(site, end + timedelta(seconds=2))


def test_windows_are_those_that_segments_ask_about(site: Site) -> None:
    save_and_fill(site, {"any": [SEEN, {"not": {**SEEN, "op": "at_least_ago", "value": 90}}]})
    save_and_fill(site, {"field": "signed_up_at", "op": "within_last", "value": 5}, "Another")
    assert [days for days, _ in kept(site)] == [14, 28, 90]


def test_an_installation_from_before_is_given_the_windows_of_its_segments(site: Site) -> None:
    save_and_fill(site, {"any": [SEEN, {"not": {**SEEN, "op": "at_least_ago", "value": 90}}]})
    save_and_fill(site, {**SEEN, "op": "not_within_last", "value": 60}, "Another")
    before = kept(site)
    text = resources.files("regulars.segments").joinpath("sql/0006_windows.sql").read_text("utf-8")
    with site.connection.transaction(force_rollback=True):
        site.connection.execute("DELETE FROM segment_window")
        site.connection.execute(text[text.index("INSERT INTO") :])
        after = kept(site)
    assert [days for days, _ in after] == [days for days, _ in before] == [14, 28, 60, 90]
    assert {abs(until - clock.now()) < HOUR for _, until in after} == {True}


def kept(site: Site) -> list[tuple[int, datetime]]:
    """The project's windows, and until when each has been told."""
    return site.connection.execute(WINDOWS, (site.project.id,)).fetchall()
