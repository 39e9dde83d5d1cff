"""Whom we no longer write to: found by how they begin, added, taken off, as a file in and out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.sending import Tab, sending_context
from regulars.kit import clock, database
from regulars.mail import suppressions
from regulars.mail.addresses import BadAddressError
from regulars.mail.suppressions import Suppression, Why
from regulars.workspaces import audit

PAGE = 50
MOST_FILE = 5_000_000  # bytes
MOST_LINES = 100_000
AT_ONCE = 1_000

WORDS: dict[Why, str] = {
    "bounced": "Bounced for good",
    "complained": "Complained",
    "suppressed": "Blocked by you",
}

audit.describe(
    {
        "suppression.added": "Stopped writing to an address",
        "suppression.removed": "Took an address off the list of those not written to",
        "suppression.imported": "Imported addresses that are not written to",
    }
)


@agent_view()
@require_GET
def suppressed(request: AgentRequest) -> HttpResponse:
    """The list."""
    return _page(request)


@agent_view(MANAGERS)
@require_POST
def add(request: AgentRequest) -> HttpResponseBase:
    """Write to an address, or a whole domain, no more."""
    given = request.POST.get("address", "")[:500]
    now = clock.now()
    try:
        address = suppressions.check(given)
    except BadAddressError:
        return _page(request, wrong="That is neither an address nor a domain such as @example.com.")
    with database.of_django() as core:
        detail, agent = request.POST.get("detail", ""), request.user.id
        new = suppressions.add(
            core, request.project.id, address, "suppressed", now, detail=detail, agent_id=agent
        )
        if new:
            _record(request, "suppression.added", address, now)
    said = "is not written to any more" if new else "was on the list already"
    messages.success(request, f"{address} {said}.")
    return _to_list(request)


@agent_view(MANAGERS)
@require_POST
def remove(request: AgentRequest, suppression_id: UUID) -> HttpResponseBase:
    """Write there again."""
    now = clock.now()
    with database.of_django() as core:
        if not suppressions.remove(core, request.project.id, [suppression_id]):
            raise Http404
        said = request.POST.get("address", "")[:300]
        _record(request, "suppression.removed", said, now)
    messages.success(request, "It is written to again.")
    return _to_list(request)


@agent_view(MANAGERS)
@require_POST
def import_file(request: AgentRequest) -> HttpResponseBase:
    """Take in a file: an address, or @domain, in the first column of each line."""
    file = request.FILES.get("file")
    if file is None or not file.size:
        return _page(request, wrong="Choose a file.")
    if file.size > MOST_FILE:
        return _page(request, wrong=f"A file may have {MOST_FILE // 1_000_000} MB.")
    text = file.read().decode("utf-8-sig", "replace")
    added, bad, now = 0, 0, clock.now()
    for batch in _batches(_addresses(text)):
        with database.of_django() as core:
            for address in batch:
                if address is None:
                    bad += 1
                    continue
                added += suppressions.add(
                    core, request.project.id, address, "suppressed", now,
                    detail="imported", agent_id=request.user.id,
                )  # fmt: skip
    _record(request, "suppression.imported", f"{added}", now)
    left = f" {bad} lines were no address." if bad else ""
    messages.success(request, f"{added} addresses were added.{left}")
    return _to_list(request)


@agent_view(MANAGERS)
@require_GET
def export_file(request: AgentRequest) -> HttpResponseBase:
    """All of them as CSV, read in pages while it is sent."""
    lines = _lines(request.project.id, clock.now())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="not-written-to.csv"'
    return response


def _page(request: AgentRequest, *, wrong: str = "") -> HttpResponse:
    now, project_id = clock.now(), request.project.id
    text = request.GET.get("q", "")[:200]
    reason = next((one for one in suppressions.REASONS if one == request.GET.get("reason")), None)
    with database.of_django() as core:
        counts = suppressions.counts(core, project_id)
        before = _place(core, project_id, request.GET.get("before", ""))
        found = suppressions.page(
            core, project_id, now, reason=reason, text=text, before=before, limit=PAGE + 1
        )
        context: dict[str, Any] = {
            **sending_context(request, core, "suppressed"),
            "rows": [(one, WORDS[one.reason]) for one in found[:PAGE]],
            "older": _link(request, q=text, reason=reason, before=found[PAGE - 1].id)
            if len(found) > PAGE
            else "",
            "reasons": _reasons(request, text, reason, counts),
            "text": text,
            "reason": reason or "",
            "wrong": wrong,
        }
    status = 422 if wrong else 200
    return render(request, "console/sending/suppressed.html", context, status=status)


def _reasons(
    request: AgentRequest, text: str, reason: Why | None, counts: dict[str, int]
) -> list[Tab]:
    everything = Tab("All", _link(request, q=text), reason is None, sum(counts.values()))
    return [
        everything,
        *(
            Tab(WORDS[one], _link(request, q=text, reason=one), reason == one, counts[one])
            for one in suppressions.REASONS
        ),
    ]


def _link(request: AgentRequest, **query: Any) -> str:
    said = urlencode({key: value for key, value in query.items() if value})
    path = reverse("suppressed", args=[request.project.id])
    return f"{path}?{said}" if said else path


def _place(core: Any, project_id: UUID, id_: str) -> Suppression | None:
    try:
        return suppressions.find(core, project_id, UUID(id_))
    except ValueError:
        return None


def _addresses(text: str) -> Iterator[str | None]:
    """What the lines hold; None for one that is no address. A heading is none, and not counted."""
    for number, row in enumerate(csv.reader(io.StringIO(text.replace("\0", "")))):
        if number >= MOST_LINES:
            return
        cell = row[0].strip() if row else ""
        if not cell or (not number and "@" not in cell):
            continue
        try:
            yield suppressions.check(cell)
        except BadAddressError:
            yield None


def _batches(found: Iterator[str | None]) -> Iterator[list[str | None]]:
    batch: list[str | None] = []
    for one in found:
        batch.append(one)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(project_id: UUID, now: datetime) -> Iterator[str]:
    yield "address,reason,since,detail\r\n"
    before: Suppression | None = None
    while True:
        with database.pool().connection() as core:
            found = suppressions.page(core, project_id, now, before=before, limit=AT_ONCE)
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for one in found:
            if one.address is not None:
                since = one.since.astimezone(UTC).isoformat(timespec="seconds")
                writer.writerow([_safe(one.address), one.reason, since, _safe(one.detail)])
        yield buffer.getvalue()
        if len(found) < AT_ONCE:
            return
        before = found[-1]


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; @ stays for domains."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "\t", "\r") else text


def _record(request: AgentRequest, action: str, subject: str, now: datetime) -> None:
    audit.record(request.project.id, action, subject, by=actor_of(request), now=now)


def _to_list(request: AgentRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("suppressed", args=[request.project.id]))
