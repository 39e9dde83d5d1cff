"""Conversations and tickets over REST: begun, listed, read, answered, changed, merged, held."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from regulars.kit import clock
from regulars.workspaces import actions
from tests.slices.inbox.talk import Talk
from tests.slices.public.served import Api
from tests.slices.public.test_rest_notes import NOBODY, part, parts
from tests.slices.public.test_rest_people import error, make

CONVERSATION = {
    "id", "person", "channel", "subject", "state", "snoozed_until", "assignee", "started_by",
    "verified", "preview", "last_by", "last_at", "last_seq", "unread", "waiting_since",
    "first_reply_at", "rating", "rating_comment", "number", "merged_into", "created_at",
    "closed_at",
}  # fmt: skip
TICKET = CONVERSATION | {"status", "priority", "due_at", "tags"}
MESSAGE = {
    "id", "seq", "by", "agent_id", "channel", "text", "quoted", "what", "verified", "files", "at",
}  # fmt: skip
LATER = "2999-01-01T00:00:00Z"


# Begun and opened


def test_a_conversation_begins_in_the_messenger(api: Api) -> None:
    pat, bob = make(api, user_id="u1"), agent(api, "bob")
    one = begin(api, pat, text=" Hello\r\nPat ", agent=bob["email"].upper())
    assert set(one) == CONVERSATION
    assert (one["person"], one["channel"], one["state"]) == (pat["id"], "chat", "open")
    assert (one["assignee"], one["started_by"], one["number"]) == (bob["id"], bob["id"], None)
    assert (one["preview"], one["last_by"], one["last_seq"]) == ("Hello Pat", "agent", 1)
    read = api.get(f"/conversations/{one['id']}").json()
    assert {**read, "messages": None} == {**one, "messages": None}
    (said,) = read["messages"]
    assert set(said) == MESSAGE
    assert (said["text"], said["agent_id"], said["seq"]) == ("Hello\nPat", bob["id"], 1)
    assert said["at"].endswith("Z")


def test_by_email_it_is_sent(api: Api) -> None:
    pat = make(api, user_id="u1", email="pat@example.com")
    one = begin(api, pat, channel="email", subject="Your\nGuji")
    assert (one["subject"], one["channel"], one["started_by"]) == ("Your Guji", "email", None)
    assert sent_to(api, "pat@example.com") == ["Your Guji"]
    assert api.get(f"/people/{pat['id']}").json()["last_emailed"] is not None


def test_a_ticket_is_opened_on_behalf_of_a_person(api: Api) -> None:
    pat, bob = make(api, user_id="u1", email="pat@example.com"), agent(api, "bob")
    one = open_ticket(
        api, pat, priority="high", assignee=bob["id"], tags=["Hardware", "hardware"],
        due_at=soon(),
    )  # fmt: skip
    assert set(one) == TICKET
    assert (one["number"], one["status"], one["priority"]) == (1, "open", "high")
    assert (one["subject"], one["tags"], one["assignee"]) == ("Grinder", ["hardware"], bob["id"])
    assert one["due_at"] == soon()
    assert len(sent_to(api, "pat@example.com")) == 1
    assert open_ticket(api, pat)["number"] == 2


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/conversations", {}, "text"),
        ("/conversations", {"text": " "}, "text"),
        ("/conversations", {"text": "x" * 20_001}, "text"),
        ("/conversations", {"text": "a", "subject": "x" * 201}, "subject"),
        ("/conversations", {"text": "a", "channel": "email"}, "channel"),
        ("/conversations", {"text": "a", "channel": "fax"}, "channel"),
        ("/conversations", {"text": "a", "agent": "bob@example.com"}, "agent"),
        ("/conversations", {"text": "a", "agent": NOBODY}, "agent"),
        ("/conversations", {"text": "a", "colour": "red"}, "colour"),
        ("/tickets", {"description": "a"}, "subject"),
        ("/tickets", {"subject": "a"}, "description"),
        ("/tickets", {"subject": " ", "description": "a"}, "subject"),
        ("/tickets", {"subject": "a", "description": " "}, "description"),
        ("/tickets", {"subject": "a", "description": "a", "priority": "top"}, "priority"),
        ("/tickets", {"subject": "a", "description": "a", "assignee": "x"}, "assignee"),
        ("/tickets", {"subject": "a", "description": "a", "due_at": LATER}, "due_at"),
        ("/tickets", {"subject": "a", "description": "a", "due_at": "2026-01-01T00:00"}, "due_at"),
        ("/tickets", {"subject": "a", "description": "a", "tags": ["x" * 300]}, "tags"),
    ],
)
def test_what_is_none_is_refused(api: Api, path: str, body: dict[str, Any], field: str) -> None:
    pat = make(api, user_id="u1")
    assert error(api.post(path, {"person": pat["id"], **body})) == (400, "invalid", field)
    assert parts(api, "limit=1", "/conversations") == []


def test_nobody_is_written_to(api: Api) -> None:
    missing = (404, "not_found", "person")
    assert error(api.post("/conversations", {"person": NOBODY, "text": "a"})) == missing
    ticket = {"person": NOBODY, "subject": "a", "description": "a"}
    assert error(api.post("/tickets", ticket)) == missing
    assert error(api.get(f"/conversations?person={NOBODY}")) == missing
    assert error(api.get(f"/tickets?person={NOBODY}")) == missing


def test_the_same_post_twice_is_one(api: Api) -> None:
    pat = make(api, user_id="u1", email="pat@example.com")
    body, key = {"person": pat["id"], "text": "Once"}, {"Idempotency-Key": "begin-1"}
    first, second = (api.post("/conversations", body, headers=key) for _ in range(2))
    assert (first.json(), second.headers["Idempotency-Replayed"]) == (second.json(), "true")
    path, key = f"/conversations/{first.json()['id']}/reply", {"Idempotency-Key": "reply-1"}
    said = [api.post(path, {"text": "Again"}, headers=key).json() for _ in range(2)]
    assert said[0] == said[1]
    assert texts(api, first.json()) == ["Once", "Again"]


# Listed


def test_conversations_are_listed_by_what_holds_of_them(api: Api) -> None:
    pat, lee, bob = make(api, user_id="u1"), make(api, user_id="u2"), agent(api, "bob")
    first, second = begin(api, pat)["id"], begin(api, lee, agent=bob["email"])["id"]
    third, ticket = begin(api, pat)["id"], open_ticket(api, lee)["id"]
    api.patch(f"/conversations/{third}", {"state": "closed"})
    for query, expected in {
        "limit=2": [ticket, third, second, first],
        "state=open": [ticket, second, first],
        "state=closed": [third],
        "state=snoozed": [],
        f"person={pat['id']}&limit=1": [third, first],
        f"assignee={bob['email']}": [second],
        "assignee=nobody": [ticket, third, first],
        "ticket=true": [ticket],
        "ticket=false": [third, second, first],
        "channel=email": [],
        "waiting=true": [],
    }.items():
        assert parts(api, query, "/conversations") == expected, query


def test_tickets_are_listed_by_what_holds_of_them(api: Api) -> None:
    pat, bob = make(api, user_id="u1"), agent(api, "bob")
    begin(api, pat)
    first = open_ticket(api, pat, priority="urgent", tags=["Ärger"], due_at=soon())["id"]
    second = open_ticket(api, pat, assignee=bob["id"])["id"]
    api.patch(f"/tickets/{first}", {"status": "solved"})
    for query, expected in {
        "limit=1": [second, first],
        "status=solved": [first],
        "status=open": [second],
        "priority=urgent": [first],
        "number=2": [second],
        f"assignee={bob['id']}": [second],
        "tag=äRGER": [first],
        f"due_before={LATER}": [first],
    }.items():
        assert parts(api, query, "/tickets") == expected, query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("conversations?limit=201", "limit"),
        ("conversations?cursor=x", "cursor"),
        ("conversations?state=lost", "state"),
        ("conversations?assignee=x", "assignee"),
        ("tickets?status=x", "status"),
        ("tickets?number=0", "number"),
        ("tickets?due_before=2026-01-01T00:00", "due_before"),
    ],
)
def test_a_list_that_is_none_is_refused(api: Api, query: str, field: str) -> None:
    assert error(api.get(f"/{query}")) == (400, "invalid", field)


def test_messages_come_oldest_first_in_parts(api: Api) -> None:
    one = begin(api, make(api, user_id="u1"), text="0")
    for number in range(1, 5):
        answered(api, one, text=str(number))
    path = f"/conversations/{one['id']}/messages"
    first = part(api.get(f"{path}?limit=3"))
    rest = part(api.get(f"{path}?limit=3&cursor={first['next']}"))
    assert [said["text"] for said in first["items"] + rest["items"]] == list("01234")
    assert rest["next"] is None
    assert error(api.get(f"{path}?cursor=-1")) == (400, "invalid", "cursor")


# Answered and changed


def test_an_answer_takes_the_way_that_is_asked_for(api: Api) -> None:
    pat, bob = make(api, user_id="u1", email="pat@example.com"), agent(api, "bob")
    one = begin(api, pat)
    assert answered(api, one, text="In chat")["channel"] == "chat"
    assert sent_to(api, "pat@example.com") == []
    by_mail = answered(api, one, text="By mail", channel="email", agent=bob["id"])
    assert (by_mail["channel"], by_mail["agent_id"]) == ("email", bob["id"])
    assert len(sent_to(api, "pat@example.com")) == 1
    noted = answered(api, one, text="For us", private=True)
    assert (noted["by"], noted["agent_id"]) == ("note", None)
    assert api.get(f"/conversations/{one['id']}").json()["assignee"] == bob["id"]
    assert len(sent_to(api, "pat@example.com")) == 1


def test_an_answer_that_is_none_is_refused(api: Api) -> None:
    one = begin(api, make(api, user_id="u1"))
    path = f"/conversations/{one['id']}/reply"
    assert error(api.post(path, {"text": ""})) == (400, "invalid", "text")
    assert error(api.post(path, {"text": "a", "channel": "email"})) == (400, "invalid", "channel")
    assert error(api.post(path, {"text": "a", "agent": "x"})) == (400, "invalid", "agent")
    assert error(api.post(f"/conversations/{uuid4()}/reply", {"text": ""}))[0] == 404


def test_a_conversation_is_handed_over_put_off_closed_and_opened(api: Api) -> None:
    one, bob = begin(api, make(api, user_id="u1")), agent(api, "bob")
    path = f"/conversations/{one['id']}"
    changed = api.patch(path, {"assignee": bob["email"], "subject": "Guji", "state": "closed"})
    closed = changed.json()
    assert (closed["assignee"], closed["subject"], closed["state"]) == (bob["id"], "Guji", "closed")
    assert closed["closed_at"] is not None
    snoozed = api.patch(path, {"snoozed_until": soon()}).json()
    assert (snoozed["state"], snoozed["snoozed_until"]) == ("snoozed", soon())
    until_they_write = api.patch(path, {"state": "snoozed"}).json()
    assert (until_they_write["state"], until_they_write["snoozed_until"]) == ("snoozed", None)
    opened = api.patch(path, {"state": "open", "assignee": None}).json()
    assert (opened["state"], opened["assignee"]) == ("open", None)
    assert api.patch(path, {}).json() == opened


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"state": "lost"}, "state"),
        ({"state": "closed", "snoozed_until": LATER}, "snoozed_until"),
        ({"state": "snoozed", "snoozed_until": LATER}, "snoozed_until"),
        ({"snoozed_until": "2020-01-01T00:00:00Z"}, "snoozed_until"),
        ({"subject": "x" * 201}, "subject"),
        ({"state": "closed", "assignee": "x"}, "assignee"),
        ({"text": "a"}, "text"),
    ],
)
def test_a_change_is_whole_or_none(api: Api, body: dict[str, Any], field: str) -> None:
    one = begin(api, make(api, user_id="u1"))
    answer = api.patch(f"/conversations/{one['id']}", {"subject": "New", **body})
    assert error(answer) == (400, "invalid", field)
    assert parts(api, "state=open", "/conversations") == [one["id"]]
    assert api.get(f"/conversations/{one['id']}").json()["subject"] == ""


def test_a_ticket_is_changed_and_its_conversation_with_it(api: Api) -> None:
    one, bob = open_ticket(api, make(api, user_id="u1")), agent(api, "bob")
    given = {"priority": "low", "tags": ["VIP"], "due_at": soon(), "assignee": bob["id"]}
    changed = api.patch(f"/tickets/{one['id']}", {"status": "solved", **given}).json()
    assert {key: changed[key] for key in given} == {**given, "tags": ["vip"]}
    assert (changed["status"], changed["state"]) == ("solved", "closed")
    again = api.patch(f"/tickets/{one['id']}", {"status": "pending", "due_at": None}).json()
    assert (again["state"], again["due_at"], again["tags"]) == ("open", None, ["vip"])
    wrong = api.patch(f"/tickets/{one['id']}", {"subject": "", "status": "open"})
    assert error(wrong) == (400, "invalid", "subject")


def test_a_conversation_becomes_a_ticket_and_back(api: Api) -> None:
    one = begin(api, make(api, user_id="u1"))
    assert error(api.get(f"/tickets/{one['id']}")) == (404, "not_found", None)
    assert error(api.post(f"/tickets/{one['id']}/reply", {"text": "a"}))[0] == 404
    made = api.post(f"/conversations/{one['id']}/ticket")
    assert (made.status_code, set(made.json()), made.json()["number"]) == (201, TICKET, 1)
    assert api.get(f"/tickets/{one['id']}").json()["messages"][0]["text"] == "Hello"
    assert api.post(f"/tickets/{one['id']}/reply", {"text": "a"}).status_code == 201
    back = api.post(f"/tickets/{one['id']}/conversation")
    assert (back.status_code, set(back.json()), back.json()["number"]) == (201, CONVERSATION, None)
    did = [said["what"].get("did") for said in messages(api, one) if said["by"] == "system"]
    assert did == ["ticketed", "unticketed"]


def test_one_goes_on_in_another_of_the_same_person(api: Api) -> None:
    pat, lee = make(api, user_id="u1"), make(api, user_id="u2")
    gone, into, other = begin(api, pat), open_ticket(api, pat), open_ticket(api, lee)
    assert error(merge(api, gone, other)) == (409, "conflict", "into")
    assert error(merge(api, gone, into, "tickets"))[0] == 404
    merged = merge(api, gone, into)
    assert (merged.status_code, merged.json()["id"]) == (201, into["id"])
    assert api.get(f"/conversations/{gone['id']}").json()["merged_into"] == into["id"]
    assert parts(api, f"person={pat['id']}", "/conversations") == [into["id"]]
    assert answered(api, gone, text="Here")["text"] == "Here"
    assert texts(api, into)[-1] == "Here"
    changed = api.patch(f"/conversations/{gone['id']}", {"state": "open"})
    assert error(changed) == (409, "conflict", "id")
    second = open_ticket(api, pat)
    assert set(merge(api, second, into, "tickets").json()) == TICKET


def test_what_people_write_waits_for_an_answer(api: Api) -> None:
    talk = Talk(api.site, None)
    talk.seen("b1")
    one, _ = talk.say("b1", text="Anybody?")
    found = part(api.get("/conversations?waiting=true"))["items"]
    assert [(each["id"], each["unread"], each["last_by"]) for each in found] == [
        (str(one.id), True, "person")
    ]
    answered(api, {"id": str(one.id)}, text="Here!")
    assert part(api.get("/conversations?waiting=true"))["items"] == []


# Held


def test_an_export_holds_every_conversation_and_all_that_was_said(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.public.rest.threads.EXPORTED_AT_ONCE", 2)
    pat, lee = make(api, user_id="u1"), make(api, user_id="u2")
    first, second = begin(api, pat, text="0"), open_ticket(api, pat)
    begin(api, lee, text="Another's")
    for number in range(1, 5):
        answered(api, first, text=str(number), private=number == 2)
    held = api.get(f"/people/{pat['id']}/export").json()
    assert [one["id"] for one in held["conversations"]] == [second["id"], first["id"]]
    assert set(held["conversations"][0]) == TICKET
    assert set(held["messages"][0]) == MESSAGE | {"conversation"}
    said = [(one["conversation"], one["text"]) for one in held["messages"] if one["text"]]
    assert said == [
        (second["id"], "It stopped."),
        *((first["id"], str(number)) for number in range(5)),
    ]


def test_a_timeline_tells_what_was_said_among_what_was_done(api: Api) -> None:
    pat = make(api, user_id="u1")
    first = begin(api, pat, text="0")
    api.track({"type": "track", "event": "Order Completed", "userId": "u1"})
    answered(api, first, text="1")
    answered(api, first, text="For us", private=True)
    ticket = open_ticket(api, pat)
    told = timeline(api, pat, limit=2)
    assert {one["name"] for one in told[:2]} == {"ticket.opened", "message.sent"}  # at once
    assert [(one["kind"], one["name"]) for one in told[2:]] == [
        ("message", "message.sent"),
        ("track", "Order Completed"),
        ("message", "conversation.started"),
    ]
    assert told == timeline(api, pat, limit=200)
    assert told[2]["properties"] == {
        "conversation": first["id"], "seq": 2, "channel": "chat", "subject": "", "ticket": None,
        "text": "1", "agent_id": None,
    }  # fmt: skip
    assert {one["properties"]["ticket"] for one in told[:2]} == {ticket["number"]}


def timeline(api: Api, person: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """The whole of it, part by part."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        answer = part(api.get(f"/people/{person['id']}/timeline?limit={limit}{after}"))
        found += answer["items"]
        after = f"&cursor={answer['next']}" if answer["next"] else None
    return found


