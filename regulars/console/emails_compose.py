"""The page on which a quick email is written: kept, tried, looked over, sent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import email_queries, emails, fallbacks, quick, writing
from regulars.campaigns.emails import Email
from regulars.campaigns.fallbacks import Lacks
from regulars.console import draft_words, email_words, mail_editor
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.emails_draft import CHANGED_SINCE, fill_from, in_words, keep
from regulars.console.emails_people import (
    audience_of,
    first_of,
    gather,
    nobody,
    previewed,
    read_by_the_first,
)
from regulars.console.frame import frame
from regulars.console.mail_editor import Editor
from regulars.console.mail_templates import OFFERS
from regulars.console.picking import pickable
from regulars.console.refusals import REFUSED
from regulars.kit import clock, database
from regulars.kit.ids import new_id
from regulars.mail import outgoing, templates, topics
from regulars.mail.addresses import BadAddressError
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.drafts import ChangedError
from regulars.mail.letters import Mail, Mailbox
from regulars.people import actions
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]


def compose(request: AgentRequest, email: Email) -> HttpResponse:
    """The page on which a draft is written."""
    with database.of_django() as core:
        context = {
            "shell": frame(request, "campaigns"),
            "email": email,
            "editor": _editor(core, request, email),
            "topics": topics.all_of(core, request.project.id),
            "templates": templates.newest(core, request.project.id),
            "ready_made": OFFERS,
            "missing": quick.owner(core, request.project.id).missing,
            "me": request.user.email,
            **audience_of(core, email),
        }
    return render(request, "console/emails/compose.html", context)


def _editor(core: Connection, request: AgentRequest, email: Email) -> Editor:
    """The editor with the draft in it, previewed for the first of its people."""
    try:
        content = Content.from_json(email.content)
    except ContentError:
        content = Content()
    made = mail_editor.editor(request, content, marketing=email.kind == "marketing")
    first = first_of(core, request.project.id, email.id)
    return replace(made, person=pickable(first, clock.now())) if first else made


@agent_view()
@require_POST
def save(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """Keep the draft as it is typed."""
    now, project_id = clock.now(), request.project.id
    try:
        gathers_anew = actions.settled(
            database.of_django, lambda core: keep(core, request, email_id, now)
        )
    except ChangedError:
        return _moved_on(request, email_id, now)
    except InvalidError as wrong:
        return JsonResponse({"message": wrong.message, "field": wrong.field}, status=REFUSED)
    if gathers_anew:
        gather(project_id, email_id)
    with database.of_django() as core:
        email = emails.get(core, project_id, email_id)
    said = {"version": email.version, "at": now.isoformat(), "gathers": gathers_anew}
    return JsonResponse(said)


def _moved_on(request: AgentRequest, email_id: UUID, now: datetime) -> JsonResponse:
    """Somebody else's words stand there now: whose they are, and since when."""
    with database.of_django() as core:
        email = emails.get(core, request.project.id, email_id)
    words = draft_words.moved_on(request, email.changed_by, email.changed_at, now)
    return JsonResponse({"message": words, "version": email.version}, status=409)


@agent_view()
@require_POST
@in_words
def use_template(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """Fill the draft from a template."""
    now, project_id = clock.now(), request.project.id

    def work(core: Connection) -> None:
        fill_from(core, request, email_id, request.POST.get("template", ""), now)

    actions.settled(database.of_django, work)
    return HttpResponseRedirect(reverse("email", args=[project_id, email_id]))


@agent_view()
@require_GET
def audience(request: AgentRequest, email_id: UUID) -> HttpResponse:
    """Who gets it and who is left out, as far as they are gathered."""
    gather(request.project.id, email_id, seconds=0.5)
    with database.of_django() as core:
        email = emails.get(core, request.project.id, email_id)
        context = audience_of(core, email)
    return render(request, "console/emails/audience.html", context | {"email": email})


@agent_view()
@require_POST
@in_words
def test(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """Send the draft to oneself, as whoever the preview shows gets it. Nothing is counted."""
    now, project_id = clock.now(), request.project.id
    address = request.POST.get("test_to", "").strip() or request.user.email

    def work(core: Connection) -> None:
        keep(core, request, email_id, now)
        email = emails.get(core, project_id, email_id)
        person = previewed(core, request) or first_of(core, project_id, email_id)
        person = person or nobody(project_id, now)
        try:
            subject, _, raw = writing.sample(
                core, project_id, email_id, person, Mailbox(address), now
            )
        except BadAddressError as wrong:
            raise InvalidError("test_to", str(wrong)) from None
        except ContentError as wrong:
            raise InvalidError("body", wrong.message) from None
        mail = Mail(
            id=new_id(now), kind="test", sender=email.from_.address, to_address=address,
            subject=subject, message_id="", raw=raw,
        )  # fmt: skip
        outgoing.queue(core, project_id, mail, now)

    actions.settled(database.of_django, work)
    answer = HttpResponse(status=204)
    answer.headers["HX-Trigger"] = json.dumps(
        {"toast": {"text": f"A test is on its way to {address}"}, "email-tested": {}}
    )
    return answer


@agent_view()
@require_POST
@in_words
def review(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """What to know before it is sent: saved, checked, counted."""
    now, project_id = clock.now(), request.project.id

    if actions.settled(database.of_django, lambda core: keep(core, request, email_id, now)):
        gather(project_id, email_id)

    def work(core: Connection) -> dict[str, Any]:
        email = emails.get(core, project_id, email_id)
        owner = quick.owner(core, project_id)
        found = email_queries.counts(core, project_id, email_id)
        wrong, lacking = "", Lacks(0, ())
        try:
            content = Content.from_json(email.content)
            quick.check_content(core, project_id, content, email.kind)
            zone = ZoneInfo(request.project.time_zone)
            lacking = fallbacks.of_email(
                core, project_id, email_id, content, found.recipients, zone
            )
        except (InvalidError, ContentError) as refused:
            wrong = refused.message
        checks = email_words.checks_of(email, owner, found, wrong, lacking)
        return {
            "email": email,
            "subject": read_by_the_first(core, request, email),
            "counts": found,
            "checks": checks,
            "held_up": any(one.tone == "bad" for one in checks),
            "project": request.project,
        }

    context = actions.settled(database.of_django, work)
    return render(request, "console/emails/review.html", context)


@agent_view()
@require_POST
@in_words
def send(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """Send it, after some seconds in which it can be taken back."""
    now, project_id = clock.now(), request.project.id

    def work(core: Connection) -> None:
        email = emails.lock(core, project_id, email_id)
        looked_over = request.POST.get("version", str(email.version))
        if looked_over != str(email.version):
            raise InvalidError("version", CHANGED_SINCE)
        quick.check_may_leave(core, project_id, email.kind)
        quick.check_content(core, project_id, Content.from_json(email.content), email.kind)
        emails.accept(core, project_id, email_id, now, delay=emails.UNDO_FOR)
        audit.record(project_id, "email.sent", email.subject, by=actor_of(request), now=now)

    actions.settled(database.of_django, work)
    return HttpResponseRedirect(reverse("email", args=[project_id, email_id]))
