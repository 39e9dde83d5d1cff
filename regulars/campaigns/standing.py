"""Lets segments that ask about campaigns know, in the transaction in which somebody's standing
with one changes: so that their members are exact there and then.

Whoever changes it `begin`s a `Standing` first, before anybody is locked; `hold`s the people where
some segment asks; says whose standing it changed, and `finish`es last. Where no segment asks about
the campaign that is two short statements, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from regulars.campaigns.news import News
from regulars.events import outbox
from regulars.people.changes import Cause, Changes
from regulars.segments.standing import campaigns_asked

Connection = psycopg.Connection[Any]


class Standing:
    """What one transaction changes of how people stand with campaigns."""

    def __init__(self, connection: Connection, project_id: UUID, now: datetime) -> None:
        self._connection = connection
        self._project_id = project_id
        self._now = now
        self._asked: frozenset[UUID] = frozenset()
        self._changes: Changes | None = None
        self._people: set[UUID] = set()
        self.news = News()

    def begin(self) -> None:
        """Learn which campaigns segments ask about: that stays so until the transaction ends."""
        self._asked = campaigns_asked(self._connection, self._project_id)

    @property
    def asks_any(self) -> bool:
        """Whether some segment asks about some campaign."""
        return bool(self._asked)

    def asks(self, campaigns: Iterable[UUID]) -> bool:
        """Whether some segment asks about one of these campaigns."""
        return any(one in self._asked for one in campaigns)

    def hold(self, people: Iterable[UUID], cause: Cause) -> None:
        """Lock these people. Once, since locks go in the order of ids; before any of their rows."""
        self._changes = Changes(self._connection, self._project_id, self._now)
        self._changes.cause = cause
        self._changes.begin()
        self._changes.load(people)

    def changed(self, campaign: UUID, people: Iterable[UUID]) -> None:
        """These people stand otherwise with the campaign than they did."""
        if campaign in self._asked:
            self._people.update(people)

    def finish(self, entries: Sequence[outbox.Entry] = ()) -> None:
        """Let segments follow, and tell it with the entries: the transaction's last."""
        told = [*entries, *self.news.entries()]
        changes = self._changes
        if changes is None:
            outbox.append(self._connection, self._project_id, told, self._now)
            return
        changes.touch(self._people)
        changes.flush()
        changes.outbox += told
        changes.finish()
