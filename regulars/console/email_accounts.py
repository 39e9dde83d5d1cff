"""Settings → Email sending: leaving by a mail service's API, and trying whichever way out there is.

Keys are kept sealed and never shown again; a dialog whose key is left empty keeps the one there is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from django.contrib import messages
from django.http import HttpResponseBase
from django.views.decorators.http import require_POST

from regulars.campaigns import settings as sending
from regulars.console import email_server
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.email_settings import show, to_page
from regulars.kit import clock, database
from regulars.kit.ids import new_id
from regulars.mail import compose, dkim
from regulars.mail.addresses import BadAddressError
from regulars.mail.carriers import Carrier
from regulars.mail.courier import UnknownOutcomeError
from regulars.mail.letters import Letter, Mail, Mailbox
from regulars.mail.services import accounts
from regulars.mail.services.accounts import Service, WrongError
from regulars.mail.smtp import (
    AwayError,
    BadServerError,
    LaterError,
    RefusedError,
    UnreachableError,
)
from regulars.workspaces import audit
from regulars.workspaces.errors import UnknownError

WITHIN = 25.0  # seconds that a test may take

audit.describe(
    {
        "sending.service_chosen": "Sends by a mail service",
        "sending.service_left": "Sends by a mail service no more",
        "sending.tested": "Tried how emails leave",
    }
)


@agent_view(MANAGERS)
@require_POST
def send_by(request: AgentRequest, service: str) -> HttpResponseBase:
    """From now on the project's mail leaves by this service."""
    about = _known(service)
    given = {one.name: request.POST.get(one.name, "")[:2_000] for one in about.wants}
    now, project_id = clock.now(), request.project.id
    try:
        with database.of_django() as core:
            kept = email_server.kept_of(core, project_id)
            account = accounts.check(service, given, email_server.account_of(kept))
            said = replace(kept, service=service, service_key=accounts.to_keep(account))
            sending.keep(core, project_id, said)
    except WrongError as wrong:
        return show(request, wrong=f"{about.label}: {wrong.message}")
    audit.record(project_id, "sending.service_chosen", about.label, by=actor_of(request), now=now)
    messages.success(request, f"Mail leaves by {about.label} now. Send yourself a test.")
    return to_page(request)


@agent_view(MANAGERS)
@require_POST
def stop_sending_by(request: AgentRequest) -> HttpResponseBase:
    """Mail leaves by a server again; the service's key is forgotten."""
    now, project_id = clock.now(), request.project.id
    with database.of_django() as core:
        kept = email_server.kept_of(core, project_id)
        sending.keep(core, project_id, replace(kept, service="", service_key=""))
    if kept.service:
        label = _known(kept.service).label
        audit.record(project_id, "sending.service_left", label, by=actor_of(request), now=now)
        messages.success(request, f"Mail does not leave by {label} any more; its key is forgotten.")
    return to_page(request)


@agent_view(MANAGERS)
@require_POST
def send_test(request: AgentRequest) -> HttpResponseBase:
    """Send a mail to oneself right now, and say what became of it."""
    try:
        with database.of_django() as core:
            carrier = email_server.kept_of(core, request.project.id).carrier()
            mail = _test_mail(request)
            signer = dkim.signer_of(core, request.project.id, mail.sender)
        if carrier is None:
            return show(request, wrong="There is no mail server: a test would be kept here.")
        raw = signer.sign(mail.raw) if signer else mail.raw
        asyncio.run(_hand_over(carrier, mail, raw))
    except (BadServerError, BadAddressError) as wrong:
        return show(request, wrong=str(wrong))
    except UnreachableError as wrong:
        return show(request, wrong=f"The test did not leave. {wrong}.")
    except (AwayError, LaterError, RefusedError, UnknownOutcomeError) as wrong:
        called = carrier.called if carrier is not None else ""
        return show(request, wrong=f"The test did not leave. {called} said: {wrong}")
    now, by = clock.now(), actor_of(request)
    audit.record(request.project.id, "sending.tested", carrier.called, by=by, now=now)
    messages.success(request, f"{carrier.called} took a test for {mail.to_address}.")
    return to_page(request)


def _test_mail(request: AgentRequest) -> Mail:
    project, now = request.project, clock.now()
    if not project.from_email:
        raise BadAddressError("Say above which address mail is from, then try it.")
    letter = Letter(
        id=new_id(now),
        kind="test",
        sender=Mailbox(project.from_email, project.from_name or project.company or project.name),
        to=Mailbox(request.user.email),
        subject=f"A test from {project.name}",
        text="Mail leaves as it should. This is how it arrives.",
        automatic="auto-generated",
    )
    return compose.write(project.id, letter, now)


async def _hand_over(carrier: Carrier, mail: Mail, raw: bytes) -> None:
    try:
        async with asyncio.timeout(WITHIN):
            line = await carrier.call()
            try:
                await line.send(mail.sender, mail.to_address, raw)
            finally:
                await line.close()
    except TimeoutError:
        raise UnknownOutcomeError("no answer in time") from None


def _known(service: str) -> Service:
    if service not in accounts.SERVICES:
        raise UnknownError("There is no such service.")
    return accounts.SERVICES[service]
