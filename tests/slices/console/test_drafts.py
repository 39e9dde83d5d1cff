"""Two agents in one draft: the second is told, and nobody's words are written over unseen."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from regulars.campaigns import emails
from regulars.kit import clock
from regulars.mail import templates
from regulars.mail.ready_made import READY_MADE
from tests.cast import Cast, Colleague
from tests.slices.console.test_emails import begin


def words(subject: str) -> str:
    block = {"type": "text", "id": "t", "html": "<p>Hello</p>"}
    return json.dumps({"subject": subject, "blocks": [block]})


def save(who: Colleague, url: str, subject: str, **stand: object) -> Any:
    given = {"content": words(subject), "kind": "transactional", "name": "House"}
    return who.client.post(f"{url}save", given | {key: str(one) for key, one in stand.items()})


@pytest.fixture(params=["email", "template"])
def url(request: pytest.FixtureRequest, cast: Cast) -> str:
    """A draft of either kind."""
    if request.param == "email":
        return begin(cast)
    made = templates.create(
        cast.connection, cast.home.id, clock.now(), name="House", content=json.loads(words("Old"))
    )
    return cast.home.url(f"templates/{made}/")


def subject_of(cast: Cast, url: str) -> str:
    id_ = UUID(url.rstrip("/")[-36:])
    if "templates" in url:
        return str(templates.get(cast.connection, cast.home.id, id_).content["subject"])
    return emails.get(cast.connection, cast.home.id, id_).subject


def test_the_second_is_told_who_changed_it_and_may_keep_their_own(cast: Cast, url: str) -> None:
    assert save(cast.alice, url, "Alice’s", version=1, tab="a", step=1).status_code == 200
    told = save(cast.bob, url, "Bob’s", version=1, tab="b", step=1)
    assert told.status_code == 409
    assert told.json()["message"] == "Alice changed this a moment ago."
    assert subject_of(cast, url) == "Alice’s"

    kept = save(cast.bob, url, "Bob’s", version=told.json()["version"], tab="b", step=1)
    assert kept.status_code == 200
    assert subject_of(cast, url) == "Bob’s"


def test_a_save_that_was_overtaken_by_its_own_next_one_changes_nothing(
    cast: Cast, url: str
) -> None:
    save(cast.alice, url, "Newer", version=1, tab="a", step=2)
    late = save(cast.alice, url, "Older", version=1, tab="a", step=1)
    assert late.status_code == 200
    assert subject_of(cast, url) == "Newer"


def test_an_answer_that_was_lost_makes_nobody_a_stranger_to_themselves(
    cast: Cast, url: str
) -> None:
    save(cast.alice, url, "First", version=1, tab="a", step=1)  # its answer never came
    assert save(cast.alice, url, "Second", version=1, tab="a", step=2).status_code == 200
    told = save(cast.alice, url, "Third", version=1, tab="another", step=1)
    assert told.json()["message"] == "You changed this in another window a moment ago."


def test_a_save_under_way_does_not_write_over_a_template_that_was_just_chosen(cast: Cast) -> None:
    url = begin(cast)
    save(cast.alice, url, "Mine", version=1, tab="a", step=1)
    assert cast.alice.client.post(f"{url}template", {"template": "welcome"}).status_code == 302
    late = save(cast.alice, url, "Mine, still", version=2, tab="a", step=2)
    assert late.status_code == 409
    assert subject_of(cast, url) == READY_MADE["welcome"].content.subject


def test_what_was_looked_over_is_what_is_sent(cast: Cast) -> None:
    url = begin(cast)
    save(cast.alice, url, "Looked over", version=1, tab="a", step=1)
    looked = cast.alice.client.post(f"{url}review", {"content": words("Looked over"),
        "kind": "transactional", "version": "2", "tab": "a", "step": "1"})  # fmt: skip
    assert b'name="version" value="2"' in looked.content
    save(cast.bob, url, "Bob’s", version=2, tab="b", step=1)
    refused = cast.alice.client.post(f"{url}send", {"version": "2"}, HTTP_HX_REQUEST="true")
    assert "Look at it again" in refused.content.decode()
    assert cast.alice.client.post(f"{url}send", {"version": "3"}).status_code == 302
    id_ = UUID(url.rstrip("/")[-36:])
    assert emails.get(cast.connection, cast.home.id, id_).state == "sending"
