"""What an agent does to a segment: rename it, give it another rule, copy, freeze or delete it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from regulars.console import segments_words
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.frame import project_url
from regulars.console.refusals import refusal
from regulars.filters.errors import FilterError
from regulars.kit import clock, database
from regulars.people.actions import settled
from regulars.segments import actions, queries
from regulars.segments.queries import Segment
from regulars.workspaces import audit
from regulars.workspaces.errors import ForbiddenError, InvalidError

T = TypeVar("T")

audit.describe(actions.AUDITED)

MOST_RULE = 200_000  # characters of a rule's JSON: a hundred conditions with long lists


@agent_view()
@require_POST
def rename(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """Give it another name; what is wrong with it is said beside the field."""
    name, at = request.POST.get("name", ""), clock.now()

    def work(core: psycopg.Connection[Any]) -> str:
        before = _segment(core, request, segment_id)
        actions.rename(core, request.project.id, segment_id, name, at, by=request.user.id)
        now = queries.segment(core, request.project.id, segment_id)
        record(request, "segment.changed", now.name, name=[before.name, now.name])
        return now.name

    try:
        kept = settle(work)
    except InvalidError as wrong:
        context = {"typed": name, "name": name, "error": wrong.message}
        return render(request, "console/segments/name_fields.html", context)
    messages.success(request, f"Renamed to {kept}.")
    return gone_to(request, url_of(request, segment_id))


@agent_view()
@require_POST
def change_rule(request: AgentRequest, segment_id: UUID) -> HttpResponse:
    """Give it another rule: everybody is counted anew in the background."""
    at = clock.now()

    def work(core: psycopg.Connection[Any]) -> None:
        before = _segment(core, request, segment_id)
        rule = read_rule(request.POST.get("filter", ""))
        actions.change_filter(core, request.project.id, segment_id, rule, at, by=request.user.id)
        record(request, "segment.changed", before.name, rule="changed")

    try:
        settle(work)
    except (InvalidError, FilterError) as wrong:
        with database.of_django() as core:
            names = queries.names(core, request.project.id)
        problem = segments_words.with_names(wrong.message, names).rstrip(".")
        said = f"{problem}. The rule stays as it was."
        if request.htmx:
            return refusal(said)
        messages.error(request, said)
        edit = urlencode({"segment": str(segment_id), "edit": "1"})
        return HttpResponseRedirect(project_url(request.project.id, f"people/?{edit}"))
    messages.success(request, "The rule is changed. Everyone is counted by it now.")
    return gone_to(request, url_of(request, segment_id))


@agent_view()
@require_POST
def duplicate(request: AgentRequest, segment_id: UUID) -> HttpResponseBase:
    """Make another one like it, and go there."""
    at = clock.now()

    def work(core: psycopg.Connection[Any]) -> UUID:
        made = actions.duplicate(core, request.project.id, segment_id, at, by=request.user.id)
        record(request, "segment.made", queries.segment(core, request.project.id, made).name)
        return made

    try:
        made = settle(work)
    except InvalidError as wrong:
        messages.error(request, wrong.message)
        return HttpResponseRedirect(url_of(request, segment_id))
    messages.success(request, "A copy of it, to change as you like.")
    return HttpResponseRedirect(url_of(request, made))


@agent_view()
@require_POST
def delete(request: AgentRequest, segment_id: UUID) -> HttpResponseBase:
    """Delete it; refused in words while other segments are built on it."""
    at = clock.now()

    def work(core: psycopg.Connection[Any]) -> str:
        segment = _segment(core, request, segment_id)
        actions.delete(core, request.project.id, segment_id, at)
        record(request, "segment.deleted", segment.name, people=segment.people)
        return segment.name

    try:
        name = settle(work)
    except InvalidError as wrong:  # a conflict is one
        messages.error(request, wrong.message)
        return HttpResponseRedirect(url_of(request, segment_id))
    messages.success(request, f"{name} is deleted. The people stay.")
    return HttpResponseRedirect(project_url(request.project.id, "segments/"))


def read_rule(text: str) -> Any:
    """The rule as decoded JSON. Raises FilterError."""
    if len(text) > MOST_RULE:
        raise FilterError("The rule is too long", "filter")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise FilterError("Expected a filter as JSON", "filter") from None


def settle(work: Callable[[psycopg.Connection[Any]], T]) -> T:
    """Do the work in one transaction, anew where it met another writer."""
    return settled(database.of_django, work)


def record(request: AgentRequest, action: str, name: str, /, **details: Any) -> None:
    """An entry of the audit log, in the running transaction."""
    audit.record(
        request.project.id, action, name, by=actor_of(request), now=clock.now(), details=details
    )


def url_of(request: AgentRequest, segment_id: UUID) -> str:
    """A segment's page."""
    return segments_words.url_of(request.project.id, segment_id)


def gone_to(request: AgentRequest, url: str) -> HttpResponse:
    """Lead the browser there, whether a page or htmx asked."""
    if not request.htmx:
        return HttpResponseRedirect(url)
    answer = HttpResponse()
    answer["HX-Redirect"] = url
    return answer


def _segment(core: psycopg.Connection[Any], request: AgentRequest, segment_id: UUID) -> Segment:
    """The segment, where agents may change it."""
    segment = queries.segment(core, request.project.id, segment_id)
    if segment.builtin:
        raise ForbiddenError("The lists that every project has stay as they are.")
    return segment
