"""The live stream: who hears of what, how soon, and for how long."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from django.conf import settings

from regulars.console import feed
from regulars.events import outbox
from regulars.kit import clock
from regulars.people import actions
from regulars.segments import actions as segments
from regulars.workspaces import team
from tests.cast import Cast, Colleague
from tests.slices.public.served import Served
from tests.slices.tracking.site import Site, open_site, page

SOON = 20.0  # seconds, on a busy machine; on an idle one it is a few milliseconds


@pytest.fixture(scope="module")
def address(served: Served, django_db_blocker: Any) -> Iterator[str]:
    """Where the console answers. It may use the database between tests too: streams go on."""
    with django_db_blocker.unblock():
        yield served.url


class Stream:
    """A browser's EventSource, as far as a test needs one."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> tuple[int, str, dict[str, Any]]:
        """The next event: its place, its name, what it says."""
        place, name = 0, "message"
        for line in self._lines:
            key, _, value = line.partition(": ")
            if key == "id":
                place = int(value)
            elif key == "event":
                name = value
            elif key == "data":
                return place, name, json.loads(value)
        raise EOFError

    def told_of(self, person: Any) -> dict[str, Any]:
        """Wait for the news of a person."""
        while True:
            _, _, news = self.next()
            if str(person) in news.get("people", ()):
                return news


@contextmanager
def listening(cast: Cast, address: str, who: Colleague, after: Any = "") -> Iterator[Stream]:
    cookies = {settings.SESSION_COOKIE_NAME: who.client.cookies[settings.SESSION_COOKIE_NAME].value}
    url = f"{address}{cast.home.url('live')}?after={after}"
    with httpx.stream("GET", url, cookies=cookies, timeout=SOON) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        yield Stream(response)


def site(cast: Cast) -> Site:
    return Site(cast.connection, cast.home.config, cast.home.secret_key)


def place(cast: Cast) -> int:
    return outbox.last(cast.connection, cast.home.id)


def test_an_event_is_heard_of_within_a_second(cast: Cast, address: str) -> None:
    with listening(cast, address, cast.alice, place(cast)) as stream:
        sent = time.monotonic()
        site(cast).send(page("b1"), at=clock.now())
        news = stream.told_of(site(cast).only_person().id)
        assert news["events"] == 1
        assert time.monotonic() - sent < SOON


def test_an_agents_change_is_heard_of_by_their_colleagues(cast: Cast, address: str) -> None:
    pat = cast.pat
    with listening(cast, address, cast.bob, place(cast)) as stream:
        with cast.connection.transaction():
            actions.change(cast.connection, cast.home.id, pat.id, {"phone": "1"}, clock.now())
        stream.told_of(pat.id)


def test_who_connects_again_hears_what_they_missed(cast: Cast, address: str) -> None:
    before = place(cast)
    site(cast).send(page("b1"), at=clock.now())
    with listening(cast, address, cast.alice, before) as stream:
        stream.told_of(site(cast).only_person().id)


def test_the_browser_may_name_its_place_in_a_header(cast: Cast, address: str) -> None:
    before = place(cast)
    site(cast).send(page("b1"), at=clock.now())
    name = settings.SESSION_COOKIE_NAME
    cookies = {name: cast.alice.client.cookies[name].value}
    headers = {"Last-Event-ID": str(before)}
    url = f"{address}{cast.home.url('live')}?after=999999"
    with httpx.stream("GET", url, cookies=cookies, headers=headers, timeout=SOON) as response:
        Stream(response).told_of(site(cast).only_person().id)


def test_nobody_hears_of_another_project(cast: Cast, address: str) -> None:
    elsewhere = Site(cast.connection, cast.elsewhere.config, cast.elsewhere.secret_key)
    with listening(cast, address, cast.alice, place(cast)) as stream:
        elsewhere.send(page("b1"), at=clock.now())
        site(cast).send(page("b2"), at=clock.now())
        news = stream.told_of(site(cast).only_person().id)
        assert str(elsewhere.only_person().id) not in news["people"]


def test_a_stranger_hears_nothing(cast: Cast, address: str) -> None:
    name = settings.SESSION_COOKIE_NAME
    cookies = {name: cast.charlie.client.cookies[name].value}
    answer = httpx.get(f"{address}{cast.home.url('live')}", cookies=cookies)
    assert answer.status_code == 404


