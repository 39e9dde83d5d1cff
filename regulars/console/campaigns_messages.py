"""A message of a campaign's email step, written in the mail editor and kept in the step itself.

What comes from a template is its copy from the first change on: the template stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import Http404, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import campaigns as slice_
from regulars.campaigns import wording
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.console import campaigns_forms, mail_editor
from regulars.console.access import AgentRequest, agent_view
from regulars.console.campaigns_editor import head_of
from regulars.console.frame import frame
from regulars.console.refusals import REFUSED
from regulars.console.segments_edits import settle
from regulars.kit import clock, database
from regulars.mail import templates
from regulars.mail.content import thumb
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.mail.ready_made import BLANK, READY_MADE
from regulars.mail.templates import NoTemplateError
from regulars.workspaces.errors import InvalidError

P = ParamSpec("P")
Connection = psycopg.Connection[Any]
Place = tuple[d.Email, d.Variant]

LATE = "Somebody else changed this message meanwhile."


def _placed(
    view: Callable[Concatenate[AgentRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A step or a message that is not there (any more) is a page that is not there."""

    @wraps(view)
    def wrapper(request: AgentRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except LookupError as gone:
            raise Http404 from gone

    return wrapper


@agent_view()
@require_GET
@_placed
def message(
    request: AgentRequest, campaign_id: UUID, step_id: str, variant_id: str
) -> HttpResponseBase:
    """The page on which it is written."""
    with database.of_django() as core:
        one = slice_.get(core, request.project.id, campaign_id)
        step, variant = _find(one, step_id, variant_id)
        named = wording.template_names(core, request.project.id)
        kept = templates.newest(core, request.project.id)
        content = _content(core, request.project.id, variant)
    context = head_of(request, one, "edit")
    if context["is_over"]:
        return HttpResponseRedirect(context["url"])
    place = [request.project.id, one.id, step.id, variant.id]
    context |= {
        "shell": frame(request, "campaigns"),
        "back": f"{context['url']}?part={step.id}",
        "title": f"Message {variant.id.upper()}" if len(step.variants) > 1 else "Message",
        "others": [each.id for each in step.variants if each.id != variant.id],
        "step": step,
        "variant": variant,
        "version": _version(one, step_id, variant_id),
        "save_url": reverse("save_campaign_message", args=place),
        "begin_url": reverse("begin_campaign_message", args=place),
        "from_template": named.get(variant.template, "") if variant.template else "",
        "templates": [(one.id, one.name, one.subject, one.thumb) for one in kept],
        "offers": [
            (each.key, each.name, each.about, thumb.facts(each.content))
            for each in READY_MADE.values()
        ],
        "editor": mail_editor.editor(request, content, marketing=step.kind == "marketing"),
    }
    return render(request, "console/campaigns/message.html", context)


@agent_view()
@require_POST
@_placed
def save(
    request: AgentRequest, campaign_id: UUID, step_id: str, variant_id: str
) -> HttpResponseBase:
    """Keep what was written, where nobody else has changed it since; answers JSON."""
    version = request.POST.get("version", "")
    _look(request, campaign_id, step_id, variant_id)
    try:
        content = mail_editor.content_of(request.POST.get("content", ""))
        saved = _keep(request, (campaign_id, step_id, variant_id), content, version)
    except ContentError as wrong:
        return JsonResponse({"message": wrong.message, "field": wrong.field}, status=REFUSED)
    except InvalidError as wrong:
        return JsonResponse({"message": wrong.message, "field": wrong.field}, status=REFUSED)
    if not saved:
        return JsonResponse({"message": LATE}, status=409)
    return JsonResponse({"version": saved, "at": clock.now().isoformat()})


@agent_view()
@require_POST
@_placed
def begin(
    request: AgentRequest, campaign_id: UUID, step_id: str, variant_id: str
) -> HttpResponseBase:
    """Begin anew with what a template says, the project's own or a ready-made one."""
    start = request.POST.get("from", "")
    place = (campaign_id, step_id, variant_id)
    _look(request, *place)
    try:
        with database.of_django() as core:
            content = _beginning(core, request.project.id, start)
        _keep(request, place, content)
    except (ContentError, InvalidError) as wrong:
        messages.error(request, wrong.message)
    return HttpResponseRedirect(reverse("campaign_message", args=[request.project.id, *place]))


@agent_view()
@require_GET
@xframe_options_sameorigin
@_placed
def preview(
    request: AgentRequest, campaign_id: UUID, step_id: str, variant_id: str
) -> HttpResponseBase:
    """The message as the person who was here last would get it, for a sandboxed frame."""
    with database.of_django() as core:
        one = slice_.get(core, request.project.id, campaign_id)
        step, variant = _find(one, step_id, variant_id)
        try:
            content = wording.content_of(core, request.project.id, variant) or Content()
        except ContentError:
            content = Content()
    return mail_editor.as_page(request, content, marketing=step.kind == "marketing")


def _keep(
    request: AgentRequest,
    place: tuple[UUID, str, str],
    content: Content,
    version: str | None = None,
) -> str:
    """Put the content into the step; the new version, or nothing where it is another's by now."""
    campaign_id, step_id, variant_id = place
    at, project_id = clock.now(), request.project.id

    def work(core: Connection) -> str:
        one = slice_.lock(core, project_id, campaign_id)
        _find(one, step_id, variant_id)
        if version is not None and version != _version(one, step_id, variant_id):
            return ""
        data = campaigns_forms.with_message(one.draft, step_id, variant_id, content.to_json())
        slice_.save(core, project_id, campaign_id, at, data=data, by=request.user.id)
        return _version(slice_.get(core, project_id, campaign_id), step_id, variant_id)

    return settle(work)


def _look(request: AgentRequest, campaign_id: UUID, step_id: str, variant_id: str) -> None:
    """Raise LookupError where there is no such message, whatever else was sent."""
    with database.of_django() as core:
        _find(slice_.get(core, request.project.id, campaign_id), step_id, variant_id)


def _find(one: Campaign, step_id: str, variant_id: str) -> Place:
    """The step and its message. Raises LookupError."""
    step = one.written.route().steps[step_id]
    for variant in step.variants if isinstance(step, d.Email) else ():
        if variant.id == variant_id and isinstance(step, d.Email):
            return step, variant
    raise LookupError(variant_id)


def _content(core: Connection, project_id: UUID, variant: d.Variant) -> Content:
    """What stands in the editor; a message that is not begun yet begins blank."""
    try:
        return wording.content_of(core, project_id, variant) or BLANK
    except (ContentError, NoTemplateError):
        return BLANK


def _version(one: Campaign, step_id: str, variant_id: str) -> str:
    """What tells the message as it is from what anybody made of it since."""
    found = next(
        each
        for each in campaigns_forms.find(one.draft, step_id)["variants"]
        if each["id"] == variant_id
    )
    said = {key: value for key, value in found.items() if key != "share"}
    return blake2b(slice_.encoded(said).encode(), digest_size=8).hexdigest()


def _beginning(core: Connection, project_id: UUID, start: str) -> Content:
    if start in READY_MADE:
        return READY_MADE[start].content
    try:
        return wording.template_content(core, project_id, UUID(start))
    except (ValueError, NoTemplateError):
        raise InvalidError("from", "There is no such template any more.") from None
