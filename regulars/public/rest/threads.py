"""What REST does with conversations and tickets alike: they are one thing under two addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.http import HttpResponse

from regulars.inbox import answering, conversations, handling, team, tickets
from regulars.inbox.answering import Answer
from regulars.inbox.browsing import NOBODY
from regulars.inbox.conversations import Conversation, Message
from regulars.kit import database
from regulars.people.changes import CollidedError
from regulars.public.rest import thread_schemas as schemas
from regulars.public.rest.answers import current_id
from regulars.public.rest.requests import KeyRequest, change, change_once
from regulars.workspaces.errors import ConflictError, InvalidError, UnknownError

Connection = psycopg.Connection[Any]

Said = Callable[[Conversation], schemas.Conversation]  # how one is answered
Reader = Callable[[], list[dict[str, Any]]]  # the next part each time, at the end an empty one

SHOWN = 50  # messages that a conversation is read with
EXPORTED_AT_ONCE = 500
LONGEST_CURSOR = 18  # digits of a message's number

_SAME = frozenset(schemas.Conversation.model_fields) - {"person", "assignee"}
_OF_TICKETS = frozenset({"status", "priority", "due_at", "tags"})


def find(core: Connection, project_id: UUID, id_: UUID, *, ticket: bool) -> Conversation:
    """The conversation, or the ticket. Raises UnknownError."""
    one = conversations.get(core, project_id, id_)
    if ticket and one.number is None:
        raise UnknownError("There is no such ticket.")
    return one


def agent_of(core: Connection, project_id: UUID, given: str | None, field: str) -> UUID | None:
    """The agent whom a request names. Raises InvalidError."""
    if given is None:
        return None
    found = team.member(core, project_id, given)
    if found is None:
        raise InvalidError(field, "There is no such agent in this project.")
    return found


def asked_assignee(core: Connection, project_id: UUID, given: str | None) -> UUID | str | None:
    """The agent of a list, or NOBODY; None for a list of everybody's. Raises InvalidError."""
    return given if given in (None, NOBODY) else agent_of(core, project_id, given, "assignee")


def conversation_of(one: Conversation) -> schemas.Conversation:
    """The conversation as it is answered."""
    return schemas.Conversation.model_construct(**_facts(one))


def ticket_of(one: Conversation) -> schemas.Ticket:
    """The ticket as it is answered."""
    return schemas.Ticket.model_construct(**_ticket_facts(one))


def whole_conversation(core: Connection, project_id: UUID, id_: UUID) -> schemas.WholeConversation:
    """A conversation with its newest messages. Raises UnknownError."""
    one = find(core, project_id, id_, ticket=False)
    return schemas.WholeConversation.model_construct(**_facts(one), messages=_newest(core, one))


def whole_ticket(core: Connection, project_id: UUID, id_: UUID) -> schemas.WholeTicket:
    """A ticket with its newest messages. Raises UnknownError."""
    one = find(core, project_id, id_, ticket=True)
    return schemas.WholeTicket.model_construct(**_ticket_facts(one), messages=_newest(core, one))


def messages(
    request: KeyRequest, id_: UUID, limit: int, cursor: str | None, *, ticket: bool
) -> schemas.Messages:
    """A part of its messages, the oldest first. Raises InvalidError, UnknownError."""

    def work(core: Connection) -> schemas.Messages:
        one = find(core, request.auth.id, id_, ticket=ticket)
        after = _number(cursor) if cursor is not None else 0
        found = conversations.messages_after(core, one.project_id, one.id, after, limit=limit + 1)
        following = str(found[limit - 1].seq) if len(found) > limit else None
        return schemas.Messages.model_construct(
            items=[message_of(message) for message in found[:limit]], next=following
        )

    return change(work)


def begin(
    request: KeyRequest, person: UUID, make: Callable[[Connection, UUID], UUID], said: Said
) -> HttpResponse:
    """Make one about a person, who is looked for anew where they go meanwhile: 201 and what is."""
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Conversation]:
        person_id = current_id(core, project_id, person)
        try:
            made = make(core, person_id)
        except UnknownError as gone:
            raise CollidedError from gone  # merged or erased since the look: look again
        return 201, said(conversations.get(core, project_id, made))

    return change_once(request, work)


def turn(
    request: KeyRequest,
    id_: UUID,
    into: Callable[..., object],
    said: Said,
    *,
    ticket: bool,
) -> HttpResponse:
    """Make the one of the other: 201 and what it is now."""
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Conversation]:
        one = standing(find(core, project_id, id_, ticket=ticket))
        into(core, project_id, one.id, request.now, by=None)
        return 201, said(conversations.get(core, project_id, one.id))

    return change_once(request, work)


