"""The inbox: its lists beside the conversation that is open, searched, and kept true."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from regulars.console import inbox_rows
from regulars.console.access import AgentRequest, agent_view
from regulars.console.frame import frame, project_url
from regulars.console.inbox_rows import Row
from regulars.console.inbox_team import Team
from regulars.inbox import conversations, preferences, views
from regulars.inbox import search as searching
from regulars.inbox.conversations import Conversation
from regulars.inbox.views import Asked
from regulars.kit import clock, database
from regulars.people import queries
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MOST_ASKED = 50  # conversations that a browser may ask about at a time

LABELS = {
    "mine": "Mine",
    "unassigned": "Unassigned",
    "all": "All",
    "tickets": "Tickets",
    "waiting": "Waiting",
    "mentions": "Mentions",
    "snoozed": "Snoozed",
    "closed": "Closed",
}
ICONS = {
    "mine": "user-check",
    "unassigned": "inbox",
    "all": "message-circle",
    "tickets": "ticket",
    "waiting": "hourglass",
    "mentions": "at-sign",
    "snoozed": "alarm-clock",
    "closed": "circle-check",
}
CHIPS = ("mine", "unassigned", "all", "tickets")  # the rest stands in the menu
STATUSES = {
    views.UNSOLVED: "Unsolved",
    "open": "Open",
    "pending": "Waiting on customer",
    "solved": "Solved",
    "closed": "Closed",
    "any": "All tickets",
}


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A view in the head of the list."""

    key: str
    label: str
    icon: str
    url: str
    count: str
    current: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation that a search found."""

    row: Row
    hit: searching.Hit
    who: str


@agent_view()
@require_GET
def inbox(request: AgentRequest) -> HttpResponseBase:
    """A list, with no conversation open."""
    with database.of_django() as core:
        which = chosen(core, request)
        context = beside(core, request, which)
    context["shell"] = frame(request, "inbox")
    return render(request, "console/inbox/inbox.html", context)


@agent_view()
@require_GET
def rows(request: AgentRequest) -> HttpResponseBase:
    """The list's rows: the first, those behind a cursor, or some of them as they are now."""
    try:
        which = _asked(request)
        with database.of_django() as core:
            if "ids" in request.GET:
                context = _some(core, request, which)
                return render(request, "console/inbox/some.html", context)
            context = listed(core, request, which, request.GET.get("cursor"))
    except InvalidError as wrong:
        return HttpResponseBadRequest(wrong.message, content_type="text/plain")
    return render(request, "console/inbox/rows.html", context)


@agent_view()
@require_GET
def news(request: AgentRequest) -> HttpResponse:
    """What every open page shows of the inbox, and of what its agent is to be told.

    `c` names conversations in which something was said, each with the number of the message.
    """
    with database.of_django() as core:
        project_id, me = request.project.id, request.user.id
        mine = preferences.load(core, project_id, me)
        counts = views.counts(core, project_id, me)
        unread = views.unread(core, project_id, me, only_mine=mine.only_mine)
        tell = _to_tell(core, request, mine)
    numbers = {view: views.bounded(count) if count else "" for view, count in counts.items()}
    said = {"unread": views.bounded(unread) if unread else "", "views": numbers, "tell": tell}
    return JsonResponse(said | {"sound": mine.sound, "browser": mine.browser})


@agent_view()
@require_GET
def search(request: AgentRequest) -> HttpResponse:
    """What the words find, in place of the list."""
    query = request.GET.get("q", "").replace("\x00", "")[: searching.MAX_QUERY]
    with database.of_django() as core:
        team = Team(request)
        hits = searching.search(core, request.project.id, query, clock.now())
        which = views.asked("all", request.user.id)
        found = [one.conversation for one in hits]
        drawn = inbox_rows.rows_of(core, request.project.id, team, found, which)
    results = [
        Found(row, hit, team.short(hit.agent_id) if hit.by in ("agent", "note") else "")
        for row, hit in zip(drawn, hits, strict=True)
    ]
    return render(request, "console/inbox/found.html", {"results": results, "query": query})


def chosen(core: Connection, request: AgentRequest, one: Conversation | None = None) -> Asked:
    """The list that the address names; else the likeliest to be wanted."""
    if request.GET.get("view"):
        try:
            return _asked(request)
        except InvalidError:
            pass  # an address of another time: the usual list
    me = request.user.id
    if one is None:
        counts = views.counts(core, request.project.id, me)
        view = next((view for view in ("mine", "unassigned") if counts[view]), "all")
    elif one.state != "open":
        view = one.state
    elif one.assignee_id is None:
        view = "unassigned"
    else:
        view = "mine" if one.assignee_id == me else "all"
    return views.asked(view, me)


