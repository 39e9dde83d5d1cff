"""Without a mouse and without a picture: keys, focus, and what is read out."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.journeys.messenger.conftest import LiveTalk
from tests.journeys.messenger.storefront import Storefront
from tests.journeys.messenger.window import Window


def tab_to(page: Page, target: Locator, *, key: str = "Tab", most: int = 20) -> None:
    """Press Tab until it is there."""
    for _ in range(most):
        page.keyboard.press(key)
        if target.evaluate("it => it.getRootNode().activeElement == it"):
            return
    raise AssertionError("never came there")


def test_a_conversation_without_a_mouse(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page())
    keys = tab.keyboard
    tab_to(tab, window.launcher)
    keys.press("Enter")
    expect(window.panel.get_by_role("heading", level=2)).to_be_focused()
    tab_to(tab, window.panel.get_by_role("button", name="Start a new conversation"))
    keys.press("Enter")
    expect(window.field).to_be_focused()
    keys.type("Written by hand")
    keys.press("Shift+Enter")
    keys.type("on two lines")
    keys.press("Enter")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    assert talk.texts(talk.only().id) == ["Written by hand\non two lines"]
    expect(window.field).to_be_focused()
    tab_to(tab, window.panel.get_by_role("button", name="Back"), key="Shift+Tab")
    keys.press("Enter")
    expect(window.panel.get_by_role("button", name="Where we left off")).to_be_focused()
    tab_to(tab, window.tab_of("Messages"))
    keys.press("Enter")
    expect(window.panel.get_by_role("heading", name="Messages")).to_be_focused()
    tab_to(tab, window.panel.get_by_role("button", name=re.compile("^Written by hand")))
    keys.press("Enter")
    expect(window.field).to_be_focused()
    keys.press("Escape")
    expect(window.panel).to_be_hidden()
    expect(window.launcher).to_be_focused()


def test_back_leads_to_what_was_left(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    window.panel.get_by_role("button", name="Back").click()
    window.tab_of("Messages").click()
    row = window.panel.get_by_role("listitem").get_by_role("button")
    row.click()
    window.panel.get_by_role("button", name="Back").click()
    expect(row).to_be_focused()


def test_the_panel_is_a_dialog_beside_the_page(tab: Page, shop: Storefront) -> None:
    window = Window(tab).visit(shop.page(body="<button>Of the page</button>")).open()
    expect(window.panel).to_have_attribute("aria-modal", "false")
    expect(window.launcher).to_have_attribute("aria-expanded", "true")
    expect(window.launcher).to_have_accessible_name("Close chat")
    tab.get_by_role("button", name="Of the page").click()
    expect(window.panel).to_be_visible()


def test_a_full_screen_keeps_the_focus(
    visitors: Callable[..., BrowserContext], shop: Storefront
) -> None:
    tab = visitors(viewport={"width": 390, "height": 844}).new_page()
    window = Window(tab).visit(shop.page(body="<button>Of the page</button>")).open()
    for _ in range(12):
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.localName") == "regulars-messenger"
    for _ in range(12):
        tab.keyboard.press("Shift+Tab")
        assert tab.evaluate("document.activeElement.localName") == "regulars-messenger"
    expect(window.panel).to_be_visible()


def test_keys_typed_into_it_are_not_the_pages(tab: Page, shop: Storefront) -> None:
    listening = (
        "<script>addEventListener('keydown', it => (window.heard ||= []).push(it.key))</script>"
    )
    window = Window(tab).visit(shop.page(head=shop.tag() + listening)).begin()
    window.field.press("s")
    expect(window.field).to_have_value("s")
    assert tab.evaluate("window.heard") is None


def test_what_is_new_is_read_out(tab: Page, shop: Storefront, talk: LiveTalk) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    talk.reply(talk.only().id, "Hi there")
    expect(window.bubble("Hi there")).to_be_visible()
    expect(window.log).to_have_attribute("aria-live", "polite")
    expect(window.log).to_have_accessible_name("Messages with Alice")


def test_what_was_said_before_is_not_read_out_again(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    """A message that arrives leaves the elements of the others alone."""
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    window.bubble("Hello").evaluate("it => (it.mark = 1)")
    talk.reply(talk.only().id, "Hi there")
    expect(window.bubble("Hi there")).to_be_visible()
    assert window.bubble("Hello").evaluate("it => it.mark") == 1


def test_emoji_are_chosen_by_keys(tab: Page, shop: Storefront) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.field.fill("Well")
    button = window.panel.get_by_role("button", name="Emoji")
    tab_to(tab, button)
    tab.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    chosen = window.panel.get_by_role("group", name="Emoji").locator(":focus").inner_text()
    tab.keyboard.press("Enter")
    expect(window.field).to_have_value(f"Well{chosen}")
    expect(window.field).to_be_focused()
    button.click()
    tab.keyboard.press("Escape")
    expect(window.panel.get_by_role("group", name="Emoji")).to_be_hidden()
    expect(window.panel).to_be_visible()


def test_an_input_method_may_use_enter(tab: Page, shop: Storefront) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.field.fill("かな")
    window.field.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(window.field).to_have_value("かな")
