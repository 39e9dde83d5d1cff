"""Whom a messenger belongs to, and what it is shown: everything that asks the database.

All of it runs in threads, on a pooled connection; `socket` is the part that talks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from regulars.inbox import (
    attachments,
    conversations,
    hours,
    merge_tags,
    notes_queries,
    reply_times,
    settings,
    speaking,
    tickets,
    visitors,
)
from regulars.inbox.conversations import PUBLIC, Conversation
from regulars.inbox.live import Pointer, tell
from regulars.inbox.settings import MessengerSettings
from regulars.inbox.speaking import MAX_TEXT, Words
from regulars.inbox.team import team_of
from regulars.inbox.visitors import Visitor
from regulars.kit import database
from regulars.people.actions import is_email, settled
from regulars.people.person import Person
from regulars.public.messenger import frames, tokens, wire
from regulars.public.messenger.frames import Hello
from regulars.tracking.pipeline import claims
from regulars.workspaces.errors import UnknownError
from regulars.workspaces.keys import ProjectConfig

Connection = psycopg.Connection[Any]
Said = dict[str, Any]

MOST_SHOWN = 6  # agents on the first page
A_PART = 100  # messages that are read and told at once


class RefusedError(Exception):
    """Nobody is let in; the code is the protocol's, the message for the page's developer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Session:
    """One messenger. `person_id` is known once the browser was seen or has said something.

    `sent` is the number of the newest message of each conversation that went over this socket, or
    that the client was left to fetch; `latest` how many there were at the last look.
    """

    project: ProjectConfig
    hello: Hello
    visitor: Visitor
    person_id: UUID | None = None
    sent: dict[UUID, int] = field(default_factory=dict)
    latest: dict[UUID, int] = field(default_factory=dict)

    def behind(self) -> list[UUID]:
        """Conversations of which there is more than went over this socket."""
        return [id_ for id_, seq in self.latest.items() if seq > self.sent.get(id_, 0)]


def admit(project: ProjectConfig, hello: Hello, now: datetime) -> Session:
    """Whether the claims hold. Raises RefusedError.

    A claim that is given must be right; where the project demands claims, a browser that says it
    is a user's must give one, and one that belongs to a user but can't prove it is shown nothing.
    """
    proved = bool(hello.token and hello.user) and claims.proves(
        hello.token or "", hello.user or "", project.identity_secret, now
    )
    if hello.token and not proved:
        raise RefusedError("bad_claim", "The signed claim is not right, or too old.")
    if hello.user and not proved and project.enforce_identity:
        raise RefusedError("bad_claim", "This project demands signed claims of who a user is.")
    visitor = Visitor(
        project.id, hello.anon, hello.user if proved else None, project.enforce_identity
    )
    return Session(project, hello, visitor)


def meet(session: Session, now: datetime) -> Said:
    """What the messenger shows first. Raises RefusedError."""
    with database.pool().connection() as connection:
        shown = settings.load(connection, session.project.id)
        if not shown.on:
            raise RefusedError("off", "The messenger is switched off.")
        person = visitors.person_of(connection, session.visitor)
        session.person_id = person.id if person else None
        return _home(connection, session, person, shown, now)


def is_known(session: Session) -> bool:
    """Whether the proved user is tracked, and this browser is known as theirs."""
    with database.pool().connection() as connection:
        theirs = visitors.person_of(connection, session.visitor)
        unproved = Visitor(session.project.id, session.visitor.anonymous_id)
        browsers = visitors.person_of(connection, unproved)
    return theirs is not None and browsers is not None and theirs.id == browsers.id


def say(session: Session, frame: frames.Say, now: datetime) -> Said:
    """A message. Raises InvalidError, UnknownError."""
    thread: UUID | str = frame.conversation or f"open:{frame.open or frame.id}"
    page = frame.page.url if frame.page else ""
    words = Words(frame.id, frame.text, tuple(frame.files), page)
    return _said(session, thread, words, frame.id, now)