def test_who_signs_out_is_let_go(cast: Cast, address: str) -> None:
    with (
        patch("regulars.console.live.LOOK", 0.2),
        listening(cast, address, cast.alice) as stream,
    ):
        stream.next()
        cast.alice.client.post("/signout")
        assert stream.next()[1] == "bye"
        with pytest.raises(EOFError):
            stream.next()


def test_who_leaves_the_team_is_let_go(cast: Cast, address: str) -> None:
    with patch("regulars.console.live.LOOK", 0.2), listening(cast, address, cast.bob) as stream:
        stream.next()
        team.remove_agent(cast.home.id, cast.bob.id, by=cast.alice.actor, now=clock.now())
        assert stream.next()[1] == "bye"


def test_silence_is_broken_by_a_comment(cast: Cast, address: str) -> None:
    with (
        patch("regulars.console.live.LOOK", 0.1),
        patch("regulars.console.live.HEARTBEAT", 0.2),
        listening(cast, address, cast.alice) as stream,
    ):
        assert ": still here" in (
            line for _, line in zip(range(20), stream.response.iter_lines(), strict=False)
        )


@pytest.mark.parametrize("after", ["", "x", "-1", "1e9", "9" * 40])
def test_a_place_that_is_none_means_from_now_on(cast: Cast, address: str, after: str) -> None:
    site(cast).send(page("b1"), at=clock.now())
    with listening(cast, address, cast.alice, after) as stream:
        here, _, news = stream.next()
        assert (here, news["people"]) == (place(cast), [])


# What entries of the outbox are boiled down to


@pytest.fixture
def shop(database: psycopg.Connection[Any]) -> Site:
    return open_site(database)


def write(shop: Site, *entries: outbox.Entry) -> None:
    with shop.connection.transaction():
        outbox.append(shop.connection, shop.project.id, entries, clock.now())


def test_events_moves_changes_and_notes_all_name_their_people(shop: Site) -> None:
    one, two, three, four = (str(uuid4()) for _ in range(4))
    write(
        shop,
        ("events", {"events": [[str(uuid4()), one, "page", None]] * 2}),
        ("segments", {"moves": [[str(uuid4()), two, "in"]]}),
        ("people", {"people": [three]}),
        ("notes", {"people": [four]}),
        ("something new", {"of": "another slice"}),
    )
    news = feed.catch_up(shop.project.id, 0)
    assert (news.people, news.events, news.everybody) == ({one, two, three, four}, 2, False)
    assert news.last == 5


def test_a_segment_that_is_made_or_filled_is_news_though_nobody_is_named(shop: Site) -> None:
    write(shop, ("segments", {"moves": [], "segments": [str(uuid4())]}))
    news = feed.catch_up(shop.project.id, 0)
    assert (news.people, news.counts, news.segments) == (set(), True, True)


def test_quiet_moves_change_numbers_alone(shop: Site) -> None:
    write(shop, ("segments", {"moves": []}))
    news = feed.catch_up(shop.project.id, 0)
    assert (news.people, news.counts, news.segments) == (set(), True, False)


def test_an_open_page_hears_of_a_segment_that_a_colleague_makes(cast: Cast, address: str) -> None:
    with listening(cast, address, cast.bob, place(cast)) as stream:
        with cast.connection.transaction():
            segments.create(cast.connection, cast.home.id, "Friends", clock.now(), people=())
        while not (news := stream.next()[2])["segments"]:
            assert news["people"] == []
        assert news["counts"]


def test_too_many_to_name_is_everybody(shop: Site) -> None:
    people = [str(UUID(int=number)) for number in range(feed.MOST_PEOPLE + 1)]
    write(shop, ("people", {"people": people}))
    news = feed.catch_up(shop.project.id, 0)
    assert news.everybody
    assert len(news.people) == feed.MOST_PEOPLE


def test_who_is_far_behind_looks_at_everything_anew(shop: Site) -> None:
    for _ in range(3):
        write(shop, ("people", {"people": [str(uuid4())]}))
    with patch.object(feed, "A_LOOK", 2):
        news = feed.catch_up(shop.project.id, 0)
    assert (news.everybody, news.last) == (True, 3)


def test_who_was_away_longer_than_entries_are_kept_looks_at_everything_anew(shop: Site) -> None:
    for _ in range(3):
        write(shop, ("people", {"people": [str(uuid4())]}))
    shop.connection.execute(
        "DELETE FROM outbox WHERE project_id = %s AND id < 3", (shop.project.id,)
    )
    news = feed.catch_up(shop.project.id, 0)
    assert (news.everybody, news.last) == (True, 3)
