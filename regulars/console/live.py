"""The console's live stream: server-sent events that say whom something happened to.

A page follows `/p/<project>/live` and asks anew for what it shows of those people. The id of an
event is a place in the outbox; a browser that connects again names the last one it had.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from asgiref.sync import sync_to_async
from django.db import OperationalError, connections
from django.http import HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from regulars.console import sitting
from regulars.console.access import AgentRequest, agent_view
from regulars.console.feed import Feed, News, feeds, newest_place

HEARTBEAT = 15.0  # seconds of silence after which a comment keeps the connection open
LOOK = sitting.LOOK

_PLACE = re.compile(r"[0-9]{1,18}")


@agent_view()
@require_GET
def live(request: AgentRequest) -> HttpResponseBase:
    """The stream, from the place that the browser names, else from now on."""
    named = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    place = int(named) if _PLACE.fullmatch(named) else None
    session = request.session.session_key or ""
    response = StreamingHttpResponse(
        _stream(request.project.id, session, place), content_type="text/event-stream"
    )
    response["X-Accel-Buffering"] = "no"  # a proxy must pass each event on at once
    return response


async def _stream(project_id: UUID, session: str, place: int | None) -> AsyncIterator[bytes]:
    # The connection that let the agent in must not stay with the stream for hours.
    await sync_to_async(connections.close_all)()
    with feeds.following(project_id) as feed:
        if place is None:
            place = await asyncio.to_thread(newest_place, project_id)
        yield _event(News(place))
        async for text in _follow(feed, project_id, session, place):
            yield text


async def _follow(feed: Feed, project_id: UUID, session: str, place: int) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    looked = spoke = clock()
    while True:
        news = await feed.after(place, LOOK)
        if clock() - looked >= LOOK:
            if not await sync_to_async(_may_look, thread_sensitive=False)(project_id, session):
                yield b"event: bye\ndata: {}\n\n"
                return
            looked = clock()
        if news is not None:
            place = news.last
            yield _event(news)
            spoke = clock()
        elif clock() - spoke >= HEARTBEAT:
            yield b": still here\n\n"
            spoke = clock()


def _event(news: News) -> bytes:
    body = {
        "people": sorted(news.people),
        "everybody": news.everybody,
        "events": news.events,
        "counts": news.counts,
        "segments": news.segments,
    }
    return b"id: %d\ndata: %s\n\n" % (news.last, msgspec.json.encode(body))


def _may_look(project_id: UUID, session: str) -> bool:
    """Whether the agent is still signed in, and still in the project."""
    try:
        return sitting.agent_of(project_id, session) is not None
    except OperationalError:
        return True  # the database is away: nobody can tell now
