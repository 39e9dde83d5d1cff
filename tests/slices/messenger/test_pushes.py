"""What a messenger hears that it did not ask for: from whom, and how much at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from regulars.inbox import answering
from regulars.inbox.answering import Answer
from regulars.kit import clock
from tests.cast import Cast
from tests.slices.messenger.client import Messenger
from tests.slices.public.served import Served
from tests.slices.tracking.site import Site, page


@pytest.fixture
def url(served: Served, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock():
        yield served.url


def test_a_browser_that_is_tracked_after_it_connected_hears_an_agent_who_begins(
    cast: Cast, url: str
) -> None:
    anon = f"anon-{uuid4()}"
    with Messenger(url, cast.home.write_key, anon) as visitor:
        site = Site(cast.connection, cast.home.config, cast.home.secret_key)
        site.send(page(anon), at=clock.now())
        person = site.person_of(anon=anon)
        assert person is not None
        with cast.connection.transaction():
            answering.start(
                cast.connection,
                cast.home.id,
                person.id,
                cast.alice.id,
                Answer("Can I help you with the grinder?", str(uuid4())),
                clock.now(),
            )
        home = visitor.until("home")
        assert [one["preview"] for one in home["conversations"]] == [
            "Can I help you with the grinder?"
        ]


def test_more_than_a_part_of_news_is_told_to_its_end(cast: Cast, url: str) -> None:
    anon = f"anon-{uuid4()}"
    with Messenger(url, cast.home.write_key, anon) as visitor:
        said = visitor.say("Tell me everything")
        visitor.until("message")
        with cast.connection.transaction():  # they all come to be known at once
            for number in range(250):
                answering.reply(
                    cast.connection,
                    cast.home.id,
                    UUID(said["conversation"]),
                    cast.alice.id,
                    Answer(f"{number}", str(uuid4())),
                    clock.now(),
                )
        heard = [visitor.until("message")["message"] for _ in range(250)]
        assert [one["text"] for one in heard] == [str(number) for number in range(250)]


def test_news_of_a_long_conversation_beyond_the_list_are_its_newest(cast: Cast, url: str) -> None:
    anon = f"anon-{uuid4()}"
    with Messenger(url, cast.home.write_key, anon) as visitor:
        old = visitor.say("The first of many")["conversation"]
        for number in range(120):
            visitor.say(f"word {number}", old)
        for number in range(50):
            visitor.say("Another matter", open=f"thread-{number:04}")
    with Messenger(url, cast.home.write_key, anon) as visitor:
        assert old not in {one["id"] for one in visitor.home["conversations"]}
        with cast.connection.transaction():
            answering.reply(
                cast.connection,
                cast.home.id,
                UUID(old),
                cast.alice.id,
                Answer("At last", str(uuid4())),
                clock.now(),
            )
        heard = visitor.until("message")
        while heard["message"]["by"] == "you":
            heard = visitor.until("message")
        assert heard["message"]["text"] == "At last"
