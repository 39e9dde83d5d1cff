"""People over REST."""

from __future__ import annotations

from tests.slices.public.served import Api


def test_a_person_is_made_and_read(api: Api) -> None:
    made = api.post("/people", {"user_id": "u1", "email": "Pat@Example.com", "name": "Pat Smith"})
    assert made.status_code == 201, made.text
    person = made.json()
    assert api.get(f"/people/{person['id']}").json() == person
