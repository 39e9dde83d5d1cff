"""A win-back from its ready-made form: somebody slips away, is written to, clicks, and is back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from regulars.config.data_folder import DataFolder
from tests.journeys.desk import first_owner
from tests.journeys.test_segment_live import FIREFOX, Clock
from tests.migrated import migrated
from tests.running import Running, running, wait_until
from tests.slices.mail.sink import Sink, sink

LINK = re.compile(r'href="([^"]+)"[^>]*>\s*(?:<[^>]+>\s*)*See what is new')


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def mail() -> Iterator[Sink]:
    with sink() as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, clock: Clock, mail: Sink) -> Iterator[Running]:
    settings = {
        "REGULARS_CLOCK": str(tmp_path / "clock"),
        "REGULARS_TESTING": "1",
        "REGULARS_SMTP_URL": mail.url,
    }
    with running(migrated(tmp_path / "data"), settings=settings) as server:
        state = DataFolder(server.data).read()
        assert state is not None
        assert state.dsn is not None
        with psycopg.connect(state.dsn, autocommit=True) as connection:
            connection.execute(
                "UPDATE project SET from_email = 'hello@shop.example', company = 'The shop',"
                " postal_address = 'Rua do Cais 14, Porto'"
            )
        yield server


@pytest.fixture
def desk(chromium: Browser, installation: Running) -> Iterator[Page]:
    """The new owner's list of campaigns."""
    context = first_owner(chromium, installation)
    tab = context.new_page()
    tab.goto(f"{installation.url}/")
    tab.goto(re.sub(r"/p/([0-9a-f-]+)/.*", r"/p/\1/campaigns/", tab.url))
    yield tab
    context.close()


def what_is_known(installation: Running) -> str:
    """What the database says, where no mail comes."""
    state = DataFolder(installation.data).read()
    assert state is not None
    assert state.dsn is not None
    asked = (
        "SELECT state, from_seq, next_run_at FROM campaign",
        "SELECT state, step, why, next_at, ended FROM campaign_entry",
        "SELECT state, trouble FROM email",
        "SELECT state, reason, next_try_at, tries FROM email_recipient",
        "SELECT r.seq, o.last FROM campaign_cursor r JOIN outbox_counter o USING (project_id)",
    )
    with psycopg.connect(state.dsn) as connection:
        found = [f"{one}: {connection.execute(one).fetchall()}" for one in asked]
    return "\n".join([*found, installation.said()[-3_000:]])


def begin(desk: Page, back_to: str) -> None:
    """The win-back, from its form, with its button leading to the shop, started."""
    form = desk.get_by_role("link", name="Slipping-away win-back").get_attribute("href")
    desk.goto(back_to.partition("/demo/")[0] + str(form))
    expect(desk.get_by_label("Name", exact=True)).to_have_value("Slipping-away win-back")
    desk.get_by_role("button", name="Open draft").click()
    message = desk.get_by_label("Message", exact=True)
    expect(message).to_have_value(re.compile("See what is new"))
    with desk.expect_response(re.compile("/edit$")):
        message.fill(message.input_value().replace("https://example.com/", back_to))
        message.blur()
    desk.get_by_role("link", name="When someone enters Slipping away").click()
    with desk.expect_response(re.compile("/edit$")):
        desk.get_by_text("Only who enters from then on").click()
    expect(desk.get_by_role("heading", name="Ready to start")).to_be_visible()
    desk.get_by_role("link", name="Review and start").click()
    desk.get_by_role("dialog").get_by_role("button", name="Start").click()
    desk.wait_for_url("**/results")


def test_who_slips_away_is_written_to_and_comes_back(
    desk: Page, chromium: Browser, installation: Running, clock: Clock, mail: Sink
) -> None:
    begin(desk, f"{installation.url}/demo/journal/")
    visitor = chromium.new_context(user_agent=FIREFOX)  # a headless one is taken for a robot
    shop = visitor.new_page()
    shop.goto(f"{installation.url}/demo/sign-up/")
    shop.get_by_label("Name", exact=True).fill("Amara Okafor")
    shop.get_by_label("Email", exact=True).fill("amara@example.com")
    with shop.expect_response(lambda answer: "/demo/account/" in (answer.request.post_data or "")):
        shop.get_by_role("button", name="Sign up").click()
    shop.close()

    clock.set(clock.now + timedelta(days=28, minutes=1))
    wait_until(
        lambda: len(mail.arrived) == 1, seconds=60, otherwise=lambda: what_is_known(installation)
    )
    letter = mail.arrived[0]
    assert letter.to == ["amara@example.com"]
    body = letter.message.get_body(("html",))
    assert body is not None
    found = LINK.search(body.get_content())
    assert found is not None

    clock.set(clock.now + timedelta(hours=2))
    shop = visitor.new_page()
    with shop.expect_response(lambda answer: "/demo/journal/" in (answer.request.post_data or "")):
        shop.goto(found[1].replace("&amp;", "&"))
    assert "/demo/journal/" in shop.url

    desk.reload()
    goal = desk.get_by_role("row", name="Got the campaign")
    expect(goal).to_contain_text("100.0%")
    stats = desk.locator(".result-stats")
    expect(stats).to_contain_text(re.compile(r"Clicked\s*1"))
    expect(stats).to_contain_text(re.compile(r"Goal reached\s*1"))
    clock.set(clock.now + timedelta(days=9))
    desk.wait_for_timeout(1500)
    assert len(mail.arrived) == 1  # who is back gets nothing more
    visitor.close()
