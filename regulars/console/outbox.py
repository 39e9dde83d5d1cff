"""The local outbox: mail as it left, or would have left, exactly: as read, as text, as source.

Single mails lie there as they were written. The messages of an email to many are written anew when
somebody looks, by the same hand and dated as they were: they are many, and all but the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from regulars.campaigns import email_queries
from regulars.campaigns.email_queries import Reached
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


Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A message in the list."""

    url: str
    address: str
    subject: str
    at: datetime | None
    current: bool


@dataclass(frozen=True, slots=True)
class One:
    """The message that is looked at: where it is shown, and how far it got."""

    url: str
    html_url: str
    subject: str
    state: str
    ended_at: datetime | None
    last_error: str
    person_id: UUID | None
    recipient_id: UUID | None = None  # of an email to many


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
    return _framed(bytes(raw) if raw else None)


@agent_view()
@require_GET
def outbox_email(request: AgentRequest, email_id: UUID) -> HttpResponse:
    """The messages of an email to many that was kept here, and the first of them."""
    return _email_page(request, email_id, None)


@agent_view()
@require_GET
def outbox_message(request: AgentRequest, email_id: UUID, recipient_id: UUID) -> HttpResponse:
    """One of them, beside the others."""
    return _email_page(request, email_id, recipient_id)


@agent_view()
@require_GET
@xframe_options_sameorigin
def outbox_message_html(request: AgentRequest, email_id: UUID, recipient_id: UUID) -> HttpResponse:
    """Its HTML alone, for a frame as `outbox_html` is."""
    with database.of_django() as core:
        raw = email_queries.message_of(core, request.project.id, email_id, recipient_id)
    return _framed(raw)


def _framed(raw: bytes | None) -> HttpResponse:
    if raw is None:
        raise Http404
    # Links open nowhere, and to look at one's own mail is not to open it.
    shown = '<base target="_blank">' + _PIXEL.sub("", _of_type(raw, "text/html"))
    response = HttpResponse(shown)
    response["Content-Security-Policy"] = _MAIL_POLICY
    return response


def _page(request: AgentRequest, mail_id: UUID | None) -> HttpResponse:
    """Single mails."""
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
        context = sending_context(request, core, "outbox") | {
            "kept": [
                (email, email_words.subject(email.subject, request.project)) for email in kept
            ],
        }
    place = f"?before={after.id}" if after else ""
    context |= {
        "rows": [_row_of(project_id, row, one, place) for row in rows],
        "one": _one_of(project_id, one) if one else None,
        "older": _older(project_id, rows[-1]) if len(found) > PAGE else "",
        "newest": reverse("outbox", args=[project_id]) if after else "",
    }
    return _answer(request, context, bytes(raw) if raw else None)


def _row_of(project_id: UUID, row: Outgoing, one: Outgoing | None, place: str) -> Row:
    url = reverse("outbox_mail", args=[project_id, row.id]) + place
    is_it = one is not None and one.id == row.id
    return Row(url, row.to_address, row.subject, row.created_at, is_it)


def _one_of(project_id: UUID, one: Outgoing) -> One:
    url = reverse("outbox_mail", args=[project_id, one.id])
    html = reverse("outbox_html", args=[project_id, one.id])
    return One(url, html, one.subject, one.state, one.ended_at, one.last_error, one.person_id)


def _email_page(request: AgentRequest, email_id: UUID, recipient_id: UUID | None) -> HttpResponse:
    """The messages of an email to many."""
    project_id = request.project.id
    with database.of_django() as core:
        email = email_queries.kept_email(core, project_id, email_id)
        if email is None:
            raise Http404
        after = _uuid(request.GET.get("after", ""))
        found = email_queries.people_behind(
            core, project_id, email_id, "kept", after=after, limit=PAGE + 1
        )
        one = _recipient(core, project_id, email_id, recipient_id, found)
        if recipient_id and one is None:
            raise Http404
        raw = email_queries.message_of(core, project_id, email_id, one.id) if one else None
        context = sending_context(request, core, "outbox")
    shown, subject = found[:PAGE], email_words.subject(email.subject, request.project)
    home = reverse("outbox_email", args=[project_id, email_id])
    place = f"?after={after}" if after else ""
    context |= {
        "many": (email, subject),
        "rows": [_recipient_row(project_id, email_id, row, one, place) for row in shown],
        "one": _recipient_one(project_id, email_id, one, subject) if one else None,
        "older": f"{home}?after={shown[-1].id}" if len(found) > PAGE else "",
        "newest": home if after else "",
    }
    return _answer(request, context, raw)


def _recipient(
    core: Connection,
    project_id: UUID,
    email_id: UUID,
    recipient_id: UUID | None,
    found: Sequence[Reached],
) -> Reached | None:
    if recipient_id is None:
        return next(iter(found), None)
    one = email_queries.reached(core, project_id, email_id, recipient_id)
    return one if one is not None and one.state == "kept" else None


def _recipient_row(
    project_id: UUID, email_id: UUID, row: Reached, one: Reached | None, place: str
) -> Row:
    url = reverse("outbox_message", args=[project_id, email_id, row.id]) + place
    is_it = one is not None and one.id == row.id
    return Row(url, row.address, row.name or "", row.at, is_it)


def _recipient_one(project_id: UUID, email_id: UUID, one: Reached, subject: str) -> One:
    args = [project_id, email_id, one.id]
    url = reverse("outbox_message", args=args)
    html = reverse("outbox_message_html", args=args)
    return One(url, html, subject, one.state, one.at, one.reason, one.person_id, one.id)


def _answer(request: AgentRequest, context: dict[str, Any], raw: bytes | None) -> HttpResponse:
    shown = _taken_apart(raw) if raw else None
    one: One | None = context["one"]
    fields = shown.fields if shown else ()
    subject = next((value for name, value in fields if name == "Subject"), "")
    context |= {
        "shown": shown,
        "subject": subject or (one.subject if one else ""),
        "as": request.GET.get("as", ""),
    }
    response = render(request, "console/sending/outbox.html", context)
    response["Content-Security-Policy"] = _PAGE_POLICY
    return response


def _uuid(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


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
