"""The agents' socket: who may open it, what it says, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import websockets
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect

from regulars.console import inbox_socket
from regulars.inbox import handling, live
from regulars.inbox.live import Pointer
from regulars.kit import clock, database
from regulars.workspaces import team
from regulars.workspaces.models import Agent
from tests.cast import BACKEND, Cast, Colleague
from tests.slices.inbox.chats import answers, says
from tests.slices.public.served import Served

SOON = 5.0


@pytest.fixture(scope="module")
def address(served: Served, django_db_blocker: Any) -> Iterator[str]:
    """Where the console answers. It may use the database between tests too: sockets go on."""
    with django_db_blocker.unblock():
        yield served.url


class Tab:
    """A page that has the socket open."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def next(self, *kinds: str) -> dict[str, Any]:
        """The next frame of these kinds."""
        async with asyncio.timeout(SOON):
            while True:
                said: dict[str, Any] = json.loads(await self.socket.recv())
                if said["t"] in kinds:
                    return said

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame, default=str))


@asynccontextmanager
async def tab_of(
    cast: Cast, address: str, who: Colleague | None, *, origin: str | None = "own", **options: Any
) -> AsyncIterator[Tab]:
    name = settings.SESSION_COOKIE_NAME
    headers = {"Cookie": f"{name}={who.client.cookies[name].value}"} if who else {}
    if origin:
        headers["Origin"] = address if origin == "own" else origin
    url = address.replace("http", "ws") + cast.home.url("inbox/socket")
    async with connect(url, additional_headers=headers, open_timeout=SOON, **options) as socket:
        yield Tab(socket)


async def is_refused(cast: Cast, address: str, who: Colleague | None, **named: Any) -> bool:
    try:
        async with tab_of(cast, address, who, **named) as tab:
            await tab.next("hello")
    except websockets.InvalidStatus as refused:
        return refused.response.status_code == 403
    return False


def write(cast: Cast, browser: str = "b1", text: str = "Hej") -> Any:
    return says(cast.home.id, browser, text)


def test_a_message_is_pointed_to_at_once(cast: Cast, address: str) -> None:
    async def run() -> None:
        _ = cast.alice.client
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            one = await asyncio.to_thread(write, cast)
            said = await tab.next("message")
            assert said == {
                "t": "message", "conversation": str(one.id), "person": str(one.person_id),
                "seq": 1, "by": "person",
            }  # fmt: skip

    _ = cast.alice.client.cookies
    asyncio.run(run())


def test_what_was_said_never_travels_by_it(cast: Cast, address: str) -> None:
    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            await asyncio.to_thread(write, cast, "b1", "a secret")
            assert "secret" not in json.dumps(await tab.next("message"))

    asyncio.run(run())


def test_nobody_without_a_session_gets_in(cast: Cast, address: str) -> None:
    assert asyncio.run(is_refused(cast, address, None))


def test_a_forged_session_gets_nobody_in(cast: Cast, address: str) -> None:
    async def run() -> bool:
        url = address.replace("http", "ws") + cast.home.url("inbox/socket")
        cookie = f"{settings.SESSION_COOKIE_NAME}={'x' * 32}"
        headers = {"Origin": address, "Cookie": cookie}
        try:
            async with connect(url, additional_headers=headers):
                return False
        except websockets.InvalidStatus as refused:
            return refused.response.status_code == 403

    assert asyncio.run(run())


def test_an_agent_of_another_project_is_refused(cast: Cast, address: str) -> None:
    _ = cast.charlie.client
    assert asyncio.run(is_refused(cast, address, cast.charlie))


@pytest.mark.parametrize(
    "origin",
    [None, "https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1.evil.example",
     "http://[", "file://"],
)  # fmt: skip
def test_a_page_of_another_origin_is_refused(cast: Cast, address: str, origin: str | None) -> None:
    _ = cast.alice.client
    assert asyncio.run(is_refused(cast, address, cast.alice, origin=origin))


def test_another_path_is_no_socket(cast: Cast, address: str) -> None:
    async def run() -> int:
        url = address.replace("http", "ws") + cast.home.url("inbox/sockets")
        try:
            async with connect(url, additional_headers={"Origin": address}):
                return 101
        except websockets.InvalidStatus as refused:
            return refused.response.status_code

    assert asyncio.run(run()) == 403


