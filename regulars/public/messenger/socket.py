"""The messenger's WebSocket: one a tab, from hello to goodbye.

What comes in is worked off one frame after the other, so that what one visitor says stays in its
order, and whoever says too much waits. What goes out is read from the database behind the
connection's own cursor whenever a pointer says that there is something; so a pointer that is lost
costs a delay and never a message. A client that takes nothing for a while is sent away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from regulars.inbox.live import Pointer, hub
from regulars.inbox.visitors import UnprovedError
from regulars.kit.database import Away
from regulars.public import http
from regulars.public.http import Receive, Scope, Send
from regulars.public.messenger import frames, session
from regulars.public.messenger.frames import Hello
from regulars.public.messenger.session import RefusedError, Said, Session
from regulars.public.projects import Projects
from regulars.workspaces.errors import InvalidError, UnknownError
from regulars.workspaces.keys import ProjectConfig

log = logging.getLogger(__name__)

PATH = "/messenger/socket"
HELLO_WITHIN = 10.0  # seconds
QUIET = 75.0  # seconds without a frame after which nobody is there: clients say so every 25
MOST = 20_000  # connections of a process
MOST_OF_AN_ADDRESS = 400
MOST_PENDING = 500  # pointers that wait for a client
KNOWN_AFTER = (1.5, 5.0, 15.0)  # seconds until a new browser's first page view may be stored
SEND_WITHIN = 20.0  # seconds that a client may take over a frame
BURST, A_SECOND = 60.0, 20.0  # frames at once, and a second
WORKERS = 8  # threads that ask the database, as many as the pool has connections
NOBODY, LATER = 4401, 1013

T = TypeVar("T")
# What a proved user's arrival is told to tracking by; see `door`.
Introduce = Callable[[ProjectConfig, Hello, Scope, dict[str, Any] | None], Awaitable[None]]


class Sockets:
    """All of a process's messengers."""

    def __init__(
        self, projects: Projects, introduce: Introduce, now: Callable[[], datetime]
    ) -> None:
        self._projects = projects
        self._introduce = introduce
        self._now = now
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="messenger")
        self._count = 0
        self._of_address: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, to its end."""
        address = http.client_ip(scope) or ""
        await receive()  # websocket.connect
        if self._count >= MOST or self._of_address[address] >= MOST_OF_AN_ADDRESS:
            await send({"type": "websocket.close", "code": LATER})
            return
        self._count += 1
        self._of_address[address] += 1
        try:
            await send({"type": "websocket.accept"})
            await self._serve(scope, receive, send)
        except (ConnectionError, RuntimeError):
            log.debug("A messenger went away amid a frame.")
        finally:
            self._count -= 1
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """Ask the database, beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *given)

    async def introduce(self, one: Session, scope: Scope, traits: dict[str, Any] | None) -> None:
        """Tell tracking who this is, as the page's own identify call would."""
        await self._introduce(one.project, one.hello, scope, traits)

    async def admitted(self, hello: Hello) -> Session:
        """Whose messenger it is. Raises RefusedError."""
        project = await self._projects.by_write_key(hello.key)
        if project is None:
            raise RefusedError("unknown_key", "No project has this write key.")
        one = session.admit(project, hello, self._now())
        if one.visitor.verified and not project.identity_used:
            await self._projects.note_identity_used(project, self._now())
        return one

    def now(self) -> datetime:
        """The present instant."""
        return self._now()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                first = await receive()
        except TimeoutError:
            await send({"type": "websocket.close", "code": NOBODY})
            return
        hello = frames.read(first) if first["type"] == "websocket.receive" else None
        if not isinstance(hello, Hello):
            await send({"type": "websocket.close", "code": NOBODY})
            return
        line = _Line(self, scope, receive, send)
        try:
            await line.open(hello)
            await line.listen()
        except RefusedError as refused:
            await line.say({"t": "refused", "code": refused.code, "message": str(refused)})
            await send({"type": "websocket.close", "code": NOBODY})
        except UnprovedError:
            message = "This browser is a user’s: a signed claim must say that it still is."
            await line.say({"t": "refused", "code": "bad_claim", "message": message})
            await send({"type": "websocket.close", "code": NOBODY})
        except (*Away, TimeoutError):
            await line.say({"t": "slow", "after": 2})
            await send({"type": "websocket.close", "code": LATER})
        finally:
            line.close()