def begin(api: Api, person: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = api.post("/conversations", {"person": person["id"], "text": "Hello", **given})
    assert answer.status_code == 201, answer.text
    one: dict[str, Any] = answer.json()
    return one


def open_ticket(api: Api, person: dict[str, Any], **given: Any) -> dict[str, Any]:
    facts = {"subject": "Grinder", "description": "It stopped.", **given}
    answer = api.post("/tickets", {"person": person["id"], **facts})
    assert answer.status_code == 201, answer.text
    one: dict[str, Any] = answer.json()
    return one


def answered(api: Api, one: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = api.post(f"/conversations/{one['id']}/reply", given)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def merge(api: Api, gone: dict[str, Any], into: dict[str, Any], what: str = "conversations") -> Any:
    return api.post(f"/{what}/merge", {"from": gone["id"], "into": into["id"]})


def messages(api: Api, one: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = part(api.get(f"/conversations/{one['id']}/messages"))["items"]
    return found


def texts(api: Api, one: dict[str, Any]) -> list[str]:
    return [said["text"] for said in messages(api, one) if said["by"] != "system"]


def agent(api: Api, name: str) -> dict[str, str]:
    """An agent of the project."""
    email = f"{name}-{uuid4().hex[:8]}@example.com"
    id_ = actions.create_agent(api.project_id, email, f"{uuid4()}", "agent", now=clock.now())
    return {"id": str(id_), "email": email}


def sent_to(api: Api, address: str) -> list[str]:
    """The subjects of what waits to be sent to an address."""
    rows = api.site.connection.execute(
        "SELECT subject FROM outgoing_mail WHERE project_id = %s AND to_address = %s ORDER BY id",
        (api.project_id, address),
    ).fetchall()
    return [subject for (subject,) in rows]


def soon() -> str:
    """The day after tomorrow's midnight, as REST writes it."""
    return f"{clock.now() + timedelta(days=2):%Y-%m-%dT00:00:00Z}"
