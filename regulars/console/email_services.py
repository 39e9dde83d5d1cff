"""Mail services that tell what became of mail, set up in Settings → Email sending."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponseBase
from django.views.decorators.http import require_POST

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.email_settings import show, to_page
from regulars.kit import clock, database
from regulars.mail import hooks
from regulars.mail.hooks import SecretError, Service
from regulars.workspaces import audit
from regulars.workspaces.errors import UnknownError

audit.describe(
    {
        "mail_service.set_up": "Let a mail service tell of bounces",
        "mail_service.removed": "Stopped hearing of a mail service",
    }
)


@agent_view(MANAGERS)
@require_POST
def set_up(request: AgentRequest, service: str) -> HttpResponseBase:
    """Hear of a service; the address to give it is shown this once."""
    about = _known(service)
    now = clock.now()
    try:
        with database.of_django() as core:
            key = request.POST.get("key", "")[: hooks.MOST_SECRET + 1]
            secret = hooks.set_up(core, request.project.id, service, key, now)
            actor = actor_of(request)
            audit.record(request.project.id, "mail_service.set_up", about.label, by=actor, now=now)
    except SecretError as wrong:
        return show(request, wrong=str(wrong))
    return show(request, secret=(about, secret))


@agent_view(MANAGERS)
@require_POST
def remove(request: AgentRequest, service: str) -> HttpResponseBase:
    """Hear of it no more."""
    about = _known(service)
    with database.of_django() as core:
        if hooks.remove(core, request.project.id, service):
            actor, now = actor_of(request), clock.now()
            audit.record(request.project.id, "mail_service.removed", about.label, by=actor, now=now)
    messages.success(request, f"{about.label} is not heard any more.")
    return to_page(request)


def _known(service: str) -> Service:
    if service not in hooks.SERVICES:
        raise UnknownError("There is no such service.")
    return hooks.SERVICES[service]
