"""Saved segments in tests: made, filled, and held against a full recomputation."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from regulars.filters.events import event_needs
from regulars.filters.operands import When
from regulars.filters.sql import by_name
from regulars.filters.to_sql import event_to_sql, to_sql
from regulars.people import actions as people_actions
from regulars.people import deeds, numbers
from regulars.segments import actions, filling, fills, findings, needs, remembering
from regulars.segments.clock import move_project
from regulars.segments.fills import Fill
from regulars.segments.plan import segments_written_out
from tests.slices.people.packs import check_packs
from tests.slices.tracking.site import NOON, Site

PEOPLE = """
SELECT p.id FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %s AND {filter}
"""
MEMBERS = "SELECT segment_id, person_id FROM segment_member WHERE project_id = %s"
ROWS = """
SELECT a.id, n.number FROM person_activity a, unnest(a.segments) AS n (number)
WHERE a.project_id = %s
"""
COUNTS = """
SELECT c.id, c.people::int, d.people::int
FROM segment_count c LEFT JOIN LATERAL (
    SELECT d.people FROM segment_day d
    WHERE d.project_id = c.project_id AND d.segment_id = c.id ORDER BY d.day DESC LIMIT 1
) d ON true
WHERE c.project_id = %s
"""
DID = """
SELECT name, array_agg(person_id) FROM event WHERE project_id = %s AND kind = 'track' GROUP BY name
"""
BITS = "SELECT id, did FROM {table} WHERE project_id = %s"
REMEMBERED = """
SELECT p.id, (a.event_times -> %(need)s)::jsonb, ARRAY(
    SELECT e.happened_at FROM event e
    WHERE e.project_id = p.project_id AND e.person_id = p.id AND {matching}
    ORDER BY e.happened_at DESC LIMIT %(keep)s
)
FROM person p JOIN person_activity a ON a.project_id = p.project_id AND a.id = p.id
WHERE p.project_id = %(project)s
"""
SEGMENTS = """
SELECT id, number FROM segment
WHERE project_id = %s AND deleted_at IS NULL AND builtin IS DISTINCT FROM 'checkpoint'
"""


def save(site: Site, filter_: Any, name: str = "Saved", *, at: datetime = NOON) -> UUID:
    """A dynamic segment, not filled yet."""
    with site.connection.transaction():
        return actions.create(site.connection, site.project.id, name, at, filter_=filter_)


def save_picked(site: Site, people: list[UUID], name: str = "Picked") -> UUID:
    """A segment of these people."""
    with site.connection.transaction():
        return actions.create(site.connection, site.project.id, name, NOON, people=people)


def fill(site: Site, at: datetime = NOON) -> None:
    """Fill all segments of the project."""
    filling.fill_project(site.connection, site.project.id, at)


def fills_of(site: Site) -> list[Fill]:
    """What is being filled in the project: others share the database."""
    running = fills.fills_running(site.connection)
    return [one for one in running if one.project_id == site.project.id]


def remember_a_little(connection: psycopg.Connection[Any], project: UUID) -> bool:
    """Let the next people of some memory remember, where there is one to be gone on with."""
    begun = remembering.memories_begun(connection)
    mine = [one for one in begun if one.project_id == project]
    return any(remembering.remember_range(connection, one) for one in mine)


def take_up_a_little(connection: psycopg.Connection[Any], project: UUID) -> None:
    """Let the rows of the next people say what the filling of some step has found."""
    for one in findings.steps_left(connection):
        if one.project_id == project:
            findings.take_up_range(connection, one)


def in_small_steps(patch: pytest.MonkeyPatch) -> None:
    """Fill and remember a few people at a time."""
    for module in (filling, findings, remembering):
        patch.setattr(module, "A_RANGE", 3)
        patch.setattr(module, "AT_ONCE", 2)
    patch.setattr(filling, "AT_ONCE_PLAIN", 2)
    patch.setattr(filling, "A_FIND", 2)


def save_and_fill(site: Site, filter_: Any, name: str = "Saved", *, at: datetime = NOON) -> UUID:
    """A dynamic segment with everybody in it who belongs there."""
    segment = save(site, filter_, name, at=at)
    fill(site, at)
    return segment


def members(site: Site, segment: UUID) -> set[UUID]:
    """Who is in the segment."""
    rows = site.connection.execute(MEMBERS, (site.project.id,)).fetchall()
    return {person for found, person in rows if found == segment}


def wait_until(site: Site, at: datetime) -> None:
    """Let time move whom it moves."""
    while move_project(site.connection, site.project.id, at):
        pass


def merge(site: Site, gone: UUID, into: UUID) -> UUID:
    """Let one become the other; the merge's id, for its undo."""
    with site.connection.transaction():
        return people_actions.merge_people(
            site.connection, site.project.id, gone, into, NOON, cause="agent"
        )