def open_ticket(session: Session, frame: frames.OpenTicket, now: datetime) -> Said:
    """A ticket of the visitor's own: a conversation that is one from its first message on."""
    subject = " ".join(frame.subject.split())
    words = Words(frame.id, frame.text or frame.subject, subject=subject)
    said = _said(session, f"ticket:{frame.id}", words, frame.id, now)
    project_id = session.project.id
    settled(
        database.transaction,
        lambda core: tickets.make_ticket(core, project_id, said["conversation"], now, by=None),
    )
    return said


def is_address(text: str) -> bool:
    """Whether it may be somebody's email address."""
    return is_email(text)


def seen(session: Session, frame: frames.Seen) -> None:
    """Messages are before their eyes. Raises UnknownError."""
    settled(
        database.transaction,
        lambda core: speaking.seen(core, session.visitor, frame.conversation, frame.seq),
    )


def rate(session: Session, frame: frames.Rate, now: datetime) -> None:
    """How it was. Raises InvalidError, UnknownError."""
    settled(
        database.transaction,
        lambda core: speaking.rate(
            core, session.visitor, frame.conversation, frame.rating, frame.comment, now
        ),
    )


def typing(session: Session, frame: frames.Typing) -> None:
    """They write: told to agents, and to nobody who may not see the conversation."""
    with database.pool().connection() as connection:
        person = visitors.person_of(connection, session.visitor)
        one = visitors.conversation_of(connection, session.visitor, person, frame.conversation)
        pointer = Pointer("typing", one.id, one.person_id, by="person")
        tell(connection, session.project.id, pointer)


def part_of(session: Session, frame: frames.Messages, now: datetime) -> Said:
    """A part of a thread. Raises UnknownError."""
    with database.pool().connection() as connection:
        person = visitors.person_of(connection, session.visitor)
        one = visitors.conversation_of(connection, session.visitor, person, frame.conversation)
        limit = frame.limit + 1
        if frame.after is not None:
            found = conversations.messages_after(
                connection, one.project_id, one.id, frame.after, limit=limit, kinds=PUBLIC
            )
            part = found[: frame.limit]
        else:
            found = conversations.messages_before(
                connection, one.project_id, one.id, frame.before, limit=limit, kinds=PUBLIC
            )
            part = found[-frame.limit :]
        team = team_of(connection, one.project_id, now)
    return {
        "t": "messages",
        "conversation": one.id,
        "messages": [wire.message(each, one.project_id, team, now) for each in part],
        "more": len(found) > frame.limit,
        "before": frame.before,
        "after": frame.after,
    }


def news_of(session: Session, ids: list[UUID], now: datetime) -> tuple[list[Said], list[UUID]]:
    """What is new in these conversations: their messages that were not sent, and how they stand.

    A part of it; and the conversations of which there is more.
    """
    told: list[Said] = []
    more: list[UUID] = []
    project_id = session.project.id
    with database.pool().connection() as connection:
        person = visitors.person_of(connection, session.visitor)
        session.person_id = person.id if person else None
        shown = settings.load(connection, project_id)
        team = team_of(connection, project_id, now)
        for id_ in ids:
            try:
                one = visitors.conversation_of(connection, session.visitor, person, id_)
            except UnknownError:
                continue
            unread = wire.unread_of(connection, [one]).get(id_, 0)
            row = wire.conversation(one, unread, team, shown)
            # Of one that was in no list, all there is may be too much: the client fetches the rest.
            after = session.sent.get(id_, max(0, one.last_seq - A_PART))
            fresh = conversations.messages_after(
                connection, project_id, id_, after, limit=A_PART, kinds=PUBLIC
            )
            for each in fresh:
                said = wire.message(each, project_id, team, now)
                told.append({"t": "message", "conversation": row, "message": said})
                session.sent[id_] = each.seq
            if not fresh:
                told.append({"t": "conversation", "conversation": row})
            elif len(fresh) == A_PART:
                more.append(id_)
    return told, more


def notes_for(session: Session) -> Said:
    """The notes that are shared with the person, where it is proved who they are."""
    with database.pool().connection() as connection:
        person = visitors.person_of(connection, session.visitor)
        return {"t": "notes", "notes": _notes(connection, session, person)}


