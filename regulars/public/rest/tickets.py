"""Tickets: open, list, read, answer, change, merge, and make a conversation of one again."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

import psycopg
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import AwareDatetime

from regulars.inbox import browsing, conversations, tickets
from regulars.inbox.browsing import Wanted
from regulars.inbox.conversations import Priority, Status
from regulars.inbox.tickets import NewTicket
from regulars.public.rest import thread_schemas as schemas
from regulars.public.rest import threads
from regulars.public.rest.answers import ERRORS, current_id
from regulars.public.rest.conversations import About, Assignee, Cursor, Limit
from regulars.public.rest.requests import KeyRequest, change

Connection = psycopg.Connection[Any]

router = Router(tags=["Tickets"])

MOST = 2**63 - 1

OfStatus = Annotated[Status | None, Query(description="`open`, `pending`, `solved` or `closed`.")]
OfPriority = Annotated[Priority | None, Query(description="`low`, `normal`, `high` or `urgent`.")]
Number = Annotated[int | None, Query(description="The one of this number.", ge=1, le=MOST)]
Tag = Annotated[str | None, Query(description="With this tag.", max_length=200)]
Due = Annotated[AwareDatetime | None, Query(description="Due before this time.")]


@router.get("", response={200: schemas.Tickets, **ERRORS}, summary="List tickets")
def list_tickets(
    request: KeyRequest,
    status: OfStatus = None,
    priority: OfPriority = None,
    assignee: Assignee = None,
    person: About = None,
    number: Number = None,
    tag: Tag = None,
    due_before: Due = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.Tickets:
    """Those for which all that is given holds, whatever was said in last first."""
    project_id = request.auth.id

    def work(core: Connection) -> schemas.Tickets:
        wanted = Wanted(
            tickets=True,
            person_id=None if person is None else current_id(core, project_id, person),
            assignee=threads.asked_assignee(core, project_id, assignee),
            status=status,
            priority=priority,
            number=number,
            tag=tag,
            due_before=due_before,
        )
        page = browsing.listed(core, project_id, wanted, cursor=cursor, limit=limit)
        items = [threads.ticket_of(one) for one in page.rows]
        return schemas.Tickets.model_construct(items=items, next=page.next)

    return change(work)


@router.post("", response={201: schemas.Ticket, **ERRORS}, summary="Open a ticket")
def open_ticket(request: KeyRequest, given: schemas.NewTicket) -> HttpResponse:
    """On behalf of a person. They get it by email where they have an address."""
    project_id, client = request.auth.id, str(uuid4())

    def make(core: Connection, person_id: UUID) -> UUID:
        new = NewTicket(
            person_id=person_id,
            subject=given.subject,
            description=given.description,
            client=client,
            priority=given.priority,
            assignee_id=threads.agent_of(core, project_id, given.assignee, "assignee"),
            due_at=given.due_at,
            tags=given.tags,
        )
        by = threads.agent_of(core, project_id, given.agent, "agent")
        return tickets.open_ticket(core, project_id, new, request.now, by=by)

    return threads.begin(request, given.person, make, threads.ticket_of)


@router.post("/merge", response={201: schemas.Ticket, **ERRORS}, summary="Merge two tickets")
def merge(request: KeyRequest, given: schemas.ThreadMerge) -> HttpResponse:
    """One ends, and says where it goes on; its messages stay readable in it."""
    return threads.merge(request, given, ticket=True, said=threads.ticket_of)


@router.get("/{ticket_id}", response={200: schemas.WholeTicket, **ERRORS}, summary="Read a ticket")
def read(request: KeyRequest, ticket_id: UUID) -> schemas.WholeTicket:
    """The ticket with its newest 50 messages."""
    return change(lambda core: threads.whole_ticket(core, request.auth.id, ticket_id))


@router.patch("/{ticket_id}", response={200: schemas.Ticket, **ERRORS}, summary="Change a ticket")
def change_ticket(
    request: KeyRequest, ticket_id: UUID, given: schemas.TicketChange
) -> schemas.Ticket:
    """What is given, all or nothing. Solved or closed, its conversation is closed too."""
    project_id = request.auth.id
    said = given.model_dump(exclude_unset=True)

    def work(core: Connection) -> schemas.Ticket:
        one = threads.standing(threads.find(core, project_id, ticket_id, ticket=True))
        facts = {key: value for key, value in said.items() if key != "assignee"}
        if facts:
            tickets.change(core, project_id, one.id, request.now, by=None, **facts)
        if "assignee" in said:
            threads.assign(core, request, one.id, said["assignee"])
        return threads.ticket_of(conversations.get(core, project_id, one.id))

    return change(work)


@router.get(
    "/{ticket_id}/messages", response={200: schemas.Messages, **ERRORS}, summary="Read its messages"
)
def list_messages(
    request: KeyRequest, ticket_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Messages:
    """All that was said and done, the oldest first. A message's `seq` is a cursor too."""
    return threads.messages(request, ticket_id, limit, cursor, ticket=True)


@router.post("/{ticket_id}/reply", response={201: schemas.Message, **ERRORS}, summary="Answer")
def reply(request: KeyRequest, ticket_id: UUID, given: schemas.Reply) -> HttpResponse:
    """Answer the person, or note something for the team alone."""
    return threads.reply(request, ticket_id, given, ticket=True)


@router.post(
    "/{ticket_id}/conversation",
    response={201: schemas.Conversation, **ERRORS},
    summary="Make it a conversation again",
)
def make_conversation(request: KeyRequest, ticket_id: UUID) -> HttpResponse:
    """An ordinary one. Its number is given to no other."""
    into, said = tickets.make_conversation, threads.conversation_of
    return threads.turn(request, ticket_id, into, said, ticket=True)
