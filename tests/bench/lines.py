"""WebSockets that wait, and WebSockets that talk: the load of `tests.bench.messages`.

Those that wait do what a messenger in a forgotten tab does: they say now and then that they are
there.
Those that talk say something once a second, each at a moment of its own, whether the last was
answered or not; time counts from when it was to be said, so that whoever is late shows.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

PING_EVERY = 25.0
OPENING = 20  # connections that are opened at once
OF_AN_ADDRESS = 100  # of this machine's own, 127.0.0.x: a visitor has an address, too
A_SECOND = 1.0  # messages of a teller
SOON = 30.0

Hello = Callable[[str], dict[str, Any] | None]


@dataclass
class Found:
    """When what was said was heard, in ms after it was to be said, by who heard it."""

    heard: dict[str, list[float]] = field(default_factory=dict)
    said: int = 0

    def note(self, by: str, seconds: float) -> None:
        self.heard.setdefault(by, []).append(seconds * 1000)


async def open_line(url: str, number: int, **more: Any) -> ClientConnection:
    """A connection from one of many addresses."""
    own = (f"127.0.0.{2 + number // OF_AN_ADDRESS}", 0)
    return await connect(
        url, compression=None, ping_interval=None, open_timeout=SOON, local_addr=own, **more
    )


async def greet(line: ClientConnection, key: str, anon: str) -> None:
    """Begin as a messenger does, and wait for its first page."""
    await line.send(json.dumps({"t": "hello", "v": 1, "key": key, "anon": anon}))
    home = json.loads(await line.recv())
    if home["t"] != "home":
        raise AssertionError(home)


@asynccontextmanager
async def idle(url: str, count: int, key: str | None) -> AsyncIterator[list[ClientConnection]]:
    """So many connections that wait; with a key they are messengers."""
    room = asyncio.Semaphore(OPENING)

    async def one(number: int) -> ClientConnection:
        async with room:
            line = await open_line(url, number)
            if key:
                await greet(line, key, f"idle-{number}")
            return line

    lines = await asyncio.gather(*(one(number) for number in range(count)))
    tending = [asyncio.create_task(_tend(line)) for line in lines]
    try:
        yield lines
    finally:
        for task in tending:
            task.cancel()
        await asyncio.gather(*tending, return_exceptions=True)
        await asyncio.gather(*(line.close() for line in lines))


async def _tend(line: ClientConnection) -> None:
    await asyncio.sleep(random.uniform(0, PING_EVERY))
    while True:
        await line.send('{"t":"ping"}')
        await line.recv()
        await asyncio.sleep(PING_EVERY)


async def echoes(url: str, count: int, seconds: float) -> Found:
    """So many connections that hear themselves."""
    found = Found()
    lines = [await open_line(url, number) for number in range(count)]

    async def hear(line: ClientConnection) -> None:
        async for text in line:
            found.note("itself", time.perf_counter() - json.loads(text)["due"])

    hearing = [asyncio.create_task(hear(line)) for line in lines]

    async def tell(line: ClientConnection) -> None:
        async for due in _turns(seconds):
            await line.send(json.dumps({"t": "say", "due": due, "text": "x" * 80}))
            found.said += 1

    await asyncio.gather(*(tell(line) for line in lines))
    await _until(lambda: len(found.heard.get("itself", ())) == found.said)
    for line in lines:
        await line.close()
    await asyncio.gather(*hearing, return_exceptions=True)
    return found


class Pair:
    """A visitor's two tabs: one says something, the other hears it."""

    def __init__(self, number: int, talk: Talk) -> None:
        self.number = number
        self.talk = talk
        self.conversation = ""
        self.due: dict[str, float] = {}  # by the text
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def open(self) -> None:
        anon = f"busy-{self.number}-{uuid4()}"
        self.teller = await open_line(self.talk.url, 2 * self.number)
        await greet(self.teller, self.talk.key, anon)
        self.reading = [asyncio.create_task(self._hear_answers())]
        await self._say("The first word opens the conversation.", None)
        self.conversation = (await self.answers.get())["conversation"]
        self.follower = await open_line(self.talk.url, 2 * self.number + 1)
        await greet(self.follower, self.talk.key, anon)
        self.reading.append(asyncio.create_task(self._follow()))

    async def tell(self, seconds: float) -> None:
        """Say something again and again."""
        async for due in _turns(seconds):
            text = f"{uuid4()} {'x' * 43}"
            self.due[text] = due
            self.talk.found.said += 1
            await self._say(text, self.conversation)
            # An answer tells the number by which agents are pointed to it.

    async def close(self) -> None:
        await self.teller.close()
        await self.follower.close()
        await asyncio.gather(*self.reading, return_exceptions=True)

    async def _say(self, text: str, conversation: str | None) -> None:
        frame = {"t": "say", "id": text[:36], "text": text, "conversation": conversation}
        await self.teller.send(json.dumps(frame))

    async def _hear_answers(self) -> None:
        async for raw in self.teller:
            frame = json.loads(raw)
            now = time.perf_counter()
            if frame["t"] == "refused":
                raise AssertionError(frame)
            if frame["t"] == "said" and not self.conversation:
                await self.answers.put(frame)
            elif frame["t"] == "said":
                due = next(when for text, when in self.due.items() if text[:36] == frame["id"])
                self.talk.found.note("themselves, as kept", now - due)
                self.talk.numbered(frame["conversation"], frame["seq"], due)

    async def _follow(self) -> None:
        async for raw in self.follower:
            frame = json.loads(raw)
            if frame["t"] == "message" and frame["message"]["text"] in self.due:
                due = self.due[frame["message"]["text"]]
                self.talk.found.note("another tab", time.perf_counter() - due)


