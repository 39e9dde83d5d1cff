"""A draft as its form says it: kept as it is typed, or filled from a template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from regulars.campaigns import emails, ledger
from regulars.campaigns.emails import Email
from regulars.console import mail_editor
from regulars.console.access import AgentRequest
from regulars.console.refusals import refusal
from regulars.mail import drafts, templates, topics
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.drafts import ChangedError
from regulars.mail.letters import Mailbox
from regulars.mail.ready_made import READY_MADE
from regulars.workspaces.errors import InvalidError

P = ParamSpec("P")
Connection = psycopg.Connection[Any]

CHANGED_SINCE = "Somebody else changed this email meanwhile. Look at it again."


def in_words(
    view: Callable[Concatenate[AgentRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """What is refused is said on the page, which stays as it is."""

    @wraps(view)
    def wrapper(request: AgentRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (InvalidError, ChangedError) as wrong:
            words = wrong.message if isinstance(wrong, InvalidError) else CHANGED_SINCE
            if request.htmx:
                return refusal(words)
            messages.error(request, words)
            return HttpResponseRedirect(reverse("emails", args=[request.project.id]))

    return wrapper


def keep(core: Connection, request: AgentRequest, email_id: UUID, now: datetime) -> bool:
    """Keep what the form says; whether the audience is to be gathered anew for it."""
    given, project_id = request.POST, request.project.id
    email = emails.lock(core, project_id, email_id)
    kind: emails.Kind = "transactional" if given.get("kind") == "transactional" else "marketing"
    topic = _topic(core, project_id, given.get("topic", "")) if kind == "marketing" else None
    written = emails.change(
        core,
        project_id,
        email_id,
        content=_content(email, given.get("content")),
        kind=kind,
        topic_id=topic,
        sender=Mailbox(email.from_.address, given.get("from_name", email.from_.name)),
        reply_to=given.get("reply_to", ""),
        bcc=given.get("bcc", "").split(","),
        tracked=bool(given.get("tracked")),
        template_id=email.template_id,
        save=drafts.said(*(given.get(name, "") for name in ("version", "tab", "step"))),
        by=request.user.id,
        now=now,
    )
    if not written:
        return False
    changed = (kind, topic) != (email.kind, email.topic_id)
    if changed and email.state in ("gathering", "gathered"):
        ledger.forget(core, project_id, email_id, now)
        ledger.begin(core, project_id, email_id, now)
    return changed


def fill_from(
    core: Connection, request: AgentRequest, email_id: UUID, chosen: str, now: datetime
) -> None:
    project_id = request.project.id
    email = emails.lock(core, project_id, email_id)
    content, template_id = _template(core, project_id, chosen)
    emails.change(
        core,
        project_id,
        email_id,
        content=content,
        kind=email.kind,
        topic_id=email.topic_id,
        sender=email.from_,
        reply_to=email.reply_to,
        bcc=email.bcc,
        tracked=email.tracked,
        template_id=template_id,
        by=request.user.id,
        now=now,
    )


def _content(email: Email, sent: str | None) -> Content:
    """What the editor sent; a form without one leaves the words as they are."""
    try:
        return Content.from_json(email.content) if sent is None else mail_editor.content_of(sent)
    except ContentError as wrong:
        raise InvalidError("content", wrong.message) from None


def _template(core: Connection, project_id: UUID, chosen: str) -> tuple[Content, UUID | None]:
    """One of the project's own, by its id, or a ready-made one, by its key."""
    if chosen in READY_MADE:
        return READY_MADE[chosen].content, None
    try:
        kept = templates.get(core, project_id, UUID(chosen))
        return Content.from_json(kept.content), kept.id
    except (ValueError, templates.NoTemplateError):
        raise InvalidError("template", "There is no such template any more.") from None


def _topic(core: Connection, project_id: UUID, chosen: str) -> UUID | None:
    try:
        topic = topics.find(core, project_id, UUID(chosen)) if chosen else None
    except ValueError:
        topic = None
    return topic.id if topic is not None else None
