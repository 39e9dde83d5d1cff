"""Webhooks: made, listed, changed, deleted; their secrets replaced, their deliveries looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
from django.http import HttpResponse
from ninja import Query, Router

from regulars.events.timeline import read_cursor, write_cursor
from regulars.public.rest import webhook_schemas as schemas
from regulars.public.rest.answers import ERRORS
from regulars.public.rest.requests import KeyRequest, actor_of, change, change_once
from regulars.webhooks import deliveries, webhooks
from regulars.webhooks.deliveries import Delivery
from regulars.webhooks.webhooks import Webhook
from regulars.workspaces import audit

Connection = psycopg.Connection[Any]

router = Router(tags=["Webhooks"])

audit.describe(webhooks.AUDITED)

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(description="`next` of the part before.")]


@router.get("", response={200: schemas.Webhooks, **ERRORS}, summary="List the webhooks")
def list_webhooks(request: KeyRequest) -> schemas.Webhooks:
    """All of them; a project has at most 20."""

    def work(core: Connection) -> schemas.Webhooks:
        found = webhooks.of_project(core, request.auth.id)
        return schemas.Webhooks(items=[_said(one) for one in found], next=None)

    return change(work)


@router.post("", response={201: schemas.WebhookWithSecret, **ERRORS}, summary="Make a webhook")
def make(request: KeyRequest, given: schemas.NewWebhook) -> HttpResponse:
    """It is told of what happens from now on. Its `secret` is answered here and nowhere else."""

    def work(core: Connection) -> tuple[int, schemas.WebhookWithSecret]:
        one = webhooks.create(core, request.auth.id, given.url, given.topics, request.now)
        _record(request, "webhook.made", one)
        return 201, _with_secret(one)

    return change_once(request, work)


@router.get("/{webhook_id}", response={200: schemas.Webhook, **ERRORS}, summary="Read a webhook")
def read(request: KeyRequest, webhook_id: UUID) -> schemas.Webhook:
    """The webhook, and how it fares."""
    return change(lambda core: _said(webhooks.get(core, request.auth.id, webhook_id)))


@router.patch(
    "/{webhook_id}", response={200: schemas.Webhook, **ERRORS}, summary="Change a webhook"
)
def change_webhook(
    request: KeyRequest, webhook_id: UUID, given: schemas.WebhookChange
) -> schemas.Webhook:
    """Its address, its topics, whether it is on: that which is given."""
    said = given.model_dump(exclude_unset=True)

    def work(core: Connection) -> schemas.Webhook:
        one = webhooks.change(
            core,
            request.auth.id,
            webhook_id,
            request.now,
            url=said.get("url"),
            wanted=said.get("topics"),
            is_on=said.get("enabled"),
        )
        if said:
            _record(request, "webhook.changed", one)
        return _said(one)

    return change(work)


@router.delete("/{webhook_id}", response={204: None, **ERRORS}, summary="Delete a webhook")
def delete(request: KeyRequest, webhook_id: UUID) -> HttpResponse:
    """It is told of nothing more, and its deliveries are forgotten."""

    def work(core: Connection) -> HttpResponse:
        one = webhooks.get(core, request.auth.id, webhook_id)
        webhooks.delete(core, request.auth.id, webhook_id)
        _record(request, "webhook.deleted", one)
        return HttpResponse(status=204)

    return change(work)


@router.post(
    "/{webhook_id}/secret",
    response={201: schemas.WebhookWithSecret, **ERRORS},
    summary="Replace its secret",
)
def rotate(request: KeyRequest, webhook_id: UUID) -> HttpResponse:
    """For a day deliveries are signed with the one before, too."""

    def work(core: Connection) -> tuple[int, schemas.WebhookWithSecret]:
        one = webhooks.rotate(core, request.auth.id, webhook_id, request.now)
        _record(request, "webhook.secret_replaced", one)
        return 201, _with_secret(one)

    return change_once(request, work)


@router.post("/{webhook_id}/test", response={201: schemas.Delivery, **ERRORS}, summary="Try it")
def send_test(request: KeyRequest, webhook_id: UUID) -> HttpResponse:
    """Send it a delivery that tells nothing, of the topic `webhook.test`."""

    def work(core: Connection) -> tuple[int, schemas.Delivery]:
        one = webhooks.get(core, request.auth.id, webhook_id)
        made = deliveries.add_test(core, one, request.now)
        return 201, _delivery(deliveries.get(core, one, made))

    return change_once(request, work)


@router.get(
    "/{webhook_id}/deliveries",
    response={200: schemas.Deliveries, **ERRORS},
    summary="List its deliveries",
)
def list_deliveries(
    request: KeyRequest, webhook_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Deliveries:
    """What was told and what waits, newest first; for two weeks after its end."""

    def work(core: Connection) -> schemas.Deliveries:
        one = webhooks.get(core, request.auth.id, webhook_id)
        before = read_cursor(cursor) if cursor is not None else None
        found = deliveries.page(core, one, before=before, limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        following = write_cursor(last.created_at, last.id) if last else None
        return schemas.Deliveries(items=[_delivery(each) for each in found[:limit]], next=following)

    return change(work)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/again",
    response={201: schemas.Delivery, **ERRORS},
    summary="Send one again",
)
def send_again(request: KeyRequest, webhook_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Whatever became of it, under the same id."""

    def work(core: Connection) -> tuple[int, schemas.Delivery]:
        one = webhooks.get(core, request.auth.id, webhook_id)
        deliveries.send_again(core, one, delivery_id, request.now)
        return 201, _delivery(deliveries.get(core, one, delivery_id))

    return change_once(request, work)


def _record(request: KeyRequest, action: str, one: Webhook) -> None:
    audit.record(request.auth.id, action, one.url, by=actor_of(request), now=request.now)


def _facts(one: Webhook) -> dict[str, Any]:
    return {
        "id": one.id,
        "url": one.url,
        "topics": one.topics,
        "enabled": one.is_on,
        "off_because": one.off_because or None,
        "failing_since": _utc(one.failing_since),
        "delivered_at": _utc(one.delivered_at),
        "created_at": _utc(one.created_at),
        "changed_at": _utc(one.changed_at),
    }


def _said(one: Webhook) -> schemas.Webhook:
    return schemas.Webhook(**_facts(one))


def _with_secret(one: Webhook) -> schemas.WebhookWithSecret:
    return schemas.WebhookWithSecret(**_facts(one), secret=one.secret)


def _delivery(one: Delivery) -> schemas.Delivery:
    return schemas.Delivery(
        id=one.id,
        topic=one.topic,
        state=one.state,
        body=one.body,
        tries=one.tries,
        next_try_at=_utc(one.next_try_at),
        tried_at=_utc(one.tried_at),
        status=one.status,
        answer=one.answer,
        problem=one.problem or None,
        created_at=_utc(one.created_at),
        ended_at=_utc(one.ended_at),
    )


def _utc(at: datetime | None) -> Any:
    return at.astimezone(UTC) if at else None
