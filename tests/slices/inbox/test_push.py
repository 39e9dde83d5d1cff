"""Agents are told by Web Push: who hears of what, through which door, and who does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.inbox import preferences, push_news, push_subscriptions, web_push
from regulars.inbox.conversations import Conversation
from regulars.inbox.push_delivery import EndpointError, Outcome, Pushed, check_endpoint, deliver
from regulars.kit import clock, database, environment
from regulars.workspaces import actions as workspace_actions
from regulars.workspaces.errors import InvalidError
from tests.cast import Cast, Colleague
from tests.pure.inbox.push_reader import Browser
from tests.slices.inbox.chats import answers, says
from tests.slices.inbox.push_service import PushService, push_service

SOON = timedelta(seconds=3)


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as served:
        yield served


@pytest.fixture
def hands() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as two:
        yield two


def _subscribe(
    cast: Cast, who: Colleague, service: PushService, path: str, **chosen: Any
) -> Browser:
    browser = Browser.new()
    now = clock.now()
    given = {"browser": True, **chosen}
    preferences.change(cast.connection, cast.home.id, who.id, given, now)
    push_subscriptions.subscribe(
        cast.connection,
        cast.home.id,
        who.id,
        now,
        endpoint=service.url + path,
        p256dh=browser.p256dh,
        auth=browser.auth_text,
    )
    return browser


def _written(cast: Cast, text: str = "Do I need two orders?") -> Conversation:
    return says(cast.home.id, "a browser", text)


def _push(cast: Cast, hands: ThreadPoolExecutor, after: timedelta = SOON) -> int:
    return push_news.push_project(cast.connection, cast.home.id, clock.now() + after, hands)


def _ids(cast: Cast) -> list[UUID]:
    rows = cast.connection.execute(
        "SELECT id FROM push_subscription WHERE project_id = %s", (cast.home.id,)
    )
    return [row[0] for row in rows]


# What is pushed, and to whom


def test_a_new_message_is_pushed_and_only_that_browser_can_read_it(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    browser = _subscribe(cast, cast.bob, service, "/bob")
    one = _written(cast)
    _push(cast, hands)
    (taken,) = service.to("/bob")
    said = json.loads(browser.read(taken.body))
    assert said == {
        "title": f"Visitor {one.person_id.hex[-4:]} · Tideway Coffee",
        "body": "Do I need two orders?",
        "url": f"/p/{cast.home.id}/inbox/{one.id}/",
        "tag": str(one.id),
    }
    assert b"orders" not in taken.body


def test_the_request_is_what_a_push_service_expects(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob?device=1")
    one = _written(cast)
    _push(cast, hands)
    (taken,) = service.to("/bob?device=1")
    headers = {name.lower(): value for name, value in taken.headers.items()}
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["ttl"] == "3600"
    assert headers["topic"] == web_push.topic_of(str(one.id))
    assert headers["host"] == service.url.removeprefix("http://")
    key = web_push.public_key(environment.read().secret_key)
    assert headers["authorization"].startswith("vapid t=")
    assert headers["authorization"].endswith(f", k={key}")


def test_a_message_is_pushed_once_and_the_next_one_again(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob")
    _written(cast)
    for _ in range(3):
        _push(cast, hands)
    assert len(service.to("/bob")) == 1
    _written(cast, "Hello?")
    _push(cast, hands)
    assert len(service.to("/bob")) == 2


def test_of_two_workers_one_pushes(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob")
    _written(cast)

    def work(_: int) -> int:
        with database.connect() as connection:
            return push_news.push_project(connection, cast.home.id, clock.now() + SOON, hands)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, range(2)))
    assert len(service.to("/bob")) == 1


def test_every_project_s_turn_comes(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    """In a time of its own: what other tests have to say is not touched."""
    past = clock.now() - timedelta(days=400)
    _subscribe(cast, cast.bob, service, "/bob")
    says(cast.home.id, "a browser", "Anybody there?", at=past)
    assert push_news.push_all(cast.connection, past + SOON, hands) == 1
    assert len(service.to("/bob")) == 1


def test_what_an_agent_has_seen_or_answered_is_no_news(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob")
    one = _written(cast)
    answers(one, cast.alice.id, "One is enough.")
    _push(cast, hands)
    assert service.taken == []


def test_an_agent_who_has_it_open_gets_a_moment_to_see_it(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob")
    _written(cast)
    _push(cast, hands, after=timedelta(0))
    assert service.taken == []


def test_what_is_old_is_no_news(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob")
    _written(cast)
    _push(cast, hands, after=timedelta(minutes=5))
    assert service.taken == []


@pytest.mark.parametrize("chosen", [{"browser": False}, {"away": True}, {"only_mine": True}])
def test_an_agent_who_does_not_want_to_hear_does_not(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor, chosen: dict[str, bool]
) -> None:
    _subscribe(cast, cast.bob, service, "/bob", **chosen)
    _written(cast)
    _push(cast, hands)
    assert service.taken == []


def test_what_is_a_colleague_s_is_told_to_them_alone(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.alice, service, "/alice")
    _subscribe(cast, cast.bob, service, "/bob", only_mine=True)
    one = _written(cast)
    cast.connection.execute(
        "UPDATE conversation SET assignee_id = %s WHERE project_id = %s AND id = %s",
        (cast.bob.id, cast.home.id, one.id),
    )
    _push(cast, hands)
    assert (len(service.to("/alice")), len(service.to("/bob"))) == (0, 1)


def test_another_project_s_messages_are_not_pushed(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob")
    says(cast.elsewhere.id, "a browser", "For Charlie alone")
    _push(cast, hands)
    assert service.taken == []


def test_who_left_the_project_hears_nothing_of_it_any_more(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    _subscribe(cast, cast.bob, service, "/bob")
    workspace_actions.remove_agent(cast.home.id, cast.bob.id, by=cast.alice.actor, now=clock.now())
    _written(cast)
    _push(cast, hands)
    assert service.taken == []


def test_a_long_message_is_cut(cast: Cast, service: PushService, hands: ThreadPoolExecutor) -> None:
    browser = _subscribe(cast, cast.bob, service, "/bob")
    _written(cast, "利用" * 1000)
    _push(cast, hands)
    said = json.loads(browser.read(service.to("/bob")[0].body))
    assert len(said["body"]) <= push_news.MOST_BODY


# Push services and what they answer


@pytest.mark.parametrize(
    ("status", "kept"),
    [(201, 1), (202, 1), (400, 1), (429, 1), (500, 1), (302, 1), (403, 0), (404, 0), (410, 0)],
)
def test_a_browser_that_is_gone_is_let_go_of(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor, status: int, kept: int
) -> None:
    service.answers["/bob"] = status
    _subscribe(cast, cast.bob, service, "/bob")
    _written(cast)
    _push(cast, hands)
    assert len(_ids(cast)) == kept
    assert service.to("/elsewhere") == []


def test_one_browser_that_cannot_be_reached_does_not_keep_the_others(
    cast: Cast, service: PushService, hands: ThreadPoolExecutor
) -> None:
    with push_service() as gone:
        _subscribe(cast, cast.alice, gone, "/alice")
    _subscribe(cast, cast.bob, service, "/bob")
    _written(cast)
    _push(cast, hands)
    assert len(service.to("/bob")) == 1
    assert len(_ids(cast)) == 2


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "push",
        "http://push.example.net/x",
        "ftp://push.example.net/x",
        "https://push.example.net:8443/x",
        "https://push.example.net:99999/x",
        "https://user:pass@push.example.net/x",
        "https://localhost/x",
        "https://regulars/x",
        "https://127.0.0.1/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://192.168.1.1/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://push.example.net/x#y",
        "https://push.example.net/x y",
        "https://push.example.net/x\r\nHost: y",
        "https://püsh.example.net/x",
        "https://push.example.net/" + "x" * 1000,
        "http://127.0.0.2:80/x",
        "http://localhost:80/x",
    ],
)
def test_nothing_but_https_on_public_hosts_is_a_push_service(cast: Cast, endpoint: str) -> None:
    with pytest.raises(EndpointError):
        check_endpoint(endpoint)
    browser = Browser.new()
    with pytest.raises(InvalidError) as refused:
        push_subscriptions.subscribe(
            cast.connection,
            cast.home.id,
            cast.bob.id,
            clock.now(),
            endpoint=endpoint,
            p256dh=browser.p256dh,
            auth=browser.auth_text,
        )
    assert refused.value.field == "endpoint"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc%3d",
    ],
)
def test_the_makers_push_services_are_taken(endpoint: str) -> None:
    check_endpoint(endpoint)


def test_loopback_is_for_tests_alone(service: PushService, monkeypatch: pytest.MonkeyPatch) -> None:
    check_endpoint(service.url)
    monkeypatch.delenv("REGULARS_TESTING")
    with pytest.raises(EndpointError):
        check_endpoint(service.url)


def test_a_name_that_leads_to_a_private_address_is_not_spoken_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a name does that was public when the browser subscribed."""
    found = [(2, 1, 6, "", ("203.0.113.9", 443)), (2, 1, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_o: found)

    def connect(*_: Any) -> None:
        raise AssertionError("it was spoken to")

    monkeypatch.setattr("socket.create_connection", connect)
    browser = Browser.new()
    keys = web_push.read_keys(browser.p256dh, browser.auth_text)
    push = Pushed("https://push.example.net/x", keys, b"{}", "x")
    assert deliver(push, clock.now()) is Outcome.GONE


# Subscriptions


def test_a_browser_that_subscribes_again_is_the_same_one(cast: Cast, service: PushService) -> None:
    for who in (cast.alice, cast.bob):
        _subscribe(cast, who, service, "/shared")
    (id_,) = _ids(cast)
    (only,) = push_subscriptions.of_agents(cast.connection, cast.home.id, [cast.bob.id])
    assert (only.id, only.endpoint) == (id_, f"{service.url}/shared")


def test_an_agent_has_a_few_browsers_the_newest(cast: Cast, service: PushService) -> None:
    for number in range(12):
        _subscribe(cast, cast.bob, service, f"/{number}")
    kept = push_subscriptions.of_agents(cast.connection, cast.home.id, [cast.bob.id])
    assert [one.endpoint for one in kept] == [f"{service.url}/{n}" for n in range(2, 12)]


def test_a_browser_that_is_signed_out_of_hears_of_no_project(
    cast: Cast, service: PushService
) -> None:
    _subscribe(cast, cast.alice, service, "/alice")
    _subscribe(cast, cast.bob, service, "/bob")
    (mine,) = push_subscriptions.of_agents(cast.connection, cast.home.id, [cast.bob.id])
    push_subscriptions.forget_browser(cast.connection, cast.bob.id, [mine.id])
    assert len(_ids(cast)) == 1


def test_nobody_ends_a_colleague_s_subscription(cast: Cast, service: PushService) -> None:
    _subscribe(cast, cast.alice, service, "/alice")
    push_subscriptions.forget_browser(cast.connection, cast.bob.id, _ids(cast))
    assert len(_ids(cast)) == 1


# The console's doors


def _posted(service: PushService, path: str) -> dict[str, str]:
    browser = Browser.new()
    return {
        "endpoint": service.url + path,
        "p256dh": browser.p256dh,
        "auth": browser.auth_text,
    }


def test_an_agent_turns_a_browser_on_and_off(cast: Cast, service: PushService) -> None:
    url = cast.home.url("settings/notifications/")
    form = _posted(service, "/bob")
    assert cast.bob.client.post(f"{url}subscribe", form)["Location"] == url
    assert len(_ids(cast)) == 1
    assert preferences.load(cast.connection, cast.home.id, cast.bob.id).browser
    cast.bob.client.post(f"{url}try")
    assert len(service.to("/bob")) == 1
    cast.bob.client.post(f"{url}unsubscribe", {"endpoint": form["endpoint"]})
    assert _ids(cast) == []


def test_a_browser_that_is_none_is_refused_in_words(cast: Cast, service: PushService) -> None:
    form = {**_posted(service, "/bob"), "endpoint": "https://169.254.169.254/"}
    url = cast.home.url("settings/notifications/")
    cast.bob.client.post(f"{url}subscribe", form)
    assert _ids(cast) == []
    assert (
        "A push service is reached at a public host." in cast.bob.client.get(url).content.decode()
    )


def test_signing_out_ends_what_this_browser_was_told(cast: Cast, service: PushService) -> None:
    url = cast.home.url("settings/notifications/subscribe")
    cast.bob.client.post(url, _posted(service, "/bob"))
    cast.alice.client.post(url, _posted(service, "/alice"))
    cast.bob.client.post("/signout")
    kept = push_subscriptions.of_agents(cast.connection, cast.home.id, [cast.alice.id, cast.bob.id])
    assert [one.agent_id for one in kept] == [cast.alice.id]


def test_the_worker_s_script_speaks_for_the_whole_console(cast: Cast) -> None:
    answer = cast.bob.client.get("/push-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Cache-Control"] == "no-cache"
    assert b"showNotification" in answer.content
