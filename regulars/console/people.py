"""The People list: who there is, live, in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.console import people_columns, people_page
from regulars.console.access import MANAGERS, AgentRequest, agent_view
from regulars.console.filter_names import names_in
from regulars.console.frame import frame, project_url
from regulars.console.people_filter import check_segments, chips
from regulars.console.people_lists import Listed, listed_of
from regulars.console.people_rows import Drawing, rows
from regulars.console.templatetags.console import number
from regulars.funnels import queries as funnels
from regulars.kit import clock, database
from regulars.people import columns, queries
from regulars.people.listing import Total
from regulars.segments import findings, glance
from regulars.segments import queries as segments
from regulars.workspaces import queries as workspaces
from regulars.workspaces.errors import InvalidError

A_PAGE = 50
MOST_ASKED = 100  # people a browser may ask about at a time

Connection = psycopg.Connection[Any]


@agent_view()
@require_GET
def people(request: AgentRequest) -> HttpResponseBase:
    """A list: the whole page, its list alone, or with a cursor the rows that come next."""
    listed, cursor = listed_of(request.GET), request.GET.get("cursor")
    is_part = bool(request.htmx) and not request.htmx.history_restore_request
    part = "people" if not is_part else "rows" if cursor else "list"
    try:
        with database.of_django() as connection:
            listed = _ruled(connection, request, listed)
            context = _listed(connection, request, listed, cursor)
            if part != "rows":
                context |= _around(connection, request, listed, context)
    except InvalidError as wrong:
        return HttpResponseBadRequest(wrong.message, content_type="text/plain")
    if part == "people":
        context["shell"] = frame(request, "people", segment=listed.segment_id())
    answer = render(request, f"console/people/{part}.html", context)
    if part == "list" and "Regulars-Address" not in request.headers:
        address = listed.address().rstrip("?")
        answer["HX-Replace-Url"] = reverse("people", args=[request.project.id]) + address
    return answer


@agent_view()
@require_GET
def people_count(request: AgentRequest) -> HttpResponseBase:
    """How many people the list has, to the last: asked for when its rows are there."""
    listed = listed_of(request.GET)
    try:
        with database.of_django() as connection:
            which = listed.which(clock.now(), _zone(request))
            total = queries.count(connection, request.project.id, which)
    except InvalidError as wrong:
        return HttpResponseBadRequest(wrong.message, content_type="text/plain")
    context = {"listed": listed, "total": total, "noun": people_page.NOUNS[listed.kind]}
    return render(request, "console/people/count.html", context)


@agent_view()
@require_GET
def people_rows(request: AgentRequest) -> HttpResponseBase:
    """Some rows as they are now, and who of others has come into the part that is shown."""
    listed = listed_of(request.GET)
    try:
        shown, others = _ids(request, "ids"), _ids(request, "others")
        with database.of_django() as connection:
            context = _update(connection, request, listed, shown, others)
    except InvalidError as wrong:
        return HttpResponseBadRequest(wrong.message, content_type="text/plain")
    return render(request, "console/people/update.html", context)


@agent_view()
@require_GET
def people_counts(request: AgentRequest) -> HttpResponse:
    """The numbers beside lists, by the names that their places in a page have."""
    with database.of_django() as connection:
        counts = queries.counts(connection, request.project.id)
        online = queries.online_count(connection, request.project.id, clock.now())
        saved = glance.rail(connection, request.project.id)
    of_segments = {f"segment-{one.id}": one.people for one in saved}
    numbers = {**counts.kinds, **counts.lists, **of_segments, "online": online}
    drawn = {name: str(number(value)) for name, value in numbers.items()}
    if any(one.filling for one in saved):
        drawn["counting"] = "1"  # its number moves without news
    return JsonResponse(drawn)


@agent_view()
@require_POST
def people_columns_chosen(request: AgentRequest) -> HttpResponseBase:
    """Remember which columns the agent wants to see, and draw the list with them."""
    listed = listed_of(request.POST)
    view = people_columns.view_of(listed.kind, listed.builtin)
    with database.of_django() as connection:
        custom = queries.custom_keys(connection, request.project.id)
        offers = people_columns.offered(listed.kind, custom)
        kept = people_columns.kept(request.POST.getlist("columns"), offers)
        columns.choose(connection, request.project.id, request.user.id, view, kept)
        context = _rows(connection, request, listed, None)
        context |= _around(connection, request, listed, context)
    return render(request, "console/people/list.html", context)


def _ruled(connection: Connection, request: AgentRequest, listed: Listed) -> Listed:
    """The list, with the segment's own rule as its filter where that is to be edited."""
    segment_id = listed.segment_id()
    if segment_id is None or not listed.edit:
        return listed
    rule = segments.segment(connection, request.project.id, segment_id).filter
    if rule is None or listed.filter or "filter" in request.GET:
        return listed
    return replace(listed, filter=msgspec.json.encode(rule).decode())


def _listed(
    connection: Connection, request: AgentRequest, listed: Listed, cursor: str | None
) -> dict[str, Any]:
    """A page of rows, or none and what is wrong with the filter."""
    try:
        listed.which(clock.now())
        check_segments(connection, request.project.id, listed)
    except InvalidError as wrong:
        if not wrong.field.startswith("filter"):
            raise
        drawing = _drawing(connection, request, replace(listed, filter=""))
        return {"rows": [], "columns": drawing.columns, "total": None, "wrong": wrong}
    return _rows(connection, request, listed, cursor)


