"""No key reaches into another project: every REST address there is, tried by a stranger's.

`CALLS` has a line for each call of the OpenAPI document; one that is missing fails the first test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import make

# What each call is sent to reach something of Alice's: parts of the path, and a body.
Reach = Callable[[dict[str, str]], Any]

CALLS: dict[str, Reach] = {
    "POST /people/search": lambda ids: {"filter": {"segment": ids["segment_id"], "op": "is_in"}},
    "POST /people": lambda _: {"user_id": "u1", "email": "pat@example.com", "name": "Taken"},
    "GET /people/{person_id}": lambda _: None,
    "PATCH /people/{person_id}": lambda _: {"name": "Taken"},
    "DELETE /people/{person_id}": lambda _: None,
    "GET /people/{person_id}/timeline": lambda _: None,
    "GET /people/{person_id}/export": lambda _: None,
    "POST /people/merge": lambda ids: {"from": ids["person_id"], "into": ids["other_id"]},
    "POST /merges/{merge_id}/undo": lambda _: None,
    "GET /segments": lambda _: None,
    "POST /segments": lambda ids: {"name": "Theirs", "people": [ids["person_id"]]},
    "GET /segments/{segment_id}": lambda _: None,
    "PATCH /segments/{segment_id}": lambda _: {"name": "Taken"},
    "DELETE /segments/{segment_id}": lambda _: None,
    "GET /segments/{segment_id}/people": lambda _: None,
    "POST /segments/{segment_id}/people": lambda ids: {"people": [ids["other_id"]]},
    "DELETE /segments/{segment_id}/people": lambda ids: {"people": [ids["person_id"]]},
    "GET /segments/{segment_id}/why/{person_id}": lambda _: None,
    "GET /conversations": lambda _: None,
    "POST /conversations": lambda ids: {"person": ids["person_id"], "text": "Planted"},
    "POST /conversations/merge": lambda ids: {
        "from": ids["conversation_id"],
        "into": ids["ticket_id"],
    },
    "GET /conversations/{conversation_id}": lambda _: None,
    "PATCH /conversations/{conversation_id}": lambda _: {"state": "closed"},
    "GET /conversations/{conversation_id}/messages": lambda _: None,
    "POST /conversations/{conversation_id}/reply": lambda _: {"text": "Planted"},
    "POST /conversations/{conversation_id}/ticket": lambda _: None,
    "GET /tickets": lambda _: None,
    "POST /tickets": lambda ids: {
        "person": ids["person_id"],
        "subject": "Planted",
        "description": "Planted",
    },
    "POST /tickets/merge": lambda ids: {"from": ids["ticket_id"], "into": ids["conversation_id"]},
    "GET /tickets/{ticket_id}": lambda _: None,
    "PATCH /tickets/{ticket_id}": lambda _: {"status": "closed"},
    "GET /tickets/{ticket_id}/messages": lambda _: None,
    "POST /tickets/{ticket_id}/reply": lambda _: {"text": "Planted"},
    "POST /tickets/{ticket_id}/conversation": lambda _: None,
    "GET /funnel": lambda _: None,
    "PUT /funnel": lambda ids: {
        "checkpoints": [
            {"title": "Ours", "filter": {"segment": ids["segment_id"], "op": "is_in"}},
            {"title": "Theirs", "filter": {"field": "name", "op": "is_known"}},
        ]
    },
    "GET /funnel/report": lambda _: None,
    "GET /notes": lambda _: None,
    "POST /notes": lambda ids: {"person": ids["person_id"], "text": "Planted"},
    "GET /notes/{note_id}": lambda _: None,
    "PATCH /notes/{note_id}": lambda _: {"text": "Taken", "shared": True},
    "DELETE /notes/{note_id}": lambda _: None,
    "GET /webhooks": lambda _: None,
    "POST /webhooks": lambda _: {"url": "https://example.com/theirs", "topics": ["*"]},
    "GET /webhooks/{webhook_id}": lambda _: None,
    "PATCH /webhooks/{webhook_id}": lambda _: {"url": "https://example.com/stolen"},
    "DELETE /webhooks/{webhook_id}": lambda _: None,
    "POST /webhooks/{webhook_id}/secret": lambda _: None,
    "POST /webhooks/{webhook_id}/test": lambda _: None,
    "GET /webhooks/{webhook_id}/deliveries": lambda _: None,
    "POST /webhooks/{webhook_id}/deliveries/{delivery_id}/again": lambda _: None,
    "GET /templates": lambda _: None,
    "POST /templates": lambda _: {"name": "Theirs", "subject": "Hi", "body": "Planted"},
    "GET /templates/{template_id}": lambda _: None,
    "PATCH /templates/{template_id}": lambda _: {"name": "Taken"},
    "DELETE /templates/{template_id}": lambda _: None,
    "GET /campaigns": lambda _: None,
    "POST /campaigns": lambda _: {"name": "Theirs"},
    "GET /campaigns/{campaign_id}": lambda _: None,
    "PATCH /campaigns/{campaign_id}": lambda _: {"name": "Taken"},
    "DELETE /campaigns/{campaign_id}": lambda _: None,
    "POST /campaigns/{campaign_id}/start": lambda _: None,
    "POST /campaigns/{campaign_id}/pause": lambda _: None,
    "POST /campaigns/{campaign_id}/resume": lambda _: None,
    "POST /campaigns/{campaign_id}/stop": lambda _: None,
    "GET /campaigns/{campaign_id}/results": lambda _: None,
    "POST /emails": lambda ids: {"to": [ids["person_id"]], "subject": "Theirs", "body": "Planted"},
    "GET /emails/{email_id}": lambda _: None,
    "GET /project": lambda _: None,
    "PATCH /project": lambda _: {"name": "Mine"},
}
# Calls that are about the key's own project whatever they say: they do their work there.
OWN = {
    "POST /people",
    "GET /campaigns",
    "POST /campaigns",
    "GET /segments",
    "GET /conversations",
    "GET /tickets",
    "GET /funnel",
    "GET /funnel/report",
    "GET /notes",
    "GET /webhooks",
    "POST /webhooks",
    "GET /templates",
    "POST /templates",
    "GET /project",
    "PATCH /project",
}
# Calls whose body names what they reach for: that is what is wrong with them.
NAMING = {"POST /people/search", "POST /segments", "PUT /funnel"}


def test_every_call_is_tried_here(api: Api) -> None:
    document = api.get("/openapi.json").json()
    called = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert called == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_neither_a_stranger_nor_who_has_no_key_finds_or_changes_anything(
    api: Api, stranger: Api, call: str
) -> None:
    ids = somebody(api)
    before = state(api, ids)
    method, _, path = call.partition(" ")
    url = f"{api.url}/api/v1{path.format_map(ids)}"
    assert httpx.request(method, url, json=CALLS[call](ids)).status_code == 401
    answer = stranger.call(method, path.format_map(ids), CALLS[call](ids))
    if call in OWN:
        assert answer.status_code in (200, 201)
    else:
        assert answer.status_code == (400 if call in NAMING else 404)
    assert not [id_ for id_ in ids.values() if id_ in answer.text and call not in NAMING]
    assert state(api, ids) == before


def somebody(api: Api) -> dict[str, str]:
    """Pat, somebody else, a merge, a segment, a note and two threads of Alice's project."""
    pat = make(api, user_id="u1", email="pat@example.com")
    other = make(api, user_id="u2")
    gone = make(api, email="lee@example.com")
    merge = api.post("/people/merge", {"from": gone["id"], "into": pat["id"]}).json()
    picked = api.post("/segments", {"name": "Picked", "people": [pat["id"]]}).json()
    note = {"person": pat["id"], "text": "Likes Guji", "shared": False}
    begun = api.post("/conversations", {"person": pat["id"], "text": "Hello"}).json()
    letter = {"to": [pat["id"]], "subject": "Hi", "body": "Hello", "kind": "transactional"}
    ticket = {"person": pat["id"], "subject": "Grinder", "description": "It stopped."}
    hook = api.post("/webhooks", {"url": "https://example.com/ours", "topics": ["*"]}).json()
    template = {"name": "House letter", "subject": "Hi", "body": "Hello"}
    return {
        "webhook_id": hook["id"],
        "delivery_id": api.post(f"/webhooks/{hook['id']}/test").json()["id"],
        "template_id": api.post("/templates", template).json()["id"],
        "conversation_id": begun["id"],
        "ticket_id": api.post("/tickets", ticket).json()["id"],
        "email_id": api.post("/emails", letter).json()["email_id"],
        "note_id": api.post("/notes", note).json()["id"],
        "campaign_id": api.post("/campaigns", {"name": "Letters"}).json()["id"],
        "person_id": pat["id"],
        "other_id": other["id"],
        "merge_id": merge["id"],
        "segment_id": picked["id"],
    }


def state(api: Api, ids: dict[str, str]) -> tuple[Any, ...]:
    """All that a stranger could have seen or changed."""
    return (
        api.get(f"/people/{ids['person_id']}").json(),
        api.post("/people/search", {"sort": "name"}).json(),
        api.get("/segments").json(),
        api.get(f"/segments/{ids['segment_id']}/people").json(),
        api.get("/notes").json(),
        api.get("/campaigns").json(),
        api.get(f"/emails/{ids['email_id']}").json(),
        api.get("/conversations").json(),
        api.get(f"/conversations/{ids['conversation_id']}").json(),
        api.get(f"/tickets/{ids['ticket_id']}").json(),
        api.get("/webhooks").json(),
        api.get(f"/webhooks/{ids['webhook_id']}/deliveries").json(),
        api.get(f"/templates/{ids['template_id']}").json(),
        api.get("/project").json(),
        api.site.count("merge"),
    )
