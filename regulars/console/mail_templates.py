"""Campaigns → Templates: the gallery, and the page on which one is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import template_uses, trial
from regulars.campaigns.template_uses import MOST_USES, Uses
from regulars.console import draft_words, mail_editor
from regulars.console.access import AgentRequest, actor_of, agent_view
from regulars.console.frame import frame
from regulars.console.refusals import REFUSED, refusal
from regulars.kit import clock, database
from regulars.kit.ids import new_id
from regulars.mail import drafts, templates
from regulars.mail.addresses import BadAddressError
from regulars.mail.content import thumb
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.drafts import ChangedError
from regulars.mail.ready_made import BLANK, READY_MADE
from regulars.mail.templates import NoTemplateError
from regulars.people import actions, store
from regulars.people.person import Person, new_person
from regulars.workspaces import audit, queries
from regulars.workspaces.errors import InvalidError

audit.describe(templates.AUDITED)

UNNAMED = "Untitled template"


@dataclass(frozen=True, slots=True)
class Card:
    """A template in the gallery."""

    id: UUID
    name: str
    subject: str
    shapes: list[Any]
    by: str
    at: datetime
    uses: str
    opened: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One to begin with."""

    key: str
    name: str
    about: str
    shapes: list[Any]


OFFERS = tuple(
    Offer(one.key, one.name, one.about, thumb.facts(one.content)) for one in READY_MADE.values()
)


@agent_view()
@require_GET
def gallery(request: AgentRequest) -> HttpResponse:
    """The project's own, those changed last first, and those to begin with."""
    query = request.GET.get("q", "").strip()[:80]
    with database.of_django() as core:
        found = templates.newest(core, request.project.id)
        uses = template_uses.of_templates(core, request.project.id, [one.id for one in found])
    names = {role.agent_id: role.agent.called for role in queries.team_of(request.project.id)}
    cards = [
        Card(
            one.id,
            one.name,
            one.subject,
            one.thumb,
            by=names.get(one.changed_by, "") if one.changed_by else "",
            at=one.changed_at,
            uses=_used(uses.get(one.id)),
            opened=_opened(uses.get(one.id)),
        )
        for one in found
        if query.casefold() in f"{one.name} {one.subject}".casefold()
    ]
    context = {
        "shell": frame(request, "campaigns"),
        "project": request.project,
        "cards": cards,
        "count": len(found),
        "offers": OFFERS,
        "query": query,
    }
    return render(request, "console/mail_templates/gallery.html", context)


def _used(uses: Uses | None) -> str:
    if uses is None:
        return ""
    if uses.used == 1:
        return "Used once"
    return f"Used {uses.used}×" if uses.is_whole else f"Used over {MOST_USES}×"


def _opened(uses: Uses | None) -> str:
    """The share of those who got it who opened it."""
    return f"{uses.opened / uses.out:.0%} opened" if uses is not None and uses.out else ""


@agent_view()
@require_POST
def new(request: AgentRequest) -> HttpResponseBase:
    """Begin one: blank, from a ready-made one, or as a copy of one there is."""
    begin = request.POST.get("from", "blank")
    now = clock.now()

    def work(core: Any) -> UUID:
        name, content = _beginning(core, request.project.id, begin)
        made = templates.create(
            core, request.project.id, now, name=name, content=content, by=request.user.id,
            made_from=begin if begin in READY_MADE else None,
        )  # fmt: skip
        audit.record(request.project.id, "template.made", name, by=actor_of(request), now=now)
        return made

    try:
        made = actions.settled(database.of_django, work)
    except ContentError as wrong:
        return refusal(wrong.message)
    return HttpResponseRedirect(reverse("mail_template", args=[request.project.id, made]))


def _beginning(core: Any, project_id: UUID, begin: str) -> tuple[str, Content]:
    if begin in READY_MADE:
        return READY_MADE[begin].name, READY_MADE[begin].content
    if begin == "blank":
        return UNNAMED, BLANK
    copied = _get(core, project_id, _id(begin))
    return f"{copied.name[: templates.MAX_NAME - 7]} (copy)", copied.read()


