"""Settings → Look of emails: the colour and the logo of all mails, seen while they are chosen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from regulars.console import mail_editor
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt
from regulars.console.settings_nav import settings_context
from regulars.kit import clock, database
from regulars.mail.content import look as looks
from regulars.mail.content.compiling import compile_content
from regulars.mail.content.look import INK, Look
from regulars.mail.ready_made import READY_MADE
from regulars.people import letterhead
from regulars.workspaces import checks, projects
from regulars.workspaces.errors import InvalidError
from regulars.workspaces.models import Project

_FIELDS = ("mail_color", "mail_logo", "mail_logo_width")
_SHOWN = READY_MADE["welcome"].content
_NARROWEST, _WIDEST = looks.LOGO_WIDTHS


class LookForm(forms.Form):
    mail_color = forms.CharField(label="Colour", max_length=7, required=False)
    mail_logo = forms.CharField(label="Logo", max_length=200, required=False)
    mail_logo_width = forms.IntegerField(
        label="Width of the logo", min_value=_NARROWEST, max_value=_WIDEST
    )


@agent_view(MANAGERS)
def look(request: AgentRequest) -> HttpResponseBase:
    """The page; posted to, it saves."""
    initial = {name: getattr(request.project, name) for name in _FIELDS}
    form = LookForm(request.POST or None, initial=initial)
    if attempt(form, lambda given: _save(request, given)) is not None:
        messages.success(request, "Saved. Emails look so from now on.")
        return HttpResponseRedirect(request.path)
    project_id = request.project.id
    context = {
        **settings_context(request, "look"),
        "form": form,
        "project": request.project,
        "house": INK,
        "preview_url": reverse("mail_look_preview", args=[project_id]),
        "images_url": reverse("mail_images", args=[project_id]),
    }
    status = 422 if form.is_bound else 200
    return render(request, "console/mail_look/look.html", context, status=status)


@agent_view(MANAGERS)
@require_POST
@xframe_options_sameorigin
def preview(request: AgentRequest) -> HttpResponseBase:
    """A letter with what was chosen and not yet saved, as a page for a sandboxed frame."""
    with database.of_django() as core:
        kept = letterhead.look_of(core, request.project.id)
        chosen = _chosen(core, request, kept)
    facts = {
        "person": {"first_name": "Amara", "name": "Amara Okafor"},
        "unsubscribe_url": f"{kept.base_url}/unsubscribe",
        "preferences_url": f"{kept.base_url}/preferences",
    }
    html = compile_content(_SHOWN, chosen, marketing=True).render(facts).html
    shown = mail_editor.shown_by(request.POST, html)
    return mail_editor.framed(HttpResponse(shown), request.POST)


def _chosen(core: Any, request: AgentRequest, kept: Look) -> Look:
    """The look that is asked for; what can't be, is as it is kept."""
    sent = request.POST
    color, logo = kept.color, kept.logo_url
    try:
        color = checks.color("mail_color", sent.get("mail_color", "")) or INK
        asked = checks.picture("mail_logo", sent.get("mail_logo", ""))
        letterhead.check_logo(core, request.project.id, asked)
    except InvalidError:
        pass
    else:
        logo = asked
    width = sent.get("mail_logo_width", "")
    wide = int(width) if width.isdecimal() and len(width) < 4 else kept.logo_width  # noqa: PLR2004
    wide = min(max(wide, _NARROWEST), _WIDEST)
    return Look(kept.name, kept.address, color, logo, "", wide)


def _save(request: AgentRequest, given: dict[str, Any]) -> Project:
    project_id: UUID = request.project.id
    now = clock.now()
    with database.of_django() as core:
        letterhead.use_logo(core, project_id, given["mail_logo"], now)
        return projects.change_project(project_id, given, by=actor_of(request), now=now)
