"""Settings → Webhooks: where the project's own servers are told of what happens, how it went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console.access import MANAGERS, AgentRequest, actor_of, agent_view
from regulars.console.forms import attempt
from regulars.console.settings_nav import settings_context
from regulars.events.timeline import read_cursor, write_cursor
from regulars.kit import clock, database
from regulars.people.actions import settled
from regulars.webhooks import deliveries, topics, webhooks
from regulars.webhooks.deliveries import A_PAGE, Delivery
from regulars.webhooks.webhooks import Webhook
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]
T = TypeVar("T")

audit.describe(webhooks.AUDITED)

_STATES = {"waiting": "warn", "delivered": "ok", "failed": "bad"}


class WebhookForm(forms.Form):
    url = forms.CharField(
        label="Address",
        max_length=webhooks.MAX_URL,
        widget=forms.URLInput(
            attrs={"autocomplete": "off", "placeholder": "https://example.com/hooks"}
        ),
        help_text="Where your server takes a POST, on a public host.",
        error_messages={"required": "The address can't be empty."},
    )
    topics = forms.MultipleChoiceField(
        label="Topics",
        choices=[*topics.TOPICS.items()],
        error_messages={"required": "Choose at least one topic."},
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery as the page shows it: its body indented, whatever was answered as text."""

    delivery: Delivery
    kind: str
    body: str

    @property
    def is_new(self) -> bool:
        """Whether it was not tried yet."""
        return self.delivery.state == "waiting" and not self.delivery.tries


@agent_view(MANAGERS)
@require_GET
def list_webhooks(request: AgentRequest) -> HttpResponse:
    return _list(request, WebhookForm())


@agent_view(MANAGERS)
@require_POST
def make_webhook(request: AgentRequest) -> HttpResponse:
    """Make one. The answer to the POST is the only page that shows its secret."""
    form = WebhookForm(request.POST)
    made = attempt(form, lambda given: _do(request, "webhook.made", lambda core: webhooks.create(
        core, request.project.id, given["url"], given["topics"], clock.now()
    )))  # fmt: skip
    if made is None:
        return _list(request, form)
    return _page(request, made, secret=made.secret)


@agent_view(MANAGERS)
@require_http_methods(["GET", "POST"])
def webhook(request: AgentRequest, webhook_id: UUID) -> HttpResponseBase:
    """One of them and its last deliveries; posted, its address and topics."""
    one = _get(request, webhook_id)
    if request.method == "GET":
        return _page(request, one)
    form = WebhookForm(request.POST)
    changed = attempt(form, lambda given: _do(request, "webhook.changed", lambda core: (
        webhooks.change(
            core, request.project.id, one.id, clock.now(),
            url=given["url"], wanted=given["topics"],
        )
    )))  # fmt: skip
    if changed is None:
        return _page(request, one, form=form)
    messages.success(request, "Saved.")
    return _back(request, one)


@agent_view(MANAGERS)
@require_GET
def webhook_deliveries(request: AgentRequest, webhook_id: UUID) -> HttpResponse:
    """The last deliveries alone: asked for again while one of them is on its way."""
    context = _deliveries(request, _get(request, webhook_id))
    return render(request, "console/webhooks/deliveries.html", context)


@agent_view(MANAGERS)
@require_POST
def switch_webhook(request: AgentRequest, webhook_id: UUID) -> HttpResponseBase:
    """Off, nothing is told; on, it goes on where it was."""
    on = "on" in request.POST
    one = _do(request, "webhook.changed", lambda core: webhooks.change(
        core, request.project.id, webhook_id, clock.now(), is_on=on
    ))  # fmt: skip
    said = "On. It is told what happened meanwhile." if on else "Off. Nothing is told."
    messages.success(request, said)
    return _back(request, one)


@agent_view(MANAGERS)
@require_POST
def rotate_webhook(request: AgentRequest, webhook_id: UUID) -> HttpResponse:
    """Another secret, shown in the answer to the POST alone."""
    one = _do(request, "webhook.secret_replaced", lambda core: webhooks.rotate(
        core, request.project.id, webhook_id, clock.now()
    ))  # fmt: skip
    return _page(request, one, secret=one.secret)


