"""What a new condition's filling found counts at once; people's own rows say it by and by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.funnels import counts, queries, report
from regulars.funnels.report import Period
from regulars.funnels.upkeep import clear_lanes
from regulars.kit import database as kit_database
from regulars.people import actions as people_actions
from regulars.people.changes import Changes
from regulars.public.rest.answers import people_of
from regulars.segments import filling, findings
from regulars.segments.fills import Fill
from tests.slices.funnels.funnel import ACTIVE, SIGNED_UP, VISITED, count, put, reached, rows
from tests.slices.segments.saved import (
    check,
    erase,
    fills_of,
    in_small_steps,
    take_up_a_little,
    wait_until,
)
from tests.slices.tracking.site import NOON, Site, identify, open_site, page

Database = psycopg.Connection[Any]
DAY = timedelta(days=1)
CAME = {"field": "first_seen", "op": "is_known"}
LATELY = {**ACTIVE, "value": 20}
PEOPLE = 7
OWN = "SELECT id, checkpoints, segments FROM person_activity WHERE project_id = %s ORDER BY id"
FOUND = "SELECT count(*) FROM step_found WHERE project_id = %s"
NOTES = "SELECT count(*) FROM step_evaluated WHERE project_id = %s"
STEPS = """
SELECT number, has_found FROM segment
WHERE project_id = %s AND builtin = 'checkpoint' AND deleted_at IS NULL ORDER BY number
"""


@pytest.fixture
def site(database: Database) -> Site:
    """Some people, who have all come."""
    site = open_site(database)
    put(site, VISITED, SIGNED_UP)
    for n in range(PEOPLE):
        site.send(page(f"a{n}"), at=NOON + n * DAY)
    return site


def _asked_for(site: Site, *filters: Any) -> int:
    """Ask for these, have everybody looked at, and no row follow; the last one's number."""
    put(site, *filters, at=NOON + 10 * DAY)
    count(site, NOON + 10 * DAY, follow=False)
    return _steps(site)[-1][0]


def _asked_for_in_small_steps(site: Site, patch: pytest.MonkeyPatch) -> Fill:
    """Ask for who ever came; what is to be filled then, a few people at a time."""
    in_small_steps(patch)
    put(site, VISITED, CAME, at=NOON + 10 * DAY)
    [fill] = fills_of(site)
    return fill


def _steps(site: Site) -> list[tuple[int, bool]]:
    found: list[tuple[int, bool]] = site.connection.execute(STEPS, (site.project.id,)).fetchall()
    return found


def _own(site: Site, number: int) -> list[UUID]:
    """Whose own rows say that they reached the step and are in it."""
    found = site.connection.execute(OWN, (site.project.id,)).fetchall()
    says = [id_ for id_, reached, _ in found if str(number) in reached]
    assert says == [id_ for id_, _, segments in found if number in segments]
    return says


def _left(site: Site) -> int:
    [(number,)] = site.connection.execute(FOUND, (site.project.id,)).fetchall()
    return int(number)


def _notes(site: Site) -> int:
    [(number,)] = site.connection.execute(NOTES, (site.project.id,)).fetchall()
    return int(number)


def test_it_counts_before_peoples_own_rows_say_it(site: Site) -> None:
    number = _asked_for(site, VISITED, CAME)
    assert _own(site, number) == []
    assert _steps(site)[-1] == (number, True)
    times = {one.id: one.first_seen for one in site.people()}
    assert {id_: one[2] for id_, one in rows(site).items()} == times
    for person in site.people():
        assert reached(site, person)[2] == times[person.id]
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert (second.filter, second.meeting, second.counting) == (CAME, PEOPLE, None)
    assert counts.reached(site.connection, site.project.id)[2] == PEOPLE
    (_, stage) = report.report(site.connection, site.project.id, Period()).stages
    assert stage.reached == PEOPLE


def test_whoever_comes_by_has_it_on_their_own_row_there_and_then(site: Site) -> None:
    number = _asked_for(site, VISITED, CAME)
    site.send(page("a3"), at=NOON + 11 * DAY)
    [pat] = _own(site, number)
    assert (pat, _left(site)) == (site.people()[3].id, PEOPLE - 1)
    assert len(rows(site)) == PEOPLE
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert second.meeting == PEOPLE


def test_by_and_by_all_rows_say_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_steps(monkeypatch)
    number = _asked_for(site, VISITED, CAME)
    before = rows(site)
    take_up_a_little(site.connection, site.project.id)
    assert len(_own(site, number)) == findings.A_RANGE
    assert rows(site) == before
    count(site, NOON + 10 * DAY)
    assert (len(_own(site, number)), _left(site)) == (PEOPLE, 0)
    assert _steps(site)[-1] == (number, False)
    assert rows(site) == before


def test_what_was_found_of_a_condition_goes_with_it(site: Site) -> None:
    _asked_for(site, VISITED, CAME)
    put(site, VISITED, SIGNED_UP, at=NOON + 11 * DAY)
    count(site, NOON + 11 * DAY)
    clear_lanes(site.connection)
    assert _left(site) == 0
    assert all(2 not in found for found in rows(site).values())


def test_other_days_move_those_of_whom_something_was_found(site: Site) -> None:
    number = _asked_for(site, VISITED, ACTIVE, LATELY)
    put(site, VISITED, ACTIVE, {**LATELY, "value": 6}, at=NOON + 10 * DAY)
    assert _steps(site)[-1] == (number, True)
    count(site, NOON + 10 * DAY)
    assert _left(site) == 0
    found = site.connection.execute(OWN, (site.project.id,)).fetchall()
    assert all(str(number) in reached for _, reached, _ in found)
    _check_who_is_in(site, number, since=NOON + 4 * DAY)