def test_nobody_hears_of_another_project(cast: Cast, address: str) -> None:
    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            await asyncio.to_thread(says, cast.elsewhere.id, "b1", "Hej")
            one = await asyncio.to_thread(write, cast)
            assert (await tab.next("message"))["conversation"] == str(one.id)

    _ = cast.alice.client
    asyncio.run(run())


def test_who_signs_out_is_let_go(cast: Cast, address: str) -> None:
    async def run() -> int | None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            await asyncio.to_thread(cast.alice.client.post, "/signout")
            await tab.next("bye")
            await tab.socket.wait_closed()
            return tab.socket.close_code

    _ = cast.alice.client
    with patch("regulars.console.sitting.LOOK", 0.1):
        assert asyncio.run(run()) == inbox_socket.POLICY


def test_who_leaves_the_team_is_let_go(cast: Cast, address: str) -> None:
    def leave() -> None:
        team.remove_agent(cast.home.id, cast.bob.id, by=cast.alice.actor, now=clock.now())

    async def run() -> None:
        async with tab_of(cast, address, cast.bob) as tab:
            await tab.next("hello")
            await asyncio.to_thread(leave)
            await tab.next("bye")

    _ = cast.bob.client
    with patch("regulars.console.sitting.LOOK", 0.1):
        asyncio.run(run())


def test_a_session_that_is_over_opens_nothing_any_more(cast: Cast, address: str) -> None:
    """Signed out, run out, of a password that was changed since, of somebody who left."""

    def sign_out() -> None:
        cast.alice.client.post("/signout")
        cast.alice.client.cookies[settings.SESSION_COOKIE_NAME] = kept

    def run_out() -> None:
        session = cast.alice.client.session
        session.set_expiry(-1)
        session.save()

    def change_password() -> None:
        agent = Agent.objects.get(id=cast.alice.id)
        agent.set_password("another sentence to keep")
        agent.save()

    def leave() -> None:
        team.change_role(cast.home.id, cast.bob.id, "owner", by=cast.alice.actor, now=clock.now())
        team.remove_agent(cast.home.id, cast.alice.id, by=cast.bob.actor, now=clock.now())

    for end in (sign_out, run_out, change_password, leave):
        cast.alice.client.force_login(cast.alice.agent, backend=BACKEND)
        kept = cast.alice.client.cookies[settings.SESSION_COOKIE_NAME].value
        assert not asyncio.run(is_refused(cast, address, cast.alice)), end.__name__
        end()
        assert asyncio.run(is_refused(cast, address, cast.alice)), end.__name__
        cast.alice.agent.refresh_from_db()


def test_an_agent_who_looks_is_seen_looking_until_they_leave(cast: Cast, address: str) -> None:
    one = write(cast)

    def onlookers() -> list[UUID]:
        with database.transaction() as core:
            return handling.onlookers(core, cast.home.id, one.id, clock.now())

    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as watching:
            await watching.next("hello")
            async with tab_of(cast, address, cast.bob) as tab:
                await tab.say(t="look", conversation=one.id)
                said = await watching.next("looking")
                assert (said["conversation"], said["by"]) == (str(one.id), str(cast.bob.id))
                assert await asyncio.to_thread(onlookers) == [cast.bob.id]
            await watching.next("looking")
            assert await asyncio.to_thread(onlookers) == []

    _ = cast.alice.client, cast.bob.client
    asyncio.run(run())


def test_typing_is_told_to_colleagues_and_to_the_person(cast: Cast, address: str) -> None:
    one = write(cast)

    async def run(*, private: bool) -> dict[str, Any]:
        async with tab_of(cast, address, cast.alice) as alice:
            await alice.next("hello")
            async with tab_of(cast, address, cast.bob) as bob:
                await bob.say(t="typing", conversation=one.id, private=private)
                return await alice.next("typing")

    _ = cast.alice.client, cast.bob.client
    said = asyncio.run(run(private=False))
    assert (said["by"], said["person"]) == (str(cast.bob.id), str(one.person_id))
    assert asyncio.run(run(private=True))["person"] is None


