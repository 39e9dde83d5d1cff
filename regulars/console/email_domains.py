"""What is done to sending domains in Settings → Email sending."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.views.decorators.http import require_POST

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.email_settings import show, to_page
from regulars.kit import clock, database
from regulars.mail import domains, records
from regulars.mail.domains import Domain, DomainError
from regulars.mail.feedback import Connection
from regulars.workspaces import audit
from regulars.workspaces.errors import UnknownError

audit.describe(
    {
        "mail_domain.added": "Set up a sending domain",
        "mail_domain.removed": "Removed a sending domain",
        "mail_domain.rotated": "Made new signing keys",
        "mail_domain.return_path": "Changed where bounces come back to",
    }
)


@agent_view(MANAGERS)
@require_POST
def add(request: AgentRequest) -> HttpResponseBase:
    """Set up a domain."""
    name = request.POST.get("name", "")[:300]
    now = clock.now()
    try:
        with database.of_django() as core:
            made = domains.ensure(core, request.project.id, name, now)
            if made:
                _record(request, "mail_domain.added", domains.check(name))
    except DomainError as wrong:
        return show(request, wrong=str(wrong))
    if made:
        messages.success(request, "The domain is set up. Add its records to your DNS.")
    return to_page(request)


@agent_view(MANAGERS)
@require_POST
def check(request: AgentRequest, domain_id: UUID) -> HttpResponseBase:
    """Look at the DNS now."""
    now = clock.now()
    with database.of_django() as core:
        domain = _found(core, request, domain_id)
    found = records.look(domain)
    with database.of_django() as core:
        domains.keep_found(core, request.project.id, domain, found, now)
    missing = sum(one.state != "good" for one in found.values())
    said = f"{missing} of {len(found)} records are not there yet." if missing else "All is there."
    messages.success(request, said)
    return to_page(request)


@agent_view(MANAGERS)
@require_POST
def rotate(request: AgentRequest, domain_id: UUID) -> HttpResponseBase:
    """Make new keys, which take over once their records are seen."""

    def work(core: Connection, domain: Domain) -> None:
        domains.rotate(core, request.project.id, domain.id, clock.now())

    said = "There are new keys. Add their records; they take over once we see them."
    return _change(request, domain_id, "mail_domain.rotated", work, said)


@agent_view(MANAGERS)
@require_POST
def return_path(request: AgentRequest, domain_id: UUID) -> HttpResponseBase:
    """Say where bounces come back to."""
    address = request.POST.get("return_path", "")[:300]

    def work(core: Connection, domain: Domain) -> None:
        domains.set_return_path(core, request.project.id, domain.id, address)

    return _change(request, domain_id, "mail_domain.return_path", work, "Saved.")


@agent_view(MANAGERS)
@require_POST
def remove(request: AgentRequest, domain_id: UUID) -> HttpResponseBase:
    """Let go of a domain and its keys."""

    def work(core: Connection, domain: Domain) -> None:
        domains.remove(core, request.project.id, domain.id)

    said = "The domain is removed. Mail from it is not signed any more."
    return _change(request, domain_id, "mail_domain.removed", work, said)


def _change(
    request: AgentRequest,
    domain_id: UUID,
    action: str,
    work: Callable[[Connection, Domain], None],
    said: str,
) -> HttpResponseBase:
    try:
        with database.of_django() as core:
            domain = _found(core, request, domain_id)
            work(core, domain)
            _record(request, action, domain.name)
    except DomainError as wrong:
        return show(request, wrong=str(wrong))
    messages.success(request, said)
    return to_page(request)


def _found(core: Connection, request: AgentRequest, domain_id: UUID) -> Domain:
    domain = domains.find(core, request.project.id, domain_id, clock.now())
    if domain is None:
        raise UnknownError("There is no such domain.")
    return domain


def _record(request: AgentRequest, action: str, name: str) -> None:
    audit.record(request.project.id, action, name, by=actor_of(request), now=clock.now())