@agent_view()
@require_GET
def template(request: AgentRequest, template_id: UUID) -> HttpResponse:
    """The page on which one is written."""
    with database.of_django() as core:
        kept = _get(core, request.project.id, template_id)
    context = {
        "shell": frame(request, "campaigns"),
        "project": request.project,
        "template": kept,
        "editor": mail_editor.editor(request, kept.read()),
        "most_name": templates.MAX_NAME,
        "me": request.user.email,
    }
    return render(request, "console/mail_templates/template.html", context)


@agent_view()
@require_POST
def save(request: AgentRequest, template_id: UUID) -> HttpResponseBase:
    """Keep what was written, where nobody else has changed it since; answers JSON."""
    now, sent = clock.now(), request.POST

    def work(core: Any) -> int:
        return templates.change(
            core, request.project.id, template_id, now, name=sent.get("name"),
            content=mail_editor.content_of(sent["content"]) if "content" in sent else None,
            save=drafts.said(*(sent.get(one, "") for one in ("version", "tab", "step"))),
            by=request.user.id,
        )  # fmt: skip

    try:
        saved = actions.settled(database.of_django, work)
    except ContentError as wrong:
        return JsonResponse({"message": wrong.message, "field": wrong.field}, status=REFUSED)
    except ChangedError as late:
        with database.of_django() as core:
            theirs = _get(core, request.project.id, template_id)
        words = draft_words.moved_on(request, theirs.changed_by, theirs.changed_at, now)
        return JsonResponse({"message": words, "version": late.version}, status=409)
    except NoTemplateError as gone:
        raise Http404 from gone
    return JsonResponse({"version": saved, "at": now.isoformat()})


@agent_view()
@require_POST
def test(request: AgentRequest, template_id: UUID) -> HttpResponseBase:
    """Send what is written to oneself, filled in for whoever the preview shows it to."""
    now, sent, project_id = clock.now(), request.POST, request.project.id
    address = sent.get("test_to", "").strip() or request.user.email

    def work(core: Any) -> None:
        _get(core, project_id, template_id)
        person = _previewed(core, project_id, sent.get("person", ""))
        content = mail_editor.content_of(sent.get("content", ""))
        who = person or new_person(project_id, new_id(now), now)
        trial.send(core, project_id, content, who, address, now, marketing=True)

    try:
        actions.settled(database.of_django, work)
    except (ContentError, InvalidError) as wrong:
        return refusal(wrong.message)
    except BadAddressError as wrong:
        return refusal(str(wrong))
    answer = HttpResponse(status=204)
    answer.headers["HX-Trigger"] = json.dumps(
        {"toast": {"text": f"A test is on its way to {address}"}, "email-tested": {}}
    )
    return answer


def _previewed(core: Any, project_id: UUID, person: str) -> Person | None:
    try:
        wanted = UUID(person)
    except ValueError:
        return None
    return store.read(core, project_id, [wanted]).get(wanted)


@agent_view()
@require_POST
def delete(request: AgentRequest, template_id: UUID) -> HttpResponse:
    """Let go of one; the answer takes its card away, and can take it back."""
    name = _settle(request, "template.deleted", template_id, templates.delete)
    context = {
        "said": f"{name} is deleted.",
        "undo_url": reverse("restore_mail_template", args=[request.project.id, template_id]),
    }
    return render(request, "console/mail_templates/deleted.html", context)


@agent_view()
@require_POST
def restore(request: AgentRequest, template_id: UUID) -> HttpResponse:
    """Bring a deleted one back."""
    name = _settle(request, "template.restored", template_id, templates.restore)
    messages.success(request, f"{name} is back.")
    answer = HttpResponse()
    answer["HX-Redirect"] = reverse("templates", args=[request.project.id])
    return answer


def _settle(request: AgentRequest, action: str, template_id: UUID, work: Any) -> str:
    """Do the work and log it in one transaction; returns the template's name."""
    now = clock.now()

    def logged(core: Any) -> str:
        try:
            name: str = work(core, request.project.id, template_id, now)
        except NoTemplateError as gone:
            raise Http404 from gone
        audit.record(request.project.id, action, name, by=actor_of(request), now=now)
        return name

    return actions.settled(database.of_django, logged)


def _get(core: Any, project_id: UUID, template_id: UUID) -> templates.Template:
    try:
        return templates.get(core, project_id, template_id)
    except NoTemplateError as gone:
        raise Http404 from gone


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as wrong:
        raise Http404 from wrong