def typist(session: Session, pointer: Pointer, now: datetime) -> Said | None:
    """Which agent writes, if the visitor may see where."""
    with database.pool().connection() as connection:
        person = visitors.person_of(connection, session.visitor)
        try:
            conversation_id = pointer.conversation_id or UUID(int=0)
            visitors.conversation_of(connection, session.visitor, person, conversation_id)
        except UnknownError:
            return None
        team = team_of(connection, session.project.id, now)
    agent = team.get(UUID(pointer.by))
    name = agent.first_name if agent else None
    return {
        "t": "typing",
        "conversation": pointer.conversation_id,
        "name": name,
        "hue": agent.hue if agent else None,
    }


def _said(session: Session, thread: UUID | str, words: Words, client: str, now: datetime) -> Said:
    one, said = settled(
        database.transaction,
        lambda core: speaking.say(core, session.visitor, thread, words, now),
    )
    session.person_id = one.person_id
    return {"t": "said", "id": client, "conversation": one.id, "seq": said.seq, "at": said.at}


def _home(
    connection: Connection,
    session: Session,
    person: Person | None,
    shown: MessengerSettings,
    now: datetime,
) -> Said:
    project = session.project
    found: list[Conversation] = []
    if person is not None:
        found = visitors.conversations_of(connection, session.visitor, person)
    team = team_of(connection, project.id, now)
    # Whoever only claims to be somebody is told nothing of them.
    known = person if person is not None and _may_read(session, person) else None
    unread = wire.unread_of(connection, found)
    rows = {one.id: wire.conversation(one, unread.get(one.id, 0), team, shown) for one in found}
    session.latest = {one.id: one.last_seq for one in found}
    until = now + tokens.SESSION_FOR
    return {
        "t": "home",
        "project": _project(connection, project, known, shown, now)
        | {"team": [wire.colleague(one) for one in _shown(team, shown)]},
        "you": {
            "name": known.name if known else None,
            "email": known.email if known else None,
            "kind": person.kind if person else "visitor",
            "verified": session.visitor.verified,
        },
        "session": tokens.seal("session", project.id, session.visitor.browser, until),
        "limits": {
            "text": MAX_TEXT,
            "file_bytes": attachments.MOST_BYTES if shown.allow_files else 0,
            "files": 5,
            "types": sorted(f".{ending}" for ending in attachments.TAKEN),
        },
        "conversations": [rows[one.id] for one in found if one.number is None],
        "tickets": [rows[one.id] for one in found if one.number is not None],
        "notes": _notes(connection, session, person),
        "unread": sum(unread.values()),
    }


def _project(
    connection: Connection,
    project: ProjectConfig,
    known: Person | None,
    shown: MessengerSettings,
    now: datetime,
) -> Said:
    zone = ZoneInfo(project.time_zone)
    is_open = hours.is_open(shown.office_hours, zone, now)
    usual = reply_times.usual_first_reply(connection, project.id, now)
    facts: Mapping[str, str] = merge_tags.facts_of(known, project=project.name)
    return {
        "name": project.name,
        "color": shown.color,
        "side": shown.side,
        "greeting": merge_tags.render(shown.greeting, facts),
        "intro": shown.intro,
        "reply": hours.reply_words(usual),
        "open": is_open,
        "away": "" if is_open else shown.away_message,
        "back_at": None if is_open else hours.opens_next(shown.office_hours, zone, now),
        "powered": True,
    }


def _shown(team: wire.Team, shown: MessengerSettings) -> list[Any]:
    """Whom the first page shows: those who are here before the others."""
    if not shown.show_team:
        return []
    named = [one for one in team.values() if one.name]
    return sorted(named, key=lambda one: not one.here)[:MOST_SHOWN]


def _may_read(session: Session, person: Person) -> bool:
    return visitors.sees_everything(session.visitor, person)


def _notes(connection: Connection, session: Session, person: Person | None) -> list[Said]:
    if person is None or not _may_read(session, person):
        return []
    found = notes_queries.shared_with(connection, session.project.id, person.id)
    return [wire.note(one) for one in found]
