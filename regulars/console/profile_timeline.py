"""A person's timeline as the profile draws it: days of visits, events, talks, moves and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars.console import notes_card, segments_words
from regulars.console.frame import project_url
from regulars.console.inbox_rows import url_of as thread_url
from regulars.events.timeline import Event
from regulars.events.visits import PageView, Visit
from regulars.funnels.queries import Milestone
from regulars.inbox.history import Talk, TicketDeed
from regulars.inbox.notes_queries import Note
from regulars.segments.queries import Transition
from regulars.workspaces.models import Project

RAIL = 92  # the width of a page's bar, in the SVG's units
PROPERTIES = 12  # shown of an event; the rest is said as a number
SHOWN = 120  # characters of a property

_ICONS = {
    "identify": "user-check",
    "group": "building-2",
    "alias": "git-merge",
    "screen": "monitor",
}
_WORDS = {"identify": "Said who they are", "group": "Joined a company", "alias": "Was recognised"}


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page of a visit: its bar and how long it was looked at."""

    at: datetime
    path: str
    title: str
    width: int
    lasted: str


@dataclass(frozen=True, slots=True)
class Item:
    """A visit, an event, a day of talking, what became of a ticket, a segment's move, or a note."""

    at: datetime
    icon: str
    node: str  # the colour: "ok", "event", "out", "note" or none
    strong: str
    text: str
    code: str
    linked: str = ""  # a segment, a conversation
    url: str = ""  # where that is
    cause: str = ""
    quote: str = ""
    pages: tuple[PageRow, ...] = ()
    page_count: int = 0
    is_open: bool = False
    properties: tuple[tuple[str, str], ...] = ()
    more: int = 0
    note: notes_card.Shown | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on a day of the project's."""

    date: date
    items: tuple[Item, ...]


Part = Visit | Event | Talk | TicketDeed | Transition | Note | Milestone


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all items of a timeline have in common. `agents` have names; `url` is the profile's."""

    project: Project
    now: datetime
    agents: Mapping[UUID, str]
    url: str


def days_of(parts: Iterable[Part], drawing: Drawing) -> list[Day]:
    """Parts of a timeline, newest first, by the project's days."""
    zone = ZoneInfo(drawing.project.time_zone)
    drawn = [_item(part, drawing) for part in parts]
    by_day = groupby(drawn, key=lambda item: item.at.astimezone(zone).date())
    return [Day(day, tuple(items)) for day, items in by_day]


def lasting(seconds: float) -> str:
    """“0:22”, “1:40”, “2 h 5 min”."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60} h {minutes % 60} min"


def in_words(span: timedelta) -> str:
    """“under a minute”, “11 min”, “2 h 5 min”."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "under a minute"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004


def _item(part: Part, drawing: Drawing) -> Item:  # noqa: PLR0911  # one a case
    match part:
        case Visit():
            return _visit(part, drawing.now)
        case Event():
            return _event(part)
        case Talk():
            return _talk(part, drawing)
        case TicketDeed():
            return _deed(part, drawing)
        case Transition():
            return _move(part, drawing.project, drawing.agents)
        case Note():
            return _note(part, drawing.url)
        case Milestone():
            return _reached(part, drawing.project)


def _talk(talk: Talk, drawing: Drawing) -> Item:
    """A day of a conversation: how it went, how long it was, and what was said last."""
    count = talk.theirs + talk.ours
    with_ = _name_of(talk.agent_id, drawing) if talk.by == "agent" else ""
    rest = f"{count} message{'' if count == 1 else 's'}" + (" by email" * (talk.channel == "email"))
    said = talk.text or ("Sent a file" if talk.files else "")
    line = f"{with_}: {said}" if with_ else said
    number = f"#{talk.number} " if talk.number else ""
    return Item(
        at=talk.at,
        icon="mail" if talk.channel == "email" else "message-circle",
        node="",
        strong="",
        text=_how(talk),
        code="",
        linked=number + (talk.subject or "a conversation"),
        url=thread_url(drawing.project.id, talk.conversation_id),
        cause=rest,
        quote=_plain(" ".join(line.split())),
    )


