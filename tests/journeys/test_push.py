"""Web Push in a real browser: subscribing, what the service worker shows, where it leads.

The maker's push service is the one part that is not there: `PushManager` gives the subscription
that one on loopback would, and what arrives there is read with the subscription's own key and
handed to the service worker by the browser's debugging protocol.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from regulars.inbox import preferences, push_news, web_push
from regulars.kit import clock, environment
from tests.browser import PATIENCE
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser
from tests.pure.inbox.push_reader import Browser
from tests.slices.inbox.chats import says
from tests.slices.inbox.push_service import PushService, push_service

__all__ = ["address", "browser", "cast"]

# What a browser with a push service answers, for as long as the page's origin has storage.
MAKER = """
(keys) => {
  const made = (options) => ({
    endpoint: keys.endpoint,
    options: { applicationServerKey: Uint8Array.from(JSON.parse(options)).buffer },
    toJSON: () => ({ endpoint: keys.endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } }),
    unsubscribe: async () => localStorage.removeItem("maker") ?? true,
  });
  PushManager.prototype.getSubscription = async () =>
    localStorage.maker ? made(localStorage.maker) : null;
  PushManager.prototype.subscribe = async (options) => {
    if (!options.userVisibleOnly) throw new Error("silent");
    localStorage.maker = JSON.stringify([...options.applicationServerKey]);
    return made(localStorage.maker);
  };
}
"""
SHOWN = """
async () => {
  const worker = await navigator.serviceWorker.ready;
  const shown = await worker.getNotifications();
  return shown.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
}
"""


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as served:
        yield served


@pytest.fixture
def theirs() -> Browser:
    """The keys of Alice's browser."""
    return Browser.new()


@pytest.fixture
def tab(browser: BrowserContext, address: str, service: PushService, theirs: Browser) -> Page:
    browser.grant_permissions(["notifications"], origin=address)
    page = browser.new_page()
    keys = {
        "endpoint": f"{service.url}/alice", "p256dh": theirs.p256dh, "auth": theirs.auth_text,
    }  # fmt: skip
    page.add_init_script(f"({MAKER})({json.dumps(keys)})")
    return page


def _turn_on(tab: Page, address: str, cast: Cast) -> None:
    tab.goto(f"{address}{cast.home.url('settings/notifications/')}")
    tab.get_by_role("button", name="Turn on here").click()
    expect(tab.locator(".toast")).to_contain_text("This browser tells you of new messages")


def _push(tab: Page, address: str, data: str) -> list[dict[str, Any]]:
    """What the maker's push service does with a message that came for this browser.

    Returns the notifications that stand on the desktop then. They are asked for once they do: the
    browser takes one back that it finds on nobody's desktop yet.
    """
    tools = tab.context.new_cdp_session(tab)
    found: list[dict[str, Any]] = []
    told: list[str] = []
    tools.on("ServiceWorker.workerRegistrationUpdated", lambda e: found.extend(e["registrations"]))
    tools.on(
        "BackgroundService.backgroundServiceEventReceived",
        lambda e: told.append(e["backgroundServiceEvent"]["eventName"]),
    )
    tools.send("BackgroundService.startObserving", {"service": "notifications"})
    tools.send("BackgroundService.setRecording", {"service": "notifications", "shouldRecord": True})
    tools.send("ServiceWorker.enable")
    _until(tab, lambda: bool(found))
    tools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": address, "registrationId": found[0]["registrationId"], "data": data},
    )
    _until(tab, lambda: "Notification displayed" in told)
    shown: list[dict[str, Any]] = tab.evaluate(SHOWN)
    return shown


def _until(tab: Page, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < deadline
        tab.wait_for_timeout(20)


def test_a_browser_is_turned_on_tried_and_turned_off(
    tab: Page, address: str, cast: Cast, service: PushService, theirs: Browser
) -> None:
    _turn_on(tab, address, cast)
    assert preferences.load(cast.connection, cast.home.id, cast.alice.id).browser
    key = tab.evaluate("JSON.parse(localStorage.maker)")
    assert bytes(key) == web_push.unb64(web_push.public_key(environment.read().secret_key))
    tab.get_by_role("button", name="Try it").click()
    expect(tab.locator(".toast").last).to_contain_text("Sent to 1 of your browsers.")
    said = json.loads(theirs.read(service.to("/alice")[0].body))
    assert said["title"] == "It works · Tideway Coffee"
    tab.get_by_role("button", name="Turn off here").click()
    expect(tab.locator(".toast").last).to_contain_text("This browser is quiet now.")
    expect(tab.get_by_role("button", name="Turn on here")).to_be_visible()
    left = cast.connection.execute(
        "SELECT count(*) FROM push_subscription WHERE project_id = %s", (cast.home.id,)
    ).fetchone()
    assert left == (0,)


def test_what_a_person_writes_stands_on_the_desktop(
    tab: Page, address: str, cast: Cast, service: PushService, theirs: Browser
) -> None:
    _turn_on(tab, address, cast)
    one = says(cast.home.id, "their browser", "Do I need <b>two</b> orders?")
    with ThreadPoolExecutor(1) as hands:
        soon = clock.now() + timedelta(seconds=3)
        push_news.push_project(cast.connection, cast.home.id, soon, hands)
    (shown,) = _push(tab, address, theirs.read(service.to("/alice")[0].body).decode())
    assert shown == {
        "title": f"Visitor {one.person_id.hex[-4:]} · Tideway Coffee",
        "body": "Do I need <b>two</b> orders?",
        "tag": str(one.id),
        "data": {"url": f"/p/{cast.home.id}/inbox/{one.id}/"},
    }


@pytest.mark.parametrize("data", ["", "no JSON", "[]", '{"title": 5, "url": {"a": 1}}'])
def test_whatever_comes_something_is_shown(tab: Page, address: str, cast: Cast, data: str) -> None:
    """Browsers end the subscription of a worker that shows nothing."""
    _turn_on(tab, address, cast)
    (shown,) = _push(tab, address, data)
    assert (shown["title"], shown["data"]) == ("A new message", {"url": "/"})


def test_a_browser_that_forbids_it_says_so(
    browser: BrowserContext, address: str, cast: Cast
) -> None:
    tab = browser.new_page()
    tab.add_init_script("Object.defineProperty(Notification, 'permission', {get: () => 'denied'})")
    tab.goto(f"{address}{cast.home.url('settings/notifications/')}")
    expect(tab.locator("push-setting")).to_contain_text("Its settings forbid")
    expect(tab.get_by_role("button", name="Turn on here")).to_be_hidden()


def test_where_no_push_service_is_reached_the_page_says_so(
    browser: BrowserContext, address: str, cast: Cast
) -> None:
    browser.grant_permissions(["notifications"], origin=address)
    tab = browser.new_page()
    tab.add_init_script(
        "PushManager.prototype.subscribe = async () => { throw new DOMException('no service') }"
    )
    tab.goto(f"{address}{cast.home.url('settings/notifications/')}")
    tab.get_by_role("button", name="Turn on here").click()
    expect(tab.locator("push-setting")).to_contain_text("It can’t")
