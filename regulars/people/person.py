"""A person in memory: the two rows `person` and `person_activity` as one plain object.

Pure: what reads and writes the rows is `people/store.py`, what changes them is
`people/facts.py` and `people/merge.py`. Times are aware datetimes in UTC; `stamps` holds, for each
fact that was said, when (seconds since 1970), since the newest saying wins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Kind = Literal["visitor", "lead", "user"]

# Columns of `person`, in the order they are read and written.
WIDE = (
    "project_id", "id", "kind", "user_id", "email", "email_folded", "name", "name_folded",
    "name_sort", "first_name", "last_name", "gender", "phone", "signed_up_at", "first_seen",
    "last_contacted", "last_emailed", "country", "country_code", "region", "city", "browser",
    "browser_version", "os", "device", "ip", "utm_source", "utm_medium", "utm_campaign",
    "utm_term", "utm_content", "referrer", "landing_page", "language", "timezone", "touched_at",
    "company", "attributes", "folded", "tags", "stamps", "created_at", "updated_at", "search",
)  # fmt: skip

# Columns of `person_activity`, after its project_id, id and kind.
HOT = (
    "last_seen", "browser_seen_at", "page_url", "page_path", "page_title", "page_since",
    "sessions", "page_views", "open_sessions", "rhythm", "rhythm_day", "segments",
    "next_move_at", "context_at",
)  # fmt: skip

# Text facts that filters compare, kept folded under their own name in `folded`.
TEXT_FACTS = (
    "user_id", "email", "name", "first_name", "last_name", "gender", "phone", "country", "region",
    "city", "browser", "os", "device", "utm_source", "utm_medium", "utm_campaign", "utm_term",
    "utm_content", "referrer", "language", "timezone",
)  # fmt: skip


class Person:
    """Anyone tracked: a visitor, a lead or a user."""

    __slots__ = (*WIDE, *HOT, "changed", "fresh", "gone_into", "kind_before", "seen_changed")

    project_id: UUID
    id: UUID
    kind: Kind
    user_id: str | None
    email: str | None
    email_folded: str | None
    name: str | None
    name_folded: str | None
    name_sort: str
    first_name: str | None
    last_name: str | None
    gender: str | None
    phone: str | None
    signed_up_at: datetime | None
    first_seen: datetime | None
    last_contacted: datetime | None
    last_emailed: datetime | None
    country: str | None
    country_code: str | None
    region: str | None
    city: str | None
    browser: str | None
    browser_version: str | None
    os: str | None
    device: str | None
    ip: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    referrer: str | None
    landing_page: str | None
    language: str | None
    timezone: str | None
    touched_at: datetime | None
    company: dict[str, Any]
    attributes: dict[str, Any]
    folded: dict[str, str]
    tags: list[str]
    stamps: dict[str, float]
    created_at: datetime
    updated_at: datetime
    search: str | None
    last_seen: datetime | None
    browser_seen_at: datetime | None
    page_url: str | None
    page_path: str | None
    page_title: str | None
    page_since: datetime | None
    sessions: int
    page_views: int
    open_sessions: dict[str, list[list[Any]]]
    rhythm: bytes
    rhythm_day: int
    segments: list[int]
    next_move_at: datetime | None
    context_at: datetime | None
    fresh: bool  # not in the database yet
    changed: bool  # the wide row differs from the database's
    seen_changed: bool  # the hot row differs
    kind_before: Kind | None  # as the database has it; None for a fresh one
    gone_into: Person | None  # merged into this one, in the running transaction

    def survivor(self) -> Person:
        """The person this one became: itself, unless it was merged."""
        person = self
        while person.gone_into is not None:
            person = person.gone_into
        return person


def new_person(project_id: UUID, id_: UUID, now: datetime) -> Person:
    """A visitor of whom nothing is known yet."""
    person = Person()
    for column in WIDE:
        setattr(person, column, None)
    for column in HOT:
        setattr(person, column, None)
    person.project_id = project_id
    person.id = id_
    person.kind = "visitor"
    person.name_sort = ""
    person.company = {}
    person.attributes = {}
    person.folded = {}
    person.tags = []
    person.stamps = {}
    person.created_at = person.updated_at = now
    person.sessions = person.page_views = person.rhythm_day = 0
    person.open_sessions = {}
    person.rhythm = b""
    person.segments = []
    person.fresh = person.changed = person.seen_changed = True
    person.kind_before = person.gone_into = None
    return person


def person_of_row(row: tuple[Any, ...]) -> Person:
    """A person of a row that holds the columns WIDE then HOT."""
    person = Person()
    for column, value in zip(_COLUMNS, row, strict=True):
        setattr(person, column, value)
    person.fresh = person.changed = person.seen_changed = False
    person.kind_before = person.kind
    person.gone_into = None
    return person


_COLUMNS = (*WIDE, *HOT)
