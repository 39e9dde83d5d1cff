"""Conversations and tickets as REST takes and answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, StrictBool, StrictStr

from regulars.inbox.conversations import By, Channel, Priority, State, Status

NEXT = "Give it as `cursor` for the next part; null at the end."
AGENT = "Who writes, or does it: an agent's id or email address. Nobody, unless said."
ASSIGNEE = "Whose it is: an agent's id or email address; null for nobody's."

Tags = Annotated[list[StrictStr], Field(max_length=100)]


class File(Schema):
    """A file of a message."""

    id: UUID
    name: str
    media_type: str
    bytes: int
    width: int | None = Field(description="Of an image, in pixels.")
    height: int | None


class Message(Schema):
    """Something that was said in a conversation, or done to it."""

    id: UUID
    seq: int = Field(description="Its number in the conversation, from 1 on.")
    by: By = Field(
        description="`person`, `agent`; `note`: the team's own; `system`: what was done, in `what`."
    )
    agent_id: UUID | None = Field(description="Which agent; null where it was this API.")
    channel: Channel
    text: str
    quoted: str = Field(description="Of an email, what it quotes of those before.")
    what: dict[str, Any] = Field(
        description="Of `system` what was done (`did`); of an email who sent it, and its subject."
    )
    verified: bool = Field(description="Whether the person had proved who they are.")
    files: list[File]
    at: datetime


class Messages(Schema):
    """A part of a conversation's messages, the oldest first."""

    items: list[Message]
    next: str | None = Field(description=NEXT)


class Conversation(Schema):
    """A thread with a person. A ticket is one with a number."""

    id: UUID
    person: UUID
    channel: Channel = Field(description="How an answer goes out unless said.")
    subject: str
    state: State
    snoozed_until: datetime | None = Field(
        description="When it comes back; null of a snoozed one: when they write."
    )
    assignee: UUID | None = Field(description="The agent whose it is; null for nobody's.")
    started_by: UUID | None = Field(description="The agent who began it; null for all others.")
    verified: bool = Field(description="Whether the person had proved who they are.")
    preview: str = Field(description="The beginning of what was said last.")
    last_by: By
    last_at: datetime = Field(description="When somebody last said something.")
    last_seq: int = Field(description="How many messages it has.")
    unread: bool = Field(description="Whether the person wrote what no agent has seen.")
    waiting_since: datetime | None = Field(
        description="Since when the person waits for an answer; null where they don't."
    )
    first_reply_at: datetime | None
    rating: int | None = Field(description="1 to 5, by the person.")
    rating_comment: str
    number: int | None = Field(description="The ticket's; null where it is none.")
    merged_into: UUID | None = Field(description="Where it goes on; null where it stands.")
    created_at: datetime
    closed_at: datetime | None


class WholeConversation(Conversation):
    """A conversation with its newest messages, in their order; see `/messages` for all."""

    messages: list[Message]


class Conversations(Schema):
    """A part of the conversations, whatever was said in last first."""

    items: list[Conversation]
    next: str | None = Field(description=NEXT)


class Ticket(Conversation):
    """A conversation with a number, a status, a priority and perhaps a due time."""

    status: Status = Field(description="`open` waits for us, `pending` for them.")
    priority: Priority
    due_at: datetime | None
    tags: list[str]


class WholeTicket(Ticket):
    """A ticket with its newest messages, in their order; see `/messages` for all."""

    messages: list[Message]


class Tickets(Schema):
    """A part of the tickets, whatever was said in last first."""

    items: list[Ticket]
    next: str | None = Field(description=NEXT)


class _Body(Schema):
    model_config = ConfigDict(extra="forbid")


class NewConversation(_Body):
    """With whom, and the first message."""

    person: UUID
    text: StrictStr = Field(description="Plain text; 1 to 20,000 characters.")
    channel: Channel = Field("chat", description="In their messenger, or by email.")
    subject: StrictStr = Field("", description="An email needs one.")
    agent: StrictStr | None = Field(None, description=AGENT)


class ConversationChange(_Body):
    """What to change: that which is given."""

    subject: StrictStr = Field(default_factory=str)
    assignee: StrictStr | None = Field(None, description=ASSIGNEE)
    state: State = Field("open", description="Close it, open it again, or put it off.")
    snoozed_until: AwareDatetime | None = Field(
        None, description="Put it off until then; null: until they write."
    )


class Reply(_Body):
    """What is answered, or noted."""

    text: StrictStr = Field(description="Plain text; 1 to 20,000 characters.")
    agent: StrictStr | None = Field(None, description=AGENT)
    private: StrictBool = Field(
        False, description="A note among the team, which the person never sees."
    )
    channel: Channel | None = Field(None, description="The conversation's own unless said.")


class NewTicket(_Body):
    """For whom, and what it is about."""

    person: UUID
    subject: StrictStr = Field(description="1 to 200 characters.")
    description: StrictStr = Field(description="Its first message: the person gets it too.")
    priority: Priority = "normal"
    assignee: StrictStr | None = Field(None, description=ASSIGNEE)
    due_at: AwareDatetime | None = Field(None, description="Within three years.")
    tags: Tags = Field(default_factory=list)
    agent: StrictStr | None = Field(None, description=AGENT)


class TicketChange(_Body):
    """What to change: that which is given."""

    subject: StrictStr = Field(default_factory=str)
    status: Status = Field("open", description="A ticket that is solved or closed is closed.")
    priority: Priority = "normal"
    due_at: AwareDatetime | None = None
    tags: Tags = Field(default_factory=list, description="Replaces its tags.")
    assignee: StrictStr | None = Field(None, description=ASSIGNEE)


class ThreadMerge(_Body):
    """Which one ends, and where it goes on; both with the same person."""

    from_: UUID = Field(alias="from", description="The one that ends; its messages stay in it.")
    into: UUID = Field(description="The one that goes on.")