def test_seen_is_kept_and_told(cast: Cast, address: str) -> None:
    one = write(cast)

    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            await tab.say(t="seen", conversation=one.id, seq=1)
            await tab.next("changed")

    _ = cast.alice.client
    asyncio.run(run())
    found = cast.connection.execute(
        "SELECT agents_seen FROM conversation WHERE project_id = %s AND id = %s",
        (cast.home.id, one.id),
    ).fetchone()
    assert found == (1,)


@pytest.mark.parametrize(
    "frame",
    ["", "x", "{}", "[]", '{"t":"say"}', '{"t":"look"}', '{"t":"look","conversation":"x"}',
     '{"t":"seen","conversation":null,"seq":"9"}'],
)  # fmt: skip
def test_what_means_nothing_is_passed_over(cast: Cast, address: str, frame: str) -> None:
    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.socket.send(frame)
            await tab.say(t="ping")
            await tab.next("pong")

    _ = cast.alice.client
    asyncio.run(run())


def test_another_projects_conversation_is_nothing_one_can_do_something_to(
    cast: Cast, address: str
) -> None:
    theirs = says(cast.elsewhere.id, "b1", "Hej")

    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            for what in ("look", "seen", "typing"):
                await tab.say(t=what, conversation=theirs.id, seq=1)
                await tab.say(t=what, conversation=uuid4(), seq=1)
            await tab.say(t="ping")
            await tab.next("pong")

    _ = cast.alice.client
    asyncio.run(run())
    seen = cast.connection.execute(
        "SELECT agents_seen, (SELECT count(*) FROM onlooker o WHERE o.project_id = c.project_id)"
        " FROM conversation c WHERE project_id = %s AND id = %s",
        (cast.elsewhere.id, theirs.id),
    ).fetchone()
    assert seen == (0, 0)


def test_a_frame_that_is_too_large_ends_it(cast: Cast, address: str) -> None:
    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            await tab.say(t="ping", more="x" * inbox_socket.MOST_BYTES)
            await tab.next("bye")

    _ = cast.alice.client
    asyncio.run(run())


def test_too_many_frames_end_it(cast: Cast, address: str) -> None:
    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            for _ in range(inbox_socket.A_SECOND * 10):
                await tab.say(t="ping")
            await tab.next("bye")

    _ = cast.alice.client
    asyncio.run(run())


def test_too_many_sockets_of_one_agent_are_refused(cast: Cast, address: str) -> None:
    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            assert await is_refused(cast, address, cast.alice)

    _ = cast.alice.client
    with patch("regulars.console.inbox_socket.MOST_OF_AGENT", 1):
        asyncio.run(run())


def test_a_slow_client_is_let_go_and_told_to_come_back(cast: Cast, address: str) -> None:
    def much() -> None:
        with database.transaction() as core:
            for number in range(4000):
                live.tell(core, cast.home.id, Pointer("message", uuid4(), uuid4(), number, "x"))

    async def run() -> int | None:
        async with tab_of(cast, address, cast.alice, max_queue=1) as tab:
            await tab.next("hello")
            tab.socket.transport.pause_reading()
            await asyncio.to_thread(much)
            await asyncio.sleep(0)  # nothing is read meanwhile
            tab.socket.transport.resume_reading()
            await tab.next("slow")
            await tab.socket.wait_closed()
            return tab.socket.close_code

    _ = cast.alice.client
    assert asyncio.run(run()) == inbox_socket.AGAIN


def test_silence_is_broken_by_a_beat(cast: Cast, address: str) -> None:
    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("beat")

    _ = cast.alice.client
    with patch("regulars.console.inbox_socket.HEARTBEAT", 0.1):
        asyncio.run(run())


def test_an_answer_says_whose_it_is(cast: Cast, address: str) -> None:
    one = write(cast)

    async def run() -> None:
        async with tab_of(cast, address, cast.alice) as tab:
            await tab.next("hello")
            await asyncio.to_thread(answers, one, cast.bob.id, "Hej!")
            while (said := await tab.next("message"))["seq"] < 3:
                continue  # the first is that Bob has it from now on
            assert said["by"] == str(cast.bob.id)

    _ = cast.alice.client
    asyncio.run(run())
