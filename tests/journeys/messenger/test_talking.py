"""A visitor and an agent talk."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.messenger.conftest import LiveTalk
from tests.journeys.messenger.storefront import Storefront
from tests.journeys.messenger.window import Window


def test_what_a_visitor_says_is_a_conversation(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).begin()
    expect(window.say("Do you ship to Oslo?")).to_be_visible()
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"^\d+:\d\d$"))
    assert talk.texts(talk.only().id) == ["Do you ship to Oslo?"]


def test_an_answer_arrives(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    talk.reply(talk.only().id, "Hi, Alice here")
    expect(window.bubble("Hi, Alice here")).to_be_visible()
    expect(window.log.locator(".meta").last).to_contain_text("Alice, ")


def test_an_answer_to_a_closed_messenger_is_counted_on_the_button(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    tab.keyboard.press("Escape")
    talk.reply(talk.only().id, "Hi there")
    button = tab.get_by_role("button", name="Chat with Tideway Coffee, 1 unread message")
    expect(button).to_be_visible()
    expect(window.host.get_by_role("status").filter(has_text="Hi there")).to_be_visible()


def test_an_answer_is_counted_on_the_next_page(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    tab.keyboard.press("Escape")
    tab.goto("about:blank")
    talk.reply(talk.only().id, "Hi there")
    window.visit(shop.page("/next"))
    expect(window.launcher).to_have_accessible_name("Chat with Tideway Coffee, 1 unread message")
    window.open().panel.get_by_role("button", name="Where we left off").click()
    expect(window.bubble("Hi there")).to_be_visible()
    expect(window.launcher.locator(".count")).to_have_count(0)


def test_what_was_read_is_seen(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    one = talk.only()
    said = talk.reply(one.id, "Hi there")
    expect(window.bubble("Hi there")).to_be_visible()
    wait(tab, lambda: talk.get(one.id).person_seen >= said.seq)
    talk.look(one.id, talk.get(one.id).last_seq)
    expect(window.log.locator(".meta.me")).to_have_text(re.compile("Seen$"))


def test_a_closed_panel_reads_nothing(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    tab.keyboard.press("Escape")
    one = talk.only()
    said = talk.reply(one.id, "Hi there")
    expect(window.launcher.locator(".count")).to_have_text("1")
    assert talk.get(one.id).person_seen < said.seq


def test_two_tabs_show_the_same(visitor: BrowserContext, shop: Storefront, talk: LiveTalk) -> None:
    one = Window(visitor.new_page()).visit(shop.page()).begin()
    one.say("From the first")
    expect(one.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    other = Window(visitor.new_page()).visit(shop.page()).open()
    other.panel.get_by_role("button", name="Where we left off").click()
    expect(other.bubble("From the first")).to_be_visible()
    other.say("From the second")
    expect(one.bubble("From the second")).to_be_visible()
    expect(other.log.locator(".meta.me").last).to_have_text(re.compile(r"\d"))
    assert talk.texts(talk.only().id) == ["From the first", "From the second"]
    assert other.bubbles() == one.bubbles() == ["From the first", "From the second"]


def test_older_messages_come_when_one_scrolls_up(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("The very first")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    one = talk.only()
    tab.goto("about:blank")
    for number in range(120):
        talk.reply(one.id, f"Line {number} of many")
    window.visit(shop.page())
    window.panel.wait_for()
    expect(window.bubble("Line 119 of many")).to_be_in_viewport()
    expect(window.bubble("The very first")).to_have_count(0)
    for _ in range(4):
        window.log.evaluate("it => it.scrollTop = -it.scrollHeight")
        tab.wait_for_timeout(150)
    expect(window.bubble("The very first")).to_have_count(1)
    numbers = [text for text in window.bubbles() if text.startswith("Line")]
    assert numbers == [f"Line {number} of many" for number in range(120)]


def test_whoever_scrolled_up_keeps_their_place_and_is_told_of_what_is_new(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    one = talk.only()
    for number in range(40):
        talk.reply(one.id, f"Line {number} of many")
    expect(window.bubble("Line 39 of many")).to_be_in_viewport()
    window.log.evaluate("it => it.scrollTop = -400")
    middle = _top(window, "Line 30 of many")
    said = talk.reply(one.id, "The newest")
    pill = window.panel.get_by_role("button", name="1 new message")
    expect(pill).to_be_visible()
    assert abs(_top(window, "Line 30 of many") - middle) < 1
    assert talk.get(one.id).person_seen < said.seq
    pill.click()
    expect(window.bubble("The newest")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_a_message_that_is_refused_can_be_tried_again_or_dropped(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.field.evaluate("it => it.removeAttribute('maxlength')")
    window.say("x" * 4001)
    failed = window.log.get_by_role("alert")
    expect(failed).to_contain_text("Not sent")
    window.say("Short")
    expect(window.log.locator(".meta.me").last).to_have_text(re.compile(r"\d"))
    window.log.get_by_role("button", name="Discard").click()
    expect(failed).to_be_hidden()
    assert window.bubbles() == ["Short"]
    assert talk.texts(talk.only().id) == ["Short"]


def _top(window: Window, text: str) -> float:
    box = window.bubble(text).bounding_box()
    assert box is not None
    return box["y"]


def wait(tab: Page, holds: Callable[[], bool]) -> None:
    """Until it is so: what is looked at lies in the database, not in the page."""
    for _ in range(200):
        if holds():
            return
        tab.wait_for_timeout(50)
    raise AssertionError("did not come about")
