"""How the project talks to people, as REST says it: part of the project's settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import psycopg
from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

from regulars.inbox import settings
from regulars.public.rest.requests import KeyRequest, actor_of
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

audit.describe(settings.AUDITED)

Minutes = Annotated[StrictInt, Field(ge=1, le=settings.MOST_MINUTES)]


class Hours(Schema):
    """A part of the week in which somebody is there, in the project's time zone."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    day: StrictInt = Field(ge=0, le=6, description="0 is Monday.")
    from_: StrictStr = Field(alias="from", description="09:00")
    to: StrictStr = Field(description="17:00, or 24:00; of the next day where it is not later.")


class Messenger(Schema):
    """How the project talks to people."""

    on: bool = Field(description="Whether the messenger is on the pages.")
    color: str | None = Field(description="#rrggbb; null for our own.")
    side: Literal["left", "right"]
    greeting: str = Field(description="With merge tags such as {{ first_name }}.")
    intro: str
    office_hours: list[Hours] | None = Field(description="null: always open.")
    away_message: str
    show_team: bool
    ask_rating: bool
    allow_files: bool
    assignment: Literal["manual", "round_robin"] = Field(description="Who gets new conversations.")
    email_after_minutes: int | None = Field(
        description="Until a reply goes by email to who is not here; null: never."
    )
    first_reply_target_minutes: int | None
    inbound_address: str = Field(description="Where answers to those emails go.")


class MessengerChange(Schema):
    """Those to change."""

    model_config = ConfigDict(extra="forbid")

    on: StrictBool = Field(default_factory=bool)
    color: StrictStr | None = None
    side: Literal["left", "right"] = "right"
    greeting: StrictStr = Field(default_factory=str, min_length=1, max_length=200)
    intro: StrictStr = Field(default_factory=str, max_length=200)
    office_hours: Annotated[list[Hours], Field(max_length=28)] | None = None
    away_message: StrictStr = Field(default_factory=str, max_length=500)
    show_team: StrictBool = Field(default_factory=bool)
    ask_rating: StrictBool = Field(default_factory=bool)
    allow_files: StrictBool = Field(default_factory=bool)
    assignment: Literal["manual", "round_robin"] = "manual"
    email_after_minutes: Minutes | None = None
    first_reply_target_minutes: Minutes | None = None
    inbound_address: StrictStr = Field(default_factory=str, max_length=254)


def said(connection: Connection, request: KeyRequest) -> dict[str, Any]:
    """The settings as they are."""
    return settings.to_json(settings.load(connection, request.auth.id))


def change(connection: Connection, request: KeyRequest, given: dict[str, Any]) -> None:
    """Change those that are given, and log it. Raises InvalidError, of a field of `messenger`."""
    project_id, now = request.auth.id, request.now
    before = settings.load(connection, project_id)
    try:
        after = settings.change(connection, project_id, given, now)
    except InvalidError as wrong:
        raise InvalidError(f"messenger.{wrong.field}", wrong.message) from wrong
    changed = settings.differences(before, after)
    if changed:
        audit.record(
            project_id,
            "messenger.changed",
            ", ".join(changed),
            by=actor_of(request),
            now=now,
            details=changed,
        )