def _rows(
    connection: Connection, request: AgentRequest, listed: Listed, cursor: str | None
) -> dict[str, Any]:
    """A page of rows, and where the next one is."""
    project_id, which = request.project.id, listed.which(clock.now(), _zone(request))
    # What a filter finds is counted by a request of its own: the rows need not wait for it.
    page = queries.people_page(
        connection, project_id, which, sort=listed.sort, limit=A_PAGE, cursor=cursor,
        total="none" if listed.filter else "bounded",
    )  # fmt: skip
    drawing = _drawing(connection, request, listed)
    findings.tell(connection, project_id, page.people)
    return {
        "rows": rows(page.people, drawing),
        "columns": drawing.columns,
        "span": len(drawing.columns) + 2,
        "next": page.next,
        "next_url": listed.address(cursor=page.next or ""),
        "total": page.total,
    }


def _around(
    connection: Connection, request: AgentRequest, listed: Listed, drawn: dict[str, Any]
) -> dict[str, Any]:
    """What stands around the rows: headers, menus, numbers; or why there are no rows."""
    project_id = request.project.id
    counts = queries.counts(connection, project_id)
    custom = queries.custom_keys(connection, project_id)
    segment_id = listed.segment_id()
    segment = segments.segment(connection, project_id, segment_id) if segment_id else None
    context = people_page.head(listed, counts, drawn["columns"], custom, segment)
    if "wrong" in drawn:
        return context | {"total": Total(0), "chips": []}
    names = names_in(connection, project_id, listed.rule())
    context["chips"] = chips(project_id, listed, names)
    context["can_import"] = request.role.role in MANAGERS
    context["rows_url"] = reverse("people_rows", args=[project_id]) + listed.address()
    context["columns_url"] = reverse("people_columns", args=[project_id])
    if drawn["total"] is None and not listed.filter:
        which = listed.which(clock.now(), _zone(request))
        context["total"] = queries.count(connection, project_id, which, exact=False)
    if not drawn["rows"]:
        elsewhere = _elsewhere(connection, request, listed)
        manages = request.role.role in MANAGERS
        context["empty"] = people_page.emptiness(
            listed,
            counts,
            elsewhere,
            tracking_url=project_url(project_id, "settings/tracking/") if manages else "",
            # The demo shop is the first project's.
            demo_url="/demo/" if workspaces.is_first_project(project_id) else "",
        )
    return context


def _update(
    connection: Connection,
    request: AgentRequest,
    listed: Listed,
    shown: list[UUID],
    others: list[UUID],
) -> dict[str, Any]:
    project_id = request.project.id
    people = queries.people(connection, project_id, shown)
    findings.tell(connection, project_id, list(people.values()))
    which = listed.which(clock.now(), _zone(request))
    still = queries.listed_before(connection, project_id, which, shown, sort=listed.sort, end=None)
    fresh: list[UUID] = []
    if others:
        end = request.GET.get("end")
        fresh = queries.listed_before(
            connection, project_id, which, others, sort=listed.sort, end=end or None
        )
    drawing = _drawing(connection, request, listed)
    drawn = rows((people[id_] for id_ in shown if id_ in people), drawing)
    gone = set(shown) - set(still)  # their rows stay where they are, dimmed
    return {
        "rows": drawn,
        "fresh": " ".join(str(id_) for id_ in fresh),
        "gone": " ".join(str(id_) for id_ in gone),
    }


def _drawing(connection: Connection, request: AgentRequest, listed: Listed) -> Drawing:
    view = people_columns.view_of(listed.kind, listed.builtin)
    chosen = columns.chosen(connection, request.project.id, request.user.id, view)
    custom = queries.custom_keys(connection, request.project.id)
    return Drawing(
        now=clock.now(),
        zone=_zone(request),
        columns=people_columns.shown(view, chosen, people_columns.offered(listed.kind, custom)),
        numbers=queries.counts(connection, request.project.id).numbers,
        url=project_url(request.project.id, "people/{id}/") + listed.address().rstrip("?"),
        checkpoints=funnels.titles_by_key(connection, request.project.id),
    )


def _elsewhere(
    connection: Connection, request: AgentRequest, listed: Listed
) -> list[tuple[Listed, int]]:
    """Lists of other kinds of people in whom a search would find somebody."""
    if not listed.query:
        return []
    others = []
    for other in listed.of_other_kinds():
        total = queries.count(connection, request.project.id, other.which(clock.now()), exact=False)
        if total.number:
            others.append((other, total.number))
    return others


def _zone(request: AgentRequest) -> ZoneInfo:
    return ZoneInfo(request.project.time_zone)


def _ids(request: AgentRequest, name: str) -> list[UUID]:
    texts = request.GET.get(name, "").split()
    if len(texts) > MOST_ASKED:
        raise InvalidError(name, f"At most {MOST_ASKED} people at a time.")
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise InvalidError(name, "Expected ids of people.") from None
