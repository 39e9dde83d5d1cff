"""What must hold of a project at every moment, read from its tables."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from regulars.filters.evaluate import evaluate
from regulars.filters.facts import Facts
from regulars.filters.operands import When
from regulars.filters.parse import parse
from regulars.people.person import Person
from tests.slices.tracking.site import Site

# Events whose person is not there, and identities whose person is not.
ORPHANS = """
SELECT count(*) FROM (
    SELECT person_id FROM event WHERE project_id = %(project)s
    UNION ALL SELECT person_id FROM session WHERE project_id = %(project)s
) row
WHERE NOT EXISTS (SELECT FROM person p WHERE p.project_id = %(project)s AND p.id = row.person_id)
"""


def check_counts(site: Site, people: list[Person]) -> None:
    """Every kept number is what counting would find; the outbox has no gap."""
    kinds: dict[str, int] = {}
    for person in people:
        kinds[person.kind] = kinds.get(person.kind, 0) + 1
        events = site.events(of=person)
        assert person.page_views == sum(event["kind"] == "page" for event in events)
        sessions = site.connection.execute(
            "SELECT count(*) FROM session WHERE project_id = %s AND person_id = %s",
            (site.project.id, person.id),
        ).fetchone()
        assert sessions == (person.sessions,)
    assert site.kinds() == kinds
    orphans = site.connection.execute(ORPHANS, {"project": site.project.id}).fetchone()
    assert orphans == (0,)
    hot = site.connection.execute(
        "SELECT kind, count(*)::int FROM person_activity WHERE project_id = %s GROUP BY kind",
        (site.project.id,),
    ).fetchall()
    assert dict(hot) == kinds
    numbers = site.connection.execute(
        "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM outbox WHERE project_id = %s",
        (site.project.id,),
    ).fetchone()
    assert numbers is not None
    assert numbers[0] == list(range(1, len(numbers[0]) + 1))


def check_members(site: Site, people: list[Person], at: datetime) -> None:
    """Memberships, their counts and people's own lists are what the reference finds."""
    when = When(at, UTC)
    query = (
        "SELECT number, id, filter FROM segment"
        " WHERE project_id = %s AND builtin IS DISTINCT FROM 'checkpoint'"
    )
    told = {
        segment: (number, {person.id for person in people if _is_in(filter_, person, when)})
        for number, segment, filter_ in site.connection.execute(query, (site.project.id,))
    }
    members = site.connection.execute(
        "SELECT segment_id, person_id FROM segment_member WHERE project_id = %s",
        (site.project.id,),
    ).fetchall()
    true = {(segment, person) for segment, (_, found) in told.items() for person in found}
    wrong = {"in": set(members) - true, "not in": true - set(members)}
    assert not any(wrong.values()), wrong
    counts = site.connection.execute(
        "SELECT id, people::int FROM segment_count WHERE project_id = %s", (site.project.id,)
    ).fetchall()
    counts = [(id_, people) for id_, people in counts if id_ in told]
    assert dict(counts) == {segment: len(found) for segment, (_, found) in told.items()}
    steps = _steps(site)
    for person in people:
        mine = sorted(number for number, found in told.values() if person.id in found)
        assert [number for number in person.segments if number not in steps] == mine


def _steps(site: Site) -> set[int]:
    """The numbers of the segments behind checkpoints."""
    query = "SELECT number FROM segment WHERE project_id = %s AND builtin = 'checkpoint'"
    return {row[0] for row in site.connection.execute(query, (site.project.id,))}


def _is_in(filter_: Any, person: Person, when: When) -> bool:
    facts = Facts()
    for one in fields(Facts):
        if hasattr(person, one.name) and one.name != "segments":
            setattr(facts, one.name, getattr(person, one.name))
    facts.refold()
    return evaluate(parse(filter_), facts, when)
