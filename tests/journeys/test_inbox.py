"""An agent's morning in the inbox, by keyboard as far as it goes, and a colleague beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from regulars.inbox import saved_replies
from regulars.kit import clock
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser
from tests.journeys.messenger.conftest import LiveTalk, talk
from tests.journeys.messenger.line import INBOX, Line

__all__ = ["address", "browser", "cast", "talk"]

SUBJECTS = ("Where is my order?", "The grinder hums", "A gift for Sam")


@pytest.fixture
def complaints(browser: BrowserContext) -> Iterator[list[str]]:
    """What any page of Alice's complains of fails the test."""
    heard: list[str] = []
    browser.on("weberror", lambda error: heard.append(str(error.error)))
    browser.on("console", lambda line: heard.append(line.text) if line.type == "error" else None)
    yield heard
    assert heard == []


@pytest.fixture
def bobs(chromium: Browser, cast: Cast, address: str) -> Iterator[BrowserContext]:
    """Bob's browser, signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    name = settings.SESSION_COOKIE_NAME
    value = cast.bob.client.cookies[name].value
    context.add_cookies([{"name": name, "value": value, "url": address}])
    yield context
    context.close()


def thread(tab: Page) -> Locator:
    return tab.get_by_role("log")


def current(tab: Page) -> Locator:
    """The row of the conversation that is open."""
    return tab.locator("#inbox-rows a.conv[aria-current=true]")


def lands_on(tab: Page, subject: str) -> None:
    expect(current(tab)).to_contain_text(subject)
    expect(tab.get_by_role("heading", level=1, name=subject)).to_be_visible()


def test_a_morning_in_the_inbox(
    browser: BrowserContext,
    bobs: BrowserContext,
    cast: Cast,
    talk: LiveTalk,
    address: str,
    complaints: list[str],
) -> None:
    for number, subject in enumerate(SUBJECTS):
        talk.say(f"browser-{number}", f"thread-{number}", subject)
    with cast.connection.transaction():
        saved_replies.create(
            cast.connection, cast.home.id, clock.now(), name="Gift wrap", shortcut="gift",
            body="We wrap it for free.",
        )  # fmt: skip
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url('inbox/?view=unassigned')}")
    walks_by_keys(tab)
    takes_and_answers(tab, talk)
    notes_for_a_colleague(tab, bobs, cast, address)
    puts_off_closes_and_opens_again(tab)
    finds_what_was_said(tab)


def walks_by_keys(tab: Page) -> None:
    """J and K, from the newest to the oldest and back."""
    rows = tab.locator("#inbox-rows a.conv")
    expect(rows).to_have_count(3)
    tab.keyboard.press("j")
    lands_on(tab, SUBJECTS[2])
    tab.keyboard.press("j")
    lands_on(tab, SUBJECTS[1])
    tab.keyboard.press("j")
    lands_on(tab, SUBJECTS[0])
    tab.keyboard.press("k")
    tab.keyboard.press("k")
    lands_on(tab, SUBJECTS[2])


def takes_and_answers(tab: Page, talk: LiveTalk) -> None:
    """Assigned by A; a saved reply by its shortcut, and a file."""
    tab.keyboard.press("a")
    menu = tab.locator("#assign:popover-open")
    menu.get_by_role("button", name="Alice (you)").click()
    expect(tab.locator(".owner")).to_contain_text("You")
    tab.keyboard.press("r")
    field = tab.locator("inbox-composer textarea")
    expect(field).to_be_focused()
    tab.keyboard.type("/gift")
    tab.get_by_role("option", name="Gift wrap").click()
    expect(field).to_have_value("We wrap it for free.")
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Attach a file").click()
    chooser.value.set_files(
        {"name": "wrap.txt", "mimeType": "text/plain", "buffer": b"<script>alert(1)</script>"}
    )
    expect(tab.locator(".composer-files")).to_contain_text("wrap.txt")
    field.focus()
    tab.keyboard.press("Control+Enter")
    expect(thread(tab).get_by_text("We wrap it for free.")).to_be_visible()
    with tab.expect_download() as download:
        thread(tab).get_by_role("link", name="wrap.txt").click()
    assert download.value.suggested_filename == "wrap.txt"


def notes_for_a_colleague(tab: Page, bobs: BrowserContext, cast: Cast, address: str) -> None:
    """A mention in a note reaches Bob wherever he is; each sees that the other looks."""
    theirs = bobs.new_page()
    theirs.goto(f"{address}{cast.home.url('inbox/?view=mentions')}")
    tab.get_by_role("heading", name="Inbox").click()
    tab.keyboard.press("n")
    expect(tab.locator("inbox-composer textarea")).to_be_focused()
    tab.keyboard.type("Paper left, @Bo")
    tab.get_by_role("option", name="Bob").click()
    tab.keyboard.type("?")
    tab.keyboard.press("Control+Enter")
    expect(thread(tab).get_by_text("Paper left, @Bob")).to_be_visible()
    row = theirs.locator("a.conv", has_text=SUBJECTS[2])
    expect(row).to_be_visible()
    expect(row.get_by_title("You are mentioned")).to_be_visible()
    row.click()
    expect(thread(theirs).get_by_text("Paper left, @Bob")).to_be_visible()
    expect(tab.locator(".collision")).to_contain_text("Bob is looking at this too")
    expect(theirs.locator(".collision")).to_contain_text("Alice is looking at this too")
    theirs.close()
    expect(tab.locator(".collision")).to_have_count(0)


def puts_off_closes_and_opens_again(tab: Page) -> None:
    """S, and # twice."""
    tab.get_by_role("heading", name="Inbox").click()
    tab.keyboard.press("s")
    tab.locator("#snooze:popover-open").get_by_role("button", name="They reply").click()
    expect(thread(tab).get_by_text("You snoozed this")).to_be_visible()
    head = tab.locator("#thread-head")
    head.get_by_role("button", name="Wake").click()
    expect(thread(tab).get_by_text("You opened this again")).to_be_visible()
    expect(head.get_by_role("button", name="Close")).to_be_visible()
    head.get_by_role("button", name="Close").click()
    expect(thread(tab).get_by_text("You closed this")).to_be_visible()
    head.get_by_role("button", name="Reopen").click()
    expect(head.get_by_role("button", name="Close")).to_be_visible()