class Talk:
    """Visitors who talk, and agents whose inboxes are open."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.found = Found()
        self._told: dict[tuple[str, int], float] = {}
        self._pointed: dict[tuple[str, int], list[float]] = {}

    async def run(
        self, inbox: str, headers: dict[str, str], pairs: int, agents: int, seconds: float
    ) -> Found:
        """Let them talk so long. Raises TimeoutError where something is never heard."""
        desks = [
            await open_line(inbox, number, additional_headers=headers) for number in range(agents)
        ]
        listening = [asyncio.create_task(self._listen(desk)) for desk in desks]
        talking = [Pair(number, self) for number in range(pairs)]
        await asyncio.gather(*(pair.open() for pair in talking))
        await asyncio.gather(*(pair.tell(seconds) for pair in talking))
        heard = self.found.heard
        await _until(
            lambda: (
                len(heard.get("another tab", ())) == self.found.said
                and len(heard.get("an agent's inbox", ())) == agents * self.found.said
            )
        )
        for pair in talking:
            await pair.close()
        for desk in desks:
            await desk.close()
        await asyncio.gather(*listening, return_exceptions=True)
        return self.found

    def numbered(self, conversation: str, seq: int, due: float) -> None:
        """The number of what was to be said at `due` is known; agents may have heard of it."""
        self._told[conversation, seq] = due
        for when in self._pointed.pop((conversation, seq), ()):
            self.found.note("an agent's inbox", when - due)

    async def _listen(self, desk: ClientConnection) -> None:
        async for raw in desk:
            frame = json.loads(raw)
            if frame["t"] == "message":
                place, now = (frame["conversation"], frame["seq"]), time.perf_counter()
                if place in self._told:
                    self.found.note("an agent's inbox", now - self._told[place])
                else:
                    self._pointed.setdefault(place, []).append(now)


async def _turns(seconds: float) -> AsyncIterator[float]:
    """The instants at which somebody says something, as they come."""
    due = time.perf_counter() + random.uniform(0, A_SECOND)
    end = due + seconds
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        yield due
        due += A_SECOND


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.05)
