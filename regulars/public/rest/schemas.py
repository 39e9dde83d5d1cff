"""What goes in and out of REST, as its OpenAPI document says it.

A body may hold nothing that is not named here. Texts, numbers and truth values are not converted
into each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from regulars.public.rest.talking import Messenger, MessengerChange

Kind = Literal["visitor", "lead", "user"]
Builtin = Literal["all", "new", "active", "slipping"]
Group = Literal["all", "any", "not"]
Text = StrictStr | None
Time = Annotated[
    StrictStr | StrictInt | StrictFloat | None,
    Field(description="An ISO 8601 date or time, or unix seconds; years 1900 to 2200."),
]
Custom = Annotated[
    dict[str, Any], Field(description="Merged with what is there, key by key; null removes a key.")
]
Tags = Annotated[list[StrictStr], Field(max_length=100)]


class Error(Schema):
    """What went wrong."""

    code: str = Field(description="Stable: for programs.")
    message: str = Field(description="For people.")
    field: str | None = Field(description="What of the request it lies in, where that can be said.")


class Person(Schema):
    """A person as they are now. What is not known is null. Times are UTC."""

    id: UUID
    kind: Kind
    user_id: str | None
    email: str | None
    name: str | None
    first_name: str | None
    last_name: str | None
    gender: str | None
    phone: str | None
    signed_up_at: datetime | None
    first_seen: datetime | None
    last_seen: datetime | None
    last_contacted: datetime | None = Field(description="When the person last wrote to us.")
    last_emailed: datetime | None = Field(description="When we last wrote to them.")
    online: bool = Field(description="Seen by a browser within the last five minutes.")
    sessions: int
    country: str | None
    country_code: str | None
    region: str | None
    city: str | None
    browser: str | None
    browser_version: str | None
    os: str | None
    device: str | None
    ip: str | None
    language: str | None
    timezone: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    referrer: str | None
    landing_page: str | None
    company: dict[str, Any]
    attributes: dict[str, Any]
    tags: list[str]
    segments: list[UUID] = Field(description="The segments the person is in.")
    checkpoints: list[int] = Field(
        description="The numbers of the funnel's checkpoints they have reached."
    )
    created_at: datetime
    updated_at: datetime


class _Body(Schema):
    model_config = ConfigDict(extra="forbid")


class PersonChange(_Body):
    """Facts to change: those that are given. null forgets a fact."""

    user_id: Text = Field(None, description="Once known it stays: merge people instead.")
    email: Text = None
    name: Text = None
    first_name: Text = None
    last_name: Text = None
    gender: Text = None
    phone: Text = None
    signed_up_at: Time = None
    country: Text = None
    region: Text = None
    city: Text = None
    language: Text = None
    timezone: Text = None
    company: Custom = Field(default_factory=dict)
    attributes: Custom = Field(default_factory=dict)
    tags: Tags = Field(default_factory=list, description="Replaces the person's tags.")


class NewPerson(PersonChange):
    """Who it is, by `user_id` or else by `email`, and what is known of them."""

    user_id: Text = None


class Search(_Body):
    """Which people. All that is given must hold."""

    filter: dict[str, Any] | None = Field(
        None, description="A filter: see the reference of the filter language."
    )
    kind: Kind | None = None
    query: Text = Field(None, description="Any part of a name, email or user id.", max_length=200)
    sort: StrictStr = Field(
        "-last_seen", description="A field, or attributes.<key>; with - the other way round."
    )
    limit: StrictInt = Field(50, ge=1, le=200)
    cursor: Text = Field(None, description="`next` of the page before.")


class People(Schema):
    """A page of people."""

    people: list[Person]
    total: int = Field(description="How many people there are on all pages.")
    next: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


class Event(Schema):
    """Something the person did, or that was said of them."""

    id: UUID
    kind: str = Field(
        description="page, screen, track, identify, group, alias, internal or message."
    )
    name: str | None
    happened_at: datetime
    received_at: datetime
    url: str | None
    path: str | None
    title: str | None
    properties: dict[str, Any]
    session_id: UUID | None
    message_id: str | None
    source: Literal["browser", "server"]


class Timeline(Schema):
    """A part of a timeline, newest first."""

    items: list[Event]
    next: str | None = Field(description="Give it as `cursor` for the next part; null at the end.")


class Export(Schema):
    """All we hold on a person: beside these, `sessions` and `events`, newest first."""

    person: Person
    identities: list[dict[str, Any]] = Field(description="What they are known by, and since when.")
    segments: list[dict[str, Any]]
    merges: list[dict[str, Any]] = Field(description="Who became them, as they were.")
    sessions: list[dict[str, Any]]
    moves: list[dict[str, Any]] = Field(
        description="Segments they entered (`way` is `in`) and left (`out`), newest first."
    )
    conversations: list[dict[str, Any]] = Field(
        description="Conversations with them, tickets among these, newest first."
    )
    messages: list[dict[str, Any]] = Field(
        description="What was said in those, `conversation` by conversation, and the files' names."
    )
    notes: list[dict[str, Any]] = Field(
        description="What was written about them, newest first, with what it said before."
    )
    events: list[Event]


class MergeWish(_Body):
    """Who becomes whom."""

    from_: UUID = Field(
        alias="from", description="Who goes; their id leads to the other from then on."
    )
    into: UUID = Field(description="Who stays.")


class Merge(Schema):
    """A merge, or its undoing."""

    id: UUID = Field(description="To undo it by.")
    from_: UUID = Field(alias="from")
    into: UUID
    at: datetime
    undone_at: datetime | None
    person: Person = Field(description="Who stayed; of an undoing, who is back.")


class Filling(Schema):
    """How far a segment is filled: everybody is looked at once."""

    done: int
    total: int


class Segment(Schema):
    """A named group of people."""

    id: UUID
    name: str
    kind: Literal["dynamic", "static"] = Field(
        description="By a filter, kept exact at every moment; or picked by hand."
    )
    builtin: Builtin | None = Field(
        description="Of the lists that every project has; they can't be changed."
    )
    count: int = Field(description="How many people are in it now.")
    filter: dict[str, Any] | None
    filling: Filling | None = Field(
        description="While people who fit a new filter are still looked for; else null."
    )
    created_at: datetime
    changed_at: datetime | None


class Segments(Schema):
    """A part of the segments, the oldest first."""

    items: list[Segment]
    next: str | None = Field(description="Give it as `cursor` for the next part; null at the end.")


class NewSegment(_Body):
    """A name, and either a filter or people."""

    name: StrictStr = Field(description="1 to 80 characters, another than all others have.")
    filter: dict[str, Any] | None = Field(
        None, description="Whoever fits it is in: see the reference of the filter language."
    )
    people: list[UUID] | None = Field(
        None, max_length=1_000, description="Ids of people who are picked by hand, and stay."
    )


class SegmentChange(_Body):
    """What to change: that which is given."""

    name: StrictStr = Field(default_factory=str)
    filter: dict[str, Any] = Field(
        default_factory=dict, description="Everybody is looked at anew; see `filling`."
    )


class SegmentPeople(_Body):
    """People to put in, or to take out."""

    people: list[UUID] = Field(min_length=1, max_length=1_000, description="Their ids.")


class Reason(Schema):
    """A part of a filter, asked of one person."""

    held: bool
    sentence: str
    group: Group | None = Field(description="What joins its `parts`; null for a condition.")
    value: Any = Field(
        description="The person's own value; null where it is not known, and for groups."
    )
    parts: list[Reason]


class SegmentWhy(Schema):
    """Why somebody is in a segment, or not."""

    held: bool = Field(description="Whether the filter holds for them; of a static one, if in it.")
    since: datetime | None = Field(description="Since when they are in it; null where they aren't.")
    sentence: str | None = Field(description="The filter in words; null for a static segment.")
    group: Group | None = Field(
        description="What joins the `parts`; null for a single condition and for static segments."
    )
    parts: list[Reason]


class Note(Schema):
    """What an agent, or a program, wrote down about a person."""

    id: UUID
    person: UUID
    html: str = Field(description="Sanitised: paragraphs, bold, italic, lists, code, links.")
    text: str = Field(description="The same without markup.")
    shared: bool = Field(description="The person may read it too; else the team alone.")
    pinned: bool
    agent_id: UUID | None = Field(description="Who wrote it; null where this API did.")
    by: str | None = Field(description="What that agent is called.")
    created_at: datetime
    edited_at: datetime | None = Field(
        description="When its words, or who may read it, changed last."
    )


class Notes(Schema):
    """A part of the notes, newest first."""

    items: list[Note]
    next: str | None = Field(description="Give it as `cursor` for the next part; null at the end.")


class NewNote(_Body):
    """About whom, and either `html` or `text`."""

    person: UUID
    html: StrictStr | None = Field(None, description="What can't stay in it is taken out.")
    text: StrictStr | None = Field(None, description="Plain text, of which lines stay lines.")
    shared: StrictBool = Field(True, description="Whether the person may read it too.")
    pinned: StrictBool = False


class NoteChange(_Body):
    """What to change: that which is given."""

    html: StrictStr = Field(default_factory=str)
    text: StrictStr = Field(default_factory=str)
    shared: StrictBool = Field(default_factory=bool)
    pinned: StrictBool = Field(default_factory=bool)


class Project(Schema):
    """The project that the key opens, and its settings."""

    id: UUID
    name: str
    company: str
    postal_address: str
    time_zone: str
    from_name: str
    from_email: str
    track_mail: bool = Field(
        description="Openings and clicks are tracked, unless an email says otherwise."
    )
    mail_color: str = Field(description="The colour of its mails, as #rrggbb; empty for our own.")
    mail_logo: str = Field(description="The logo above its mails: a picture’s path, or empty.")
    mail_logo_width: int = Field(description="Pixels, 40 to 240.")
    dedupe_hours: int = Field(description="How long a messageId counts once.")
    honour_gpc: bool = Field(description="Leave browsers alone that send Global Privacy Control.")
    enforce_identity: bool = Field(
        description="Unsigned claims by browsers change no profile that a signed one made."
    )
    write_key: str = Field(description="What pages track with; it can only write.")
    messenger: Messenger
    created_at: datetime


class ProjectChange(_Body):
    """Settings to change: those that are given."""

    name: StrictStr = Field(default_factory=str, min_length=1, max_length=100)
    company: StrictStr = Field(default_factory=str, max_length=200)
    postal_address: StrictStr = Field(default_factory=str, max_length=500)
    time_zone: StrictStr = Field(default_factory=str, description="Such as Europe/Lisbon.")
    from_name: StrictStr = Field(default_factory=str, max_length=100)
    from_email: StrictStr = Field(default_factory=str, max_length=254)
    track_mail: StrictBool = Field(default_factory=bool)
    mail_color: StrictStr = Field(default_factory=str, max_length=7)
    mail_logo: StrictStr = Field(default_factory=str, max_length=200)
    mail_logo_width: StrictInt = Field(default_factory=int, ge=40, le=240)
    dedupe_hours: StrictInt = Field(default_factory=int, ge=1, le=168)
    honour_gpc: StrictBool = Field(default_factory=bool)
    enforce_identity: StrictBool = Field(default_factory=bool)
    messenger: MessengerChange = Field(default_factory=MessengerChange)
