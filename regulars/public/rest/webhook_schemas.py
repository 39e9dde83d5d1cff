"""Webhooks as REST takes and answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictStr

NEXT = "Give it as `cursor` for the next part; null at the end."
TOPICS = "Such as `message.received`; `segment.*` is a whole family, `*` everything."

Topics = Annotated[list[StrictStr], Field(max_length=50)]


class Webhook(Schema):
    """Where the project's own servers are told of what happens."""

    id: UUID
    url: str
    topics: list[str]
    enabled: bool
    off_because: str | None = Field(description="Why it was switched off, where nobody did.")
    failing_since: datetime | None = Field(description="Since when nothing was taken; or null.")
    delivered_at: datetime | None = Field(description="When something was last taken.")
    created_at: datetime
    changed_at: datetime


class WebhookWithSecret(Webhook):
    """A webhook, and this once what its deliveries are signed with."""

    secret: str


class Webhooks(Schema):
    """The webhooks, the oldest first."""

    items: list[Webhook]
    next: str | None = Field(description="Always null: there are few.")


class Delivery(Schema):
    """One thing that was told, or is to be told."""

    id: UUID = Field(description="The same however often it is sent.")
    topic: str
    state: Literal["waiting", "delivered", "failed"]
    body: str = Field(description="What is sent, byte for byte.")
    tries: int
    next_try_at: datetime | None
    tried_at: datetime | None
    status: int | None = Field(description="The HTTP status of the last try; null for no answer.")
    answer: str = Field(description="The beginning of what was answered.")
    problem: str | None = Field(description="Why the last try failed.")
    created_at: datetime
    ended_at: datetime | None


class Deliveries(Schema):
    """A part of the deliveries, newest first."""

    items: list[Delivery]
    next: str | None = Field(description=NEXT)


class _Body(Schema):
    model_config = ConfigDict(extra="forbid")


class NewWebhook(_Body):
    """Where to tell of what."""

    url: StrictStr = Field(description="http or https, on a public host.")
    topics: Topics = Field(description=TOPICS)


class WebhookChange(_Body):
    """What to change: that which is given."""

    url: StrictStr = Field(default_factory=str)
    topics: Topics = Field(default_factory=list, description=TOPICS)
    enabled: StrictBool = Field(
        True, description="Off, nothing is told; on, it goes on from there."
    )
