"""Settings → Audit log: who did what, when and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console.access import MANAGERS, AgentRequest, agent_view
from regulars.console.settings_nav import settings_context
from regulars.workspaces import queries
from regulars.workspaces.audit import SENTENCES
from regulars.workspaces.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as it is shown."""

    who: str
    key: str
    did: str
    subject: str
    changes: tuple[str, ...]
    at: datetime
    ip: str


@agent_view(MANAGERS)
@require_GET
def audit(request: AgentRequest) -> HttpResponse:
    page = queries.audit_log(request.project.id, before=_before(request))
    return render(
        request,
        "console/audit/audit.html",
        {
            **settings_context(request, "audit"),
            "lines": [_line(entry) for entry in page.entries],
            "next": page.next,
            "is_first": "before" not in request.GET,
        },
    )


def _before(request: AgentRequest) -> UUID | None:
    given = request.GET.get("before")
    if not given:
        return None
    try:
        return UUID(given)
    except ValueError as wrong:
        raise Http404 from wrong


def _line(entry: AuditEntry) -> Line:
    return Line(
        who=entry.agent.called if entry.agent else "Whoever runs this server",
        key=str(entry.agent_id or ""),
        did=SENTENCES.get(entry.action, entry.action),
        subject=entry.subject,
        changes=tuple(_change(field, told) for field, told in sorted(entry.details.items())),
        at=entry.at,
        ip=entry.ip or "",
    )


def _change(field: str, told: object) -> str:
    """“role: agent → admin” for a change, “role: agent” for a fact."""
    name = field.replace("_", " ")
    if isinstance(told, list) and len(told) == 2:  # noqa: PLR2004 - what was, what is
        return f"{name}: {_shown(told[0])} → {_shown(told[1])}"
    return f"{name}: {_shown(told)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) if value not in ("", None) else "nothing"
