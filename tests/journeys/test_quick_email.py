"""A quick email as an agent writes it: from ticks in a list to who opened and clicked, live."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from regulars.campaigns import emails, sending
from regulars.campaigns.sending import Engine
from regulars.kit import clock, database
from regulars.mail import sending as letters
from regulars.mail import subscriptions
from regulars.mail.links import address_hash
from tests.browser import PERSON
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser, site
from tests.slices.mail.sink import Arrived, Sink, sink
from tests.slices.tracking.site import Site, identify, page

__all__ = ["address", "browser", "cast", "site"]

Connection = psycopg.Connection[Any]

CROWD = 52  # more than a page of the list shows


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, address: str) -> Iterator[Sink]:
    """A mail server that takes what is sent; links in mails lead to this installation."""
    with sink() as running:
        monkeypatch.setenv("REGULARS_SMTP_URL", running.url)
        monkeypatch.setenv("REGULARS_BASE_URL", address)
        yield running


@pytest.fixture
def shop(cast: Cast, site: Site) -> Cast:
    """A project that may send marketing; one of its people lacks a name, two get no mail."""
    core, home = cast.connection, cast.home.id
    core.execute(
        "UPDATE project SET company = 'Tideway Coffee', postal_address = 'Rua do Cais 14, Porto',"
        " from_email = 'hello@tideway.example' WHERE id = %s",
        (home,),
    )
    traits: list[dict[str, Any]] = [
        {"name": f"Person {number:03}", "email": f"p{number}@example.com"}
        for number in range(CROWD - 3)
    ]
    traits += [{"email": "nameless@example.com"}, {"name": "No Address"}]
    traits += [{"name": "Left Us", "email": "left@example.com"}]
    now = clock.now()
    site.send(
        *(
            message
            for number, said in enumerate(traits)
            for message in (identify(f"u{number}", f"b{number}", said), page(f"b{number}", "/"))
        ),
        at=now,
    )
    left = address_hash(home, "left@example.com")
    subscriptions.leave(core, home, left, now, source="page", address="left@example.com")
    return cast


def beside(work: Callable[[Connection, asyncio.Runner], object]) -> None:
    """What the worker does, in a thread of its own: Playwright keeps a loop in the test's."""

    def run() -> None:
        with database.connect() as connection, asyncio.Runner() as runner:
            work(connection, runner)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(run).result()


def send_all(cast: Cast) -> None:
    """Once the time to undo is over."""

    def work(connection: Connection, runner: asyncio.Runner) -> None:
        engine = Engine(threading.Event(), penmen=0)
        later = clock.now() + 2 * emails.UNDO_FOR
        sending.send_due(connection, runner, engine, later, project_id=cast.home.id)
        runner.run(engine.close())

    beside(work)


def choose_a_template(tab: Page) -> None:
    tab.get_by_role("button", name="Templates").click()
    picks = tab.get_by_role("dialog", name="Pick a template")
    picks.get_by_text("Announcement").click()
    picks.get_by_role("button", name="Use template").click()
    expect(tab.frame_locator(".mail-frame.is-shown").get_by_text("See what is new")).to_be_visible()


def write(tab: Page) -> None:
    """Another subject, a block of one's own, and a fact of the person in it."""
    blocks = tab.locator("ol.blocks button")
    blocks.filter(has_text="Subject").click()
    tab.get_by_label("Subject", exact=True).fill("Six roasts, two of them new")
    blocks.filter(has_text="Heading").first.click()
    tab.get_by_label("Heading", exact=True).fill("Six roasts for ")
    insert(tab, "First name", "you")
    blocks.filter(has_text=re.compile("^Button")).click()
    tab.get_by_label("Leads to").fill("https://tideway.example/beans")
    expect(tab.locator("[data-state]")).to_contain_text(re.compile("^Saved"))


def insert(tab: Page, fact: str, otherwise: str) -> None:
    tab.get_by_role("button", name="Insert a merge tag").click()
    picker = tab.locator("#mail-tags")
    picker.get_by_placeholder("Find a fact").fill(fact)
    picker.get_by_role("option", name=fact).click()
    picker.get_by_label("If we don’t know it, say").fill(otherwise)
    picker.get_by_role("button", name="Insert").click()


def preview_as(tab: Page, name: str) -> None:
    tab.locator(".preview-as").click()
    menu = tab.locator("#preview-as")
    menu.get_by_role("button", name="Change").click()
    menu.get_by_role("combobox").fill(name)
    menu.get_by_role("option", name=re.compile(name)).click()


def letter_to(server: Sink, to: str) -> Arrived:
    (found,) = [one for one in server.arrived if one.to == [to]]
    return found