def beside(core: Connection, request: AgentRequest, which: Asked) -> dict[str, Any]:
    """What stands in the column of lists."""
    counts = views.counts(core, request.project.id, request.user.id)
    links = [_link(request, which, view, counts[view]) for view in views.VIEWS]
    shown = [one for one in links if one.key in CHIPS]
    extra = [
        one
        for one in links
        if one.key not in CHIPS and (one.current or (one.key == "mentions" and one.count))
    ]
    context = listed(core, request, which, None)
    return context | {
        "project": request.project,
        "inbox_url": reverse("inbox", args=[request.project.id]),
        "chips": sorted([*extra, *shown], key=lambda one: _place(one.key)),
        "menu": links,
        "status_links": [
            (label, f"?view=tickets&status={key}", key == which.status)
            for key, label in STATUSES.items()
        ]
        if which.view == "tickets"
        else [],
        "new_url": _new_conversation(request),
        "nothing_yet": not any(counts.values()),
    }


def listed(
    core: Connection, request: AgentRequest, which: Asked, cursor: str | None
) -> dict[str, Any]:
    """A page of rows. Raises InvalidError."""
    page = views.page(core, request.project.id, which, cursor=cursor)
    query = inbox_rows.query_of(which)
    url = reverse("inbox_rows", args=[request.project.id])
    return {
        "rows": inbox_rows.rows_of(core, request.project.id, Team(request), page.rows, which),
        "rows_url": url + query,
        "next_url": f"{url}{query}&cursor={page.next.replace('+', '%2B')}" if page.next else "",
        "which": which,
        "view_label": LABELS[which.view],
        "is_first": cursor is None,
        "settings_url": project_url(request.project.id, "settings/messenger/"),
        "demo_url": "/demo/",
        "empty": _EMPTY[which.view],
    }


def _some(core: Connection, request: AgentRequest, which: Asked) -> dict[str, Any]:
    """Rows as they are now, and which of them are not on the list any more."""
    ids = _ids(request)
    found = conversations.found(core, request.project.id, ids)
    here = views.among(core, request.project.id, which, ids)
    drawn = inbox_rows.rows_of(core, request.project.id, Team(request), list(found.values()), which)
    return {"rows": drawn, "here": {str(id_) for id_ in here}, "which": which}


def _to_tell(
    core: Connection, request: AgentRequest, mine: preferences.AgentPreferences
) -> list[dict[str, Any]]:
    """The messages of which the agent is to be told by a sound or a notice."""
    ids = _ids(request, "c")
    if not ids:
        return []
    me = request.user.id
    found = conversations.found(core, request.project.id, ids)
    mentions = views.mentioned_in(core, request.project.id, me, ids)
    people = queries.people(core, request.project.id, [one.person_id for one in found.values()])
    team = Team(request)
    told = []
    for one in found.values():
        mentioned = one.id in mentions
        concerned = mine.concerned(
            assigned=one.assignee_id == me and one.unread,
            mentioned=mentioned,
            unassigned=one.assignee_id is None and one.unread,
        )
        if concerned and not mine.away:
            name = inbox_rows.name_of(people.get(one.person_id))
            words = f"{team.short(one.last_agent_id)}: " if one.last_by == "agent" else ""
            told.append(
                {
                    "conversation": str(one.id),
                    "seq": mentions.get(one.id, one.person_seq),
                    "title": f"You are mentioned: {name}" if mentioned else name,
                    "text": f"{words}{one.preview}",
                    "url": inbox_rows.url_of(request.project.id, one.id),
                }
            )
    return told


def _asked(request: AgentRequest) -> Asked:
    view = request.GET.get("view", "all")
    return views.asked(view, request.user.id, request.GET.get("status") or views.UNSOLVED)


def _ids(request: AgentRequest, name: str = "ids") -> list[UUID]:
    ids = []
    for one in request.GET.get(name, "").split()[:MOST_ASKED]:
        with suppress(ValueError):
            ids.append(UUID(one))
    return ids


def _link(request: AgentRequest, which: Asked, view: views.View, count: int) -> ViewLink:
    url = reverse("inbox", args=[request.project.id])
    return ViewLink(
        key=view,
        label=LABELS[view],
        icon=ICONS[view],
        url=f"{url}?view={view}",
        count=views.bounded(count) if count else "",
        current=which.view == view,
    )


def _place(key: str) -> int:
    """What is not always there comes first, or nobody would see it."""
    return CHIPS.index(key) if key in CHIPS else -1


def _new_conversation(request: AgentRequest) -> str:
    try:
        return reverse("new_conversation", args=[request.project.id])
    except NoReverseMatch:
        return ""


# What a list says when nothing is on it: what that means, and what to do next.
_EMPTY = {
    "mine": ("Nothing is yours", "Conversations that you answer or are given stand here."),
    "unassigned": ("All is taken", "Whatever nobody has yet stands here."),
    "all": ("All is answered", "No conversation is open."),
    "waiting": ("Nobody waits", "Whoever waits for an answer stands here, the longest wait first."),
    "snoozed": ("Nothing is snoozed", "What you put off comes back by itself."),
    "closed": ("Nothing is closed yet", "Closed conversations open again when people write."),
    "tickets": ("No tickets here", "Make one of a conversation, or with New."),
    "mentions": ("Nobody asks for you", "Notes that mention you with @ stand here until you look."),
}
