"""What the database holds, set against what was answered: whole, once, and true in every count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

Connection = psycopg.Connection[Any]

EVENTS = "SELECT message_id, kind, properties FROM event WHERE project_id = %s"

# Each finds what must not be there: rows that another row does not bear out.
CONTRADICTIONS = {
    "events of nobody": """
        SELECT e.id FROM event e WHERE e.project_id = %(project)s AND NOT EXISTS (
            SELECT FROM person p WHERE p.project_id = e.project_id AND p.id = e.person_id)""",
    "events in a session that is not there": """
        SELECT e.id FROM event e
        WHERE e.project_id = %(project)s AND e.session_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM session s WHERE s.project_id = e.project_id AND s.id = e.session_id)""",
    "browser's events without a session": """
        SELECT id FROM event
        WHERE project_id = %(project)s AND source = 'browser' AND session_id IS NULL""",
    "sessions without an event": """
        SELECT s.id FROM session s WHERE s.project_id = %(project)s AND NOT EXISTS (
            SELECT FROM event e WHERE e.project_id = s.project_id AND e.session_id = s.id)""",
    "people whose page views are not their events": """
        SELECT a.id, a.page_views, count(e.id) FROM person_activity a
        LEFT JOIN event e ON e.project_id = a.project_id AND e.person_id = a.id
            AND e.kind IN ('page', 'screen')
        WHERE a.project_id = %(project)s
        GROUP BY a.id, a.page_views HAVING a.page_views <> count(e.id)""",
    "people whose sessions are not their count": """
        SELECT a.id, a.sessions, count(s.id) FROM person_activity a
        LEFT JOIN session s ON s.project_id = a.project_id AND s.person_id = a.id
        WHERE a.project_id = %(project)s
        GROUP BY a.id, a.sessions HAVING a.sessions <> count(s.id)""",
    "people without their activity": """
        SELECT p.id FROM person p WHERE p.project_id = %(project)s AND NOT EXISTS (
            SELECT FROM person_activity a
            WHERE a.project_id = p.project_id AND a.id = p.id AND a.kind = p.kind)""",
    "people without an event": """
        SELECT p.id FROM person p WHERE p.project_id = %(project)s AND NOT EXISTS (
            SELECT FROM event e WHERE e.project_id = p.project_id AND e.person_id = p.id)""",
    "traits that no identify said": """
        SELECT p.id FROM person p
        WHERE p.project_id = %(project)s AND p.kind = 'user' AND NOT EXISTS (
            SELECT FROM event e WHERE e.project_id = p.project_id AND e.person_id = p.id
            AND e.kind = 'identify' AND e.message_id = p.attributes ->> 'said')""",
    "people identified and yet no users": """
        SELECT p.id FROM person p
        WHERE p.project_id = %(project)s AND p.kind <> 'user' AND EXISTS (
            SELECT FROM event e WHERE e.project_id = p.project_id AND e.person_id = p.id
            AND e.kind = 'identify')""",
    "kinds miscounted": """
        SELECT id, kept.people, found.people
        FROM (SELECT id, people FROM kind_count WHERE project_id = %(project)s) kept
        FULL JOIN (SELECT kind AS id, count(*) AS people FROM person
                   WHERE project_id = %(project)s GROUP BY kind) found USING (id)
        WHERE coalesce(kept.people, 0) <> coalesce(found.people, 0)""",
    "segments miscounted": """
        SELECT id, kept.people, found.people
        FROM (SELECT id, people FROM segment_count WHERE project_id = %(project)s) kept
        FULL JOIN (SELECT segment_id AS id, count(*) AS people FROM segment_member
                   WHERE project_id = %(project)s GROUP BY segment_id
                   UNION ALL
                   SELECT s.id, count(*) FROM person_activity a
                   JOIN segment s ON s.project_id = a.project_id AND s.number = ANY(a.segments)
                   WHERE a.project_id = %(project)s AND s.builtin = 'checkpoint'
                   GROUP BY s.id) found USING (id)
        WHERE coalesce(kept.people, 0) <> coalesce(found.people, 0)""",
    "people whose segments are not their memberships": """
        SELECT a.id FROM person_activity a
        WHERE a.project_id = %(project)s AND ARRAY(
            SELECT own.number FROM unnest(a.segments) AS own (number)
            WHERE NOT EXISTS (
                SELECT FROM segment s WHERE s.project_id = a.project_id
                AND s.number = own.number AND s.builtin = 'checkpoint')
            ORDER BY own.number
        ) IS DISTINCT FROM ARRAY(
            SELECT s.number FROM segment_member m
            JOIN segment s ON s.project_id = m.project_id AND s.id = m.segment_id
            WHERE m.project_id = a.project_id AND m.person_id = a.id ORDER BY s.number)""",
    "gaps in the outbox": """
        SELECT c.last, count(o.id), min(o.id), max(o.id) FROM outbox_counter c
        LEFT JOIN outbox o ON o.project_id = c.project_id
        WHERE c.project_id = %(project)s GROUP BY c.last
        HAVING (count(o.id), min(o.id), max(o.id)) IS DISTINCT FROM (c.last, 1::bigint, c.last)""",
    "events that the outbox does not name": """
        SELECT id FROM event WHERE project_id = %(project)s EXCEPT ALL
        SELECT (named.event ->> 0)::uuid
        FROM outbox o, jsonb_array_elements(o.body -> 'events') AS named (event)
        WHERE o.project_id = %(project)s AND o.topic = 'events'""",
    "events that only the outbox names": """
        SELECT (named.event ->> 0)::uuid
        FROM outbox o, jsonb_array_elements(o.body -> 'events') AS named (event)
        WHERE o.project_id = %(project)s AND o.topic = 'events' EXCEPT ALL
        SELECT id FROM event WHERE project_id = %(project)s""",
}


class Balance(NamedTuple):
    """What became of the events that were answered 200."""

    answered: int
    found: int
    twice: int
    missing: int
    half: int
    strange: int  # in the database, but sent by nobody


def balance(
    connection: Connection, project_id: UUID, answered: Mapping[str, Mapping[str, Any]]
) -> Balance:
    """Set the events stored against those answered."""
    times: Counter[str] = Counter()
    half = 0
    for message_id, kind, properties in connection.execute(EVENTS, (project_id,)):
        times[message_id] += 1
        sent = answered.get(message_id)
        half += sent is not None and (kind, properties) != (sent["type"], sent["properties"])
    return Balance(
        answered=len(answered),
        found=len(answered.keys() & times.keys()),
        twice=sum(count > 1 for count in times.values()),
        missing=len(answered.keys() - times.keys()),
        half=half,
        strange=len(times.keys() - answered.keys()),
    )


def contradictions(connection: Connection, project_id: UUID) -> dict[str, list[Any]]:
    """What rows say against each other, a few of each; empty where all is true."""
    found = {
        what: connection.execute(query, {"project": project_id}).fetchmany(3)
        for what, query in CONTRADICTIONS.items()
    }
    return {what: rows for what, rows in found.items() if rows}
