"""Quick email: written to whoever was selected, tested, looked over, sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import email_queries, emails, fallbacks, ledger, quick, writing
from regulars.campaigns.emails import Email
from regulars.campaigns.fallbacks import Lacks
from regulars.console import draft_words, email_words, mail_editor
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.bulk import selected_of
from regulars.console.frame import frame
from regulars.console.mail_editor import Editor
from regulars.console.mail_templates import OFFERS
from regulars.console.picking import pickable
from regulars.console.refusals import REFUSED, refusal
from regulars.kit import clock, database
from regulars.kit.ids import new_id
from regulars.mail import drafts, outgoing, templates, topics
from regulars.mail.addresses import BadAddressError
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.drafts import ChangedError
from regulars.mail.letters import Mail, Mailbox
from regulars.mail.ready_made import READY_MADE
from regulars.people import actions, store
from regulars.people.person import Person, new_person
from regulars.people.selection import Everyone, Selection
from regulars.segments import queries as segment_queries
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError, UnknownError

P = ParamSpec("P")
Connection = psycopg.Connection[Any]

MOST_SEGMENTS = 200  # to choose from
CHANGED_SINCE = "Somebody else changed this email meanwhile. Look at it again."
GATHERED_HERE = 3.0  # seconds of gathering before a page is answered; the worker does the rest


def _in_words(
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


@agent_view()
@require_GET
def new(request: AgentRequest) -> HttpResponse:
    """Whom to write to: a segment, everybody, or whoever is picked in a list."""
    with database.of_django() as core:
        found = segment_queries.segments_after(core, request.project.id, 0, MOST_SEGMENTS)
        person = _asked_for(core, request)
    context = {
        "shell": frame(request, "campaigns"),
        "segments": found,
        "person": person,
        "template": _asked_template(request),
        "project": request.project,
    }
    return render(request, "console/emails/new.html", context)


@agent_view()
@require_POST
@_in_words
def begin(request: AgentRequest) -> HttpResponseBase:
    """A draft to whoever was selected; its audience is frozen from now on."""
    now, project_id = clock.now(), request.project.id
    given = request.POST

    def work(core: Connection) -> UUID:
        selected = _selected(core, request, now)
        owner = quick.owner(core, project_id)
        made = emails.create(
            core,
            project_id,
            content=Content.of_text("", ""),
            sender=owner.sender,
            reply_to=owner.from_email,
            created_by=request.user.id,
            now=now,
        )
        zone = ZoneInfo(request.project.time_zone)
        emails.set_audience(core, project_id, made, selected, now, zone=zone)
        ledger.begin(core, project_id, made, now)
        if given.get("template"):
            _use_template(core, request, made, given["template"], now)
        return made

    email_id = actions.settled(database.of_django, work)
    _gather(project_id, email_id)
    return HttpResponseRedirect(reverse("email", args=[project_id, email_id]))


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
            **_audience(core, email),
        }
    return render(request, "console/emails/compose.html", context)


def _editor(core: Connection, request: AgentRequest, email: Email) -> Editor:
    """The editor with the draft in it, previewed for the first of its people."""
    try:
        content = Content.from_json(email.content)
    except ContentError:
        content = Content()
    made = mail_editor.editor(request, content, marketing=email.kind == "marketing")
    first = _first(core, request.project.id, email.id)
    return replace(made, person=pickable(first, clock.now())) if first else made


@agent_view()
@require_POST
def save(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """Keep the draft as it is typed."""
    now, project_id = clock.now(), request.project.id
    try:
        gathers_anew = actions.settled(
            database.of_django, lambda core: _save(core, request, email_id, now)
        )
    except ChangedError:
        return _moved_on(request, email_id, now)
    except InvalidError as wrong:
        return JsonResponse({"message": wrong.message, "field": wrong.field}, status=REFUSED)
    if gathers_anew:
        _gather(project_id, email_id)
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
@_in_words
def use_template(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """Fill the draft from a template."""
    now, project_id = clock.now(), request.project.id

    def work(core: Connection) -> None:
        _use_template(core, request, email_id, request.POST.get("template", ""), now)

    actions.settled(database.of_django, work)
    return HttpResponseRedirect(reverse("email", args=[project_id, email_id]))


@agent_view()
@require_GET
def audience(request: AgentRequest, email_id: UUID) -> HttpResponse:
    """Who gets it and who is left out, as far as they are gathered."""
    _gather(request.project.id, email_id, seconds=0.5)
    with database.of_django() as core:
        email = emails.get(core, request.project.id, email_id)
        context = _audience(core, email)
    return render(request, "console/emails/audience.html", context | {"email": email})


@agent_view()
@require_POST
@_in_words
def test(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """Send the draft to oneself, as whoever the preview shows gets it. Nothing is counted."""
    now, project_id = clock.now(), request.project.id
    address = request.POST.get("test_to", "").strip() or request.user.email

    def work(core: Connection) -> None:
        _save(core, request, email_id, now)
        email = emails.get(core, project_id, email_id)
        person = _previewed(core, request) or _first(core, project_id, email_id)
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
@_in_words
def review(request: AgentRequest, email_id: UUID) -> HttpResponseBase:
    """What to know before it is sent: saved, checked, counted."""
    now, project_id = clock.now(), request.project.id

    if actions.settled(database.of_django, lambda core: _save(core, request, email_id, now)):
        _gather(project_id, email_id)

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
            "subject": _read_by_the_first(core, email),
            "counts": found,
            "checks": checks,
            "held_up": any(one.tone == "bad" for one in checks),
            "project": request.project,
        }

    context = actions.settled(database.of_django, work)
    return render(request, "console/emails/review.html", context)


@agent_view()
@require_POST
@_in_words
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


def _save(core: Connection, request: AgentRequest, email_id: UUID, now: datetime) -> bool:
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


def _content(email: Email, sent: str | None) -> Content:
    """What the editor sent; a form without one leaves the words as they are."""
    try:
        return Content.from_json(email.content) if sent is None else mail_editor.content_of(sent)
    except ContentError as wrong:
        raise InvalidError("content", wrong.message) from None


def _asked_template(request: AgentRequest) -> str:
    """The id of the template that the address asks to write with, as `?template=`."""
    try:
        return str(UUID(request.GET.get("template", "")))
    except ValueError:
        return ""


def _use_template(
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


def _selected(core: Connection, request: AgentRequest, now: datetime) -> Selection:
    given = request.POST
    if given.get("person"):
        try:
            return quick.people_picked(core, request.project.id, [UUID(given["person"])])
        except (ValueError, UnknownError):
            raise InvalidError("person", "They are not there any more.") from None
    if given.get("segment"):
        try:
            found = segment_queries.segment(core, request.project.id, UUID(given["segment"]))
        except (ValueError, UnknownError):
            raise InvalidError("segment", "There is no such segment any more.") from None
        return Everyone(segment=found.id, before=now)
    if given.get("kind") in ("user", "lead"):
        return Everyone(kind=given["kind"], before=now)
    return selected_of(given.get("selection", ""), now)


def _asked_for(core: Connection, request: AgentRequest) -> Person | None:
    """The person whose profile it was asked for on."""
    try:
        wanted = UUID(request.GET.get("person", ""))
    except ValueError:
        return None
    return store.read(core, request.project.id, [wanted]).get(wanted)


def _gather(project_id: UUID, email_id: UUID, seconds: float = GATHERED_HERE) -> None:
    """Gather for a moment, so that few people are there at once."""
    with database.pool().connection() as connection:
        ledger.gather(connection, project_id, email_id, clock.now(), seconds=seconds)


def _audience(core: Connection, email: Email) -> dict[str, Any]:
    found = email_queries.counts(core, email.project_id, email.id)
    first = email_queries.people_behind(core, email.project_id, email.id, "waiting", limit=4)
    return {
        "counts": found,
        "first": first,
        "left_out": email_words.left_out(email.left_out),
        "gathering": email.state == "gathering",
        "done": found.recipients + found.left_out,
    }


def _read_by_the_first(core: Connection, email: Email) -> str:
    """The subject as the first of its people reads it."""
    first = _first(core, email.project_id, email.id)
    if first is not None:
        with suppress(ContentError, BadAddressError):
            address = Mailbox(first.email or email.from_.address)
            said = writing.sample(
                core, email.project_id, email.id, first, address, email.changed_at
            )
            return said[0]
    return email_words.subject(email.subject)


def _previewed(core: Connection, request: AgentRequest) -> Person | None:
    """Whoever the preview shows it to."""
    try:
        wanted = UUID(request.POST.get("person", ""))
    except ValueError:
        return None
    return store.read(core, request.project.id, [wanted]).get(wanted)


def _first(core: Connection, project_id: UUID, email_id: UUID) -> Person | None:
    found = email_queries.people_behind(core, project_id, email_id, "waiting", limit=1)
    ids = [one.person_id for one in found]
    people = store.read(core, project_id, ids)
    return next(iter(people.values()), None)


def nobody(project_id: UUID, now: datetime) -> Person:
    """Somebody of whom nothing is known."""
    return new_person(project_id, new_id(now), now)
