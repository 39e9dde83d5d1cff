"""Messengers that never give up: what was not answered is said again, what was missed is asked for.

Each is a tab of a browser as docs/reference/messenger-protocol.md describes one. It trusts nothing
but its own cursors: what it `heard` is what a person would have seen, in the order they saw it.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

AHEAD = 8  # frames that a tab says before it waits for an answer
QUIET = 8.0  # seconds without a frame after which the line is taken for dead
PING = 2.0
A_PAGE = 20  # messages that are asked for at once: few, so that catching up takes several


class Heard(NamedTuple):
    """A message as a tab was shown it."""

    seq: int
    id: str
    by: str
    text: str


class Tab:
    """One socket after the other: of a browser, with texts to say in one thread of their own."""

    def __init__(self, urls: list[str], key: str, anon: str, texts: Iterable[str] = ()) -> None:
        self.anon = anon
        self.heard: defaultdict[str, list[Heard]] = defaultdict(list)
        self.surprises: list[str] = []
        self.connections = 0
        self.said_again = 0
        self._urls = urls
        self._key = key
        self._texts = deque(texts)
        self._unanswered: deque[dict[str, Any]] = deque()
        self._open = str(uuid4())
        self._conversation: str | None = None
        self._cursor: defaultdict[str, int] = defaultdict(int)
        self._held: dict[str, list[dict[str, Any]]] = {}  # what came while catching up
        self._socket: ClientConnection | None = None
        self.is_over = False

    @property
    def is_done(self) -> bool:
        """Whether all that it had to say was answered."""
        return not self._texts and not self._unanswered

    def cut(self) -> None:
        """Tear the line, with all that is on its way in either direction."""
        if self._socket is not None:
            self._socket.transport.abort()

    def end(self) -> None:
        """Come back no more."""
        self.is_over = True
        self.cut()

    async def live(self) -> None:
        """Connect, and again, until the end."""
        while not self.is_over:
            wait = random.uniform(0.02, 0.2)
            with suppress(OSError, WebSocketException, TimeoutError):
                url = random.choice(self._urls)
                async with connect(
                    url, compression=None, ping_interval=None, open_timeout=5, close_timeout=0.2
                ) as socket:
                    self._socket = socket
                    self.connections += 1
                    wait = await self._talk(socket) or wait
            self._socket = None
            await asyncio.sleep(wait)

    async def _talk(self, socket: ClientConnection) -> float | None:
        """One connection, to its end; the seconds that the server asks us to stay away."""
        self._held.clear()
        await self._send(socket, t="hello", v=1, key=self._key, anon=self.anon)
        first = await self._next(socket)
        if first["t"] == "slow":
            return float(first["after"])
        if first["t"] != "home":
            self.surprises.append(f"instead of home: {first}")
            return 1.0
        await self._catch_up(socket, first)
        self.said_again += len(self._unanswered)
        for frame in self._unanswered:
            await self._send(socket, **frame)
        while not self.is_over:
            await self._say_more(socket)
            try:
                frame = await self._next(socket, PING)
            except TimeoutError:
                await self._send(socket, t="ping")
                frame = await self._next(socket)
            if frame["t"] == "slow":
                return float(frame["after"])
            await self._hear(socket, frame)
        return None

    async def _say_more(self, socket: ClientConnection) -> None:
        while self._texts and len(self._unanswered) < AHEAD:
            if self._conversation is None and self._unanswered:
                return  # the first word opens the thread; what follows names it by its id or name
            said = {
                "t": "say",
                "id": str(uuid4()),
                "text": self._texts.popleft(),
                "conversation": self._conversation,
                "open": None if self._conversation else self._open,
            }
            self._unanswered.append(said)
            await self._send(socket, **said)

    async def _hear(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        match frame["t"]:
            case "said":
                self._answered(frame)
            case "message":
                self._pushed(frame["message"])
            case "messages":
                await self._caught_up(socket, frame)
            case "home":
                await self._catch_up(socket, frame)
            case "refused":
                self.surprises.append(str(frame))

    def _answered(self, frame: dict[str, Any]) -> None:
        if not self._unanswered or frame["id"] != self._unanswered[0]["id"]:
            self.surprises.append(f"answered out of turn: {frame}")
            return
        self._unanswered.popleft()
        if self._conversation not in (None, frame["conversation"]):
            self.surprises.append(f"answered in another thread: {frame}")
        self._conversation = frame["conversation"]

    def _pushed(self, message: dict[str, Any]) -> None:
        held = self._held.get(message["conversation"])
        if held is not None:
            held.append(message)
        else:
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        """Show it, unless the cursor is past it."""
        conversation, seq = message["conversation"], message["seq"]
        if seq > self._cursor[conversation]:
            self._cursor[conversation] = seq
            shown = Heard(seq, message["id"], message["by"], message["text"])
            self.heard[conversation].append(shown)

    async def _catch_up(self, socket: ClientConnection, home: dict[str, Any]) -> None:
        for one in home["conversations"]:
            if one["seq"] > self._cursor[one["id"]]:
                self._held.setdefault(one["id"], [])
                await self._ask(socket, one["id"])

    async def _caught_up(self, socket: ClientConnection, part: dict[str, Any]) -> None:
        for message in part["messages"]:
            self._take(message)
        if part["more"]:
            await self._ask(socket, part["conversation"])
            return
        for message in self._held.pop(part["conversation"], []):
            self._take(message)

    async def _ask(self, socket: ClientConnection, conversation: str) -> None:
        after = self._cursor[conversation]
        await self._send(socket, t="messages", conversation=conversation, after=after, limit=A_PAGE)

    @staticmethod
    async def _send(socket: ClientConnection, **frame: Any) -> None:
        await socket.send(json.dumps(frame))

    @staticmethod
    async def _next(socket: ClientConnection, seconds: float = QUIET) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            frame: dict[str, Any] = json.loads(await socket.recv())
            return frame
