"""What happens in a project, as it happens: read once a process, for all who look.

The outbox is read by cursor when the bus says that there is something, at most a few times a
second, and boiled down to whom it concerns. Each stream keeps its own place in the outbox, so
that one that was cut off misses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from regulars.events import outbox
from regulars.kit import database
from regulars.kit.bus import bus

log = logging.getLogger(__name__)

GAP = 0.3  # seconds between two looks into the outbox while much happens
AGAIN = 0.2  # after a message without a row: it may be read a moment later
AWAY = 1.0  # between tries while the database is away
KEPT = 200  # news kept for streams that lag a little
A_LOOK = 200  # entries read at a time; who is further behind looks at everything anew
MOST_PEOPLE = 200  # named in one piece of news

Entry = tuple[int, str, Any, Any]  # number, topic, body, instant


@dataclass(slots=True)
class News:
    """What happened up to an entry of the outbox: to whom, and how many events it was.

    `everybody` where it were too many to name: then `people` are some of them. `counts` where
    segments count differently, though perhaps nobody is named; `segments` where some were made,
    renamed, filled or deleted.
    """

    last: int
    people: set[str] = field(default_factory=set)
    events: int = 0
    everybody: bool = False
    counts: bool = False
    segments: bool = False

    def add(self, people: Iterable[str]) -> None:
        """Name those it happened to, as long as there is room."""
        for person in people:
            if len(self.people) < MOST_PEOPLE:
                self.people.add(person)
            elif person not in self.people:
                self.everybody = True

    def unite(self, later: News) -> None:
        """Both, as one."""
        self.last = max(self.last, later.last)
        self.events += later.events
        self.everybody |= later.everybody
        self.counts |= later.counts
        self.segments |= later.segments
        self.add(later.people)


def boiled_down(entries: Iterable[Entry], last: int) -> News:
    """Outbox entries as news."""
    news = News(last)
    for number, topic, body, _ in entries:
        news.last = number
        if topic == "events":
            news.events += len(body["events"])
            news.add(person for _, person, *_ in body["events"])
        elif topic == "segments":
            news.add(person for _, person, _ in body["moves"])
            news.counts = True
            news.segments |= bool(body.get("segments"))
        elif topic == "messages":
            news.add(person for _, person, *_ in body["messages"])
        elif topic in ("people", "notes"):
            news.add(body["people"])
    return news


class Feed:
    """One project's news, for all streams of the process."""

    def __init__(self, project_id: UUID) -> None:
        self._project_id = project_id
        self._loop = asyncio.get_running_loop()
        self._news: deque[News] = deque(maxlen=KEPT)
        self._oldest: int | None = None  # the place before the oldest piece of news kept
        self._woken = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self.followers = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        """Read while the block runs."""
        with bus.listening(self._project_id, self._wake):
            self._reader = self._loop.create_task(self._read())
            try:
                yield
            finally:
                self._reader.cancel()

    async def after(self, place: int, patience: float) -> News | None:
        """What happened behind the place; None where nothing does for `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                async with self._arrived:
                    await self._arrived.wait_for(lambda: self._is_behind(place))
        except TimeoutError:
            return None
        if self._oldest is None or place < self._oldest:
            return await asyncio.to_thread(catch_up, self._project_id, place)
        found = News(place)
        for news in self._news:
            if news.last > place:
                found.unite(news)
        return found

    def _is_behind(self, place: int) -> bool:
        if self._oldest is None:
            return False
        newest = self._news[-1].last if self._news else self._oldest
        return place < max(self._oldest, newest)

    def _wake(self, _topic: str) -> None:
        self._loop.call_soon_threadsafe(self._woken.set)

    async def _read(self) -> None:
        place: int | None = None
        while True:
            try:
                if place is None:
                    place = await asyncio.to_thread(newest_place, self._project_id)
                    self._oldest = place
                    await self._tell(None)
                await self._woken.wait()
                self._woken.clear()
                place = await self._look(place)
                await asyncio.sleep(GAP)
            except database.Away as away:
                log.info("The live feed waits for the database (%s).", type(away).__name__)
                self._woken.set()
                await asyncio.sleep(AWAY)

    async def _look(self, place: int) -> int:
        for wait in (AGAIN, 0.0):
            entries = await asyncio.to_thread(_entries, self._project_id, place)
            if entries:
                break
            await asyncio.sleep(wait)
        if not entries:
            return place
        news = await asyncio.to_thread(_news_of, self._project_id, entries, place)
        if len(self._news) == KEPT:
            self._oldest = self._news[0].last
        await self._tell(news)
        return news.last

    async def _tell(self, news: News | None) -> None:
        async with self._arrived:
            if news is not None:
                self._news.append(news)
            self._arrived.notify_all()


class Feeds:
    """The feeds that somebody in this process follows."""

    def __init__(self) -> None:
        self._feeds: dict[UUID, tuple[Feed, Any]] = {}

    @contextmanager
    def following(self, project_id: UUID) -> Iterator[Feed]:
        """The project's feed while the block runs; read as long as anybody follows it."""
        if project_id not in self._feeds:
            feed = Feed(project_id)
            reading = feed.open()
            reading.__enter__()
            self._feeds[project_id] = feed, reading
        feed, reading = self._feeds[project_id]
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                del self._feeds[project_id]
                reading.__exit__(None, None, None)


def catch_up(project_id: UUID, place: int) -> News:
    """What happened behind a place that was left a while ago."""
    return _news_of(project_id, _entries(project_id, place), place)


def newest_place(project_id: UUID) -> int:
    """The end of the project's outbox."""
    with database.pool().connection() as connection:
        return outbox.last(connection, project_id)


def _news_of(project_id: UUID, entries: list[Entry], place: int) -> News:
    """The entries as news; where some are missing, it may have happened to anybody."""
    news = boiled_down(entries, place)
    was_trimmed = bool(entries) and entries[0][0] > place + 1
    if was_trimmed or len(entries) == A_LOOK or not entries:
        news.everybody = news.counts = news.segments = True
        news.last = max(news.last, newest_place(project_id))
    return news


def _entries(project_id: UUID, place: int) -> list[Entry]:
    with database.pool().connection() as connection:
        return outbox.after(connection, project_id, place, A_LOOK)


feeds = Feeds()
