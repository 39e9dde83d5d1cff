"""A request's way through REST: whose key it carries, and the transaction that does its work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.security import HttpBearer

from regulars.kit import clock, database
from regulars.people import actions
from regulars.public.rest import bodies, idempotency
from regulars.public.rest.errors import ApiError
from regulars.public.rest.idempotency import Answer, Claim
from regulars.workspaces import keys
from regulars.workspaces.audit import Actor
from regulars.workspaces.keys import ProjectConfig

Connection = psycopg.Connection[Any]
T = TypeVar("T")

PATIENCE = 1.0  # seconds to wait for the database before anything is done


class KeyRequest(HttpRequest):
    """A request with a good secret key: `auth` is the project that it opens."""

    auth: ProjectConfig
    now: datetime


class SecretKey(HttpBearer):
    """`Authorization: Bearer <secret key>`."""

    def authenticate(self, request: HttpRequest, token: str) -> ProjectConfig | None:
        """The project that the key opens, or None."""
        now = clock.now()
        # From the process's own pool, which says soon that the database is away.
        with database.pool().connection(timeout=PATIENCE) as core:
            project = keys.load_project_by_secret_key(core, token)
            if project is None or project.key_id is None:
                return None
            keys.record_use(core, [project.key_id], now)
        opened: Any = request
        opened.now = now
        return project


def actor_of(request: KeyRequest) -> Actor:
    """Whom the audit log names: nobody but the key, at an address."""
    return Actor(None, request.META.get("REMOTE_ADDR") or None)


def change(work: Callable[[Connection], T]) -> T:
    """Do the work in one transaction, anew where it met another writer."""
    return actions.settled(database.of_django, work)


def change_once(
    request: KeyRequest, work: Callable[[Connection], tuple[int, Schema]]
) -> HttpResponse:
    """As `change`, for a POST: with an Idempotency-Key the same request twice is one."""
    wanted = _claim(request)

    def claimed(core: Connection) -> Answer:
        kept = idempotency.claim(core, wanted, request.now) if wanted is not None else None
        if kept is not None:
            return kept
        status, said = work(core)
        answer = Answer(status, bodies.write(said.model_dump(by_alias=True)))
        if wanted is not None:
            idempotency.keep(core, wanted, answer)
        return answer

    answer = change(claimed)
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    if answer.again:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _claim(request: KeyRequest) -> Claim | None:
    key = request.headers.get(idempotency.HEADER)
    if key is None:
        return None
    method, path = (request.method or "").encode(), request.get_full_path().encode()
    try:
        return Claim.of(request.auth.id, key, method, path, request.body)
    except ValueError:
        message = f"Expected 1 to {idempotency.MOST} printable characters."
        raise ApiError(400, message, field=idempotency.HEADER) from None