@agent_view(MANAGERS)
@require_POST
def try_webhook(request: AgentRequest, webhook_id: UUID) -> HttpResponseBase:
    """Send a delivery that tells nothing."""
    one = _get(request, webhook_id)
    if one.is_on:
        _settle(lambda core: deliveries.add_test(core, one, clock.now()))
        messages.success(request, "A test is on its way.")
    else:
        messages.error(request, "The webhook is off: switch it on first.")
    return _back(request, one)


@agent_view(MANAGERS)
@require_POST
def send_delivery_again(
    request: AgentRequest, webhook_id: UUID, delivery_id: UUID
) -> HttpResponseBase:
    """Once more, whatever became of it."""
    one = _get(request, webhook_id)
    try:
        _settle(lambda core: deliveries.send_again(core, one, delivery_id, clock.now()))
    except InvalidError as wrong:
        messages.error(request, wrong.message)
    else:
        messages.success(request, "It is on its way again.")
    return _back(request, one)


@agent_view(MANAGERS)
@require_POST
def delete_webhook(request: AgentRequest, webhook_id: UUID) -> HttpResponseBase:
    def work(core: Connection) -> Webhook:
        one = webhooks.get(core, request.project.id, webhook_id)
        webhooks.delete(core, request.project.id, webhook_id)
        return one

    _do(request, "webhook.deleted", work)
    messages.success(request, "Deleted. Nothing is told there any more.")
    return HttpResponseRedirect(reverse("webhooks", args=[request.project.id]))


def _list(request: AgentRequest, form: WebhookForm) -> HttpResponse:
    found = _settle(lambda core: webhooks.of_project(core, request.project.id))
    context = {
        **settings_context(request, "webhooks"),
        "webhooks": found,
        "form": form,
        "chosen": _chosen(form, ()),
        "project": request.project,
    }
    status = 422 if form.errors else 200
    return render(request, "console/webhooks/list.html", context, status=status)


def _page(
    request: AgentRequest, one: Webhook, *, form: WebhookForm | None = None, secret: str = ""
) -> HttpResponse:
    shown = form or WebhookForm(initial={"url": one.url})
    context = {
        **settings_context(request, "webhooks"),
        **_deliveries(request, one),
        "form": shown,
        "chosen": _chosen(shown, one.topics),
        "secret": secret,
    }
    status = 422 if form is not None else 200
    return render(request, "console/webhooks/webhook.html", context, status=status)


def _deliveries(request: AgentRequest, one: Webhook) -> dict[str, Any]:
    try:
        cursor = request.GET.get("before")
        before = read_cursor(cursor) if cursor else None
    except InvalidError:
        before = None
    found = _settle(lambda core: deliveries.page(core, one, before=before, limit=A_PAGE + 1))
    last = found[A_PAGE - 1] if len(found) > A_PAGE else None
    shown = [_shown(each) for each in found[:A_PAGE]]
    return {
        "webhook": one,
        "project": request.project,
        "deliveries": shown,
        "is_first": before is None,
        "older": write_cursor(last.created_at, last.id) if last else "",
        "is_busy": before is None and one.is_on and any(each.is_new for each in shown),
    }


def _shown(delivery: Delivery) -> Shown:
    try:
        body = msgspec.json.format(delivery.body.encode(), indent=2).decode()
    except msgspec.DecodeError:
        body = delivery.body
    return Shown(delivery, _STATES[delivery.state], body)


def _chosen(form: WebhookForm, now: list[str] | tuple[str, ...]) -> list[tuple[str, str, bool]]:
    """Every topic, in words, and whether it is ticked."""
    ticked = set(form.data.getlist("topics") if form.is_bound else now)  # type: ignore[attr-defined]  # a QueryDict
    return [(topic, words, topic in ticked) for topic, words in topics.TOPICS.items()]


def _get(request: AgentRequest, webhook_id: UUID) -> Webhook:
    return _settle(lambda core: webhooks.get(core, request.project.id, webhook_id))


def _do(request: AgentRequest, action: str, work: Callable[[Connection], Webhook]) -> Webhook:
    """Do it, and write it down in the audit log."""

    def both(core: Connection) -> Webhook:
        one = work(core)
        by, now = actor_of(request), clock.now()
        audit.record(request.project.id, action, one.url, by=by, now=now)
        return one

    return _settle(both)


def _settle(work: Callable[[Connection], T]) -> T:
    return settled(database.of_django, work)


def _back(request: AgentRequest, one: Webhook) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("webhook", args=[request.project.id, one.id]))
