"""Whatever is sent, REST answers by its own OpenAPI document, and never with a 500."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.public.rest.api import api as rest
from tests.slices.public.openapi import JSON, TEXTS, Call, Document
from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import make

DOCUMENT = Document(json.loads(json.dumps(rest.get_openapi_schema(path_prefix="/"))))
CALLS = list(DOCUMENT.calls())
LISTS = ("/segments", "/notes?limit=3", "/conversations?limit=3", "/tickets?limit=3", "/webhooks")

fuzzing = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),  # one project serves all examples of a call
)


@pytest.mark.parametrize("call", CALLS, ids=str)
@fuzzing
@given(data=st.data())
def test_a_call_is_answered_by_the_document(api: Api, call: Call, data: st.DataObject) -> None:
    fitting = DOCUMENT.bodies(call)
    twisted = st.fixed_dictionaries({}, optional=dict.fromkeys(DOCUMENT.names(call), JSON))
    ask(api, call, data.draw(fitting | twisted | JSON), data)


@fuzzing
@given(data=st.data())
def test_a_filter_is_answered_by_the_document(api: Api, data: st.DataObject) -> None:
    (search,) = (call for call in CALLS if call.path.endswith("/search"))
    ask(api, search, {"filter": data.draw(FILTERS)}, data)


def ask(api: Api, call: Call, body: Any, data: st.DataObject) -> None:
    """Send the call, and hold the answer to the document."""
    names = re.findall(r"{(\w+)}", call.path)
    known = _known(api) if names else []
    ids = {name: data.draw(st.sampled_from(known) | PARTS) for name in names}
    path = call.path.format_map(ids)
    content = None if body is None else json.dumps(body).encode()
    answer = api.call(call.method, path, content=content)
    if call.method == "DELETE" and answer.is_success:
        KNOWN.pop(api.project_id, None)
    said: Any = answer.json() if answer.content else None
    if answer.status_code == httpx.codes.NOT_FOUND:
        assert set(said) == {"code", "message", "field"}
    else:
        assert DOCUMENT.faults(call, answer.status_code, said) == [], answer.text


KNOWN: dict[UUID, list[str]] = {}  # by project: looked up once, and when one of them was deleted


def _known(api: Api) -> list[str]:
    """Ids that stand for somebody, a segment, a note, a conversation or a ticket, mostly."""
    if api.project_id not in KNOWN:
        KNOWN[api.project_id] = _look_up(api)
    return KNOWN[api.project_id]


def _look_up(api: Api) -> list[str]:
    found = [str(person.id) for person in api.site.people()]
    found = found or [make(api, user_id="u1", email="pat@example.com")["id"]]
    if not api.get("/notes?limit=1").json()["items"]:
        api.post("/notes", {"person": found[0], "text": "Likes Guji"})
    if not api.get("/tickets?limit=1").json()["items"]:
        api.post("/tickets", {"person": found[0], "subject": "Grinder", "description": "Stopped"})
        api.post("/conversations", {"person": found[0], "text": "Hello"})
    if not api.get("/webhooks").json()["items"]:
        api.post("/webhooks", {"url": "https://example.com/hooks", "topics": ["*"]})
    lists = [api.get(path).json()["items"] for path in LISTS]
    return found + [one["id"] for items in lists for one in items[-3:]]


PARTS = st.text(
    st.characters(categories=["L", "N"], max_codepoint=0x2FFF), min_size=1, max_size=40
) | st.uuids().map(str)
FIELDS = [
    "email", "name", "signed_up_at", "last_seen", "sessions", "ip", "tags", "kind", "country",
    "attributes.plan", "attributes.'", "company.x", "nothing",
]  # fmt: skip
OPERATORS = [
    "is", "is_not", "contains", "starts_with", "is_any_of", "eq", "gt", "between", "before", "on",
    "within_last", "in_network", "has", "is_known",
]  # fmt: skip
FIELD_CONDITIONS = st.fixed_dictionaries(
    {"field": st.sampled_from(FIELDS), "op": st.sampled_from(OPERATORS)},
    optional={"value": st.deferred(lambda: JSON)},
)
EVENT_CONDITIONS = st.fixed_dictionaries(
    {"event": st.deferred(lambda: TEXTS), "op": st.sampled_from(["at_least", "exactly", "x"])},
    optional=dict.fromkeys(("count", "within_days", "where"), st.deferred(lambda: JSON)),
)
FILTERS: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        FIELD_CONDITIONS
        | EVENT_CONDITIONS
        | st.fixed_dictionaries({"all": st.lists(FILTERS, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(FILTERS, max_size=3)})
        | st.fixed_dictionaries({"not": FILTERS})
    )
)
