"""Notes over REST: written, listed, read, changed, deleted, and part of what is held."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make

FIELDS = {
    "id", "person", "html", "text", "shared", "pinned", "agent_id", "by", "created_at",
    "edited_at",
}  # fmt: skip
NOBODY = "00000000-0000-7000-8000-000000000000"


def test_a_note_is_for_the_person_too_unless_said(api: Api) -> None:
    pat = make(api, user_id="u1")
    written = api.post("/notes", {"person": pat["id"], "html": "<p>Likes <b>Guji</b></p>"})
    assert written.status_code == 201, written.text
    note = written.json()
    assert set(note) == FIELDS
    assert (note["html"], note["text"]) == ("<p>Likes <b>Guji</b></p>", "Likes Guji")
    assert (note["person"], note["shared"], note["pinned"]) == (pat["id"], True, False)
    assert (note["agent_id"], note["by"], note["edited_at"]) == (None, None, None)
    assert note["created_at"].endswith("Z")
    assert api.get(f"/notes/{note['id']}").json() == note
    assert not write(api, pat, shared=False)["shared"]


def test_plain_text_keeps_its_lines(api: Api) -> None:
    note = write(api, make(api, user_id="u1"), text="One <b>\ntwo")
    assert (note["html"], note["text"]) == ("<p>One &lt;b&gt;<br>two</p>", "One <b>\ntwo")


def test_what_could_run_is_taken_out(api: Api) -> None:
    pat = make(api, user_id="u1")
    hostile = "<img src=x onerror=alert(1)>Hi<script>alert(1)</script><a href='javascript:1'>x</a>"
    note = api.post("/notes", {"person": pat["id"], "html": hostile}).json()
    assert note["text"] == "Hix"
    for dangerous in ("img", "script", "onerror", "href"):
        assert dangerous not in note["html"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"html": "<br>"}, "html"),
        ({"text": "x" * 10_001}, "text"),
        ({"html": "<b>a</b>" * 5_001}, "html"),
        ({"html": "a", "text": "a"}, "html"),
        ({}, "html"),
        ({"text": 5}, "text"),
        ({"text": "a", "shared": "yes"}, "shared"),
        ({"text": "a", "pinned": 1}, "pinned"),
        ({"text": "a", "colour": "red"}, "colour"),
        ({"text": "a", "person": "pat"}, "person"),
    ],
)
def test_what_is_no_note_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    pat = make(api, user_id="u1")
    assert error(api.post("/notes", {"person": pat["id"], **body})) == (400, "invalid", field)
    assert listed(api, pat) == []


def test_nobody_s_note_is_a_404(api: Api) -> None:
    assert error(api.post("/notes", {"person": NOBODY, "text": "a"})) == (
        404, "not_found", "person",
    )  # fmt: skip
    assert error(api.get(f"/notes?person={NOBODY}")) == (404, "not_found", "person")
    assert error(api.get(f"/notes/{uuid4()}")) == (404, "not_found", None)
    assert error(api.patch(f"/notes/{uuid4()}", {"text": ""}))[0] == 404
    assert error(api.delete(f"/notes/{uuid4()}"))[0] == 404


def test_an_old_id_leads_to_whom_they_became(api: Api) -> None:
    pat, lee = make(api, user_id="u1"), make(api, email="lee@example.com")
    note = write(api, lee)
    api.post("/people/merge", {"from": lee["id"], "into": pat["id"]})
    later = write(api, lee)
    assert later["person"] == pat["id"]
    assert [one["id"] for one in listed(api, lee)] == [later["id"], note["id"]]


def test_notes_come_newest_first_in_parts(api: Api) -> None:
    pat, lee = make(api, user_id="u1"), make(api, user_id="u2")
    made = [write(api, pat, text=f"Note {n}")["id"] for n in range(5)]
    other = write(api, lee)["id"]
    assert parts(api, f"person={pat['id']}&limit=2") == made[::-1]
    assert parts(api, "limit=4") == [other, *made[::-1]]


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("cursor=x", "cursor"), ("person=x", "person")],
)
def test_a_list_that_is_none_is_refused(api: Api, query: str, field: str) -> None:
    assert error(api.get(f"/notes?{query}")) == (400, "invalid", field)


def test_what_is_given_is_changed(api: Api) -> None:
    pat = make(api, user_id="u1")
    note = write(api, pat, text="First")
    changed = api.patch(f"/notes/{note['id']}", {"text": "Second", "shared": False}).json()
    assert (changed["text"], changed["shared"], changed["pinned"]) == ("Second", False, False)
    assert changed["edited_at"] is not None
    pinned = api.patch(f"/notes/{note['id']}", {"pinned": True}).json()
    assert (pinned["text"], pinned["shared"], pinned["pinned"]) == ("Second", False, True)
    assert api.patch(f"/notes/{note['id']}", {}).json() == pinned
    assert error(api.patch(f"/notes/{note['id']}", {"html": "", "pinned": False})) == (
        400, "invalid", "html",
    )  # fmt: skip
    assert api.get(f"/notes/{note['id']}").json() == pinned


def test_a_deleted_note_is_gone(api: Api) -> None:
    pat = make(api, user_id="u1")
    note = write(api, pat)
    assert api.delete(f"/notes/{note['id']}").status_code == 204
    assert error(api.get(f"/notes/{note['id']}"))[0] == 404
    assert error(api.delete(f"/notes/{note['id']}"))[0] == 404
    assert listed(api, pat) == []


def test_the_same_post_twice_is_one_note(api: Api) -> None:
    pat = make(api, user_id="u1")
    body, key = {"person": pat["id"], "text": "Once"}, {"Idempotency-Key": "note-1"}
    first, second = (api.post("/notes", body, headers=key) for _ in range(2))
    assert (first.json(), second.headers["Idempotency-Replayed"]) == (second.json(), "true")
    assert len(listed(api, pat)) == 1


def test_an_export_holds_every_note_and_what_it_said_before(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.public.rest.notes.EXPORTED_AT_ONCE", 2)
    pat, lee = make(api, user_id="u1"), make(api, user_id="u2")
    made = [write(api, pat, text=f"Note {n}", shared=False) for n in range(5)]
    write(api, lee, text="Another's")
    api.patch(f"/notes/{made[1]['id']}", {"text": "Changed", "shared": True})
    api.delete(f"/notes/{made[2]['id']}")
    held = api.get(f"/people/{pat['id']}/export").json()["notes"]
    assert [one["text"] for one in held] == ["Note 4", "Note 3", "Note 2", "Changed", "Note 0"]
    assert set(held[0]) == FIELDS | {"deleted_at", "versions"}
    assert [one["deleted_at"] is not None for one in held] == [False, False, True, False, False]
    assert [(one["html"], one["shared"]) for one in held[3]["versions"]] == [
        ("<p>Changed</p>", True),
        ("<p>Note 1</p>", False),
    ]


def test_an_erased_person_s_notes_are_gone_and_so_are_kept_answers(api: Api) -> None:
    pat = make(api, user_id="u1")
    key = {"Idempotency-Key": "note-2"}
    note = api.post("/notes", {"person": pat["id"], "text": "Said"}, headers=key).json()
    api.delete(f"/people/{pat['id']}")
    assert error(api.get(f"/notes/{note['id']}"))[0] == 404
    again = api.post("/notes", {"person": pat["id"], "text": "Said"}, headers=key)
    assert error(again) == (404, "not_found", "person")


def write(api: Api, person: dict[str, Any], **given: Any) -> dict[str, Any]:
    body = {"person": person["id"], "text": "A note", **given}
    answer = api.post("/notes", body)
    assert answer.status_code == 201, answer.text
    note: dict[str, Any] = answer.json()
    return note


def listed(api: Api, person: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = part(api.get(f"/notes?person={person['id']}"))["items"]
    return items


def parts(api: Api, query: str, path: str = "/notes") -> list[str]:
    """The ids of a list, part by part."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        after = f"&cursor={cursor}" if cursor else ""
        answer = part(api.get(f"{path}?{query}{after}"))
        found += [one["id"] for one in answer["items"]]
        cursor = answer["next"]
    return found


def part(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"items", "next"}
    return found
