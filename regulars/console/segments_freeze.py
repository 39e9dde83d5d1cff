"""Hand-picked lists of who is on a list, or in a segment, now: made at once, filled by a job."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from regulars.console.access import AgentRequest, agent_view
from regulars.console.people_lists import Listed
from regulars.console.segments_edits import gone_to, record, settle, url_of
from regulars.kit import clock, database
from regulars.people import bulk, selection
from regulars.people.queries import Which
from regulars.people.selection import Asked
from regulars.segments import actions, queries
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

NAME_TAIL = " (frozen)"
FILLS = "The list is made. It fills in a moment."
EMPTY = "The list is made. Nobody matches now, so it starts empty."


def frozen(
    core: Connection, request: AgentRequest, which: Which, name: str, now: datetime
) -> tuple[UUID, bool]:
    """The new segment, and whether anybody comes into it.

    Raises InvalidError for its name, and where too much is going on.
    """
    project_id = request.project.id
    made = actions.create(core, project_id, name, now, people=(), by=request.user.id)
    zone = ZoneInfo(request.project.time_zone)
    everyone = selection.everyone(which, before=now)
    anybody = selection.count(core, Asked(project_id, everyone, now, zone)) > 0
    if anybody:
        given = {"segment": str(made)}
        bulk.start(
            core, project_id, "segment_add", everyone, now,
            zone=zone, given=given, agent_id=request.user.id,
        )  # fmt: skip
    return made, anybody


def of_list(
    core: Connection, request: AgentRequest, listed: Listed, name: str, now: datetime
) -> tuple[UUID, bool]:
    """A hand-picked list of who is on the list that is looked at."""
    which = listed.which(now, ZoneInfo(request.project.time_zone))
    return frozen(core, request, which, name, now)


@agent_view()
@require_POST
def freeze(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """Make a hand-picked list of those who are in it now, and go there."""
    name, at = request.POST.get("name", ""), clock.now()

    def work(core: Connection) -> tuple[UUID, bool]:
        queries.segment(core, request.project.id, segment_id)
        which = Which(at, segment_id=segment_id)
        made, anybody = frozen(core, request, which, name, at)
        record(request, "segment.made", queries.segment(core, request.project.id, made).name)
        return made, anybody

    try:
        made, anybody = settle(work)
    except InvalidError as wrong:
        with database.of_django() as core:
            segment = queries.segment(core, request.project.id, segment_id)
        context = {"typed": name, "frozen_name": name, "error": wrong.message, "segment": segment}
        return render(request, "console/segments/freeze_fields.html", context)
    messages.success(request, FILLS if anybody else EMPTY)
    return gone_to(request, url_of(request, made))
