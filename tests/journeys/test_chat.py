"""A visitor on the demo site and an agent in the inbox talk, whatever becomes of the servers."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.browser import PERSON
from tests.journeys.desk import first_owner
from tests.migrated import migrated
from tests.running import Beside, Running, free_port, running, serving_beside, wait_until

# A test looks into the messenger; pages can't.
OPENED = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (how) {
  return attach.call(this, { ...how, mode: "open" });
};
"""


class Visitor:
    """Somebody in the demo shop, with the messenger open."""

    def __init__(self, context: BrowserContext, shop: str) -> None:
        context.add_init_script(OPENED)
        self.tab = context.new_page()
        self.tab.goto(f"{shop}/demo/")
        self.tab.wait_for_function("typeof regulars.messenger === 'function'")
        self.tab.evaluate("regulars.messenger('open')")
        self.tab.get_by_text("Start a new conversation").click()

    @property
    def log(self) -> Locator:
        return self.tab.get_by_role("log")

    def say(self, text: str) -> None:
        box = self.tab.locator("textarea")
        box.fill(text)
        box.press("Enter")

    @property
    def bubbles(self) -> Locator:
        return self.log.locator(".bubble")


class Desk:
    """The agent's inbox."""

    def __init__(self, context: BrowserContext, console: str) -> None:
        self.tab = context.new_page()
        self.tab.goto(f"{console}/")
        self.tab.goto(re.sub(r"/p/([0-9a-f-]+)/.*", r"/p/\1/inbox/", self.tab.url))

    def take_up(self, text: str) -> None:
        self.tab.locator("a.conv", has_text=text).first.click()
        expect(self.thread.get_by_text(text, exact=True)).to_be_visible()

    @property
    def thread(self) -> Locator:
        return self.tab.get_by_role("log")

    def say(self, text: str) -> None:
        box = self.tab.locator("inbox-composer textarea")
        box.fill(text)
        box.press("Control+Enter")

    @property
    def bubbles(self) -> Locator:
        """What stands in the thread and is on the server."""
        return self.thread.locator("[data-seq] > .bubble")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Running]:
    with running(migrated(tmp_path / "data")) as server:
        yield server


@pytest.fixture
def agent(chromium: Browser, installation: Running) -> Iterator[BrowserContext]:
    context = first_owner(chromium, installation)
    yield context
    context.close()


@pytest.fixture
def stranger(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(user_agent=PERSON, viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def test_they_chat_and_see_each_other_type(
    installation: Running, agent: BrowserContext, stranger: BrowserContext
) -> None:
    visitor, desk = Visitor(stranger, installation.url), Desk(agent, installation.url)
    visitor.say("Do you ship to Oslo?")
    desk.take_up("Do you ship to Oslo?")
    desk.say("We do, in three days.")
    expect(visitor.log.get_by_text("We do, in three days.")).to_be_visible()
    visitor.tab.locator("textarea").press_sequentially("And to")
    expect(desk.thread.locator(".typing-line")).to_be_visible()
    desk.tab.locator("inbox-composer textarea").press_sequentially("Yes")
    expect(visitor.log.locator(".typing")).to_be_visible()
    expect(desk.thread.locator(".seen:visible")).to_have_count(1)


def test_nothing_is_lost_when_the_web_processes_are_killed_between(
    installation: Running, agent: BrowserContext, stranger: BrowserContext
) -> None:
    visitor, desk = Visitor(stranger, installation.url), Desk(agent, installation.url)
    visitor.say("Hello 0")
    desk.take_up("Hello 0")
    said = ["Hello 0"]
    for turn in range(1, 4):
        before = installation.pids()["web"]
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        visitor.say(f"Hello {turn}")
        wait_until(partial(_is_replaced, installation, before), seconds=60)
        expect(desk.thread.get_by_text(f"Hello {turn}", exact=True)).to_be_visible()
        desk.say(f"Answer {turn}")
        expect(visitor.log.get_by_text(f"Answer {turn}", exact=True)).to_be_visible()
        said += [f"Hello {turn}", f"Answer {turn}"]
    expect(desk.bubbles).to_have_text(said)
    expect(visitor.bubbles).to_have_text(said)


def test_two_web_processes_behind_different_ports_are_one(
    installation: Running, agent: BrowserContext, stranger: BrowserContext
) -> None:
    with serving_beside(installation, free_port()) as beside:
        visitor, desk = Visitor(stranger, beside.url), Desk(agent, installation.url)
        visitor.say("From the other port")
        desk.take_up("From the other port")
        said = ["From the other port"]
        for turn in range(2):
            _restart(beside)
            desk.say(f"Answer {turn}")
            expect(visitor.log.get_by_text(f"Answer {turn}")).to_be_visible()
            visitor.say(f"Hello {turn}")
            expect(desk.thread.get_by_text(f"Hello {turn}")).to_be_visible()
            said += [f"Answer {turn}", f"Hello {turn}"]
        expect(desk.bubbles).to_have_text(said)
        expect(visitor.bubbles).to_have_text(said)


def _is_replaced(installation: Running, old: list[int]) -> bool:
    return not set(old) & set(installation.pids()["web"])


def _restart(beside: Beside) -> None:
    beside.kill()
    beside.start()
