"""A person in memory: the two rows `person` and `person_activity` as one plain object.

Pure: what reads and writes the rows is `people/store.py`, what changes them is
`people/facts.py` and `people/merge.py`. Times are aware datetimes in UTC; `stamps` holds, for each
fact that was said, when (seconds since 1970), since the newest saying wins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

Kind = Literal["visitor", "lead", "user"]
Wide = tuple[Any, ...]  # the columns of `person` but the project, decoded

_NO_TIME = datetime.min.replace(tzinfo=UTC)  # stands for a time that is always given

# Text facts that filters compare, kept folded under their own name in `folded`.
TEXT_FACTS = (
    "user_id", "email", "name", "first_name", "last_name", "gender", "phone", "country", "region",
    "city", "browser", "os", "device", "utm_source", "utm_medium", "utm_campaign", "utm_term",
    "utm_content", "referrer", "language", "timezone",
)  # fmt: skip


class Person(msgspec.Struct, eq=False, gc=False):
    """Anyone tracked: a visitor, a lead or a user.

    The columns of `person` and then those of `person_activity`, in the order in which they are
    read: what is kept as JSON or as an array stands together, at the end of the one and the
    beginning of the other. (No cycle runs through a person: `gone_into` never leads back.)
    """

    project_id: UUID
    id: UUID
    kind: Kind = "visitor"
    user_id: str | None = None
    email: str | None = None
    email_folded: str | None = None
    name: str | None = None
    name_folded: str | None = None
    name_sort: str = ""
    first_name: str | None = None
    last_name: str | None = None
    gender: str | None = None
    phone: str | None = None
    signed_up_at: datetime | None = None
    first_seen: datetime | None = None
    last_contacted: datetime | None = None
    last_emailed: datetime | None = None
    country: str | None = None
    country_code: str | None = None
    region: str | None = None
    city: str | None = None
    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    device: str | None = None
    ip: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    referrer: str | None = None
    landing_page: str | None = None
    language: str | None = None
    timezone: str | None = None
    touched_at: datetime | None = None
    created_at: datetime = _NO_TIME
    updated_at: datetime = _NO_TIME
    search: str | None = None
    company: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    folded: dict[str, str] = {}
    tags: list[str] = []
    stamps: dict[str, float] = {}
    open_sessions: dict[str, list[list[Any]]] = {}
    segments: list[int] = []
    event_times: dict[str, list[datetime]] = {}
    checkpoints: dict[str, datetime] = {}
    last_seen: datetime | None = None
    browser_seen_at: datetime | None = None
    page_url: str | None = None
    page_path: str | None = None
    page_title: str | None = None
    page_since: datetime | None = None
    sessions: int = 0
    page_views: int = 0
    rhythm: bytes = b""
    rhythm_day: int = 0
    next_move_at: datetime | None = None
    context_at: datetime | None = None
    did: int = 0  # bits of the events that they have ever done (`people.deeds`)
    version: int = 0  # of the wide row, kept beside the hot one; 0: not known
    # Of this object alone:
    # What segments want to know of campaigns, as `filters.facts` calls it; read with the person.
    campaigns: Mapping[UUID, Collection[str]] = {}
    kind_before: Kind | None = None  # as the database has it; None for a fresh one
    # Sessions, when they were last seen, what they did, likewise.
    compact_before: tuple[int, datetime | None, int] = (0, None, 0)
    signed_up_before: datetime | None = None  # likewise
    # Segments picked by hand, by number, as they shall be; others among them mean nothing.
    picked: frozenset[int] | None = None  # None: as they are
    fresh: bool = False  # not in the database yet
    changed: bool = False  # the wide row differs from the database's
    said_again: bool = False  # it differs in when facts were said, if in nothing else
    seen_changed: bool = False  # the hot row differs
    came_by: bool = False  # it differs in what changes whenever somebody comes by (`store.COMING`)
    sighted: datetime | None = None  # the earliest time of being seen, of what comes in now
    progressed: bool = False  # what they reached, and when, differs
    gone_into: Person | None = None  # merged into this one, in the running transaction

    def is_moved(self) -> bool:
        """Whether a row of theirs must be written."""
        return self.came_by or self.seen_changed or self.changed or self.said_again or self.fresh

    def survivor(self) -> Person:
        """The person this one became: itself, unless it was merged."""
        person = self
        while person.gone_into is not None:
            person = person.gone_into
        return person

    def picks(self) -> frozenset[int]:
        """Numbers of segments among which are all that the person was picked for by hand."""
        return frozenset(self.segments) if self.picked is None else self.picked


def new_person(project_id: UUID, id_: UUID, now: datetime) -> Person:
    """A visitor of whom nothing is known yet."""
    person = Person(project_id, id_, created_at=now, updated_at=now)
    person.fresh = person.changed = person.seen_changed = True
    return person


def wide_of(row: Sequence[Any]) -> Wide:
    """What a row of `person` says, of all its columns but the project, the bags as JSON texts.

    These are read all at once, at a third of the time that one by one would take.
    """
    return (*row[:_BAGS_FROM], *_bags.decode(f"[{','.join(row[_BAGS_FROM:])}]"))


def person_of(project_id: UUID, wide: Wide, hot: Sequence[Any]) -> Person:
    """A person of its two rows, `hot` with its bags as JSON texts and with the version.

    What is done to the person leaves `wide` as it is.
    """
    company, attributes, folded, tags, stamps = wide[_BAGS_FROM:]
    bags: tuple[Any, ...] = (
        company.copy(), attributes.copy(), folded.copy(), tags.copy(), stamps.copy(),
        *_hot_bags.decode(f"[{hot[0]},{hot[1]},{hot[2]},{hot[3]}]"),
    )  # fmt: skip
    person = Person(project_id, *wide[:_BAGS_FROM], *bags, *hot[4:])
    person.kind_before = person.kind
    person.compact_before = (person.sessions, person.last_seen, person.did)
    person.signed_up_before = person.signed_up_at
    return person


_FIELDS = Person.__struct_fields__
_FIRST_HOT, _FIRST_OWN = _FIELDS.index("open_sessions"), _FIELDS.index("version")
WIDE = _FIELDS[:_FIRST_HOT]  # columns of `person`
HOT = _FIELDS[_FIRST_HOT:_FIRST_OWN]  # columns of `person_activity` after its key and kind
BAGS = _FIELDS[_FIELDS.index("company") : _FIELDS.index("last_seen")]  # JSON and arrays
_BAGS_FROM = WIDE.index("company") - 1  # where they begin in a row without the project
_bags: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[Any])
# Sessions, segments, times of events and when checkpoints were reached: typed, so that instants are
# read as such.
_hot_bags = msgspec.json.Decoder(
    tuple[dict[str, list[list[Any]]], list[int], dict[str, list[datetime]], dict[str, datetime]]
)
