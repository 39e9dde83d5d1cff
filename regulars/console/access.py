"""Who may see a screen: the signed-in agent, in the project that the address names.

`agent_view` is the console's one door to a project. A stranger gets 404, as for a project that
does not exist; a role that does not reach far enough gets 403; nobody at all is asked to sign in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from ipaddress import ip_address
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from regulars.kit import clock
from regulars.workspaces import queries, team
from regulars.workspaces.audit import Actor
from regulars.workspaces.errors import ForbiddenError, UnknownError
from regulars.workspaces.models import Agent, Project, Role, RoleName

P = ParamSpec("P")

EVERYBODY = frozenset(RoleName.values)
MANAGERS = frozenset({RoleName.OWNER, RoleName.ADMIN})

# The session's note of the project that was opened last.
LAST_PROJECT = "project"

_PRESENCE_SECONDS = 60


class AgentRequest(HttpRequest):
    """A request by a signed-in agent inside one of their projects."""

    user: Agent
    htmx: HtmxDetails
    project: Project
    role: Role


def agent_view(
    roles: Iterable[str] = EVERYBODY,
) -> Callable[
    [Callable[Concatenate[AgentRequest, P], HttpResponseBase]],
    Callable[..., HttpResponseBase],
]:
    """Open a view to a project's agents with one of `roles`.

    The address must hold `<uuid:project_id>`, which becomes `request.project` and `request.role`.
    """
    allowed = frozenset(roles)

    def decorate(
        view: Callable[Concatenate[AgentRequest, P], HttpResponseBase],
    ) -> Callable[..., HttpResponseBase]:
        @never_cache
        @wraps(view)
        def wrapper(
            request: HttpRequest, project_id: UUID, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            if not isinstance(request.user, Agent):
                return to_sign_in(request)
            role = queries.role_in(project_id, request.user.id)
            if role is None:
                raise Http404
            if role.role not in allowed:
                raise PermissionDenied
            theirs = _inside(request, role)
            _note_presence(theirs)
            return _answer(view, theirs, *args, **kwargs)

        return wrapper

    return decorate


def _answer(
    view: Callable[Concatenate[AgentRequest, P], HttpResponseBase],
    request: AgentRequest,
    *args: P.args,
    **kwargs: P.kwargs,
) -> HttpResponseBase:
    """Run a view; what its actions refuse becomes the answer HTTP has for it."""
    try:
        answer = view(request, *args, **kwargs)
    except UnknownError as unknown:
        raise Http404 from unknown
    except ForbiddenError as refused:
        raise PermissionDenied from refused
    if isinstance(answer, HttpResponseNotAllowed) and request.method == "GET":
        # Where only forms lead: somebody reloaded, or followed an address they had kept.
        said = render(request, "405.html", status=answer.status_code)
        said["Allow"] = answer["Allow"]
        return said
    return answer


def own_page(
    view: Callable[Concatenate[AgentRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Open a view that belongs to the agent, not to a project, inside the project they saw last."""

    @never_cache
    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not isinstance(request.user, Agent):
            return to_sign_in(request)
        agent_id = request.user.id
        project = queries.first_project_of(agent_id, last_project(request))
        role = queries.role_in(project.id, agent_id) if project else None
        if role is None:
            return render(request, "console/account/no_project.html")
        return view(_inside(request, role), *args, **kwargs)

    return wrapper


def last_project(request: HttpRequest) -> UUID | None:
    """The project this session opened last; whether its agent may see it is another question."""
    noted = request.session.get(LAST_PROJECT)
    return UUID(noted) if noted else None


def to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Ask whoever it is to sign in, and bring them back after; a fragment takes the page along."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(reverse("account_login"))
    if request.method == "GET":
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    return redirect_to_login("/", settings.LOGIN_URL)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in agent, for actions and the audit log."""
    agent_id = request.user.pk if request.user.is_authenticated else None
    return Actor(agent_id, ip_of(request))


def ip_of(request: HttpRequest) -> str | None:
    """The client's address. Proxies that are trusted were resolved before the request got here."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _inside(request: HttpRequest, role: Role) -> AgentRequest:
    """The request, told which project it is in and what its agent may do there."""
    theirs = cast("AgentRequest", request)
    theirs.project, theirs.role = role.project, role
    return theirs


def _note_presence(request: AgentRequest) -> None:
    """Remember where the agent is, without a write for every page."""
    if request.session.get(LAST_PROJECT) != str(request.project.id):
        request.session[LAST_PROJECT] = str(request.project.id)
    now, last = clock.now(), request.role.last_here
    if last is None or abs((now - last).total_seconds()) >= _PRESENCE_SECONDS:
        team.note_presence(request.role, now)
