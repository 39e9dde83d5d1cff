"""Nobody sees or changes another project: every address there is, tried by a stranger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from regulars.workspaces.models import AuditEntry, Invitation, Project, ProjectKey, SignInLink
from tests.architecture.addresses import ADDRESSES
from tests.cast import Cast

# Posts with these in them would do something, were they let in.
_FORM = {
    "name": "Taken over",
    "email": "evil@example.com",
    "emails": "evil@example.com",
    "role": "owner",
    "kind": "secret",
    "password": "a long enough password",
    "key": "attributes.plan",
    "value": "evil",
    "add": "evil",
    "action": "tag",
    "tag": "evil",
    "selection": '{"list": "?kind=user"}',
    "filter": '{"field": "name", "op": "is_known"}',
    "text": "evil",
    "audience": "both",
    "pinned": "1",
    "body": "evil",
    "away": "on",
    "enforce_identity": "on",
    "greeting": "evil",
    "assignment": "manual",
    "side": "left",
}

# What a stranger could change, were they let in.
TABLES = (
    "person", "identity", "merge", "merge_dismissal", "erased_key", "list_columns",
    "segment", "segment_plan", "bulk_job", "people_import", "checkpoint", "report_view",
    "note", "note_version", "conversation", "message", "attachment", "saved_reply",
    "messenger_settings", "agent_preferences", "push_subscription", "webhook", "webhook_delivery",
    "template", "image", "email", "campaign", "campaign_settings", "sending_settings",
    "mail_domain", "mail_hook", "mail_topic", "suppression", "outgoing_mail",
)  # fmt: skip

_OF_AGENTS = [route for route, address in ADDRESSES.items() if address.opens_to == "agents"]
_OF_PROJECTS = [route for route, address in ADDRESSES.items() if address.opens_to == "project"]
# What is a number or a service's name is something of everybody's own.
_OF_THINGS = [route for route in _OF_PROJECTS if route.count("<uuid:") > 1]


def _routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def _url(route: str, cast: Cast) -> str:
    return _filled(route, {"project_id": cast.home.id, **ADDRESSES[route].parts(cast)})


def _filled(route: str, parts: dict[str, Any]) -> str:
    for name, value in parts.items():
        for converter in ("uuid", "str", "slug", "int"):
            route = route.replace(f"<{converter}:{name}>", str(value))
    assert "<" not in route, f"{route}: nothing fills this part"
    return f"/{route}"


def test_every_address_is_tried_here() -> None:
    served = set(_routes(get_resolver().url_patterns))
    # REST opens to keys, not to agents: tests/slices/public/test_rest_stranger.py.
    assert {route for route in served if not route.startswith("api/")} == set(ADDRESSES)


def test_what_stands_below_a_project_belongs_to_it() -> None:
    assert {route for route in ADDRESSES if "project_id" in route} == set(_OF_PROJECTS)


@pytest.mark.parametrize("route", _OF_AGENTS + _OF_PROJECTS)
def test_who_is_not_signed_in_is_asked_to(cast: Cast, route: str) -> None:
    for response in _tried(Client(), _url(route, cast)):
        if response.status_code == 302:
            assert response["Location"].startswith("/signin?next=")
        else:
            assert response.status_code in {401, 404}


@pytest.mark.parametrize("route", _OF_PROJECTS)
def test_a_stranger_finds_nothing(cast: Cast, route: str) -> None:
    url = _url(route, cast)
    before = _state(cast)
    for response in _tried(cast.charlie.client, url):
        assert response.status_code == 404
        assert "Tideway" not in response.content.decode()
    assert _state(cast) == before


@pytest.mark.parametrize("route", _OF_THINGS)
def test_a_stranger_reaches_nothing_through_their_own_project(cast: Cast, route: str) -> None:
    url = _filled(route, {"project_id": cast.elsewhere.id, **ADDRESSES[route].parts(cast)})
    before = _state(cast)
    for response in _tried(cast.charlie.client, url):
        assert response.status_code in {404, 405}
    assert _state(cast) == before


@pytest.mark.parametrize("route", _OF_PROJECTS)
def test_a_page_of_no_project_and_of_a_strangers_look_the_same(cast: Cast, route: str) -> None:
    parts = ADDRESSES[route].parts(cast)
    nowhere = "00000000-0000-7000-8000-000000000000"
    theirs = cast.charlie.client.get(_filled(route, {"project_id": cast.home.id, **parts}))
    none = cast.charlie.client.get(_filled(route, {"project_id": nowhere, **parts}))
    assert (theirs.status_code, _plain(theirs)) == (none.status_code, _plain(none))


def _tried(client: Client, url: str) -> Iterator[Any]:
    """What an address answers, to a look and to a form."""
    yield client.get(url, _FORM)
    yield client.post(url, _FORM)


def _plain(response: Any) -> str:
    """The page without the form token, which is masked anew in each answer."""
    return re.sub(r'"X-CSRFToken": "\w+"', "", response.content.decode())


def _state(cast: Cast) -> tuple[Any, ...]:
    """All that a stranger could have changed in Alice's project."""
    project = cast.home.id
    return (
        list(Project.objects.filter(id=project).values_list()),
        list(AuditEntry.objects.filter(project_id=project).order_by("id").values_list("id")),
        list(ProjectKey.objects.filter(project_id=project).order_by("id").values_list()),
        list(Invitation.objects.filter(project_id=project).order_by("id").values_list()),
        list(SignInLink.objects.filter(agent=cast.bob.agent).values_list()),
        [
            cast.connection.execute(
                f"SELECT {table}::text FROM {table} WHERE project_id = %s ORDER BY 1", (project,)
            ).fetchall()
            for table in TABLES
        ],
    )
