"""A funnel in tests: changed, counted, and read as people's rows and the funnel's own have it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.funnels import actions, queries
from regulars.funnels.rows import Draft
from regulars.people.person import Person
from regulars.segments import filling
from tests.slices.segments.saved import fills_of
from tests.slices.tracking.site import NOON, Site

FIREFOX = {"field": "browser", "op": "is", "value": "Firefox"}
VISITED = {"field": "kind", "op": "is_any_of", "value": ["visitor", "lead", "user"]}
SIGNED_UP = {"field": "kind", "op": "is", "value": "user"}
ACTIVE = {"field": "last_seen", "op": "within_last", "value": 28}
ROWS = "SELECT person_id, checkpoint, reached_at FROM checkpoint_reached WHERE project_id = %s"


def did(event: str, times: int = 1) -> dict[str, Any]:
    """The condition that somebody did it so many times."""
    return {"event": event, "op": "at_least", "count": times}


def put(site: Site, *filters: Any, at: datetime = NOON) -> None:
    """Let these be the conditions, in this order; nobody is counted yet."""
    drafts = [Draft(f"Step {n}", "", filter_) for n, filter_ in enumerate(filters, start=1)]
    with site.connection.transaction():
        actions.put(site.connection, site.project.id, drafts, at)


def count(site: Site, at: datetime = NOON, *, follow: bool = True) -> None:
    """Look at everybody for what is to be counted; and with `follow` let people's rows say it."""
    while fills := fills_of(site):
        for fill in fills:
            filling.fill_range(site.connection, fill, at)
    if follow:
        filling.fill_project(site.connection, site.project.id, at)


def reached(site: Site, person: Person) -> dict[int, datetime]:
    """When the person reached which checkpoint; both places must say the same."""
    found = queries.progress_of(site.connection, site.project.id, site.person(person.id))
    said = {one.checkpoint.number: one.at for one in found if one.at is not None}
    assert rows(site).get(person.id, {}) == said
    return said


def rows(site: Site) -> dict[UUID, dict[int, datetime]]:
    """The same of everybody, as filters see it."""
    told: dict[UUID, dict[int, datetime]] = {}
    for person, number, at in site.connection.execute(ROWS, (site.project.id,)).fetchall():
        told.setdefault(person, {})[number] = at
    return told


def told(site: Site) -> list[tuple[UUID, int]]:
    """Who reached what, as the outbox says it."""
    bodies = site.connection.execute(
        "SELECT body FROM outbox WHERE project_id = %s AND topic = 'checkpoints' ORDER BY id",
        (site.project.id,),
    ).fetchall()
    return [(UUID(person), number) for (body,) in bodies for person, number in body["reached"]]
