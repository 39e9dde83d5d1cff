"""Who is in which built-in list, exact with every event and with time alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.segments.clock import move_project
from regulars.segments.queries import memberships_of
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

Database = psycopg.Connection[Any]
TICK = timedelta(microseconds=1)


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


def lists(site: Site, person_id: UUID) -> set[str]:
    found = memberships_of(site.connection, site.project.id, person_id)
    return {one.builtin for one in found if one.builtin}


def counts(site: Site) -> dict[str, int]:
    rows = site.connection.execute(
        "SELECT s.builtin, c.people FROM segment s JOIN segment_count c"
        " ON c.project_id = s.project_id AND c.id = s.id"
        " WHERE s.project_id = %s AND s.builtin <> 'checkpoint'",
        (site.project.id,),
    )
    return dict(rows.fetchall())


def moves(site: Site) -> list[tuple[str, str]]:
    """(list, way) of every move that the outbox tells, in order."""
    rows = site.connection.execute(
        "SELECT s.builtin, move ->> 2 FROM outbox o,"
        " jsonb_array_elements(o.body -> 'moves') move,"
        " segment s WHERE o.project_id = %(project)s AND o.topic = 'segments'"
        " AND s.project_id = %(project)s AND s.id = (move ->> 0)::uuid ORDER BY o.id",
        {"project": site.project.id},
    )
    return rows.fetchall()


def clock_at(site: Site, at: datetime) -> None:
    while move_project(site.connection, site.project.id, at):
        pass


def test_a_visitor_is_on_no_list(site: Site) -> None:
    site.send(page("a"))
    assert lists(site, site.only_person().id) == set()
    assert counts(site) == {"all": 0, "new": 0, "active": 0, "slipping": 0}


def test_who_registers_is_new_and_active(site: Site) -> None:
    site.send(page("a"), identify("ana", "a", {}))
    assert lists(site, site.only_person().id) == {"all", "new", "active"}
    assert counts(site) == {"all": 1, "new": 1, "active": 1, "slipping": 0}


def test_time_alone_ends_new_and_begins_slipping_away(site: Site) -> None:
    site.send(page("a"), identify("ana", "a", {}), at=NOON)
    ana = site.only_person().id
    clock_at(site, NOON + timedelta(days=7))
    assert "new" in lists(site, ana)
    clock_at(site, NOON + timedelta(days=7) + TICK)
    assert lists(site, ana) == {"all", "active"}
    clock_at(site, NOON + timedelta(days=28) + TICK)
    assert lists(site, ana) == {"all", "slipping"}
    assert counts(site) == {"all": 1, "new": 0, "active": 0, "slipping": 1}


def test_a_visit_puts_off_slipping_away(site: Site) -> None:
    site.send(page("a"), identify("ana", "a", {}), at=NOON)
    later = NOON + timedelta(days=27)
    site.send(page("a"), at=later)
    clock_at(site, NOON + timedelta(days=29))
    assert "active" in lists(site, site.only_person().id)
    clock_at(site, later + timedelta(days=28) + TICK)
    assert "slipping" in lists(site, site.only_person().id)


def test_who_slipped_away_comes_back(site: Site) -> None:
    site.send(page("a"), identify("ana", "a", {}), at=NOON)
    late = NOON + timedelta(days=40)
    clock_at(site, late)
    site.send(track("Came back", "a"), at=late)
    assert lists(site, site.only_person().id) == {"all", "active"}


def test_every_move_is_told_in_the_outbox(site: Site) -> None:
    site.send(page("a"), identify("ana", "a", {}), at=NOON)
    clock_at(site, NOON + timedelta(days=8))
    told = moves(site)
    assert sorted(told[:3]) == [("active", "in"), ("all", "in"), ("new", "in")]
    assert told[3:] == [("new", "out")]