def html_of(letter: Arrived) -> str:
    body = letter.message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def test_an_email_from_ticks_in_a_list_to_what_came_of_it(
    browser: BrowserContext, shop: Cast, address: str, server: Sink
) -> None:
    tab = browser.new_page()
    complaints: list[str] = []
    tab.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    tab.on("pageerror", lambda one: complaints.append(str(one)))
    tab.goto(f"{address}{shop.home.url('people/')}?sort=name")
    tab.locator("#pick-all").click()
    tab.locator("#pick-everyone").click()
    expect(tab.locator("#picked")).to_have_text(f"{CROWD} people")
    tab.get_by_role("toolbar", name="Selected people").get_by_role(
        "button", name="Send email"
    ).click()

    # Who gets it, who is left out and why; transactional mail reaches those who unsubscribed.
    audience = tab.locator("#email-audience")
    expect(audience).to_contain_text(f"{CROWD - 2} of {CROWD}")
    expect(audience).to_contain_text("Unsubscribed")
    expect(audience).to_contain_text("No address")
    tab.get_by_text("Also reaches people who unsubscribed").click()
    expect(audience).to_contain_text(f"{CROWD - 1} of {CROWD}")
    tab.get_by_text("Never reaches people who unsubscribed").click()
    expect(audience).to_contain_text(f"{CROWD - 2} of {CROWD}")

    choose_a_template(tab)
    write(tab)
    shown = tab.frame_locator(".mail-frame.is-shown")
    preview_as(tab, "Person 007")
    expect(shown.get_by_role("heading")).to_have_text("Six roasts for Person")
    preview_as(tab, "nameless")
    expect(shown.get_by_role("heading")).to_have_text("Six roasts for you")
    tab.get_by_label("Phone, 360 px").check(force=True)
    expect(tab.locator("[data-frames].phone .mail-frame.is-shown")).to_have_count(1)

    send_a_test(tab, shop, server)
    review_and_send(tab)
    send_all(shop)
    assert len(server.arrived) == CROWD - 2
    follow_the_mail(tab, shop, letter_to(server, "p7@example.com"))
    look_at_the_person(tab, shop, address)
    assert complaints == []


def test_what_is_chosen_while_the_page_is_on_its_way_is_kept(
    browser: BrowserContext, shop: Cast, address: str
) -> None:
    tab = browser.new_page()
    held: list[Route] = []
    tab.route("**/console/mail/draft*.js", lambda route: held.append(route))  # noqa: PLW0108 - it asks for the signature
    tab.goto(f"{address}{shop.home.url('people/')}")
    tab.locator("#pick-all").click()
    tab.get_by_role("toolbar", name="Selected people").get_by_role(
        "button", name="Send email"
    ).click()
    audience = tab.locator("#email-audience")
    expect(audience).to_contain_text("Unsubscribed")
    tab.get_by_text("Also reaches people who unsubscribed").click()
    held[0].continue_()
    expect(audience).not_to_contain_text("Unsubscribed")
    expect(tab.locator("[data-state]")).to_have_text(re.compile("^Saved"))
    expect(tab.locator("mail-editor")).to_have_attribute("data-marketing", "no")
    tab.reload(wait_until="commit")  # the whole of it would wait for the script
    tab.get_by_text("Never reaches people who unsubscribed").click()
    held[1].continue_()
    expect(audience).to_contain_text("Unsubscribed")
    expect(tab.locator("mail-editor")).to_have_attribute("data-marketing", "yes")


def send_a_test(tab: Page, shop: Cast, server: Sink) -> None:
    """It arrives as the preview showed it, and is not counted."""
    tab.get_by_role("button", name="Send me a test").click()
    dialog = tab.get_by_role("dialog", name="Send a test")
    expect(dialog.get_by_label("To")).to_have_value(shop.alice.email)
    dialog.get_by_role("button", name="Send test").click()
    expect(tab.get_by_text("A test is on its way")).to_be_visible()
    expect(dialog).to_be_hidden()
    project_id, stop = shop.home.id, threading.Event()
    beside(lambda core, runner: letters.send_project(core, runner, project_id, clock.now(), stop))
    letter = letter_to(server, shop.alice.email)
    assert letter.message["Subject"] == "Six roasts, two of them new"
    assert "Six roasts for you" in html_of(letter)
    server.arrived.clear()


def review_and_send(tab: Page) -> None:
    tab.get_by_role("button", name="Review and send").click()
    review = tab.get_by_role("dialog", name=re.compile(f"Send to {CROWD - 2} people"))
    expect(review).to_contain_text(f"1 of {CROWD - 2} have no “First name” and read “you”")
    expect(review).to_contain_text("2 people are left out")
    review.get_by_role("button", name="Send email").click()
    expect(tab.get_by_role("button", name="Undo")).to_be_visible()


def follow_the_mail(tab: Page, shop: Cast, letter: Arrived) -> None:
    """Its reader loads the pictures and follows the button; the open page says so by itself."""
    html = html_of(letter)
    assert "Six roasts for Person" in html
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stats = tab.locator(".result-stats")
    expect(stats).to_contain_text(re.compile(rf"Sent\s*{CROWD - 2}"), timeout=15_000)
    pixel = re.search(r'<img src="([^"]+/o/[^"]+)"', html)
    link = re.search(r'href="([^"]+/c/[^"]+)"', html)
    assert pixel is not None
    assert link is not None
    reader = {"User-Agent": PERSON}
    tab.request.get(unescape(pixel[1]), headers=reader)
    expect(stats).to_contain_text(re.compile(r"Opened\s*1"), timeout=15_000)
    answer = tab.request.get(unescape(link[1]), headers=reader, max_redirects=0)
    assert answer.headers["location"] == "https://tideway.example/beans"
    expect(stats).to_contain_text(re.compile(r"Clicked\s*1"), timeout=15_000)
    tab.get_by_title("See these people").filter(has_text="1").first.click()
    expect(tab.get_by_role("link", name="Person 007")).to_be_visible()


def look_at_the_person(tab: Page, shop: Cast, address: str) -> None:
    tab.get_by_role("link", name="Person 007").click()
    expect(tab.get_by_text("Six roasts, two of them new").first).to_be_visible()
    row = shop.connection.execute(
        "SELECT count(*) FROM person WHERE project_id = %s AND last_emailed IS NOT NULL",
        (shop.home.id,),
    ).fetchone()
    assert row == (CROWD - 2,)
