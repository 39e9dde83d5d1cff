"""Settings → Email sending: the server that the project's mail leaves by, and how fast it may.

An address of a server holds its password: it is kept sealed, and shown as host and name alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from django import forms

from regulars.campaigns import settings as sending
from regulars.campaigns.settings import MOST_AT_ONCE, Sending
from regulars.console.access import AgentRequest, actor_of
from regulars.kit import clock, database, environment, sealing
from regulars.mail.services import accounts
from regulars.mail.services.accounts import Account
from regulars.mail.smtp import BadServerError
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

MOST_PER_SECOND = 10_000

audit.describe({"sending.server_changed": "Changed how emails leave"})


@dataclass(frozen=True, slots=True)
class Server:
    """What mail leaves by: whose it is, and how it is called without its password."""

    is_own: bool
    name: str  # empty where there is none, and mail is kept
    is_service: bool = False


class ServerForm(forms.Form):
    smtp_url = forms.CharField(
        label="A mail server of its own",
        max_length=500,
        required=False,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": "smtps://name:password@mail.example.com",
            }
        ),
        help_text="smtp:// or smtps://, with name and password. Kept sealed, and not shown again.",
    )
    per_second = forms.FloatField(
        label="Emails a second, at most",
        min_value=0.01,
        max_value=MOST_PER_SECOND,
        required=False,
        help_text="As fast as the server takes them, if nothing is said.",
    )
    at_once = forms.IntegerField(label="Connections at once", min_value=1, max_value=MOST_AT_ONCE)
    domain_at_once = forms.IntegerField(
        label="… of them with one receiving domain",
        min_value=1,
        max_value=MOST_AT_ONCE,
        required=False,
    )
    forget = forms.BooleanField(label="Send by the installation’s server again", required=False)


def kept_of(core: Connection, project_id: UUID) -> Sending:
    """How the project's emails leave. What was sealed under another secret key is not known."""
    try:
        return sending.of_project(core, project_id)
    except sealing.SealedError:
        return Sending()


def form_of(kept: Sending, data: Any = None) -> ServerForm:
    """The form as it stands; a server's address is written anew or stays."""
    initial = {name: getattr(kept, name) for name in ("per_second", "at_once", "domain_at_once")}
    return ServerForm(data, initial=initial)


def server_of(kept: Sending) -> Server:
    """What the page says of the server or service."""
    if kept.service:
        about = accounts.SERVICES.get(kept.service)
        return Server(is_own=True, name=about.label if about else kept.service, is_service=True)
    url = kept.smtp_url or environment.read().smtp_url or ""
    parts = urlsplit(url)
    name = f"{parts.username}@{parts.hostname}" if parts.username else parts.hostname or ""
    return Server(bool(kept.smtp_url), name)


def account_of(kept: Sending) -> Account | None:
    """The account at a service that mail leaves by, if it can be read."""
    try:
        return accounts.read(kept.service, kept.service_key) if kept.service else None
    except BadServerError:
        return None


def keep(request: AgentRequest, given: dict[str, Any]) -> Sending:
    """Keep what the form says. Raises InvalidError."""
    project_id = request.project.id
    if given["smtp_url"] and given["forget"]:
        raise InvalidError("smtp_url", "Name a server, or go back to the installation’s: not both.")
    with database.of_django() as core:
        kept = kept_of(core, project_id)
        said = replace(
            kept,
            smtp_url="" if given["forget"] else given["smtp_url"] or kept.smtp_url,
            per_second=given["per_second"],
            at_once=given["at_once"],
            domain_at_once=given["domain_at_once"],
        )
        sending.keep(core, project_id, said)
    server = server_of(said).name or "none"
    audit.record(
        project_id, "sending.server_changed", server, by=actor_of(request), now=clock.now()
    )
    return said
