"""Writes a tally: counts move, and what is known of people with them.

One at a time a project (`rollup_state`'s lock), so no two writers meet on a count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.kit import arrays
from regulars.kit.ids import key_bytes
from regulars.reports.tally import ATTRIBUTE, OTHER, Key, Signup, Tally, cut, local

Connection = psycopg.Connection[Any]

# Values told apart of a day: when there are more than `MOST`, all but the `KEPT` greatest become
# one. So the great ones stay though they come late, and nobody fills the table with noise.
MOST, KEPT = 500, 250
MOST_OF_ATTRIBUTE = 100  # an attribute with more values a day tells nothing apart

MOVE = """
INSERT INTO rollup (project_id, id, generation, metric, name, dimension, value, day, count)
SELECT %(project)s, n.id, %(generation)s, n.metric, n.name, n.dimension, n.value, n.day, n.count
FROM unnest(%(ids)s::uuid[], %(metrics)s::text[], %(names)s::text[], %(dimensions)s::text[],
            %(values)s::text[], %(days)s::date[], %(counts)s::bigint[])
     AS n (id, metric, name, dimension, value, day, count)
ORDER BY n.id
ON CONFLICT (project_id, id) DO UPDATE SET count = rollup.count + excluded.count
RETURNING metric, name, dimension, day, xmax = 0
"""
# Which of some groups have more values than a day may tell apart.
TOO_MANY = """
SELECT g.metric, g.name, g.dimension, g.day
FROM unnest(%(metrics)s::text[], %(names)s::text[], %(dimensions)s::text[], %(days)s::date[])
     AS g (metric, name, dimension, day)
WHERE (SELECT count(*) FROM rollup r
       WHERE r.project_id = %(project)s AND r.generation = %(generation)s
         AND r.metric = g.metric AND r.name = g.name AND r.dimension = g.dimension
         AND r.day = g.day) > CASE WHEN g.dimension LIKE 'a:%%' THEN %(few)s ELSE %(most)s END
"""
# Takes the small ones away; how much they were together.
FOLD = """
WITH tail AS (
    DELETE FROM rollup WHERE project_id = %(project)s AND id IN (
        SELECT r.id FROM rollup r
        WHERE r.project_id = %(project)s AND r.generation = %(generation)s
          AND r.metric = %(metric)s AND r.name = %(name)s AND r.dimension = %(dimension)s
          AND r.day = %(day)s AND r.value <> %(other)s
        ORDER BY r.count DESC, r.value OFFSET %(kept)s
    ) RETURNING count
)
SELECT coalesce(sum(count), 0)::bigint FROM tail
"""
KNOWN = """
SELECT id, generation, days, signed_up, country, source FROM rollup_person
WHERE project_id = %s AND id = ANY(%s::uuid[])
"""
REMEMBER = """
INSERT INTO rollup_person (project_id, id, generation, days, signed_up, country, source)
SELECT %(project)s, n.id, %(generation)s, n.days::integer[], n.signed_up, n.country, n.source
FROM unnest(%(ids)s::uuid[], %(days)s::text[], %(signed_up)s::date[], %(countries)s::text[],
            %(sources)s::text[]) AS n (id, days, signed_up, country, source)
ORDER BY n.id
ON CONFLICT (project_id, id) DO UPDATE SET
    generation = excluded.generation, days = excluded.days, signed_up = excluded.signed_up,
    country = excluded.country, source = excluded.source
