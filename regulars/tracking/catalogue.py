"""What a project sends: its custom attributes with their types, and its events' names.

Filled by ingest as things are first seen. What a process has written it remembers, so that a
known name costs a look into a set.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.kit.connection import later
from regulars.kit.ids import key_hash
from regulars.people import custom
from regulars.people.person import Person
from regulars.tracking.pipeline.steps import Event

Connection = psycopg.Connection[Any]

REMEMBERED = 100_000  # entries a process keeps

LEARN_NAMES = """
INSERT INTO event_name (project_id, id, name, created_at)
SELECT %(project)s, n.id, n.name, %(now)s FROM unnest(%(ids)s::uuid[], %(names)s::text[])
     AS n (id, name)
ORDER BY n.id
ON CONFLICT (project_id, id) DO NOTHING
"""


class Known:
    """What this process has written already."""

    def __init__(self) -> None:
        self._known: set[tuple[UUID, str, str]] = set()
        self._news: set[tuple[UUID, str, str]] = set()

    def learn(
        self,
        connection: Connection,
        project_id: UUID,
        people: Iterable[Person],
        events: Iterable[Event],
        now: datetime,
    ) -> None:
        """Write the keys and names that are new to this process."""
        keys: dict[tuple[custom.Scope, str], str] = {}
        for person in people:
            if person.changed:
                self._collect(keys, project_id, "attributes", person.attributes)
                self._collect(keys, project_id, "company", person.company)
        if keys:
            custom.learn(connection, project_id, keys, now)
        said = {event.name for event in events if event.kind == "track" and event.name}
        names = [name for name in said if (project_id, "name", name) not in self._known]
        if names:
            ordered = sorted(names)
            ids = [key_hash(name) for name in ordered]
            later(
                connection,
                LEARN_NAMES,
                {"project": project_id, "ids": ids, "names": ordered, "now": now},
            )
            self._news.update((project_id, "name", name) for name in ordered)

    def keep(self) -> None:
        """The transaction is committed: what it wrote is known from now on."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        self._known |= self._news
        self._news.clear()

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._news.clear()

    def _collect(
        self,
        keys: dict[tuple[custom.Scope, str], str],
        project_id: UUID,
        scope: custom.Scope,
        values: dict[str, Any],
    ) -> None:
        for key, value in values.items():
            kind = custom.type_of(value)
            if (project_id, f"{scope}:{kind}", key) not in self._known:
                seen = keys.get((scope, key))
                keys[scope, key] = kind if seen in (None, kind) else "mixed"
                self._news.add((project_id, f"{scope}:{kind}", key))
