"""The local outbox: mail as it left, or would have left, exactly: as read, as text, as source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from regulars.campaigns import email_queries
from regulars.console import email_words
from regulars.console.access import AgentRequest, agent_view
from regulars.console.sending import sending_context
from regulars.kit import clock, database
from regulars.mail import links, mime, outgoing
from regulars.mail.mime import Part, UnreadableMailError
from regulars.mail.outgoing import Outgoing

PAGE = 50
MOST_KEPT = 20  # emails to many that are listed
MOST_SOURCE = 400_000  # letters of a source that are shown
MOST_BODY = 2_000_000  # bytes of a part that are shown

# What the page may frame, and what a framed mail may do: nothing but show itself.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:;"
    " form-action 'none'; frame-ancestors 'self'"
)
_PIXEL = re.compile(
    rf"<img\b[^>]{{0,2000}}{re.escape(links.OPEN)}[A-Za-z0-9_-]{{80}}[^>]{{0,300}}>"
)
_SHOWN_FIELDS = ("From", "To", "Reply-To", "Subject", "Date")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message taken apart for the screen."""

    fields: tuple[tuple[str, str], ...]
    has_html: bool
    text: str
    source: str
    cut: bool


@agent_view()
@require_GET
def outbox(request: AgentRequest) -> HttpResponse:
    """The newest mail, and one of it."""
    return _page(request, None)


@agent_view()
@require_GET
def outbox_mail(request: AgentRequest, mail_id: UUID) -> HttpResponse:
    """One mail, beside the others."""
    return _page(request, mail_id)


@agent_view()
@require_GET
@xframe_options_sameorigin
def outbox_html(request: AgentRequest, mail_id: UUID) -> HttpResponse:
    """A mail's HTML alone, for a frame in which nothing runs and nothing is fetched from afar."""
    with database.of_django() as core:
        raw = outgoing.raw_of(core, request.project.id, mail_id)
    if raw is None:
        raise Http404
    html = _of_type(bytes(raw), "text/html")
    # Links open nowhere, and to look at one's own mail is not to open it.
    shown = '<base target="_blank">' + _PIXEL.sub("", html)
    response = HttpResponse(shown)
    response["Content-Security-Policy"] = _MAIL_POLICY
    return response


def _page(request: AgentRequest, mail_id: UUID | None) -> HttpResponse:
    now, project_id = clock.now(), request.project.id
    with database.of_django() as core:
        after = _place(request, core, project_id)
        found = outgoing.newest(core, project_id, now, before=after, limit=PAGE + 1)
        rows = found[:PAGE]
        one = outgoing.find(core, project_id, mail_id) if mail_id else next(iter(rows), None)
        if mail_id and one is None:
            raise Http404
        raw = outgoing.raw_of(core, project_id, one.id) if one else None
        kept = [] if after else email_queries.kept_here(core, project_id, limit=MOST_KEPT)
        context: dict[str, Any] = {
            **sending_context(request, core, "outbox"),
            "rows": rows,
            "one": one,
            "kept": [(email, email_words.subject(email.subject)) for email in kept],
            "shown": _taken_apart(bytes(raw)) if raw else None,
            "as": request.GET.get("as", ""),
            "older": _older(project_id, rows[-1]) if len(found) > PAGE else "",
            "newest": reverse("outbox", args=[project_id]) if after else "",
        }
    response = render(request, "console/sending/outbox.html", context)
    response["Content-Security-Policy"] = _PAGE_POLICY
    return response


def _place(request: AgentRequest, core: Any, project_id: UUID) -> Outgoing | None:
    """The mail behind which the page begins."""
    try:
        return outgoing.find(core, project_id, UUID(request.GET.get("before", "")))
    except ValueError:
        return None


def _older(project_id: UUID, last: Outgoing) -> str:
    return f"{reverse('outbox', args=[project_id])}?before={last.id}"


def _taken_apart(raw: bytes) -> Shown:
    source = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    try:
        part = mime.parse(raw)
    except UnreadableMailError:
        return Shown((), False, "", source[:MOST_SOURCE], len(source) > MOST_SOURCE)
    fields = tuple(
        (name, mime.words(value))
        for name in _SHOWN_FIELDS
        for value in part.headers.all(name.lower())[:1]
    )
    return Shown(
        fields=fields,
        has_html=_leaf(part, "text/html") is not None,
        text=_of_type(raw, "text/plain"),
        source=source[:MOST_SOURCE],
        cut=len(source) > MOST_SOURCE,
    )


def _of_type(raw: bytes, media_type: str) -> str:
    try:
        found = _leaf(mime.parse(raw), media_type)
    except UnreadableMailError:
        return ""
    if found is None:
        return ""
    body = mime.content(raw, found, MOST_BODY)
    return mime.decode(body, found.parameters.get("charset", "")).replace("\r\n", "\n")


def _leaf(part: Part, media_type: str) -> Part | None:
    if not part.children:
        return part if part.media_type == media_type else None
    return next((leaf for one in part.children if (leaf := _leaf(one, media_type))), None)