"""
FORGET = "DELETE FROM rollup_person WHERE project_id = %s AND id = %s"
# Who signed up, and from where: as the lists of people say it.
SIGNED_UP = """
SELECT id, kind = 'user', signed_up_at, coalesce(country_code, country), utm_source
FROM person WHERE project_id = %s AND id = ANY(%s::uuid[])
"""


@dataclass(slots=True)
class Known:
    """What the counts know of a person."""

    days: set[int]
    signup: Signup | None = None


class People:
    """What the counts know of some people, read, changed and written back."""

    def __init__(
        self, connection: Connection, project_id: UUID, generation: int, ids: Collection[UUID]
    ) -> None:
        self._connection = connection
        self._project_id = project_id
        self._generation = generation
        self._known = {id_: Known(set()) for id_ in ids}
        self._changed: set[UUID] = set()
        rows = connection.execute(KNOWN, (project_id, arrays.of_ids(ids))) if ids else ()
        for id_, counted, days, signed_up, country, source in rows:
            if counted == generation:
                signup = (signed_up, country, source) if signed_up is not None else None
                self._known[id_] = Known(set(days), signup)

    def were_there(self, tally: Tally) -> None:
        """Count those of the tally's days on which they were not yet there."""
        for id_, days in tally.days.items():
            known = self._known[id_]
            fresh = days - known.days
            if fresh:
                tally.people(fresh, 1)
                known.days |= fresh
                self._changed.add(id_)

    def are_there(self, tally: Tally, id_: UUID, days: set[int]) -> None:
        """They were there on these days, and on no others."""
        known = self._known[id_]
        tally.people(days - known.days, 1)
        tally.people(known.days - days, -1)
        known.days = days
        self._changed.add(id_)

    def unite(self, tally: Tally, gone: UUID, into: UUID) -> None:
        """Both are `into`: a day on which both were there counts once."""
        left, stays = self._known[gone], self._known[into]
        tally.people(left.days & stays.days, -1)
        stays.days |= left.days
        self.sign_up(tally, gone, None)
        self._changed.add(into)
        self._changed.discard(gone)
        self._known[gone] = Known(set())
        self._connection.execute(FORGET, (self._project_id, gone))

    def signed_up(self, tally: Tally, ids: Collection[UUID], zone: ZoneInfo) -> None:
        """Let sign-ups be what people's rows say. Who has no row is left as they are."""
        if not ids:
            return
        rows = self._connection.execute(SIGNED_UP, (self._project_id, arrays.of_ids(ids)))
        for id_, is_user, at, country, source in rows:
            signup = None
            if is_user and at is not None:
                signup = (local(zone, at)[0], cut(country), cut(source))
            self.sign_up(tally, id_, signup)

    def sign_up(self, tally: Tally, id_: UUID, signup: Signup | None) -> None:
        """Count the sign-up as this one, and no more as it was."""
        known = self._known[id_]
        if known.signup == signup:
            return
        if known.signup is not None:
            tally.signup(known.signup, -1)
        if signup is not None:
            tally.signup(signup, 1)
        known.signup = signup
        self._changed.add(id_)

    def write(self) -> None:
        """Keep what has changed."""
        if not self._changed:
            return
        ids = sorted(self._changed)
        known = [self._known[id_] for id_ in ids]
        signups = [one.signup or (None, None, None) for one in known]
        self._connection.execute(
            REMEMBER,
            {
                "project": self._project_id,
                "generation": self._generation,
                "ids": arrays.of_ids(ids),
                "days": arrays.of_texts(arrays.of_plain(sorted(one.days)) for one in known),
                "signed_up": arrays.of_texts(_iso(day) for day, _, _ in signups),
                "countries": arrays.of_texts(country for _, country, _ in signups),
                "sources": arrays.of_texts(source for _, _, source in signups),
            },
            prepare=True,
        )


def write(connection: Connection, project_id: UUID, generation: int, tally: Tally) -> set[str]:
    """Move the counts, and keep each day's values few. Returns attributes that have too many."""
    moved = {key: by for key, by in tally.counts.items() if by}
    if not moved:
        return set()
    grown = sorted(_move(connection, project_id, generation, moved))
    if not grown:
        return set()
    asked = {
        "project": project_id, "generation": generation, "most": MOST,
        "few": MOST_OF_ATTRIBUTE,
        "metrics": arrays.of_texts(metric for metric, _, _, _ in grown),
        "names": arrays.of_texts(name for _, name, _, _ in grown),
        "dimensions": arrays.of_texts(dimension for _, _, dimension, _ in grown),
        "days": arrays.of_texts(_iso(day) for _, _, _, day in grown),
    }  # fmt: skip
    too_many: set[str] = set()
    for group in connection.execute(TOO_MANY, asked, prepare=True).fetchall():
        if group[2].startswith(ATTRIBUTE):
            too_many.add(group[2].removeprefix(ATTRIBUTE))
        else:
            _fold(connection, project_id, generation, group)
    return too_many


Group = tuple[str, str, str, date]  # metric, name, dimension, day


def _move(
    connection: Connection, project_id: UUID, generation: int, moved: dict[Key, int]
) -> set[Group]:
    """Move counts; the groups that have more values than before."""
    keys = list(moved)
    rows = connection.execute(
        MOVE,
        {
            "project": project_id,
            "generation": generation,
            "ids": arrays.of_keys(_id(generation, key) for key in keys),
            "metrics": arrays.of_texts(key.metric for key in keys),
            "names": arrays.of_texts(key.name for key in keys),
            "dimensions": arrays.of_texts(key.dimension for key in keys),
            "values": arrays.of_texts(key.value for key in keys),
            "days": arrays.of_texts(_iso(key.day) for key in keys),
            "counts": arrays.of_plain(list(moved.values())),
        },
        prepare=True,
    )
    return {(metric, name, of, day) for metric, name, of, day, is_new in rows if is_new and of}


def _fold(connection: Connection, project_id: UUID, generation: int, group: Group) -> None:
    metric, name, dimension, day = group
    row = connection.execute(
        FOLD,
        {
            "project": project_id, "generation": generation, "metric": metric, "name": name,
            "dimension": dimension, "day": day, "other": OTHER, "kept": KEPT,
        },
    ).fetchone()  # fmt: skip
    if row and row[0]:
        key = Key(metric, name, dimension, OTHER, day)
        _move(connection, project_id, generation, {key: row[0]})


@lru_cache(maxsize=50_000)
def _id(generation: int, key: Key) -> bytes:
    metric, name, dimension, value, day = key
    return key_bytes("rollup", str(generation), metric, name, dimension, value, day.isoformat())


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