def erase(site: Site, person: UUID, at: datetime = NOON) -> None:
    """Erase somebody."""
    with site.connection.transaction():
        people_actions.erase(site.connection, site.project.id, person, at)


def check(site: Site, now: datetime) -> None:
    """Memberships are what asking everybody anew finds, wherever nothing is being filled.

    And members, people's own lists, counts and days always say the same; and the bits of what
    people did say what the record does, as does what rows remember of it.
    """
    project = site.project.id
    _check_deeds(site)
    check_memories(site.connection, project, ZoneInfo(site.project.time_zone))
    rows = site.connection.execute(MEMBERS, (project,)).fetchall()
    numbers = dict(site.connection.execute(SEGMENTS, (project,)).fetchall())
    kept: dict[UUID, set[UUID]] = {segment: set() for segment in numbers}
    for segment, person in rows:
        if segment in kept:
            kept[segment].add(person)
    listed: dict[int, set[UUID]] = {}
    for person, number in site.connection.execute(ROWS, (project,)).fetchall():
        listed.setdefault(number, set()).add(person)
    assert kept == {segment: listed.get(number, set()) for segment, number in numbers.items()}
    for segment, people, of_day in site.connection.execute(COUNTS, (project,)).fetchall():
        if segment in kept:
            assert people == len(kept[segment])
            assert people == (of_day or 0)
    running = {fill.segment_id for fill in fills.fills_running(site.connection)}
    zone = ZoneInfo(site.project.time_zone)
    rules = segments_written_out(site.connection, project)
    check_packs(site.connection, project, When(now, zone), rules.values())
    for segment, rule in rules.items():
        if segment in kept and segment not in running:
            text, params = to_sql(rule, now=now, zone=zone)
            asked = site.connection.execute(PEOPLE.format(filter=text), (project, *params))
            assert kept[segment] == {row[0] for row in asked.fetchall()}, rule


def check_memories(connection: psycopg.Connection[Any], project: UUID, zone: tzinfo) -> None:
    """What rows remember is the newest of the record; of a memory that is complete, everybody's."""
    asked_for = event_needs(segments_written_out(connection, project).values())
    for key, memory in needs.kept(connection, project).items():
        matching, named = by_name(*event_to_sql(asked_for[key], zone=zone, of_people=True))
        place = {"project": project, "need": memory.name, "keep": memory.keep}
        rows = connection.execute(REMEMBERED.format(matching=matching), {**named, **place})
        for person, said, times in rows.fetchall():
            if said is not None:
                found = [datetime.fromisoformat(one) for one in said[: memory.keep]]
                assert found == times, (asked_for[key], person)
            elif memory.filled:
                assert times == [], (asked_for[key], person)


def _check_deeds(site: Site) -> None:
    project = site.project.id
    did = dict(site.connection.execute(DID, (project,)).fetchall())
    bits = numbers.deeds.assigned(site.connection, project)
    assert bits.keys() >= did.keys()
    for table in deeds.TABLES:
        kept = site.connection.execute(BITS.format(table=table), (project,)).fetchall()
        for name, number in bits.items():
            has = {id_ for id_, all_ in kept if all_ >> number & 1}
            assert has == set(did.get(name, ())), (table, name)
