"""First run: five strokes from an empty project to the first person who came back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET
from psycopg.rows import class_row

from regulars.console import rhythm
from regulars.console.access import MANAGERS, AgentRequest, agent_view, own_page
from regulars.console.frame import frame, project_url, public_url
from regulars.kit import clock, database
from regulars.people.queries import ONLINE_FOR
from regulars.workspaces import queries

_NO_CONTENT = 204
_EPOCH = date(1970, 1, 1)
_FIRST_NAME = "My app"

# Who was seen last, one look into the index for each kind.
_LAST_SEEN = """
SELECT p.id, p.name, p.email, p.kind, p.country, p.country_code, p.city, p.browser, p.os,
       p.language, coalesce(p.utm_source, p.referrer) AS came_from,
       a.page_path, a.last_seen, a.rhythm, a.rhythm_day
FROM unnest(ARRAY['user', 'lead', 'visitor']) AS kinds (kind)
CROSS JOIN LATERAL (
    SELECT * FROM person_activity
    WHERE project_id = %(project)s AND kind = kinds.kind AND last_seen_minute IS NOT NULL
    ORDER BY last_seen_minute DESC NULLS LAST, last_seen DESC NULLS LAST, id DESC LIMIT 1
) AS a
JOIN person AS p ON p.project_id = a.project_id AND p.id = a.id
WHERE p.project_id = %(project)s
ORDER BY a.last_seen DESC LIMIT 1
"""
# The pages that somebody saw last.
_LAST_PAGES = """
SELECT path, happened_at FROM event
WHERE project_id = %s AND person_id = %s AND kind = 'page'
ORDER BY happened_at DESC, id DESC LIMIT 3
"""
_HAS_USERS = "SELECT 1 FROM kind_count WHERE project_id = %s AND id = 'user' AND people > 0"
_CAME_BACK = """
SELECT 1 FROM person_activity
WHERE project_id = %s AND kind IN ('user', 'lead') AND sessions > 1 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """The person who was seen last."""

    id: UUID
    name: str | None
    email: str | None
    kind: str
    country: str | None
    country_code: str | None
    city: str | None
    browser: str | None
    os: str | None
    language: str | None
    came_from: str | None
    page_path: str | None
    last_seen: datetime
    rhythm: bytes
    rhythm_day: int


@dataclass(frozen=True, slots=True)
class PageSeen:
    """One of the pages they saw."""

    path: str | None
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Stroke:
    """One of the five steps."""

    key: str
    done: bool
    now: bool


@own_page
def welcome_of_last_project(request: AgentRequest) -> HttpResponseBase:
    return HttpResponseRedirect(project_url(request.project.id, "welcome/"))


@agent_view()
@require_GET
def welcome(request: AgentRequest) -> HttpResponse:
    context = _context(request) | {"shell": frame(request, "welcome")}
    return render(request, "console/welcome/welcome.html", context)


@agent_view()
@require_GET
def live(request: AgentRequest) -> HttpResponse:
    """Asked every two seconds by a page that waits: nothing, until somebody is there."""
    context = _context(request)
    if context["seen"] is None:
        return HttpResponse(status=_NO_CONTENT)
    return render(request, "console/welcome/steps.html", context)


def _context(request: AgentRequest) -> dict[str, Any]:
    project = request.project
    with database.of_django() as core:
        seen = _last_seen(core, project.id)
        pages = _last_pages(core, project.id, seen.id) if seen else []
        identified = core.execute(_HAS_USERS, (project.id,)).fetchone() is not None
        came_back = core.execute(_CAME_BACK, (project.id,)).fetchone() is not None
    has_team = len(queries.team_of(project.id)) > 1 or bool(queries.invitations_of(project.id))
    strokes = _strokes(
        name=project.name != _FIRST_NAME,
        tag=seen is not None,
        identify=identified,
        team=has_team,
        back=came_back,
    )
    key = queries.write_key_of(project.id)
    script = public_url(request, "/t.js")
    snippet = f'<script async src="{script}"\n        data-key="{key}"></script>'
    return {
        "project": project,
        "first_name": request.user.called.partition(" ")[0],
        "manages": request.role.role in MANAGERS,
        "strokes": strokes,
        "done": sum(stroke.done for stroke in strokes.values()),
        "snippet": snippet,
        "mail_url": _mail_url(project.name, snippet),
        "identify": _IDENTIFY,
        "seen": seen,
        "is_here": seen is not None and seen.last_seen > clock.now() - ONLINE_FOR,
        "pages": pages,
        "counts": _counts(seen, project.time_zone) if seen else b"",
        "host": request.get_host(),
    }


_IDENTIFY = """regulars.identify("the user's id", {
  email: "amara@example.com", name: "Amara Okafor"
})"""


def _strokes(**done: bool) -> dict[str, Stroke]:
    """The steps in order; the first that is not done is the one to do now."""
    first = next((key for key, is_done in done.items() if not is_done), None)
    return {key: Stroke(key, is_done, key == first) for key, is_done in done.items()}


def _last_seen(core: psycopg.Connection[Any], project_id: UUID) -> Seen | None:
    with core.cursor(row_factory=class_row(Seen)) as cursor:
        return cursor.execute(_LAST_SEEN, {"project": project_id}).fetchone()


def _last_pages(core: psycopg.Connection[Any], project_id: UUID, person_id: UUID) -> list[PageSeen]:
    with core.cursor(row_factory=class_row(PageSeen)) as cursor:
        return cursor.execute(_LAST_PAGES, (project_id, person_id)).fetchall()


def _counts(seen: Seen, time_zone: str) -> bytes:
    today = (clock.now().astimezone(ZoneInfo(time_zone)).date() - _EPOCH).days
    return rhythm.aligned(seen.rhythm, seen.rhythm_day, today)


def _mail_url(name: str, snippet: str) -> str:
    body = f"Hello,\n\nplease put this before </head> on every page of {name}:\n\n{snippet}\n"
    return f"mailto:?subject={quote(f'A tag for {name}')}&body={quote(body)}"
