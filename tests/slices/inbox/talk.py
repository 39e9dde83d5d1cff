"""People and agents who talk to each other: the inbox's core as its doors use it.

Each thing that is said or done is one transaction, started anew where it met another writer.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg

from regulars.inbox import answering, conversations, handling, speaking, tickets, visitors
from regulars.inbox.answering import Answer
from regulars.inbox.conversations import Conversation, Message
from regulars.inbox.saying import Said
from regulars.inbox.speaking import Words
from regulars.inbox.tickets import NewTicket
from regulars.inbox.visitors import Visitor
from regulars.kit import database as kit_database
from regulars.people import actions
from regulars.people.person import Person
from tests.slices.tracking.site import NOON, Site, page

T = TypeVar("T")
Database = psycopg.Connection[Any]

UNSAID: Any = object()


class Talk:
    """One project's conversations. Each thing happens a second after the last, unless said."""

    def __init__(
        self, site: Site, agent_id: UUID | None, connection: Database | None = None
    ) -> None:
        self.site = site
        self.agent_id = agent_id
        self.connection = connection or site.connection
        self.project_id = site.project.id
        self._seconds = itertools.count(1)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=next(self._seconds))

    def run(self, work: Callable[[Database], T]) -> T:
        """The work in a transaction of its own."""
        return actions.settled(self._transaction, work)

    @contextmanager
    def _transaction(self) -> Iterator[Database]:
        with self.connection.transaction():
            yield self.connection

    # Who writes

    def visitor(self, anon: str, user: str | None = None) -> Visitor:
        """A browser; `user` where a signed claim proves who it is."""
        return Visitor(self.project_id, anon, user)

    def seen(self, anon: str) -> Person:
        """Whoever surfs in a browser now."""
        self.site.send(page(anon))
        person = self.site.person_of(anon=anon)
        assert person is not None
        return person

    # What is said

    def say(
        self,
        who: Visitor | str,
        thread: UUID | str = "first",
        text: str = "Hello",
        *,
        client: str | None = None,
        now: datetime | None = None,
    ) -> tuple[Conversation, Said]:
        """A visitor, or a browser that proves nothing, says something."""
        visitor = self.visitor(who) if isinstance(who, str) else who
        words = Words(client=client or f"{uuid4()}", text=text)
        at = now or self.now
        return self.run(lambda core: speaking.say(core, visitor, thread, words, at))

    def reply(
        self,
        conversation_id: UUID,
        text: str = "Hi",
        *,
        client: str | None = None,
        private: bool = False,
        agent_id: UUID | None = UNSAID,
        mentions: Sequence[UUID] = (),
        files: Sequence[UUID] = (),
        now: datetime | None = None,
    ) -> Said:
        """The agent answers, or notes something."""
        answer = Answer(
            text=text,
            client=client or f"{uuid4()}",
            private=private,
            mentions=mentions,
            files=files,
        )
        by = self.agent_id if agent_id is UNSAID else agent_id
        at = now or self.now
        return self.run(
            lambda core: answering.reply(core, self.project_id, conversation_id, by, answer, at)
        )

    def start(
        self, person: Person, text: str = "Hi there", *, client: str | None = None
    ) -> tuple[UUID, Said]:
        """The agent begins a chat."""
        answer = Answer(text=text, client=client or f"{uuid4()}")
        at = self.now
        return self.run(
            lambda core: answering.start(
                core, self.project_id, person.id, self.agent_id, answer, at
            )
        )

    def ticket(self, person: Person, *, client: str | None = None, **given: Any) -> Conversation:
        """The agent opens a ticket on behalf of a person."""
        facts = {"subject": "Grinder", "description": "It stopped.", **given}
        new = NewTicket(person_id=person.id, client=client or f"{uuid4()}", **facts)
        at = self.now
        id_ = self.run(
            lambda core: tickets.open_ticket(core, self.project_id, new, at, by=self.agent_id)
        )
        return self.get(id_)

    # What is done

    def assign(self, id_: UUID, to: UUID | None) -> Conversation:
        return self._handle(id_, lambda core, at: handling.assign(
            core, self.project_id, id_, to, at, by=self.agent_id
        ))  # fmt: skip

    def close(self, id_: UUID) -> Conversation:
        return self._handle(id_, lambda core, at: handling.close(
            core, self.project_id, id_, at, by=self.agent_id
        ))  # fmt: skip

    def reopen(self, id_: UUID) -> Conversation:
        return self._handle(id_, lambda core, at: handling.reopen(
            core, self.project_id, id_, at, by=self.agent_id
        ))  # fmt: skip

    def snooze(self, id_: UUID, until: datetime | None = None) -> Conversation:
        return self._handle(id_, lambda core, at: handling.snooze(
            core, self.project_id, id_, until, at, by=self.agent_id
        ))  # fmt: skip

    def number(self, id_: UUID) -> Conversation:
        """Make it a ticket."""
        return self._handle(id_, lambda core, at: tickets.make_ticket(
            core, self.project_id, id_, at, by=self.agent_id
        ))  # fmt: skip

    def unnumber(self, id_: UUID) -> Conversation:
        """Make it an ordinary conversation."""
        return self._handle(id_, lambda core, at: tickets.make_conversation(
            core, self.project_id, id_, at, by=self.agent_id
        ))  # fmt: skip

    def change(self, id_: UUID, **given: Any) -> Conversation:
        return self._handle(id_, lambda core, at: tickets.change(
            core, self.project_id, id_, at, by=self.agent_id, **given
        ))  # fmt: skip

    def merge(self, gone: UUID, into: UUID) -> Conversation:
        """Merge two conversations; answers the one that is left."""
        return self._handle(into, lambda core, at: tickets.merge(
            core, self.project_id, gone, into, at, by=self.agent_id
        ))  # fmt: skip

    def look(self, id_: UUID, seq: int) -> Conversation:
        """The agent has the messages up to this one before their eyes."""
        assert self.agent_id is not None
        agent_id = self.agent_id
        return self._handle(
            id_, lambda core, at: handling.seen(core, self.project_id, id_, agent_id, seq, at)
        )

    def read(self, who: Visitor | str, id_: UUID, seq: int) -> Conversation:
        """The visitor has."""
        visitor = self.visitor(who) if isinstance(who, str) else who
        return self._handle(id_, lambda core, _: speaking.seen(core, visitor, id_, seq))

    def rate(self, who: Visitor | str, id_: UUID, rating: int, comment: str = "") -> Conversation:
        visitor = self.visitor(who) if isinstance(who, str) else who
        return self._handle(
            id_, lambda core, at: speaking.rate(core, visitor, id_, rating, comment, at)
        )

    def _handle(self, id_: UUID, work: Callable[[Database, datetime], object]) -> Conversation:
        at = self.now
        self.run(lambda core: work(core, at))
        return self.get(id_)

    # What is there

    def get(self, id_: UUID) -> Conversation:
        return conversations.get(self.connection, self.project_id, id_)

    def messages(self, id_: UUID) -> list[Message]:
        return conversations.messages_after(self.connection, self.project_id, id_, 0, limit=10_000)

    def texts(self, id_: UUID) -> list[str]:
        """What was said and noted, in order."""
        return [one.body for one in self.messages(id_) if one.by != "system"]

    def deeds(self, id_: UUID) -> list[str]:
        """What was done to it, in order."""
        return [one.what["did"] for one in self.messages(id_) if one.by == "system"]

    def shown(self, who: Visitor | str) -> set[UUID]:
        """The conversations that a messenger shows."""
        visitor = self.visitor(who) if isinstance(who, str) else who
        person = visitors.person_of(self.connection, visitor)
        if person is None:
            return set()
        return {one.id for one in visitors.conversations_of(self.connection, visitor, person)}

    def person(self, id_: UUID) -> Person:
        return self.site.person(id_)


def at_once(talk: Talk, works: Sequence[Callable[[Talk], object]]) -> None:
    """Each in a thread with a connection of its own; what fails in one fails the test."""
    failures: list[BaseException] = []
    together = threading.Barrier(len(works))

    def run(work: Callable[[Talk], object]) -> None:
        try:
            with kit_database.connect() as connection:
                own = Talk(talk.site, talk.agent_id, connection)
                together.wait(10)
                work(own)
        except BaseException as failure:  # noqa: BLE001 - told by the test
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
