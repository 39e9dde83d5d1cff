"""Settings → Email sending: who mail is from, its domains, who tells of its fate."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from regulars.console import email_server
from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt, name_field
from regulars.console.frame import public_url
from regulars.console.settings_nav import settings_context
from regulars.kit import clock, database, environment
from regulars.mail import domains, hooks, records
from regulars.mail.domains import Domain, DomainError
from regulars.mail.hooks import Hook, Service
from regulars.mail.records import Record
from regulars.mail.services import accounts
from regulars.mail.services.accounts import Account
from regulars.workspaces import projects
from regulars.workspaces.models import Project

_FIELDS = ("company", "postal_address", "from_name", "from_email", "track_mail")

# What a badge says of a record, by what was found.
_STATES = {
    "good": ("ok", "check", "Found"),
    "missing": ("warn", "clock", "Not yet"),
    "wrong": ("bad", "triangle-alert", "Not right"),
    "unknown": ("", "clock", "Not checked"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A record to add, and what was found in its place."""

    record: Record
    kind: str
    icon: str
    word: str
    said: str
    name: str  # as DNS services ask for it: without the domain


@dataclass(frozen=True, slots=True)
class DomainCard:
    """A domain with its records, as the page shows it."""

    domain: Domain
    rows: tuple[Row, ...]
    waiting: bool  # new keys wait for their records
    missing: int

    @property
    def is_whole(self) -> bool:
        """Whether every record was found."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a service wants to know, as a dialog asks for it."""

    wanted: accounts.Wanted
    value: str  # nothing of a secret
    is_kept: bool  # a secret that may be left empty


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A mail service: whether it tells of mail, and whether mail leaves by it."""

    service: Service
    hook: Hook | None
    fields: tuple[Field, ...]
    sends: bool


class EmailForm(forms.Form):
    company = name_field("Company", "organization", required=False)
    postal_address = forms.CharField(
        label="Postal address",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text="Stands in the footer of marketing mail; the law asks for it in most countries.",
    )
    from_name = name_field("From name", required=False, help_text="Such as “Ines at Tideway”.")
    from_email = forms.CharField(
        label="From address",
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": "hello@example.com"}),
        help_text="On a domain of yours: it is set up below as soon as you save.",
    )
    track_mail = forms.BooleanField(label="Track openings and clicks", required=False)

    def __init__(self, data: Any, project: Project) -> None:
        super().__init__(data, initial={name: getattr(project, name) for name in _FIELDS})
        self.fields["company"].max_length = 200  # type: ignore[attr-defined]


@agent_view(MANAGERS)
def email_settings(request: AgentRequest) -> HttpResponseBase:
    """The page; posted to, it saves what mail is from."""
    form = EmailForm(request.POST or None, request.project)
    if attempt(form, lambda given: _save(request, given)) is not None:
        messages.success(request, "Saved. It applies from now on.")
        return HttpResponseRedirect(request.path)
    return show(request, form)


@agent_view(MANAGERS)
@require_POST
def mail_server(request: AgentRequest) -> HttpResponseBase:
    """By which server emails leave, and how fast."""
    form = email_server.ServerForm(request.POST)
    if attempt(form, lambda given: email_server.keep(request, given)) is not None:
        messages.success(request, "Saved. The next emails leave so.")
        return to_page(request)
    return show(request, server_form=form)


def show(
    request: AgentRequest,
    form: EmailForm | None = None,
    *,
    server_form: email_server.ServerForm | None = None,
    wrong: str = "",
    secret: tuple[Service, str] | None = None,
) -> HttpResponse:
    """The page. `wrong` is why a domain was not taken; `secret` a service's, shown this once."""
    project_id = request.project.id
    with database.of_django() as core:
        cards = [card_of(one) for one in domains.all_of(core, project_id, clock.now())]
        told = {one.service: one for one in hooks.all_of(core, project_id)}
        kept = email_server.kept_of(core, project_id)
    settings = environment.read()
    server = email_server.server_of(kept)
    context = {
        **settings_context(request, "email"),
        "form": form or EmailForm(None, request.project),
        "project": request.project,
        "cards": cards,
        "wrong": wrong,
        "services": _services(told, email_server.account_of(kept)),
        "secret": _shown(request, secret) if secret else None,
        "has_server": bool(server.name),
        "server": server,
        "server_form": server_form or email_server.form_of(kept),
        "is_https": settings.base_url.startswith("https://"),
        "base_url": settings.base_url,
    }
    bad = bool(wrong) or any(one is not None and one.is_bound for one in (form, server_form))
    return render(request, "console/email_settings/email.html", context, status=422 if bad else 200)


def to_page(request: AgentRequest) -> HttpResponseRedirect:
    """Back to it."""
    return HttpResponseRedirect(reverse("email_settings", args=[request.project.id]))


def card_of(domain: Domain) -> DomainCard:
    """What the page shows of a domain."""
    rows = tuple(_row(domain, record) for record in records.records(domain))
    return DomainCard(
        domain=domain,
        rows=rows,
        waiting=any(key.state == "waiting" for key in domain.keys),
        missing=sum(row.word != "Found" for row in rows),
    )


def _row(domain: Domain, record: Record) -> Row:
    found = domain.found.get(record.key)
    kind, icon, word = _STATES[found.state if found else "unknown"]
    said = found.said if found and found.state in ("wrong", "unknown") else ""
    name = record.name.removesuffix(f".{domain.name}")
    return Row(record, kind, icon, word, said, name)


def _services(told: Mapping[str, Hook], account: Account | None) -> list[ServiceLine]:
    """Every service, as far as it is set up."""
    lines = []
    for one in hooks.SERVICES.values():
        sends = account is not None and account.service.name == one.name
        fields = tuple(
            Field(
                wanted,
                account[wanted.name] if account and sends and not wanted.secret else "",
                sends and wanted.secret,
            )
            for wanted in accounts.SERVICES[one.name].wants
        )
        lines.append(ServiceLine(one, told.get(one.name), fields, sends))
    return lines


def _shown(request: AgentRequest, secret: tuple[Service, str]) -> dict[str, str]:
    service, password = secret
    url = public_url(request, hooks.path_of(request.project.id, service.name))
    if not service.key:
        url = url.replace("://", f"://{hooks.USER}:{password}@", 1)
    return {"label": service.label, "url": url, "signs": service.key}


def _save(request: AgentRequest, given: dict[str, Any]) -> Project:
    now = clock.now()
    with database.of_django() as core:
        project = projects.change_project(request.project.id, given, by=actor_of(request), now=now)
        with suppress(DomainError):
            domains.ensure(core, project.id, project.from_email.rpartition("@")[2], now)
    return project
