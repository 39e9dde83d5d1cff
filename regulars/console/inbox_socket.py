"""The agents' socket of the inbox: pointers to what happens, and what an agent is doing.

`/p/<project>/inbox/socket`, open to whom the console's session cookie lets in, and to pages of the
console's own host alone: a page elsewhere could open a socket with the cookie, but not lie about
its Origin. What is sent says where to look, never what was said; the page asks for that by HTTP
behind its own place, so that nothing is lost with a connection.

To the browser: `hello`; `message`, `changed`, `typing`, `looking` about a conversation; `lost`
when something may have been missed; `slow` and `bye` before the end. From it: `look` and `away`,
`typing`, `seen`, `ping`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import OperationalError
from django.http import parse_cookie

from regulars.console import sitting
from regulars.inbox import conversations, handling, live
from regulars.inbox.live import Pointer, hub
from regulars.kit import clock, database
from regulars.workspaces.errors import UnknownError

log = logging.getLogger(__name__)

Scope = Any
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]

MOST_OF_AGENT = 40  # sockets of one agent in one process
MOST_WAITING = 200  # pointers that wait for a slow client before it is let go
MOST_BYTES = 2_000  # of a frame
A_SECOND = 20  # frames that a client may send in one, on average
HEARTBEAT = 20.0  # seconds of silence after which a frame says that the connection lives
FAREWELL = 1.0  # seconds that a client gets to hear why it is let go
COME_BACK = 2  # seconds after which a slow client may come back

POLICY, AGAIN = 1008, 1013  # codes of closing (RFC 6455, section 7.4, and IANA's registry)

_PATH = re.compile(r"/p/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/inbox/socket")


class Frame(msgspec.Struct):
    """What a client says."""

    t: Literal["look", "away", "typing", "seen", "ping"]
    conversation: UUID | None = None
    seq: int = 0
    private: bool = False  # typed for the team alone


_frames: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


class SlowError(Exception):
    """The client does not keep up."""


@dataclass(slots=True)
class _Sitting:
    """One socket: whose it is, what waits to be sent, which conversations it has open."""

    project_id: UUID
    agent_id: UUID
    session: str
    waiting: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    slow: asyncio.Event = field(default_factory=asyncio.Event)
    open: set[UUID] = field(default_factory=set)

    def hear(self, pointer: Pointer) -> None:
        """Called by the hub: must return at once."""
        if pointer.what == "notes":
            return  # the page hears of people by its other stream
        self.say(
            t=pointer.what,
            conversation=pointer.conversation_id,
            person=pointer.person_id,
            seq=pointer.seq,
            by=pointer.by,
        )

    def say(self, **what: Any) -> None:
        try:
            self.waiting.put_nowait(msgspec.json.encode(what))
        except asyncio.QueueFull:
            self.slow.set()


class InboxSocket:
    """The door: an ASGI application for WebSocket scopes."""

    def __init__(self) -> None:
        self._sockets: Counter[UUID] = Counter()

    @staticmethod
    def opens(path: str) -> bool:
        """Whether the path is this door's; others are refused."""
        return _PATH.fullmatch(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket to its end; a refused one is answered 403 before it is a socket."""
        await receive()  # websocket.connect
        agent_id = await self._let_in(scope)
        if agent_id is None or self._sockets[agent_id] >= MOST_OF_AGENT:
            await send({"type": "websocket.close", "code": POLICY})
            return
        await send({"type": "websocket.accept"})
        one = _Sitting(_project_of(scope), agent_id, _session_of(scope))
        self._sockets[agent_id] += 1
        try:
            await self._serve(one, receive, send)
        finally:
            self._sockets[agent_id] -= 1
            self._sockets += Counter()  # forgets those without any
            await asyncio.shield(asyncio.to_thread(_leave, one))

    @staticmethod
    async def _let_in(scope: Scope) -> UUID | None:
        if not InboxSocket.opens(scope["path"]) or not is_own_page(scope):
            return None
        try:
            agent = await asyncio.to_thread(
                sitting.agent_of, _project_of(scope), _session_of(scope)
            )
        except OperationalError:
            return None  # the database is away: the page tries again
        return agent.id if agent is not None else None

    @staticmethod
    async def _serve(one: _Sitting, receive: Receive, send: Send) -> None:
        one.say(t="hello", agent=one.agent_id)
        with hub.following(one.project_id, one.hear):
            work: list[asyncio.Task[Any]] = [
                asyncio.create_task(part)
                for part in (_read(one, receive), _write(one, send), _watch(one))
            ]
            work.append(asyncio.create_task(one.slow.wait()))
            done, rest = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        with suppress(Exception):  # whoever is gone can't be told
            async with asyncio.timeout(FAREWELL):
                await _part(one, next(iter(done)), send)


async def _part(one: _Sitting, task: asyncio.Task[Any], send: Send) -> None:
    """Say why it ends, to whom is still there to hear it."""
    if one.slow.is_set():
        words, code = {"t": "slow", "after": COME_BACK}, AGAIN
    elif task.exception() is not None:
        words, code = {"t": "bye"}, POLICY
        log.info("An agent's socket was closed: %s", task.exception())
    elif task.result() == "gone":
        return
    else:
        words, code = {"t": "bye"}, POLICY
    await send({"type": "websocket.send", "text": msgspec.json.encode(words).decode()})
    await send({"type": "websocket.close", "code": code})


async def _write(one: _Sitting, send: Send) -> str:
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT):
                frame = await one.waiting.get()
        except TimeoutError:
            frame = b'{"t":"beat"}'
        try:
            await send({"type": "websocket.send", "text": frame.decode()})
        except (OSError, RuntimeError):
            return "gone"


async def _watch(one: _Sitting) -> str:
    """Look again and again whether the agent may still see this."""
    while True:
        await asyncio.sleep(sitting.LOOK)
        try:
            agent = await asyncio.to_thread(sitting.agent_of, one.project_id, one.session)
        except OperationalError:
            continue  # the database is away: nobody can tell now
        if agent is None or agent.id != one.agent_id:
            return "bye"


async def _read(one: _Sitting, receive: Receive) -> str:
    clock_now = asyncio.get_running_loop().time
    begun, frames = clock_now(), 0
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return "gone"
        raw = event.get("bytes") or (event.get("text") or "").encode()
        frames += 1
        if frames > A_SECOND * (clock_now() - begun + 5) or len(raw) > MOST_BYTES:
            raise ValueError("it sent too much")
        try:
            frame = _frames.decode(raw)
        except msgspec.DecodeError:
            continue  # a page of a newer release may say what this one does not know
        if frame.t == "ping":
            one.say(t="pong")
        elif frame.conversation is not None:
            try:
                await asyncio.to_thread(_do, one, frame, frame.conversation)
            except UnknownError:
                continue
            except database.Away:
                one.say(t="lost")


def _do(one: _Sitting, frame: Frame, conversation_id: UUID) -> None:
    now = clock.now()
    with database.transaction() as core:
        match frame.t:
            case "look":
                handling.look(core, one.project_id, conversation_id, one.agent_id, now)
                one.open.add(conversation_id)
            case "away":
                handling.look_away(core, one.project_id, conversation_id, one.agent_id)
                one.open.discard(conversation_id)
            case "seen":
                handling.seen(core, one.project_id, conversation_id, one.agent_id, frame.seq, now)
            case "typing":
                found = conversations.get(core, one.project_id, conversation_id)
                person = None if frame.private else found.person_id
                live.tell(
                    core,
                    one.project_id,
                    Pointer("typing", found.id, person, by=str(one.agent_id)),
                )


def _leave(one: _Sitting) -> None:
    """Whoever is gone looks at nothing any more."""
    try:
        with database.transaction() as core:
            for conversation_id in one.open:
                handling.look_away(core, one.project_id, conversation_id, one.agent_id)
    except database.Away:
        return  # it is forgotten by itself, some seconds later


def is_own_page(scope: Scope) -> bool:
    """Whether a page of this very host opens the socket (RFC 6455, section 10.2)."""
    origin, host = _header(scope, b"origin"), _header(scope, b"host")
    if not origin or not host:
        return False
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True  # where the installation says it is, whatever a proxy calls it
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _project_of(scope: Scope) -> UUID:
    found = _PATH.fullmatch(scope["path"])
    assert found is not None  # noqa: S101 - `opens` said so
    return UUID(found[1])


def _session_of(scope: Scope) -> str:
    cookies = parse_cookie(_header(scope, b"cookie") or "")
    return cookies.get(settings.SESSION_COOKIE_NAME, "")


def _header(scope: Scope, name: bytes) -> str | None:
    found = [value for key, value in scope["headers"] if key == name]
    text: str | None = found[0].decode("latin-1") if len(found) == 1 else None
    return text