def _how(talk: Talk) -> str:
    """Who talked to whom, before what it was about."""
    if talk.theirs and talk.ours:
        said = "Chatted with us"
    else:
        said = "Wrote to us" if talk.theirs else "We wrote to them"
    return f"{said} about" if talk.subject else f"{said} in"


def _deed(deed: TicketDeed, drawing: Drawing) -> Item:
    """What became of a ticket, and by whom."""
    by = _name_of(deed.agent_id, drawing) if deed.agent_id or deed.did == "ticketed" else ""
    did = {"ticketed": "opened", "closed": "solved", "reopened": "opened again"}.get(deed.did)
    if did is None:
        did = {"open": "opened again"}.get(deed.status or "", f"made {deed.status}")
    number = f"#{deed.number} " if deed.number else ""
    return Item(
        at=deed.at,
        icon="ticket",
        node="ok" if "solved" in did else "",
        strong="",
        text="Ticket",
        code="",
        linked=f"{number}{deed.subject}".strip() or "a ticket",
        url=thread_url(drawing.project.id, deed.conversation_id),
        cause=f"{did} by {by}" if by else did,
    )


def _name_of(agent_id: UUID | None, drawing: Drawing) -> str:
    return drawing.agents.get(agent_id, "An agent") if agent_id else "the API"


def _reached(reached: Milestone, project: Project) -> Item:
    """That a checkpoint was reached."""
    return Item(
        at=reached.at,
        icon="flag",
        node="ok",
        strong="",
        text="Reached the checkpoint",
        code="",
        linked=reached.title,
        url=project_url(project.id, "funnel/"),
        cause="or earlier: it was counted then" if reached.is_dated else "",
    )


def _note(note: Note, url: str) -> Item:
    return Item(
        at=note.created_at,
        icon="sticky-note",
        node="" if note.shared else "note",
        strong=note.by or "The API",
        text="left a note",
        code="",
        note=notes_card.shown(note, url),
    )


def _move(moved: Transition, project: Project, agents: Mapping[UUID, str]) -> Item:
    entered = moved.way == "in"
    return Item(
        at=moved.at,
        icon="log-in" if entered else "log-out",
        node="ok" if entered else "out",
        strong="",
        text=segments_words.way_words(moved.way),
        code="",
        linked=moved.segment_name,
        url=segments_words.url_of(project.id, moved.segment_id),
        cause=segments_words.cause_words(moved, agents),
    )


def _visit(visit: Visit, now: datetime) -> Item:
    here = now - visit.ended_at < timedelta(minutes=5)
    device = " on ".join(part for part in (visit.browser, visit.os) if part)
    pages = f"{visit.page_count} page{'' if visit.page_count == 1 else 's'}"
    lasted = in_words(visit.ended_at - visit.started_at)
    rest = " · ".join(part for part in (f"for {lasted}", device, pages) if part)
    longest = max((page.seconds or 0 for page in visit.pages), default=0) or 1
    return Item(
        at=visit.at,
        icon="activity" if here else "monitor",
        node="ok" if here else "",
        strong="Here now" if here else "Visited",
        text=rest,
        code="",
        pages=tuple(_page(page, longest) for page in visit.pages),
        page_count=visit.page_count,
        is_open=here,
    )


def _page(page: PageView, longest: int) -> PageRow:
    seconds = page.seconds or 0
    width = max(2, RAIL * seconds // longest) if seconds else 0
    lasted = lasting(seconds) if page.seconds else "–"
    return PageRow(page.at, page.path or page.url or "–", page.title or "", width, lasted)


def _event(event: Event) -> Item:
    properties = _properties(event.properties or {})
    tracked = event.kind in ("track", "internal")
    said = event.path if event.kind in ("page", "screen") else None
    return Item(
        at=event.happened_at,
        icon="zap" if tracked else _ICONS.get(event.kind, "monitor"),
        node="event" if tracked else "",
        strong="",
        text="Did" if tracked else _WORDS.get(event.kind, "Saw"),
        code=event.name if tracked and event.name else said or "",
        properties=properties[:PROPERTIES],
        more=max(0, len(properties) - PROPERTIES),
    )


def _properties(properties: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, _plain(value)) for key, value in properties.items())


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