def assign(core: Connection, request: KeyRequest, id_: UUID, given: str | None) -> None:
    """Give it to an agent, or to nobody. Raises InvalidError."""
    to = agent_of(core, request.auth.id, given, "assignee")
    handling.assign(core, request.auth.id, id_, to, request.now, by=None)


def reply(request: KeyRequest, id_: UUID, given: schemas.Reply, *, ticket: bool) -> HttpResponse:
    """Answer the person, or note something: 201 and the message."""
    project_id, client = request.auth.id, str(uuid4())

    def work(core: Connection) -> tuple[int, schemas.Message]:
        find(core, project_id, id_, ticket=ticket)  # before what is said: it may be unknown
        agent_id = agent_of(core, project_id, given.agent, "agent")
        answer = Answer(given.text, client, private=given.private, channel=given.channel)
        said = answering.reply(core, project_id, id_, agent_id, answer, request.now)
        (message,) = conversations.messages_after(
            core, project_id, said.conversation_id, said.seq - 1, limit=1
        )
        return 201, message_of(message)

    return change_once(request, work)


def merge(
    request: KeyRequest,
    given: schemas.ThreadMerge,
    *,
    ticket: bool,
    said: Said,
) -> HttpResponse:
    """One ends and goes on in the other: 201 and the one that goes on."""
    project_id = request.auth.id

    def work(core: Connection) -> tuple[int, schemas.Conversation]:
        for id_ in (given.from_, given.into):
            find(core, project_id, id_, ticket=ticket)
        tickets.merge(core, project_id, given.from_, given.into, request.now, by=None)
        return 201, said(conversations.get(core, project_id, given.into))

    return change_once(request, work)


def standing(one: Conversation) -> Conversation:
    """The conversation, unless it goes on elsewhere. Raises ConflictError."""
    if one.merged_into is not None:
        raise ConflictError("id", f"It was merged into {one.merged_into}.")
    return one


def exported(project_id: UUID, person_id: UUID) -> Reader:
    """Reads all of the person's conversations and tickets, the newest first."""
    done = False

    def part() -> list[dict[str, Any]]:
        nonlocal done
        if done:
            return []
        done = True
        with database.pool().connection() as core:
            found = conversations.all_of(core, project_id, person_id)
        return [_held(one) for one in found]

    return part


def exported_messages(project_id: UUID, person_id: UUID) -> Reader:
    """Reads what was said and done in them, conversation by conversation, each in its order."""
    waiting: list[Conversation] | None = None
    after = 0

    def part() -> list[dict[str, Any]]:
        nonlocal waiting, after
        with database.pool().connection() as core:
            if waiting is None:
                waiting = conversations.all_of(core, project_id, person_id)
            while waiting:
                one = waiting[0]
                said = conversations.messages_after(
                    core, project_id, one.id, after, limit=EXPORTED_AT_ONCE
                )
                if said:
                    after = said[-1].seq
                    return [_in(one.id, message) for message in said]
                del waiting[0]
                after = 0
        return []

    return part


def message_of(message: Message) -> schemas.Message:
    """The message as it is answered."""
    return schemas.Message.model_construct(
        id=message.id,
        seq=message.seq,
        by=message.by,
        agent_id=message.agent_id,
        channel=message.channel,
        text=message.body,
        quoted=message.quoted,
        what=message.what,
        verified=message.verified,
        files=[
            schemas.File.model_construct(
                id=file.id,
                name=file.name,
                media_type=file.media_type,
                bytes=file.bytes,
                width=file.width,
                height=file.height,
            )
            for file in message.files
        ],
        at=message.at.astimezone(UTC),
    )


def _newest(core: Connection, one: Conversation) -> list[schemas.Message]:
    found = conversations.messages_before(core, one.project_id, one.id, limit=SHOWN)
    return [message_of(message) for message in found]


def _in(conversation_id: UUID, message: Message) -> dict[str, Any]:
    return {"conversation": conversation_id, **message_of(message).model_dump()}


def _facts(one: Conversation) -> dict[str, Any]:
    same = {name: _plain(getattr(one, name)) for name in _SAME}
    return {**same, "person": one.person_id, "assignee": one.assignee_id}


def _ticket_facts(one: Conversation) -> dict[str, Any]:
    return _facts(one) | {name: _plain(getattr(one, name)) for name in _OF_TICKETS}


def _held(one: Conversation) -> dict[str, Any]:
    return _facts(one) if one.number is None else _ticket_facts(one)


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= LONGEST_CURSOR):
        raise InvalidError("cursor", "That is not a cursor of these messages.")
    return int(cursor)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
