"""Settings → Tracking: how to install it, what arrives, and what was refused and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import drop_reasons
from regulars.console.access import MANAGERS, AgentRequest, agent_view
from regulars.console.frame import project_url
from regulars.console.settings_nav import settings_context
from regulars.events import arriving
from regulars.events.arriving import Arrived
from regulars.kit import clock, database
from regulars.kit.ids import instant_of
from regulars.tracking import refusals
from regulars.workspaces import keys

SHOWN = 40  # events in the live list
REFUSED_SHOWN = 20
REFUSED_SINCE = timedelta(days=7)
LAPSE = timedelta(minutes=5)  # after which the last event is no longer "just now"

# Reasons that are the system working as meant: drawn in grey.
_QUIET = frozenset({"bot", "duplicate", "privacy_signal", "erased", "trait_left_out"})
_KIND_BADGES = {"track": "new", "identify": "ok"}


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event in the live list."""

    id: UUID
    at: datetime
    kind: str
    badge: str
    what: str
    payload: str
    who: str
    known: bool
    person_kind: str
    person_id: UUID
    profile: str
    source: str


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """An event that was refused, or kept in part."""

    at: datetime
    title: str
    kept: bool
    field: str
    detail: str
    sent: str


@dataclass(frozen=True, slots=True)
class Bar:
    """How often a reason came up; `width` of 100."""

    title: str
    meaning: str
    events: int
    width: float
    quiet: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Events a minute over the last hour, as SVG paths in a box of 100 by 40."""

    line: str
    area: str
    now: int
    total: int


@agent_view(MANAGERS)
@require_GET
def tracking(request: AgentRequest) -> HttpResponse:
    """The whole page."""
    context = settings_context(request, "tracking") | _install(request) | _board(request)
    return render(request, "console/tracking/tracking.html", context)


@agent_view(MANAGERS)
@require_GET
def board(request: AgentRequest) -> HttpResponse:
    """The parts that change as events come in: asked every second by the page."""
    return render(request, "console/tracking/board.html", _board(request))


@agent_view(MANAGERS)
@require_GET
def events(request: AgentRequest) -> HttpResponse:
    """Rows of the live list that came after the event named by `after`."""
    after = _uuid(request.GET.get("after"))
    with database.of_django() as core:
        found = arriving.newest(core, request.project.id, after=after, limit=SHOWN)
    rows = [_event_row(event) for event in found]
    return render(request, "console/tracking/rows.html", {"rows": rows})


def _install(request: AgentRequest) -> dict[str, Any]:
    host = request.build_absolute_uri("/").rstrip("/")
    project = request.project
    with database.of_django() as core:
        config = keys.load_project(core, project.id)
        found = arriving.newest(core, project.id, limit=SHOWN)
    key = config.write_keys[0] if config is not None and config.write_keys else "…"
    tag = f'<script async src="{host}/t.js"\n        data-key="{key}"></script>'
    return {
        "project": project,
        "rows": [_event_row(event) for event in found],
        "write_key": key,
        "host": host,
        "tag": tag,
        "identify": _IDENTIFY,
        "python": _PYTHON % {"key": key, "host": host},
        "node": _NODE % {"key": key, "host": host},
        "curl": _CURL % {"key": key, "host": host},
        "interakt": _INTERAKT % {"id": project.id, "host": host},
        "mail_url": _mail_url(project.name, tag),
        "demo_url": "/demo/",
        "board_url": project_url(project.id, "settings/tracking/board"),
        "events_url": project_url(project.id, "settings/tracking/events"),
    }


def _board(request: AgentRequest) -> dict[str, Any]:
    now = clock.now()
    project_id = request.project.id
    with database.of_django() as core:
        rates = arriving.a_minute(core, project_id, now)
        newest = arriving.newest(core, project_id, limit=1)
        totals = refusals.totals(core, project_id, now - REFUSED_SINCE)
        refused = refusals.latest(core, project_id, REFUSED_SHOWN)
    last = newest[0].at if newest else None
    return {
        "project": request.project,
        "board_url": project_url(project_id, "settings/tracking/board"),
        "last": last,
        "fresh": last is not None and now - last < LAPSE,
        "chart": _chart(rates),
        "bars": _bars(totals),
        "refused_total": sum(totals.values()),
        "refused": [_refused_row(row) for row in refused],
    }


def _event_row(event: Arrived) -> EventRow:
    who = event.name_of_person()
    what = event.name if event.kind == "track" else event.path or event.name
    return EventRow(
        id=event.id,
        at=event.at,
        kind=event.kind,
        badge=_KIND_BADGES.get(event.kind, ""),
        what=what or event.user_id or "–",
        payload=_pretty(event),
        who=who or f"Visitor {str(event.person_id)[-4:]}",
        known=bool(who),
        person_kind=event.person_kind or "",
        person_id=event.person_id,
        profile=str(event.person_id),
        source="Browser" if event.source == "browser" else "Server",
    )


def _pretty(event: Arrived) -> str:
    shown: dict[str, Any] = {}
    if event.properties:
        shown["properties"] = msgspec.json.decode(event.properties)
    if event.message_id:
        shown["messageId"] = event.message_id
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode() if shown else ""


def _refused_row(row: tuple[Any, ...]) -> RefusedRow:
    id_, reason, refused, field, detail, message = row
    title = drop_reasons.title_of(reason)
    return RefusedRow(instant_of(id_), title, not refused, field or "", detail, message)


def _bars(totals: dict[str, int]) -> list[Bar]:
    most = max(totals.values(), default=1)
    return [
        Bar(
            drop_reasons.title_of(reason),
            drop_reasons.meaning_of(reason),
            events,
            max(2.0, 100 * events / most),
            reason in _QUIET,
        )
        for reason, events in totals.items()
    ]


def _chart(rates: list[int]) -> Chart:
    most = max(*rates, 1)
    step = 100 / (len(rates) - 1)
    points = [f"{index * step:.2f} {38 - 35 * rate / most:.2f}" for index, rate in enumerate(rates)]
    line = "M" + "L".join(points)
    # The running minute has only begun: the one before it says how much arrives.
    return Chart(line, f"{line}L100 40L0 40Z", max(rates[-1], rates[-2]), sum(rates))


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _mail_url(name: str, tag: str) -> str:
    body = f"Hello,\n\nplease put this before </head> on every page of {name}:\n\n{tag}\n"
    return f"mailto:?subject={quote(f'Tracking for {name}')}&body={quote(body)}"


_IDENTIFY = """<script>
  window.regulars = window.regulars || [];
  // only where someone is signed in
  regulars.push(["identify", "the user's id", {
    email: "amara@example.com", name: "Amara Okafor", plan: "pro"
  }]);
</script>"""
_PYTHON = """import segment.analytics as analytics

analytics.write_key = "%(key)s"
analytics.host = "%(host)s"
analytics.track("u_4812", "Order Placed", {"total": 58.0})
analytics.flush()"""
_NODE = """import { Analytics } from "@segment/analytics-node"

const analytics = new Analytics({ writeKey: "%(key)s", host: "%(host)s" })
analytics.track({ userId: "u_4812", event: "Order Placed", properties: { total: 58 } })"""
_CURL = """curl -u %(key)s: %(host)s/v1/track \\
  -d '{"userId": "u_4812", "event": "Order Placed", "properties": {"total": 58}}'"""
_INTERAKT = """<script>
  window.mySettings = { email: "amara@example.com", name: "Amara Okafor",
    created_at: 1732380000, app_id: "%(id)s" }
</script>
<script async src="%(host)s/interakt/%(id)s.js"></script>"""