def test_time_moves_those_whose_rows_do_not_say_it(site: Site) -> None:
    number = _asked_for(site, VISITED, ACTIVE, LATELY)
    wait_until(site, NOON + 23 * DAY)
    count(site, NOON + 23 * DAY)
    _check_who_is_in(site, number, since=NOON + 3 * DAY)


def test_another_first_checkpoint_lets_all_be_looked_at_anew(site: Site) -> None:
    site.send(identify("pat", "a3"), at=NOON + 9 * DAY)
    number = _asked_for(site, VISITED, CAME)
    put(site, SIGNED_UP, CAME, at=NOON + 10 * DAY)
    assert _steps(site)[-2] == (number, True)
    count(site, NOON + 10 * DAY)
    assert (len(_own(site, number)), _left(site)) == (PEOPLE, 0)
    assert len(rows(site)) == PEOPLE


def _check_who_is_in(site: Site, number: int, *, since: datetime) -> None:
    """By their own rows and as counted, it is those who were seen since then."""
    found = site.connection.execute(OWN, (site.project.id,)).fetchall()
    seen = [one.id for one in site.people() if one.last_seen and one.last_seen >= since]
    assert [id_ for id_, _, segments in found if number in segments] == seen
    *_, last = queries.checkpoints(site.connection, site.project.id)
    assert 0 < last.meeting == len(seen) < PEOPLE


def test_whoever_is_looked_at_and_left_alone_meanwhile_is_found_in_the_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    put(site, VISITED, CAME, at=NOON + 10 * DAY)
    [fill] = fills_of(site)
    filling.fill_range(site.connection, fill, NOON + 10 * DAY)
    with site.connection.transaction():
        changes = Changes(site.connection, site.project.id, NOON + 10 * DAY)
        changes.begin()
        changes.load(person.id for person in site.people())
    count(site, NOON + 10 * DAY, follow=False)
    assert len(rows(site)) == PEOPLE
    assert all(2 in found for found in rows(site).values())
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert second.meeting == PEOPLE


def test_whoever_changes_just_as_they_are_looked_at_counts_once_and_nobody_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = NOON + 10 * DAY
    fill = _asked_for_in_small_steps(site, monkeypatch)
    with kit_database.connect() as other, other.transaction():
        changes = _evaluated(site, other, at)
        filling.fill_range(site.connection, fill, at)
        changes.finish()
    found = _left(site)
    assert 0 < found < PEOPLE
    site.send(page("a0"), at=at)  # what was found does not go over what the row says
    assert _left(site) == found
    _check_all_are_in(site, at)


def test_whoever_is_looked_at_just_as_they_change_counts_once_and_nobody_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = NOON + 10 * DAY
    fill = _asked_for_in_small_steps(site, monkeypatch)
    with kit_database.connect() as other, site.connection.transaction():
        with other.transaction():
            filling.fill_range(other, fill, at)
            changes = _evaluated(site, site.connection, at)
        assert 0 < _left(site) < PEOPLE
        changes.finish()
    _check_all_are_in(site, at)


def _evaluated(site: Site, connection: Database, at: datetime) -> Changes:
    """Everybody, as whoever comes by is."""
    changes = Changes(connection, site.project.id, at)
    changes.begin()
    for person in changes.load(person.id for person in site.people()).values():
        person.seen_changed = True
    changes.flush()
    return changes


def _check_all_are_in(site: Site, at: datetime) -> None:
    count(site, at, follow=False)
    assert _left(site) == _notes(site) == 0
    number, _ = _steps(site)[-1]
    assert _own(site, number) == [one.id for one in site.people()]
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert second.meeting == PEOPLE


def test_who_goes_or_comes_meanwhile_is_counted_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_steps(monkeypatch)
    at = NOON + 10 * DAY
    put(site, VISITED, CAME, at=at)
    people = site.people()
    erase(site, people[6].id, at)
    with site.connection.transaction():
        people_actions.merge_people(
            site.connection, site.project.id, people[5].id, people[0].id, at, cause="agent"
        )
    [fill] = fills_of(site)
    filling.fill_range(site.connection, fill, at)
    site.send(identify("new", "b"), at=at)
    with site.connection.transaction():
        people_actions.merge_people(
            site.connection, site.project.id, people[4].id, people[1].id, at, cause="agent"
        )
    count(site, at, follow=False)
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert second.meeting == len(site.people()) == PEOPLE - 2
    assert {id_ for id_, found in rows(site).items() if 2 in found} == {
        one.id for one in site.people()
    }
    erase(site, people[2].id, at)
    (_, second) = queries.checkpoints(site.connection, site.project.id)
    assert second.meeting == PEOPLE - 3
    count(site, at)
    check(site, at)
    assert _left(site) == 0


def test_whoever_is_read_without_a_lock_says_it(site: Site) -> None:
    number = _asked_for(site, VISITED, CAME)
    people = site.people()
    findings.tell(site.connection, site.project.id, people)
    assert all(str(number) in one.checkpoints and number in one.segments for one in people)
    told = people_of(site.connection, site.project.id, site.people(), NOON + 10 * DAY)
    assert [one.checkpoints for one in told] == [[1, 2]] * PEOPLE
