"""Conversations: begin, list, read, answer, change, merge, and make a ticket of one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

import psycopg
from django.http import HttpResponse
from ninja import Query, Router

from regulars.inbox import answering, browsing, conversations, handling, tickets
from regulars.inbox.answering import Answer
from regulars.inbox.browsing import Wanted
from regulars.inbox.conversations import Channel, State
from regulars.public.rest import thread_schemas as schemas
from regulars.public.rest import threads
from regulars.public.rest.answers import ERRORS, current_id
from regulars.public.rest.requests import KeyRequest, change
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

router = Router(tags=["Conversations"])

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(description="`next` of the part before.")]
About = Annotated[UUID | None, Query(description="With this person alone.")]
Assignee = Annotated[
    str | None, Query(description="An agent's id or email address, or `nobody`.", max_length=320)
]
InState = Annotated[State | None, Query(description="`open`, `snoozed` or `closed`.")]
OfChannel = Annotated[Channel | None, Query(description="`chat` or `email`.")]
IsTicket = Annotated[bool | None, Query(description="Tickets alone, or all but tickets.")]
Waits = Annotated[bool | None, Query(description="Whether the person waits for an answer.")]


@router.get("", response={200: schemas.Conversations, **ERRORS}, summary="List conversations")
def list_conversations(
    request: KeyRequest,
    state: InState = None,
    assignee: Assignee = None,
    person: About = None,
    channel: OfChannel = None,
    ticket: IsTicket = None,
    waiting: Waits = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.Conversations:
    """Those for which all that is given holds, whatever was said in last first."""
    project_id = request.auth.id

    def work(core: Connection) -> schemas.Conversations:
        wanted = Wanted(
            tickets=ticket,
            person_id=None if person is None else current_id(core, project_id, person),
            assignee=threads.asked_assignee(core, project_id, assignee),
            state=state,
            channel=channel,
            waiting=waiting,
        )
        page = browsing.listed(core, project_id, wanted, cursor=cursor, limit=limit)
        items = [threads.conversation_of(one) for one in page.rows]
        return schemas.Conversations.model_construct(items=items, next=page.next)

    return change(work)


@router.post("", response={201: schemas.Conversation, **ERRORS}, summary="Begin a conversation")
def begin(request: KeyRequest, given: schemas.NewConversation) -> HttpResponse:
    """Write to a person: in their messenger, or by email."""
    project_id, client = request.auth.id, str(uuid4())

    def make(core: Connection, person_id: UUID) -> UUID:
        agent_id = threads.agent_of(core, project_id, given.agent, "agent")
        answer = Answer(given.text, client, channel=given.channel)
        made, _ = answering.start(
            core, project_id, person_id, agent_id, answer, request.now, subject=given.subject
        )
        return made

    return threads.begin(request, given.person, make, threads.conversation_of)


@router.post("/merge", response={201: schemas.Conversation, **ERRORS}, summary="Merge two")
def merge(request: KeyRequest, given: schemas.ThreadMerge) -> HttpResponse:
    """One ends, and says where it goes on; its messages stay readable in it."""
    return threads.merge(request, given, ticket=False, said=threads.conversation_of)


@router.get(
    "/{conversation_id}",
    response={200: schemas.WholeConversation, **ERRORS},
    summary="Read a conversation",
)
def read(request: KeyRequest, conversation_id: UUID) -> schemas.WholeConversation:
    """The conversation with its newest 50 messages."""
    return change(lambda core: threads.whole_conversation(core, request.auth.id, conversation_id))


@router.patch(
    "/{conversation_id}",
    response={200: schemas.Conversation, **ERRORS},
    summary="Change a conversation",
)
def change_conversation(
    request: KeyRequest, conversation_id: UUID, given: schemas.ConversationChange
) -> schemas.Conversation:
    """Its subject, whose it is, whether it is open, closed or put off: that which is given."""
    project_id = request.auth.id
    said = given.model_dump(exclude_unset=True)

    def work(core: Connection) -> schemas.Conversation:
        one = threads.standing(threads.find(core, project_id, conversation_id, ticket=False))
        if "subject" in said:
            _rename(core, request, one, said["subject"])
        if "assignee" in said:
            threads.assign(core, request, one.id, said["assignee"])
        _move(core, request, one.id, said)
        return threads.conversation_of(conversations.get(core, project_id, one.id))

    return change(work)


@router.get(
    "/{conversation_id}/messages",
    response={200: schemas.Messages, **ERRORS},
    summary="Read its messages",
)
def list_messages(
    request: KeyRequest, conversation_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Messages:
    """All that was said and done, the oldest first. A message's `seq` is a cursor too."""
    return threads.messages(request, conversation_id, limit, cursor, ticket=False)


@router.post(
    "/{conversation_id}/reply", response={201: schemas.Message, **ERRORS}, summary="Answer"
)
def reply(request: KeyRequest, conversation_id: UUID, given: schemas.Reply) -> HttpResponse:
    """Answer the person, or note something for the team alone.

    Said in a conversation that was merged, it is said in the one that goes on.
    """
    return threads.reply(request, conversation_id, given, ticket=False)


@router.post(
    "/{conversation_id}/ticket",
    response={201: schemas.Ticket, **ERRORS},
    summary="Make it a ticket",
)
def make_ticket(request: KeyRequest, conversation_id: UUID) -> HttpResponse:
    """Give it a number. One that is a ticket stays as it is."""
    into, said = tickets.make_ticket, threads.ticket_of
    return threads.turn(request, conversation_id, into, said, ticket=False)


def _rename(
    core: Connection, request: KeyRequest, one: conversations.Conversation, given: str
) -> None:
    if one.number is not None:
        tickets.change(core, request.auth.id, one.id, request.now, by=None, subject=given)
    else:
        line = answering.clean_subject(given)
        handling.rename(core, request.auth.id, one.id, line, request.now)


def _move(core: Connection, request: KeyRequest, id_: UUID, said: dict[str, Any]) -> None:
    """Close it, open it or put it off, as far as that is asked for."""
    state = said.get("state", "snoozed" if "snoozed_until" in said else None)
    if state != "snoozed" and said.get("snoozed_until") is not None:
        raise InvalidError("snoozed_until", "It goes with the state “snoozed” alone.")
    project_id, now = request.auth.id, request.now
    if state == "closed":
        handling.close(core, project_id, id_, now, by=None)
    elif state == "open":
        handling.reopen(core, project_id, id_, now, by=None)
    elif state == "snoozed":
        try:
            until = said.get("snoozed_until")
            handling.snooze(core, project_id, id_, until, now, by=None)
        except InvalidError as wrong:
            raise InvalidError("snoozed_until", wrong.message) from wrong
