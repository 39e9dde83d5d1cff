"""The profile's segments: those somebody is in and why, and the moves on their timeline."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from regulars.console import profile_history
from regulars.events.timeline import write_cursor
from regulars.kit import clock
from regulars.segments import actions, queries
from regulars.segments.queries import Transition
from regulars.workspaces.errors import InvalidError
from tests.cast import Cast
from tests.slices.segments.saved import save, save_and_fill, save_picked, wait_until
from tests.slices.tracking.site import NOON, Site, identify, open_site, page, track

TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
ORDERED = {"event": "Order Completed", "op": "at_least", "count": 1}
LOUD = {"field": "attributes.mood", "op": "is", "value": "loud"}
ALL_KINDS = list(profile_history.CHIPS)


def home(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


def profile(cast: Cast, rest: str = "") -> str:
    answer = cast.alice.client.get(cast.home.url(f"people/{cast.pat.id}/{rest}"))
    assert answer.status_code == 200
    return " ".join(str(answer.content.decode()).split())


# The segments somebody is in


def test_the_segments_they_are_in_are_named_and_linked(cast: Cast) -> None:
    panel = save_picked(home(cast), [cast.pat.id], "Tasting <b>panel</b>")
    shown = profile(cast)
    assert "Tasting &lt;b&gt;panel&lt;/b&gt;" in shown
    assert cast.home.url(f"segments/{panel}/") in shown
    assert cast.home.url(f"segments/{panel}/why/{cast.pat.id}") in shown


def test_why_has_their_own_values(cast: Cast) -> None:
    assert cast.pat
    either = {"any": [{"field": "attributes.plan", "op": "is", "value": "PRO"}, LOUD]}
    segment = save_and_fill(home(cast), either, "Pros", at=clock.now())
    assert f"segments/{segment}/why/{cast.pat.id}" in profile(cast)
    answer = cast.alice.client.get(cast.home.url(f"segments/{segment}/why/{cast.pat.id}"))
    why = answer.content.decode()
    assert "plan is PRO" in why
    assert "pro</b>" in why
    assert "not known</b>" in why


def test_somebody_in_no_segment_is_said_to_be_in_none(cast: Cast) -> None:
    site = home(cast)
    site.send(page("lonely", "/"), at=clock.now())
    visitor = site.person_of(anon="lonely")
    assert visitor is not None
    answer = cast.alice.client.get(cast.home.url(f"people/{visitor.id}/"))
    assert "In none." in answer.content.decode()


def test_a_segment_they_leave_goes_while_the_page_is_open(cast: Cast) -> None:
    save(home(cast), LOUD, "Loud ones", at=clock.now())
    home(cast).send(identify("pat", "pat-browser", {"mood": "loud"}), at=clock.now())
    assert "Loud ones" in profile(cast, "now")
    home(cast).send(identify("pat", "pat-browser", {"mood": "still"}), at=clock.now())
    assert "Loud ones" not in profile(cast, "now")


# Moves on the timeline


def test_a_move_says_which_segment_and_after_what(cast: Cast) -> None:
    assert cast.pat
    segment = save(home(cast), ORDERED, "Weekly <i>regulars</i>", at=clock.now())
    home(cast).send(track("Order Completed", "pat-browser"), at=clock.now())
    shown = profile(cast)
    link = f'<a href="{cast.home.url(f"segments/{segment}/")}">'
    assert f"Entered {link}<b>Weekly &lt;i&gt;regulars&lt;/i&gt;</b></a>" in shown
    assert "· after Order Completed" in shown


def test_who_was_put_in_by_hand_was_put_in_by_somebody(cast: Cast) -> None:
    put_in(cast, save_picked(home(cast), [], "Panel"))
    assert '<b>Panel</b></a> <span class="muted">· by Bob</span>' in profile(cast)


def test_the_built_in_lists_are_entered_and_left_too(cast: Cast) -> None:
    site = home(cast)
    then = clock.now() - timedelta(days=40)
    site.send(identify("old", "old-browser", {"email": "old@example.com"}), at=then)
    old = site.person_of(user="old")
    assert old is not None
    wait_until(site, clock.now())
    answer = cast.alice.client.get(cast.home.url(f"people/{old.id}/timeline?kind=segments"))
    shown = " ".join(answer.content.decode().split())
    assert '<b>Slipping away</b></a> <span class="muted">· as time passed</span>' in shown
    assert shown.count("<b>Active</b>") == 2


def test_the_timeline_can_be_narrowed_to_segments_and_to_all_else(cast: Cast) -> None:
    assert cast.pat
    save(home(cast), ORDERED, "Buyers", at=clock.now())
    home(cast).send(track("Order Completed", "pat-browser"), at=clock.now())
    moves = profile(cast, "timeline?kind=segments")
    rest = profile(cast, "timeline?kind=events&kind=pages&kind=facts")
    assert "<b>Buyers</b>" in moves
    assert "<code>Order Completed</code>" not in moves
    assert "<b>Buyers</b>" not in rest
    assert "<code>Order Completed</code>" in rest


def test_a_deleted_segment_leaves_the_timeline(cast: Cast) -> None:
    assert cast.pat
    segment = save(home(cast), ORDERED, "Buyers", at=clock.now())
    home(cast).send(track("Order Completed", "pat-browser"), at=clock.now())
    with cast.connection.transaction():
        actions.delete(cast.connection, cast.home.id, segment, clock.now())
    assert "Buyers" not in profile(cast)


def test_a_move_alone_is_news_for_an_open_timeline(cast: Cast) -> None:
    before = profile_history.newest_of(cast.connection, cast.home.id, cast.pat.id)
    put_in(cast, save_picked(home(cast), []))
    after = profile_history.newest_of(cast.connection, cast.home.id, cast.pat.id)
    assert before != after
    assert f'data-newest="{after}"' in profile(cast, "now")


# Parts of it


@pytest.fixture
def site(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


@pytest.mark.parametrize("seed", range(4))
def test_parts_neither_lose_nor_repeat_anything(site: Site, seed: int) -> None:
    live(site, random.Random(seed))
    person = site.only_person().id
    for kinds in (ALL_KINDS, ["segments"], ["events", "segments"], ["pages", "facts", "segments"]):
        (whole,) = parts(site, person, kinds, 10_000)
        moves = queries.transitions_of(site.connection, site.project.id, person, limit=10_000)
        assert [one for one in whole if isinstance(one, Transition)] == moves
        assert len(moves) > 10
        for limit in (1, 2, 3, 7, 20):
            found = parts(site, person, kinds, limit)
            assert [one for part in found for one in part] == whole
            assert all(len(part) <= 2 * limit for part in found)


@pytest.mark.parametrize("micro", [0, 1, 500, 998, 999])
def test_a_move_stands_above_what_brought_it_about(site: Site, micro: int) -> None:
    save(site, ORDERED, "Buyers")
    site.send(identify("pat", "b1"), at=NOON - MINUTE)
    site.send(track("Order Completed", "b1"), at=NOON + micro * TICK)
    (whole,) = parts(site, site.only_person().id, ["events", "segments"], 100)
    named = [one.segment_name if isinstance(one, Transition) else "event" for one in whole]
    assert named[:2] == ["Buyers", "event"]


def test_what_happens_meanwhile_moves_no_later_part(site: Site) -> None:
    live(site, random.Random(9))
    person = site.only_person().id
    project = site.project.id
    first = profile_history.history(site.connection, project, person, ALL_KINDS, limit=5)
    second = _part(site, person, first.next)
    site.send(identify("pat", "b1", {"mood": "loud"}), at=NOON + timedelta(days=1))
    site.send(identify("pat", "b1", {"mood": "still"}), at=NOON + timedelta(days=1, minutes=1))
    assert _part(site, person, first.next) == second


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "WyIyMDI2LTAxLTAxIiwgIngiXQ"])
def test_what_is_no_cursor_is_refused(cast: Cast, cursor: str) -> None:
    with pytest.raises(InvalidError):
        profile_history.history(
            cast.connection, cast.home.id, cast.pat.id, ["segments"], cursor=cursor
        )
    address = cast.home.url(f"people/{cast.pat.id}/timeline?kind=segments&cursor={cursor}")
    assert cast.alice.client.get(address).status_code == 404


@pytest.mark.parametrize("at", ["0001-01-01", "1969-12-31", "9999-12-31T23:59:59.999999"])
def test_a_cursor_from_the_ends_of_time_only_finds_an_end(cast: Cast, at: str) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    cursor = write_cursor(instant, UUID(int=(1 << 128) - 1))
    found = profile_history.history(
        cast.connection, cast.home.id, cast.pat.id, ALL_KINDS, cursor=cursor
    )
    assert (found.items != []) == at.startswith("9999")


def put_in(cast: Cast, segment: UUID) -> None:
    """Bob picks Pat."""
    with cast.connection.transaction():
        actions.add_people(
            cast.connection, cast.home.id, segment, [cast.pat.id], clock.now(), by=cast.bob.id
        )


def live(site: Site, chance: random.Random) -> None:
    """Somebody's busy afternoon: pages, events, and moods that move them in and out."""
    save(site, LOUD, "Loud")
    save(site, {"not": LOUD}, "Still")
    save(site, ORDERED, "Buyers")
    site.send(identify("pat", "b1"), at=NOON)
    at = NOON
    for number in range(60):
        at += chance.choice([TICK, 400 * TICK, 999 * TICK, MINUTE, 40 * MINUTE])
        said = [
            identify("pat", "b1", {"mood": chance.choice(["loud", "still"])}),
            page("b1", f"/{number}"),
            track(chance.choice(["Order Completed", "Waved"]), "b1"),
        ]
        site.send(*chance.sample(said, chance.randint(1, 3)), at=at)


def parts(
    site: Site, person: UUID, kinds: list[str], limit: int
) -> list[list[profile_history.Part]]:
    """The whole history, as its parts."""
    found, cursor = [], None
    while True:
        part = profile_history.history(
            site.connection, site.project.id, person, kinds, cursor=cursor, limit=limit
        )
        found.append(part.items)
        if part.next is None:
            return found
        cursor = part.next


def _part(site: Site, person: UUID, cursor: str | None) -> Any:
    return profile_history.history(
        site.connection, site.project.id, person, ALL_KINDS, cursor=cursor, limit=5
    )
