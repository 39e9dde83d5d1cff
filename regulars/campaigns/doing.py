"""What steps do beside sending emails: tags, segments, and what other slices do.

Slices beside this one (conversations, tickets, webhooks) are not known here: `config` wires what
they do into `DEEDS`. All of it happens in the transaction that moves the person on, so that it
happens exactly once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import psycopg

from regulars.campaigns.engine import definition as d
from regulars.people import actions
from regulars.people.person import Person
from regulars.segments import picking, queries
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]


class Deed(Protocol):
    """Does one step for one person. `once` is a key under which it must not be done again."""

    def __call__(
        self,
        connection: Connection,
        project_id: UUID,
        person_id: UUID,
        step: Any,
        once: UUID,
        now: datetime,
        /,
    ) -> None:
        """In the caller's transaction, which holds the person."""


# What keeps a step from being done in a project, in words; nothing where it can be.
Check = Callable[[Connection, UUID, Any], str]

# By kind: "conversation", "ticket", "webhook".
DEEDS: dict[str, Deed] = {}
CHECKS: dict[str, Check] = {}


def possible() -> frozenset[str]:
    """What steps can do here."""
    return frozenset(DEEDS)


def change_of(
    connection: Connection, project_id: UUID, step: d.Tag | d.Pick
) -> Callable[[Person], None] | None:
    """What a step changes of a person who is locked; None where nothing can be done any more."""
    if isinstance(step, d.Tag):
        return lambda person: _tag(person, step)
    try:
        segment = queries.segment(connection, project_id, step.segment)
    except UnknownError:
        return None
    if segment.filter is not None:
        return None
    number = segment.number
    return lambda person: _pick(person, number)


def tags_of(step: d.Tag) -> tuple[list[str], list[str]]:
    """The tags as they are kept: to add, to remove. Raises InvalidError."""
    return actions.clean_tags(list(step.add)), actions.clean_tags(list(step.remove))


def _tag(person: Person, step: d.Tag) -> None:
    try:
        add, remove = tags_of(step)
    except InvalidError:
        return
    kept = [one for one in person.tags if one not in remove]
    wanted = [*kept, *(one for one in add if one not in kept)][: actions.MAX_TAGS]
    if wanted != person.tags:
        person.tags = wanted
        person.changed = True


def _pick(person: Person, number: int) -> None:
    picking.pick([person], number, into=True)
