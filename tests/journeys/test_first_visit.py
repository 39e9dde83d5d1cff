"""The first ten minutes: one command, a sign-in link, a shop, and somebody appears."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import PERSON
from tests.journeys.desk import first_owner
from tests.running import Running, running

IMAGES = Path(__file__).parents[2] / "docs" / "images"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real `regulars up` on a folder of its own."""
    proxied = {"REGULARS_TRUSTED_PROXIES": "127.0.0.1"}
    with running(tmp_path_factory.mktemp("first") / "data", settings=proxied) as server:
        yield server


@pytest.fixture(scope="module")
def agent(chromium: Browser, installation: Running) -> Iterator[BrowserContext]:
    """The new owner's browser, signed in by the link that the first start printed."""
    context = first_owner(chromium, installation)
    yield context
    context.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """Somebody's browser, fresh."""
    context = chromium.new_context(
        user_agent=PERSON,
        locale="en-GB",
        timezone_id="Europe/Lisbon",
        extra_http_headers={"X-Forwarded-For": "194.65.14.1"},  # a network in Portugal
    )
    yield context
    context.close()


def people(agent: BrowserContext, installation: Running, kind: str) -> Page:
    tab = agent.new_page()
    tab.goto(installation.url)
    tab.goto(re.sub(r"/p/([0-9a-f-]+)/.*", rf"/p/\1/people/?kind={kind}", tab.url))
    return tab


def test_a_visitor_appears_moves_registers_and_keeps_their_history(
    agent: BrowserContext, visitor: BrowserContext, installation: Running
) -> None:
    visitors = people(agent, installation, "visitor")
    shop = visitor.new_page()

    shop.goto(f"{installation.url}/demo/?utm_source=potters-weekly&utm_medium=email")
    expect(visitors.locator("tbody tr")).to_have_count(1)
    expect(visitors.locator("tbody tr")).to_contain_text("/demo/")

    shop.goto(f"{installation.url}/demo/shop/")
    expect(visitors.locator("tbody tr")).to_contain_text("/demo/shop/")

    shop.goto(f"{installation.url}/demo/sign-up/")
    shop.get_by_label("Name", exact=True).fill("Amara Okafor")
    shop.get_by_label("Email", exact=True).fill("amara@example.com")
    shop.get_by_role("button", name="Sign up").click()
    expect(shop).to_have_url(re.compile("/demo/account/"))

    users = people(agent, installation, "user")
    expect(users.locator("tbody")).to_contain_text("Amara Okafor")
    users.get_by_role("link", name="Amara Okafor").first.click()
    profile = users.locator("main")
    for seen in (
        "/demo/shop/",
        "potters-weekly",
        "Chrome",
        "Linux",
        "Portugal",
        "amara@example.com",
    ):
        expect(profile).to_contain_text(seen)
    expect(profile).to_contain_text("Right now")
    if os.environ.get("REGULARS_SCREENSHOTS"):
        users.screenshot(path=IMAGES / "profile.png")


def test_the_tracking_page_turns_green_by_itself(
    agent: BrowserContext, visitor: BrowserContext, installation: Running
) -> None:
    tab = agent.new_page()
    tab.goto(installation.url)
    tab.goto(re.sub(r"/p/([0-9a-f-]+)/.*", r"/p/\1/settings/tracking/", tab.url))
    shop = visitor.new_page()
    shop.goto(f"{installation.url}/demo/journal/")
    expect(tab.locator("#last-event")).to_contain_text("Last event")
    expect(tab.locator("#live-rows")).to_contain_text("/demo/journal/")


def test_a_whole_population_arrives_by_one_command(
    agent: BrowserContext, installation: Running
) -> None:
    sent = installation.run("demo", "--people", "60")
    assert sent.returncode == 0, sent.stderr
    users = people(agent, installation, "user")
    expect(users.locator("tbody tr").nth(20)).to_be_visible()
    if os.environ.get("REGULARS_SCREENSHOTS"):
        installation.run("demo", "--people", "300")
        users.reload()
        expect(users.locator("tbody tr").nth(20)).to_be_visible()
        users.screenshot(path=IMAGES / "people.png")
