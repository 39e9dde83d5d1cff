"""The frame around the signed-in agent's screens, filled in: nav, projects, menus."""

from __future__ import annotations

from typing import Any, Literal, cast
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from django.http import HttpRequest
from django.urls import reverse

from regulars.console import new_menu
from regulars.console.access import MANAGERS, AgentRequest
from regulars.console.shell import (
    Account,
    InboxLine,
    MenuItem,
    NavItem,
    ProjectLink,
    Rail,
    SegmentLink,
    Shell,
)
from regulars.events import outbox
from regulars.inbox import preferences, views
from regulars.kit import clock, database, environment
from regulars.people.queries import online_count
from regulars.segments import glance
from regulars.tracking.enrich import geo
from regulars.workspaces import queries

RoleWord = Literal["owner", "admin", "agent"]
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})

IN_RAIL = 30  # segments that stand in the nav by themselves

Here = Literal[
    "funnel",
    "home", "people", "reports", "inbox", "campaigns", "search", "settings", "account", "welcome"
]  # fmt: skip


def frame(
    request: AgentRequest,
    here: Here,
    *,
    segment: UUID | None = None,
    person: UUID | None = None,
    online: int | None = None,
) -> Shell:
    """What `console/shell.html` needs; `here` is the part of the console that is shown.

    `segment` and `person` are those that are shown; `online` is how many people are here now,
    where the view knows it already.
    """
    project = request.project
    people = project_url(project.id, "people/")
    with database.of_django() as core:
        rail = rail_of(core, project.id, segment)
        place = outbox.last(core, project.id)  # where the page's knowledge ends
        if online is None:
            online = online_count(core, project.id, clock.now())
        mine = preferences.load(core, project.id, request.user.id)
        unread = views.unread(core, project.id, request.user.id, only_mine=mine.only_mine)
    credit = geo.credit(environment.read().data)
    return Shell(
        project=project.name,
        account=Account(
            name=request.user.called,
            email=request.user.email,
            role=cast("RoleWord", request.role.role),
            sign_out_url=reverse("account_logout"),
            away=mine.away,
            away_url=reverse("away", args=[project.id]),
        ),
        nav=(
            NavItem("Home", project_url(project.id), "house", "h", current=here == "home"),
            NavItem(
                "People",
                people,
                "users",
                "p",
                current=here == "people",
                shows_part=segment is not None,
                rail=rail,
            ),
            NavItem(
                "Inbox",
                reverse("inbox", args=[project.id]),
                "inbox",
                "i",
                current=here == "inbox",
                unread=views.bounded(unread) if unread else "",
                live="inbox",
            ),
            NavItem(
                "Campaigns",
                reverse("campaigns", args=[project.id]),
                "megaphone",
                "c",
                current=here == "campaigns",
            ),
            NavItem(
                "Funnel",
                reverse("funnel", args=[project.id]),
                "chart-no-axes-column-decreasing",
                "f",
                current=here == "funnel",
            ),
            NavItem(
                "Reports",
                reverse("reports", args=[project.id]),
                "chart-line",
                "r",
                current=here == "reports",
                phone=False,
            ),
        ),
        settings_url=(
            project_url(project.id, "settings/")
            if request.role.role in MANAGERS
            else reverse("account")
        ),
        in_settings=here == "settings",
        projects=tuple(
            ProjectLink(other.name, project_url(other.id), current=other.id == project.id)
            for other in queries.projects_of(request.user.id)
        ),
        new_project_url=reverse("new_project") if queries.owns_a_project(request.user.id) else "",
        new=new_menu.items(project.id, person, manages=request.role.role in MANAGERS),
        account_items=(MenuItem("Your account", "user", url=reverse("account")),),
        online=online,
        credit=credit.text if credit else "",
        credit_url=credit.url if credit else "",
        live_url=reverse("live", args=[project.id]),
        live_after=place,
        counts_url=reverse("people_counts", args=[project.id]),
        inbox=InboxLine(
            socket=project_url(project.id, "inbox/socket"),
            news_url=reverse("inbox_news", args=[project.id]),
            agent=str(request.user.id),
            unread=views.bounded(unread) if unread else "",
        ),
        search_url=reverse("search", args=[project.id]),
        search_label="Search people, conversations, pages",
        palette_url=reverse("palette", args=[project.id]),
    )


def public_url(request: HttpRequest, path: str) -> str:
    """A path as others reach it: where the installation says it is, else where this request came.

    Links are for people elsewhere: made on the server itself, they must not say localhost.
    """
    base = environment.read().base_url
    if urlsplit(base).hostname in _THIS_MACHINE:
        return request.build_absolute_uri(path)
    return base + path


def rail_of(core: psycopg.Connection[Any], project_id: UUID, current: UUID | None) -> Rail:
    """The first segments by name, and the one that is shown wherever it stands."""
    saved = glance.rail(core, project_id)
    shown = [one for n, one in enumerate(saved) if n < IN_RAIL or one.id == current]
    again = reverse("segment_rail", args=[project_id])
    return Rail(
        links=tuple(
            SegmentLink(
                one.name,
                project_url(project_id, f"segments/{one.id}/"),
                one.people,
                live=f"segment-{one.id}",
                current=one.id == current,
            )
            for one in shown
        ),
        all_url=project_url(project_id, "segments/"),
        again_url=f"{again}?current={current}" if current else again,
        counting=any(one.filling for one in saved),
    )


def project_url(project_id: UUID, rest: str = "") -> str:
    """A page of a project by its path."""
    return f"/p/{project_id}/{rest}"
