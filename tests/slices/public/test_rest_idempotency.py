"""The same POST twice is one, under the caller's Idempotency-Key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from regulars.kit import clock
from regulars.public.rest import idempotency
from regulars.public.rest.idempotency import Answer, Claim
from regulars.workspaces.errors import ConflictError
from tests.slices.public.served import Api
from tests.slices.public.test_rest_people import error, make

Database = psycopg.Connection[Any]


def test_a_retry_gets_the_first_answer_and_does_nothing(api: Api) -> None:
    first = once(api, "k1", {"user_id": "u1", "name": "Pat"})
    api.patch(f"/people/{first.json()['id']}", {"name": "Changed"})
    again = once(api, "k1", {"user_id": "u1", "name": "Pat"})
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert api.get(f"/people/{first.json()['id']}").json()["name"] == "Changed"


def test_every_post_that_changes_something_honours_the_key(api: Api) -> None:
    gone, into = make(api, user_id="u2"), make(api, user_id="u1")
    headers = {idempotency.HEADER: "k1"}
    body = {"from": gone["id"], "into": into["id"]}
    merges = [api.post("/people/merge", body, headers=headers) for _ in range(2)]
    assert [(m.status_code, m.content) for m in merges] == [(201, merges[0].content)] * 2
    headers = {idempotency.HEADER: "k2"}
    path = f"/merges/{merges[0].json()['id']}/undo"
    undos = [api.post(path, headers=headers) for _ in range(2)]
    assert [(u.status_code, u.content) for u in undos] == [(200, undos[0].content)] * 2


def test_a_key_that_served_another_request_is_a_conflict(api: Api) -> None:
    once(api, "k1", {"user_id": "u1"})
    for answer in (
        once(api, "k1", {"user_id": "u2"}),
        api.post("/people/merge", {"user_id": "u1"}, headers={idempotency.HEADER: "k2"}),
    ):
        assert answer.status_code in (400, 409)
    assert error(once(api, "k1", {"user_id": "u2"})) == (409, "conflict", idempotency.HEADER)
    assert api.site.only_person().user_id == "u1"


def test_keys_belong_to_a_project(api: Api, stranger: Api) -> None:
    mine, theirs = (once(client, "k1", {"user_id": "u1"}) for client in (api, stranger))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


def test_an_answer_that_changed_nothing_is_not_kept(api: Api) -> None:
    assert once(api, "k1", {"email": "nobody"}).status_code == 400
    assert once(api, "k1", {"email": "pat@example.com"}).status_code == 201


def test_of_requests_at_once_with_one_key_one_is_done(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: once(api, "k1", {"email": "pat@example.com"}), range(16)))
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (201, answers[0].content)
    }
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tbed"])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    answer = once(api, key, {"user_id": "u1"})
    assert error(answer) == (400, "invalid", idempotency.HEADER)


def test_kept_answers_go_with_the_person_they_name(api: Api) -> None:
    lead = once(api, "k1", {"email": "pat@example.com", "name": "Pat"}).json()
    user = once(api, "k2", {"user_id": "u1", "email": "pat@example.com"}).json()
    once(api, "k3", {"user_id": "u2"})
    assert lead["id"] != user["id"]
    assert api.site.count("idempotency_key") == 3
    api.delete(f"/people/{user['id']}")
    assert api.site.count("idempotency_key") == 1
    assert once(api, "k1", {"email": "pat@example.com", "name": "Pat"}).status_code == 201


def test_a_key_is_free_again_after_a_day(database: Database, api: Api) -> None:
    now = clock.now()
    wanted = Claim.of(api.project_id, "k1", b"asked")
    assert claim(database, wanted, now) is None
    almost, after = now + timedelta(hours=24, seconds=-1), now + timedelta(hours=24)
    kept = claim(database, wanted, almost)
    assert kept == Answer(201, b'{"id": 1}', again=True)
    with pytest.raises(ConflictError):
        claim(database, Claim.of(api.project_id, "k1", b"something else"), almost)
    assert claim(database, Claim.of(api.project_id, "k1", b"something else"), after) is None


def test_old_answers_are_dropped_by_those_that_come(database: Database, api: Api) -> None:
    now = clock.now()
    for number in range(5):
        claim(database, Claim.of(api.project_id, f"k{number}", b"asked"), now)
    claim(database, Claim.of(api.project_id, "new", b"asked"), now + timedelta(days=2))
    assert api.site.count("idempotency_key") == 1


def once(api: Api, key: str, body: Any) -> httpx.Response:
    return api.post("/people", body, headers={idempotency.HEADER: key})


def claim(database: Database, wanted: Claim, now: datetime) -> Answer | None:
    """Claim a key and, where it is ours, do something that is answered 201."""
    with database.transaction():
        kept = idempotency.claim(database, wanted, now)
        if kept is None:
            idempotency.keep(database, wanted, Answer(201, b'{"id": 1}'))
    return kept
