"""The REST API: its routers, and what each thing that can go wrong is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

import psycopg
from django.db import utils as django_errors
from django.http import Http404, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from regulars.filters.errors import FilterError
from regulars.kit.database import Away, Collision
from regulars.mail.content.errors import ContentError
from regulars.mail.templates import NoTemplateError
from regulars.people.changes import CollidedError
from regulars.people.merge import NotMergeableError
from regulars.public.rest import (
    campaigns,
    conversations,
    emails,
    errors,
    funnel,
    history,
    merges,
    notes,
    people,
    project,
    segments,
    templates,
    tickets,
    webhooks,
)
from regulars.public.rest.bodies import Renderer, StrictParser
from regulars.public.rest.errors import ApiError
from regulars.public.rest.requests import SecretKey
from regulars.workspaces.errors import ConflictError, ForbiddenError, InvalidError, UnknownError

log = logging.getLogger(__name__)

DESCRIPTION = """\
Everything that a project's server may do. Authenticate with a secret key of the project (Settings →
Keys): `Authorization: Bearer sk_…`; keep it off web pages.

Errors are `{"code", "message", "field"}`. Times are ISO 8601 in UTC. An `Idempotency-Key` on a POST
makes a retry harmless for 24 hours.
"""


TAGS = (
    "People", "Merges", "Segments",
    "Funnel",
    "Conversations", "Tickets", "Notes", "Templates", "Emails", "Campaigns",
    "Webhooks", "Project",
)  # fmt: skip


class RestAPI(NinjaAPI):
    """Ninja's API under short operation ids, which describes itself once."""

    @cached_property
    def _document(self) -> OpenAPISchema:
        return super().get_openapi_schema()

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Its description as it is served. It takes half a second to make, and anybody may ask."""
        if path_prefix is None and not path_params:
            return self._document
        return super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The module and the function, such as `people_search`."""
        view = operation.view_func
        return f"{view.__module__.rpartition('.')[2]}_{view.__name__}"


api = RestAPI(
    title="Regulars",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    auth=SecretKey(),
    parser=StrictParser(),
    renderer=Renderer(),
    urls_namespace="rest",
    openapi_extra={"tags": [{"name": name} for name in TAGS]},
)
api.add_router("/people", merges.people_router)
api.add_router("/people", people.router)
api.add_router("/people", history.router)
api.add_router("/merges", merges.router)
api.add_router("/segments", segments.router)
api.add_router("/funnel", funnel.router)
api.add_router("/emails", emails.router)
api.add_router("/conversations", conversations.router)
api.add_router("/tickets", tickets.router)
api.add_router("/notes", notes.router)
api.add_router("/campaigns", campaigns.router)
api.add_router("/webhooks", webhooks.router)
api.add_router("/templates", templates.router)
api.add_router("/project", project.router)


def answer(error: ApiError) -> HttpResponse:
    """The error as an answer."""
    body = errors.body_of(error.code, error.message, error.field)
    return HttpResponse(
        body,
        status=error.status,
        content_type="application/json",
        headers=errors.EXPLAINED.get(error.status),
    )


Handler = Callable[[Any], ApiError]


def _itself(error: ApiError) -> ApiError:
    return error


def _invalid(error: InvalidError | FilterError | ContentError) -> ApiError:
    return ApiError(400, error.message, field=error.field)


def _conflict(error: ConflictError) -> ApiError:
    return ApiError(409, error.message, field=error.field)


def _not_mergeable(error: NotMergeableError) -> ApiError:
    return ApiError(409, str(error))


def _unknown(error: UnknownError | NoTemplateError) -> ApiError:
    return ApiError(404, str(error))


def _forbidden(error: ForbiddenError) -> ApiError:
    return ApiError(403, str(error))


def _http(error: HttpError) -> ApiError:
    # Ninja wraps whatever a parser raises.
    cause = error.__cause__
    return cause if isinstance(cause, ApiError) else ApiError(error.status_code, error.message)


def _not_valid(error: ValidationError) -> ApiError:
    first = error.errors[0]
    source, *path = first["loc"]
    if source == "path":
        return ApiError(404)
    if source == "body":
        path = path[1:]  # ninja's name of the whole body
    field = ".".join(str(part) for part in path) or source
    return ApiError(400, _in_words(first), field=field)


def _not_storable(error: Exception) -> ApiError:
    log.warning("The database refused a value that the API let through: %s", error)
    return ApiError(400, "A value can't be stored.", code="not_storable")


def _away(error: Exception) -> ApiError:
    log.warning("REST answers 503: %s: %s", type(error).__name__, error)
    return ApiError(503)


# What is raised below, and what becomes of it; the nearest class counts.
HANDLERS: dict[type[Exception], Handler] = {
    ApiError: _itself,
    InvalidError: _invalid,
    ContentError: _invalid,
    FilterError: _invalid,
    ConflictError: _conflict,
    NotMergeableError: _not_mergeable,
    UnknownError: _unknown,
    NoTemplateError: _unknown,
    ForbiddenError: _forbidden,
    Http404: lambda _: ApiError(404),
    AuthenticationError: lambda _: ApiError(401),
    HttpError: _http,
    ValidationError: _not_valid,
    psycopg.DataError: _not_storable,
    django_errors.DataError: _not_storable,
    CollidedError: _away,
    django_errors.OperationalError: _away,
    django_errors.InterfaceError: _away,
    **dict.fromkeys((*Away, *Collision), _away),
}


def _register(kind: type[Exception], handler: Handler) -> None:
    api.add_exception_handler(kind, lambda _request, error: answer(handler(error)))


for _kind, _handler in HANDLERS.items():
    _register(_kind, _handler)


def _in_words(error: dict[str, Any]) -> str:
    kind = error["type"]
    if kind in _WORDS:
        return _WORDS[kind]
    message = str(error["msg"]).removeprefix("Input should be ")
    return f"Expected {message}." if message != error["msg"] else f"{message}."


_WORDS = {
    "extra_forbidden": "There is no such field.",
    "missing": "This is needed.",
    "string_type": "Expected a text.",
    "int_type": "Expected a whole number.",
    "int_parsing": "Expected a whole number.",
    "bool_type": "Expected true or false.",
    "dict_type": "Expected an object.",
    "model_attributes_type": "Expected an object.",
    "model_type": "Expected an object.",
    "list_type": "Expected a list.",
    "uuid_type": "Expected an id.",
    "uuid_parsing": "Expected an id.",
}
