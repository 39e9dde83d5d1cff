"""What is written while the line is down is said once it is back: once, and in order."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.messenger.conftest import LiveTalk
from tests.journeys.messenger.line import Line
from tests.journeys.messenger.storefront import Storefront
from tests.journeys.messenger.window import Window

QUEUED = "Will be sent when you are back online"


@pytest.fixture
def line(visitor: BrowserContext) -> Line:
    return Line(visitor)


def _settled(window: Window) -> None:
    """All that was written is said."""
    expect(window.log.locator(".meta.me").last).to_have_text(re.compile(r"\d"))


def test_what_is_written_offline_is_sent_once_and_in_order(
    line: Line, tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Before")
    _settled(window)
    line.cut()
    for number in range(5):
        window.say(f"Offline {number}")
    expect(window.log.locator(".meta.me").last).to_have_text(QUEUED)
    line.mend()
    _settled(window)
    expected = ["Before", *(f"Offline {number}" for number in range(5))]
    assert window.bubbles() == expected
    assert talk.texts(talk.only().id) == expected


def test_a_conversation_that_begins_offline_is_one(
    line: Line, tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    line.cut()
    window.say("One")
    window.say("Two")
    line.mend()
    _settled(window)
    assert talk.texts(talk.only().id) == ["One", "Two"]


def test_it_is_kept_from_page_to_page(
    line: Line, tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Before")
    _settled(window)
    line.cut()
    window.say("Written on one page")
    expect(window.log.locator(".meta.me").last).to_have_text(QUEUED)
    window.visit(shop.page("/next"))
    expect(window.bubble("Written on one page")).to_be_visible()
    line.mend()
    _settled(window)
    assert talk.texts(talk.only().id) == ["Before", "Written on one page"]


def test_two_tabs_send_it_once(
    line: Line, visitor: BrowserContext, shop: Storefront, talk: LiveTalk
) -> None:
    one = Window(visitor.new_page()).visit(shop.page()).begin()
    one.say("Before")
    _settled(one)
    other = Window(visitor.new_page()).visit(shop.page()).open()
    line.cut()
    one.say("While both are cut off")
    line.mend()
    _settled(one)
    other.panel.get_by_role("button", name="Where we left off").click()
    for each in (one, other):
        _settled(each)
        expect(each.bubble("While both are cut off")).to_be_visible()
    assert talk.texts(talk.only().id) == ["Before", "While both are cut off"]
    assert one.bubbles() == other.bubbles() == ["Before", "While both are cut off"]


def test_what_was_said_meanwhile_is_caught_up_with(
    line: Line, tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Before")
    _settled(window)
    line.cut()
    for number in range(3):
        talk.reply(talk.only().id, f"Meanwhile {number}")
    line.mend()
    expect(window.bubble("Meanwhile 2")).to_be_visible()
    assert window.bubbles() == ["Before", "Meanwhile 0", "Meanwhile 1", "Meanwhile 2"]


def test_a_browser_that_goes_offline_says_so_and_recovers(
    visitor: BrowserContext, tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Before")
    _settled(window)
    visitor.set_offline(True)
    expect(window.panel.get_by_role("status").filter(has_text="You are offline")).to_be_visible()
    window.say("From a tunnel")
    visitor.set_offline(False)
    _settled(window)
    assert talk.texts(talk.only().id) == ["Before", "From a tunnel"]


def test_what_was_sent_but_never_answered_is_said_once(
    tab: Page, visitor: BrowserContext, shop: Storefront, talk: LiveTalk
) -> None:
    """The server has it, and the page ended before the answer came."""
    window = Window(tab).visit(shop.page()).begin()
    window.say("Before")
    _settled(window)
    client = f"{uuid4()}"
    one = talk.only()
    tab.evaluate(
        """([key, client, conversation]) => {
          const who = JSON.parse(localStorage[`regulars.${key}`]);
          const letter = { t: "say", id: client, at: Date.now(), conversation, open: null,
                           text: "Twice", files: [] };
          localStorage[`regulars.${key}:out:a-${who.a}:${Date.now()}10000dead`] =
            JSON.stringify([0, letter, "dead"]);
        }""",
        [shop.write_key, client, f"{one.id}"],
    )
    browser = tab.evaluate("key => JSON.parse(localStorage[`regulars.${key}`]).a", shop.write_key)
    talk.say(browser, one.id, "Twice", client=client)
    window.visit(shop.page("/next"))
    _settled(window)
    assert talk.texts(one.id) == ["Before", "Twice"]
    assert window.bubbles() == ["Before", "Twice"]


def test_a_draft_is_kept_from_page_to_page(tab: Page, shop: Storefront) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.field.fill("Half a senten")
    window.visit(shop.page("/next"))
    expect(window.field).to_have_value("Half a senten")
