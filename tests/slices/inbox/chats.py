"""Conversations for tests: people who write, agents who answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from regulars.inbox import answering, speaking
from regulars.inbox.answering import Answer
from regulars.inbox.conversations import Conversation
from regulars.inbox.saying import Said
from regulars.inbox.speaking import Words
from regulars.inbox.visitors import Visitor
from regulars.kit import clock, database
from regulars.people.actions import settled

Connection = psycopg.Connection[Any]


def says(
    project_id: UUID,
    browser: str,
    text: str,
    *,
    thread: UUID | str = "first",
    at: datetime | None = None,
    user: str | None = None,
    subject: str = "",
    page: str = "",
) -> Conversation:
    """A visitor writes in their messenger; `user` is whom a signed claim proves them to be."""
    visitor = Visitor(project_id, browser, user)
    words = Words(client=str(uuid4()), text=text, subject=subject, page=page)
    conversation, _ = settled(
        database.transaction,
        lambda core: speaking.say(core, visitor, thread, words, at or clock.now()),
    )
    return conversation


def answers(
    conversation: Conversation,
    agent_id: UUID,
    text: str,
    *,
    private: bool = False,
    mentions: tuple[UUID, ...] = (),
    at: datetime | None = None,
) -> Said:
    """An agent answers, or notes something for the team alone."""
    answer = Answer(text=text, client=str(uuid4()), private=private, mentions=mentions)
    return settled(
        database.transaction,
        lambda core: answering.reply(
            core, conversation.project_id, conversation.id, agent_id, answer, at or clock.now()
        ),
    )
