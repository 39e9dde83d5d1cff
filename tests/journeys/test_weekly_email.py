"""The brief's own example: a checkpoint for who uses Firefox, and a weekly email to them."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Browser, Page, expect

from tests.journeys.test_segment_live import FIREFOX, Clock
from tests.journeys.test_win_back import clock, desk, installation, mail, what_is_known
from tests.running import Running, wait_until
from tests.slices.mail.sink import Sink

__all__ = ["clock", "desk", "installation", "mail"]


def make_checkpoint(desk: Page) -> None:
    """Firefox users: a column, how to compare, a value."""
    desk.goto(re.sub(r"/campaigns/.*", "/settings/funnel/", desk.url))
    desk.get_by_role("link", name="Add a checkpoint").click()
    desk.get_by_label("Title").fill("Firefox users")
    desk.get_by_role("button", name="Add filter").click()
    desk.get_by_label("Find a field, an event or a segment").fill("browser")
    desk.get_by_role("button", name="browser", exact=True).click()
    desk.locator("filter-builder .rule input").first.fill("Firefox")
    desk.get_by_role("button", name="Add checkpoint").click()


def come_by_firefox(chromium: Browser, url: str) -> None:
    """Somebody signs up at the demo shop."""
    visitor = chromium.new_context(user_agent=FIREFOX)
    shop = visitor.new_page()
    shop.goto(f"{url}/demo/sign-up/")
    shop.get_by_label("Name", exact=True).fill("Amara Okafor")
    shop.get_by_label("Email", exact=True).fill("amara@example.com")
    with shop.expect_response(lambda answer: "/demo/account/" in (answer.request.post_data or "")):
        shop.get_by_role("button", name="Sign up").click()
    visitor.close()


def test_who_uses_firefox_is_written_to_every_week(
    desk: Page, chromium: Browser, installation: Running, clock: Clock, mail: Sink
) -> None:
    make_checkpoint(desk)
    come_by_firefox(chromium, installation.url)
    desk.reload()
    expect(
        desk.get_by_role("listitem").filter(has_text="Firefox users").locator(".cp-reach b")
    ).to_have_text("1")

    desk.get_by_role("link", name="How people do").click()
    now = desk.get_by_role("complementary", name="Checkpoints now").get_by_role("listitem")
    now.filter(has_text="Firefox users").get_by_role(
        "link", name="Write to them every week"
    ).click()
    desk.get_by_role("button", name="Open draft").click()
    expect(desk.get_by_role("heading", name="Ready to start")).to_be_visible()
    desk.get_by_role("link", name="Review and start").click()
    desk.get_by_role("dialog").get_by_role("button", name="Start").click()
    desk.wait_for_url("**/results")

    noon = clock.now.replace(hour=12, minute=0)
    monday = noon + timedelta(days=7 - noon.weekday())  # behind a Sunday evening, in no quiet hours
    for week in (1, 2):
        clock.set(monday + timedelta(days=7 * (week - 1)))
        wait_until(
            lambda week=week: len(mail.arrived) == week,  # type: ignore[misc]
            seconds=60,
            otherwise=lambda: what_is_known(installation),
        )
    assert [one.to for one in mail.arrived] == [["amara@example.com"]] * 2