def finds_what_was_said(tab: Page) -> None:
    """By words of a message, from the slash; a ticket's page opens from its own address."""
    tab.get_by_role("heading", name="Inbox").click()
    tab.keyboard.press("/")
    tab.keyboard.type("hums")
    found = tab.locator("#inbox-found a.conv")
    expect(found).to_have_count(1)
    found.click()
    expect(tab.get_by_role("heading", level=1, name=SUBJECTS[1])).to_be_visible()
    tab.get_by_role("button", name="Make a ticket").click()
    expect(tab.get_by_role("form", name="Ticket properties")).to_be_visible()
    tab.reload()
    expect(tab.get_by_role("form", name="Ticket properties")).to_be_visible()
    expect(tab.get_by_role("heading", level=1, name="#1")).to_be_visible()


def test_what_begins_while_nothing_is_heard_is_listed_all_the_same(
    browser: BrowserContext, cast: Cast, talk: LiveTalk, address: str
) -> None:
    line = Line(browser, INBOX)
    line.cut()
    tab = browser.new_page()
    tab.goto(f"{address}{cast.home.url('inbox/?view=unassigned')}")
    expect(tab.get_by_text("All is taken")).to_be_visible()
    talk.say("browser-0", "thread-0", SUBJECTS[0])
    line.mend()
    rows = tab.locator("#inbox-rows a.conv")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(SUBJECTS[0])
    line.cut()
    talk.say("browser-1", "thread-1", SUBJECTS[1])
    talk.say("browser-0", "thread-0", "And when does it come?")
    line.mend()
    expect(rows).to_contain_text("And when does it come?")
    tab.get_by_role("button", name="1 more conversation").click()
    expect(rows).to_have_count(2)
