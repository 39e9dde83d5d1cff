"""The profile: what it shows, what can be changed on it, erasing somebody."""

from __future__ import annotations

from typing import Any

import psycopg

from regulars.kit import clock
from tests.cast import Cast
from tests.slices.tracking.site import Site, page, track


def profile(cast: Cast, rest: str = "", *, of: Any = None) -> str:
    answer = cast.alice.client.get(cast.home.url(f"people/{(of or cast.pat).id}/{rest}"))
    assert answer.status_code == 200
    return str(answer.content.decode())


def post(cast: Cast, rest: str, **fields: str) -> Any:
    return cast.alice.client.post(cast.home.url(f"people/{cast.pat.id}/{rest}"), fields)


def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


def test_it_says_who_somebody_is(cast: Cast) -> None:
    shown = profile(cast)
    assert "Pat Doe" in shown
    assert "pat@example.com" in shown
    assert 'value="pro"' in shown


def test_it_shows_pages_and_events(cast: Cast) -> None:
    assert cast.pat
    site(cast).send(
        page("pat-browser", "/checkout"),
        track("Order <b>Placed</b>", "pat-browser", properties={"total": 58}),
        at=clock.now(),
    )
    shown = profile(cast)
    assert "/checkout" in shown
    assert "Order &lt;b&gt;Placed&lt;/b&gt;" in shown
    assert "total <b>58</b>" in shown
    assert "Right now" in shown


def test_the_timeline_can_be_narrowed_to_a_kind(cast: Cast) -> None:
    assert cast.pat
    site(cast).send(page("pat-browser", "/a"), track("Did it", "pat-browser"), at=clock.now())
    shown = profile(cast, "timeline?kind=events")
    assert "Did it" in shown
    assert "/a<" not in shown


def test_a_fact_is_changed_in_place(cast: Cast) -> None:
    answer = post(cast, "facts", key="first_name", value="Patricia")
    assert 'value="Patricia"' in answer.content.decode()
    assert "Patricia" in profile(cast)


def test_a_wrong_email_is_refused_beside_its_field(cast: Cast) -> None:
    answer = post(cast, "facts", key="email", value="nonsense").content.decode()
    assert "aria-invalid" in answer
    assert "not an email address" in answer


def test_a_custom_attribute_keeps_its_type(cast: Cast) -> None:
    post(cast, "attributes", key="seats", value="12")
    post(cast, "facts", key="attributes.seats", value="13")
    person = site(cast).person(cast.pat.id)
    assert person.attributes["seats"] == 13


def test_a_cleared_attribute_is_gone(cast: Cast) -> None:
    post(cast, "facts", key="attributes.plan", value="")
    assert "plan" not in site(cast).person(cast.pat.id).attributes


def test_tags_are_added_and_removed(cast: Cast) -> None:
    post(cast, "tags", add="Champion")
    assert site(cast).person(cast.pat.id).tags == ["champion"]
    post(cast, "tags", remove="champion")
    assert site(cast).person(cast.pat.id).tags == []


def test_erasing_leaves_nothing(cast: Cast, database: psycopg.Connection[Any]) -> None:
    post(cast, "erase")
    left = database.execute(
        "SELECT count(*) FROM event WHERE project_id = %s", (cast.home.id,)
    ).fetchone()
    assert left == (0,)
    address = cast.home.url(f"people/{cast.pat.id}/")
    assert cast.alice.client.get(address).status_code == 404


def test_an_agent_may_change_and_the_log_knows_it(cast: Cast) -> None:
    post(cast, "facts", key="gender", value="female")
    log = cast.alice.client.get(cast.home.url("settings/audit/")).content.decode()
    assert "Changed what is known of a person" in log
