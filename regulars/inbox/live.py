"""What happens in conversations, as it happens: pointers between processes, and who follows them.

A pointer says which conversation to look at, never what was said: whoever follows reads the
database behind its own cursor, so a pointer that is lost or comes twice changes nothing. Typing is
the one thing that a pointer says by itself, and nobody misses it when it is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg

from regulars.kit.bus import NOTIFY, bus, message

log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
What = Literal["message", "changed", "typing", "looking", "notes", "lost"]

PREFIX = "inbox"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Something about a conversation. `by` is whose doing it is: "person", or an agent's id.

    "message": it has one more, `seq`. "changed": its state, or who has seen what. "typing": `by`
    writes. "looking": an agent came or went. "notes": the person's notes changed. "lost": pointers
    may have been missed; look at everything.
    """

    what: What
    conversation_id: UUID | None = None
    person_id: UUID | None = None
    seq: int = 0
    by: str = ""


LOST = Pointer("lost")

Listener = Callable[[Pointer], None]


def tell(connection: Connection, project_id: UUID, pointer: Pointer) -> None:
    """Point others to it, once the running transaction commits."""
    parts = (
        PREFIX,
        pointer.what,
        str(pointer.conversation_id or ""),
        str(pointer.person_id or ""),
        str(pointer.seq),
        pointer.by,
    )
    connection.execute(NOTIFY, (message(project_id, "/".join(parts)),), prepare=True)


def read_pointer(topic: str) -> Pointer | None:
    """The pointer in a message of the bus; None where it is about something else."""
    if not topic:
        return LOST
    prefix, *parts = topic.split("/")
    if prefix != PREFIX or len(parts) != 5:  # noqa: PLR2004 - as `tell` writes them
        return None
    what, conversation, person, seq, by = parts
    return Pointer(
        what=what,  # type: ignore[arg-type]
        conversation_id=UUID(conversation) if conversation else None,
        person_id=UUID(person) if person else None,
        seq=int(seq),
        by=by,
    )


class _Room:
    """Those in this process who follow one project."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.everything: set[Listener] = set()
        self.of_person: dict[UUID, set[Listener]] = {}

    def hear(self, topic: str) -> None:
        """Called in the bus's thread."""
        pointer = read_pointer(topic)
        if pointer is not None:
            self._loop.call_soon_threadsafe(self._pass_on, pointer)

    def _pass_on(self, pointer: Pointer) -> None:
        if pointer.what == "lost":
            everybody = [*self.everything, *(one for few in self.of_person.values() for one in few)]
        else:
            person = pointer.person_id
            theirs = self.of_person.get(person, ()) if person is not None else ()
            everybody = [*self.everything, *theirs]
        for listener in everybody:
            listener(pointer)

    @property
    def is_empty(self) -> bool:
        return not self.everything and not self.of_person


class Hub:
    """One process's followers: a project is listened to once, whoever many follow it.

    Listeners run in the event loop and must return at once. Used from the loop alone.
    """

    def __init__(self) -> None:
        self._rooms: dict[UUID, tuple[_Room, Any]] = {}

    @contextmanager
    def following(
        self, project_id: UUID, listener: Listener, person_id: UUID | None = None
    ) -> Iterator[None]:
        """Tell `listener` of all that happens in the project, or of what concerns one person."""
        room = self._enter(project_id)
        group = room.everything
        if person_id is not None:
            group = room.of_person.setdefault(person_id, set())
        group.add(listener)
        try:
            yield
        finally:
            group.discard(listener)
            if person_id is not None and not group:
                room.of_person.pop(person_id, None)
            self._leave(project_id)

    def _enter(self, project_id: UUID) -> _Room:
        if project_id not in self._rooms:
            room = _Room(asyncio.get_running_loop())
            listening = bus.listening(project_id, room.hear)
            listening.__enter__()
            self._rooms[project_id] = room, listening
        return self._rooms[project_id][0]

    def _leave(self, project_id: UUID) -> None:
        room, listening = self._rooms[project_id]
        if room.is_empty:
            del self._rooms[project_id]
            listening.__exit__(None, None, None)


hub = Hub()