class _Line:
    """One connection."""

    def __init__(self, sockets: Sockets, scope: Scope, receive: Receive, send: Send) -> None:
        self._sockets = sockets
        self._scope = scope
        self._receive = receive
        self._send = send
        self._session: Session | None = None
        self._following: AbstractContextManager[None] | None = None
        self._followed: Any = None
        self._pending: deque[Pointer] = deque()
        self._pushing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._tokens = BURST
        self._filled = asyncio.get_running_loop().time()
        self._over = False

    async def open(self, hello: Hello) -> None:
        """Show the first page. Raises RefusedError."""
        one = self._session = await self._sockets.admitted(hello)
        run = self._sockets.run
        if one.visitor.verified and not await run(session.is_known, one):
            await self._sockets.introduce(one, self._scope, None)
        async with self._one_at_a_time:  # nothing is told before home
            await self.say(await self._home())
            # What is in the list now is the client's to fetch; from here on it is told what is new.
            one.sent = dict(one.latest)
        loop = asyncio.get_running_loop()
        for pause in KNOWN_AFTER if one.person_id is None else ():
            loop.call_later(pause, self._look_who_it_is)

    async def _home(self) -> Said:
        one = self._mine()
        home = await self._sockets.run(session.meet, one, self._sockets.now())
        if one.person_id != self._followed:
            # Followed first, read after: what is said in between is in one or the other.
            self._follow(one)
            home = await self._sockets.run(session.meet, one, self._sockets.now())
        return home

    async def _look_again(self) -> None:
        """Pointers were lost, or it is somebody else by now: everything anew, and what is missing.

        Held by `_one_at_a_time`, as all that reads behind the cursor.
        """
        one = self._mine()
        async with self._one_at_a_time:
            await self.say(await self._home())
            await self._tell_news(one.behind())

    async def _tell_news(self, ids: list[UUID]) -> None:
        """What is new in these conversations, part after part. Held by `_one_at_a_time`."""
        run, now = self._sockets.run, self._sockets.now()
        while ids:
            news, ids = await run(session.news_of, self._mine(), ids, now)
            for said in news:
                await self.say(said)

    async def listen(self) -> None:
        """Work off what comes, until nothing does any more. Raises RefusedError."""
        while not self._over:
            try:
                async with asyncio.timeout(QUIET):
                    event = await self._receive()
            except TimeoutError:
                await self._send({"type": "websocket.close", "code": 1001})
                return
            if event["type"] != "websocket.receive":
                return
            frame = frames.read(event)
            if frame is None:
                await self.say(_refusal("", "bad_frame", "That is no frame of this protocol."))
                continue
            await self._wait_for_a_turn()
            await self._work_off(frame)

    async def say(self, body: Said) -> None:
        """Send a frame; a client that does not take it is let go."""
        text = msgspec.json.encode(body).decode()
        try:
            async with asyncio.timeout(SEND_WITHIN):
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            self._over = True
            raise ConnectionError from None

    def close(self) -> None:
        """Nobody is there any more."""
        self._over = True
        if self._following is not None:
            self._following.__exit__(None, None, None)
        if self._pushing is not None:
            self._pushing.cancel()

    async def _work_off(self, frame: frames.Frame) -> None:
        id_ = getattr(frame, "id", "")
        try:
            await self._do(frame)
        except InvalidError as wrong:
            await self.say(_refusal(id_, "invalid", wrong.message, wrong.field))
        except UnknownError as unknown:
            await self.say(_refusal(id_, "not_found", str(unknown), "conversation"))

    async def _do(self, frame: frames.Frame) -> None:
        one, run, now = self._mine(), self._sockets.run, self._sockets.now()
        match frame:
            case frames.Say():
                await self._answer(await run(session.say, one, frame, now))
            case frames.OpenTicket():
                await self._answer(await run(session.open_ticket, one, frame, now))
            case frames.Messages():
                await self.say(await run(session.part_of, one, frame, now))
            case frames.Seen():
                await run(session.seen, one, frame)
            case frames.Typing():
                await run(session.typing, one, frame)
            case frames.Rate():
                await run(session.rate, one, frame, now)
                await self.say({"t": "said", "id": frame.id, "conversation": frame.conversation})
            case frames.Email():
                await self._leave_email(frame)
            case frames.Ping():
                await self._still_there()
            case Hello():
                await self._look_again()

    async def _answer(self, said: Said) -> None:
        """Say that it is kept. Whoever was nobody before is followed from now on."""
        one = self._mine()
        if one.person_id != self._followed:
            self._follow(one)
            self._push(Pointer("changed", said["conversation"], one.person_id))
        await self.say(said)

    async def _leave_email(self, frame: frames.Email) -> None:
        one = self._mine()
        address = frame.email.strip()
        if not session.is_address(address):
            raise InvalidError("email", "That is not an email address.")
        await self._sockets.introduce(one, self._scope, {"email": address})
        await self.say({"t": "said", "id": frame.id, "conversation": frame.conversation})
        await self._look_again()

    async def _still_there(self) -> None:
        """Answer, and look again whether the claims still hold and who it is by now."""
        one = self._mine()
        again = await self._sockets.admitted(one.hello)
        one.project, one.visitor = again.project, again.visitor
        self._look_who_it_is()
        await self.say({"t": "pong"})

    async def _wait_for_a_turn(self) -> None:
        now = asyncio.get_running_loop().time()
        self._tokens = min(BURST, self._tokens + (now - self._filled) * A_SECOND) - 1
        self._filled = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / A_SECOND)

    def _look_who_it_is(self) -> None:
        """Nobody tells of a browser that nobody knows: look whether it was tracked since."""
        if self._followed is None and not self._over:
            self._push(Pointer("changed"))

    def _follow(self, one: Session) -> None:
        if self._following is not None:
            self._following.__exit__(None, None, None)
            self._following = None
        self._followed = one.person_id
        if one.person_id is not None:
            self._following = hub.following(one.project.id, self._push, one.person_id)
            self._following.__enter__()

    def _push(self, pointer: Pointer) -> None:
        """There is something for the client. Returns at once."""
        if len(self._pending) >= MOST_PENDING:
            self._pending.clear()
            self._pending.append(Pointer("lost"))  # too slow for each: look at everything instead
        else:
            self._pending.append(pointer)
        if self._pushing is None and not self._over:
            self._pushing = asyncio.get_running_loop().create_task(self._push_all())

    async def _push_all(self) -> None:
        try:
            while self._pending and not self._over:
                pointers = list(dict.fromkeys(self._pending))
                self._pending.clear()
                await self._pass_on(pointers)
        except (*Away, TimeoutError):
            self._over = True
            await self.say({"t": "slow", "after": 2})
            await self._send({"type": "websocket.close", "code": LATER})
        except (RefusedError, UnprovedError):
            # The client comes again, and is told why it is not let in.
            self._over = True
            await self._send({"type": "websocket.close", "code": LATER})
        except (ConnectionError, RuntimeError):
            self._over = True
        finally:
            self._pushing = None
            if self._pending and not self._over:
                self._push(self._pending.popleft())

    async def _pass_on(self, pointers: list[Pointer]) -> None:
        one, run, now = self._mine(), self._sockets.run, self._sockets.now()
        whats = {pointer.what for pointer in pointers}
        somebody_else = any(p.what == "changed" and p.conversation_id is None for p in pointers)
        if "lost" in whats or somebody_else:
            await self._look_again()
            return
        for pointer in pointers:
            if pointer.what == "typing" and pointer.by != "person":
                said = await run(session.typist, one, pointer, now)
                if said is not None:
                    await self.say(said)
        concerned = [p.conversation_id for p in pointers if p.what in ("message", "changed")]
        ids = [id_ for id_ in dict.fromkeys(concerned) if id_ is not None]
        if ids:
            async with self._one_at_a_time:
                await self._tell_news(ids)
        if "notes" in whats:
            await self.say(await run(session.notes_for, one))

    def _mine(self) -> Session:
        if self._session is None:
            raise RuntimeError("nobody was let in")
        return self._session


def _refusal(id_: str, code: str, message: str, field: str | None = None) -> Said:
    return {"t": "refused", "id": id_, "code": code, "message": message, "field": field}
