"""Whose messenger it is: a signed claim shows what is theirs, and signing out hides it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.cast import Cast
from tests.journeys.messenger.conftest import LiveTalk
from tests.journeys.messenger.storefront import Storefront
from tests.journeys.messenger.window import Window

SIGNED_IN = "([id, token]) => regulars.identify(id, {}, { token })"


def signed(cast: Cast, user_id: str) -> str:
    """The claim that the product's server hands to a signed-in user's page."""
    secret = cast.home.config.identity_secret.encode()
    return hmac.new(secret, user_id.encode(), hashlib.sha256).hexdigest()


def sign_in(tab: Page, cast: Cast, user_id: str) -> None:
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate(SIGNED_IN, [user_id, signed(cast, user_id)])


def test_a_signed_claim_shows_what_is_theirs(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    talk.start(cast.pat, "About your last order")
    window = Window(tab).visit(shop.page())
    sign_in(tab, cast, "pat")
    window.open()
    resume = window.panel.get_by_role("button", name="Where we left off")
    expect(resume).to_contain_text("About your last order")


def test_an_unsigned_claim_shows_nothing(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    talk.start(cast.pat, "About your last order")
    window = Window(tab).visit(shop.page())
    tab.evaluate("regulars.identify('pat')")
    window.open()
    expect(window.panel.get_by_role("button", name="Start a new conversation")).to_be_visible()
    window.tab_of("Messages").click()
    expect(window.panel.get_by_text("No conversations yet")).to_be_visible()


def test_signing_out_hides_what_was_shown(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    talk.start(cast.pat, "About your last order")
    window = Window(tab).visit(shop.page())
    sign_in(tab, cast, "pat")
    window.open().panel.get_by_role("button", name="Where we left off").click()
    expect(window.bubble("About your last order")).to_be_visible()
    window.field.fill("A secret that was never sent")
    tab.evaluate("regulars.reset()")
    expect(window.bubble("About your last order")).to_be_hidden()
    expect(window.panel.get_by_role("button", name="Start a new conversation")).to_be_visible()
    window.tab_of("Messages").click()
    expect(window.panel.get_by_text("No conversations yet")).to_be_visible()
    kept = tab.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    assert "secret" not in kept


def test_signing_out_in_another_tab_does_too(
    visitor: BrowserContext, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    talk.start(cast.pat, "About your last order")
    window = Window(visitor.new_page()).visit(shop.page())
    sign_in(window.tab, cast, "pat")
    window.open().panel.get_by_role("button", name="Where we left off").click()
    expect(window.bubble("About your last order")).to_be_visible()
    other = visitor.new_page()
    other.goto(shop.page("/next"))
    other.wait_for_function("window.regulars?.version")
    other.evaluate("regulars.reset()")
    expect(window.bubble("About your last order")).to_be_hidden()


def test_who_signs_in_after_another_sees_only_what_is_theirs(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    talk.start(cast.pat, "For Pat alone")
    talk.start(cast.tracked("robin", name="Robin"), "For Robin alone")
    window = Window(tab).visit(shop.page())
    sign_in(tab, cast, "pat")
    window.open().panel.get_by_role("button", name="Where we left off").click()
    expect(window.bubble("For Pat alone")).to_be_visible()
    tab.evaluate("regulars.reset()")
    sign_in(tab, cast, "robin")
    resume = window.panel.get_by_role("button", name="Where we left off")
    expect(resume).to_contain_text("For Robin alone")
    window.tab_of("Messages").click()
    assert "For Pat alone" not in window.panel.inner_text()


def test_a_visitor_who_signs_in_keeps_their_conversation(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Before I signed in")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    sign_in(tab, cast, "newcomer")
    window.say("And after")
    expect(window.log.locator(".meta.me").last).to_have_text(re.compile(r"\d"))
    assert window.bubbles() == ["Before I signed in", "And after"]
    assert talk.texts(talk.only().id) == ["Before I signed in", "And after"]


def test_a_visitor_who_signs_in_goes_on_writing(tab: Page, shop: Storefront, cast: Cast) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.field.fill("Half a senten")
    sign_in(tab, cast, "newcomer")
    expect(window.field).to_have_value("Half a senten")


def test_a_forged_claim_is_said_to_be_wrong(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    talk.start(cast.pat, "About your last order")
    window = Window(tab).visit(shop.page())
    tab.evaluate(SIGNED_IN, ["pat", "0" * 64])
    window.open()
    expect(window.panel.get_by_text("We could not check who you are")).to_be_visible()
    assert "About your last order" not in window.panel.inner_text()


def test_a_user_keeps_their_conversations_on_the_next_page_without_a_new_claim(
    tab: Page, shop: Storefront, cast: Cast, talk: LiveTalk
) -> None:
    """The claim is kept with the identity."""
    talk.start(cast.pat, "About your last order")
    window = Window(tab).visit(shop.page())
    sign_in(tab, cast, "pat")
    window.open()
    resume = window.panel.get_by_role("button", name="Where we left off")
    expect(resume).to_be_visible()
    window.visit(shop.page("/next"))
    expect(resume).to_be_visible()


def test_withdrawn_consent_takes_the_messenger_along(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    window = Window(tab).visit(shop.page()).begin()
    window.say("Hello")
    expect(window.log.locator(".meta.me")).to_have_text(re.compile(r"\d"))
    tab.evaluate("regulars.consent(false)")
    expect(window.host).to_have_count(0)
    assert tab.evaluate("[Object.keys(localStorage), Object.keys(sessionStorage)]") == [[], []]


def test_nothing_is_loaded_while_consent_is_waited_for(
    visitors: Callable[..., BrowserContext], shop: Storefront
) -> None:
    tab = visitors().new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(shop.page(head=shop.tag('data-consent="wait"')))
    tab.wait_for_function("window.regulars?.version")
    tab.wait_for_load_state("networkidle")
    assert not [url for url in asked if "/messenger/" in url]
    tab.evaluate("regulars.consent(true)")
    expect(Window(tab).launcher).to_be_visible()
