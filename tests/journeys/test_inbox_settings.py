"""What an agent sets about conversations, in a real browser."""

from __future__ import annotations

import hmac
import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from regulars.inbox import preferences, saved_replies, settings
from regulars.kit import clock
from tests.cast import Cast, cast
from tests.journeys.desk import address, browser

__all__ = ["address", "browser", "cast"]

HOSTILE = (
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    '"><svg onload=window.hit=1>',
    "'-window.hit++-'",
    "{{ first_name | default: \"<img src=x onerror='window.hit=1'>\" }}",
)


@pytest.fixture
def tab(browser: BrowserContext) -> Page:
    return browser.new_page()


def _open(tab: Page, address: str, cast: Cast, page: str) -> None:
    tab.goto(f"{address}{cast.home.url(f'settings/{page}')}")


def _saved(tab: Page) -> None:
    expect(tab.locator(".toast")).to_contain_text("Saved.")


def test_the_preview_shows_what_people_will_see(tab: Page, address: str, cast: Cast) -> None:
    _open(tab, address, cast, "messenger/")
    preview = tab.locator("messenger-preview")
    expect(preview.locator(".mp-title")).to_contain_text("Hi Amara")
    tab.get_by_label("Greeting").fill('Hej {{ first_name | default: "du" }}!')
    tab.get_by_label("And below it").fill("What are you brewing?")
    expect(preview.locator(".mp-title")).to_have_text("Hej Amara!What are you brewing?")
    tab.locator(".swatches label.sw1").click()
    expect(preview.locator(".mp-launcher")).to_have_css("background-color", "rgb(21, 59, 104)")
    tab.get_by_text("Left", exact=True).click()
    expect(preview).to_have_class(re.compile(r"\bleft\b"))
    tab.get_by_label("Show who is on duty").uncheck()
    expect(preview.locator("[data-here]")).to_have_text("We are here")
    tab.get_by_role("button", name="Save changes").click()
    _saved(tab)
    kept = settings.load(cast.connection, cast.home.id)
    assert (kept.color, kept.side, kept.show_team) == ("#153b68", "left", False)
    expect(preview.locator(".mp-launcher")).to_have_css("background-color", "rgb(21, 59, 104)")


def test_a_colour_of_one_s_own_is_chosen_by_picking_it(tab: Page, address: str, cast: Cast) -> None:
    _open(tab, address, cast, "messenger/")
    tab.get_by_label("Your own colour").fill("#f0ac27")
    expect(tab.get_by_label("Your own", exact=True)).to_be_checked()
    hero = tab.locator(".mp-hero")
    expect(hero).to_have_css("background-color", "rgb(240, 172, 39)")
    expect(hero).not_to_have_css("color", "rgb(255, 255, 255)")  # white can't be read on it
    tab.get_by_role("button", name="Save changes").click()
    _saved(tab)
    assert settings.load(cast.connection, cast.home.id).color == "#f0ac27"


def test_a_week_s_hours_are_set(tab: Page, address: str, cast: Cast) -> None:
    _open(tab, address, cast, "inbox/")
    expect(tab.locator("office-hours")).to_be_hidden()
    tab.get_by_text("At certain hours").click()
    tab.get_by_label("Monday, from").fill("08:30")
    tab.get_by_role("button", name="Add hours on Monday").click()
    tab.get_by_label("Monday, to").first.fill("12:00")
    tab.get_by_label("Monday, from").last.fill("13:00")
    tab.get_by_label("Monday, to").last.fill("00:00")
    tab.get_by_role("button", name="Monday’s hours on all weekdays").click()
    tab.get_by_role("button", name="Remove these hours on Friday").last.click()
    tab.get_by_role("button", name="Add hours on Saturday").click()
    tab.get_by_role("button", name="Save changes").click()
    _saved(tab)
    kept = settings.to_json(settings.load(cast.connection, cast.home.id))["office_hours"]
    morning = {"from": "08:30", "to": "12:00"}
    assert kept == [
        *(
            {"day": day, **each}
            for day in range(4)
            for each in (morning, {"from": "13:00", "to": "24:00"})
        ),
        {"day": 4, **morning},
        {"day": 5, "from": "09:00", "to": "17:00"},
    ]
    expect(tab.get_by_label("Thursday, to").last).to_have_value("00:00")
    expect(tab.locator('[data-day="6"]')).to_contain_text("Closed")


def test_hours_that_cannot_be_are_refused_and_stay(tab: Page, address: str, cast: Cast) -> None:
    _open(tab, address, cast, "inbox/")
    tab.get_by_text("At certain hours").click()
    tab.get_by_label("Tuesday, to").fill("09:00")
    tab.get_by_role("button", name="Save changes").click()
    expect(tab.locator("#hours-error")).to_contain_text("Tuesday: it must close later")
    expect(tab.get_by_label("Tuesday, to")).to_have_value("09:00")


def test_a_reply_is_written_previewed_deleted_and_had_back(
    tab: Page, address: str, cast: Cast
) -> None:
    _open(tab, address, cast, "replies/")
    tab.get_by_role("link", name="Write a reply").click()
    tab.get_by_label("Name", exact=True).fill("Gift boxes")
    tab.get_by_label("Shortcut (optional)").fill("gift")
    tab.get_by_label("Text", exact=True).press_sequentially("Hej ")
    tab.get_by_role("button", name="first_name", exact=True).click()
    tab.keyboard.type("du")  # over what is said where the name is not known
    tab.get_by_label("Text", exact=True).press("End")
    tab.keyboard.type("!")
    expect(tab.get_by_label("Text", exact=True)).to_have_value(
        'Hej {{ first_name | default: "du" }}!'
    )
    expect(tab.locator(".reply-bubble")).to_have_text(["Hej Amara!", "Hej du!"])
    tab.keyboard.type(" {{ nobody }}")
    expect(tab.locator("#reply-preview")).to_contain_text("There is no merge tag “nobody”.")
    for _ in " {{ nobody }}":
        tab.keyboard.press("Backspace")
    expect(tab.locator(".reply-bubble")).to_have_text(["Hej Amara!", "Hej du!"])
    tab.get_by_role("button", name="Save reply").click()
    expect(tab.get_by_role("row", name="Gift boxes")).to_be_visible()
    tab.get_by_role("button", name="Delete Gift boxes").click()
    expect(tab.get_by_role("row", name="Gift boxes")).to_have_count(0)
    assert saved_replies.everything(cast.connection, cast.home.id) == []
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("row", name="Gift boxes")).to_be_visible()
    (back,) = saved_replies.everything(cast.connection, cast.home.id)
    assert (back.shortcut, back.body) == ("gift", 'Hej {{ first_name | default: "du" }}!')


def test_the_secret_is_shown_and_a_signature_tried(tab: Page, address: str, cast: Cast) -> None:
    secret = cast.home.config.identity_secret
    _open(tab, address, cast, "identity/")
    expect(tab.locator("#identity-secret")).not_to_contain_text(secret)
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("#identity-secret")).to_contain_text(secret)
    tab.get_by_text("Ruby", exact=True).click()
    tab.get_by_text("Signature for good").click()
    expect(tab.get_by_label("Ruby signature", exact=True)).to_be_visible()
    expect(tab.get_by_label("Ruby token", exact=True)).to_be_hidden()
    expect(tab.get_by_label("Python token", exact=True)).to_be_hidden()
    token = hmac.new(secret.encode(), b"u_4812", "sha256").hexdigest()
    tab.get_by_label("User id").fill("u_4812")
    tab.get_by_label("Token or signature").fill(token)
    tab.get_by_role("button", name="Check").click()
    expect(tab.locator("#verdict")).to_have_text("It matches")
    tab.get_by_label("User id").fill("u_1")
    tab.get_by_role("button", name="Check").click()
    expect(tab.locator("#verdict")).to_contain_text("does not match")


def test_the_demand_is_switched_on_and_the_secret_replaced(
    tab: Page, address: str, cast: Cast
) -> None:
    _open(tab, address, cast, "identity/")
    tab.get_by_label("Demand signed claims").check()
    expect(tab.locator(".settings-body header").first).to_contain_text("Signatures demanded")
    tab.get_by_role("button", name="Replace").click()
    asked = tab.get_by_role("dialog", name="Replace the secret?")
    expect(asked.get_by_role("button", name="Keep it")).to_be_focused()
    asked.get_by_role("button", name="Replace secret").click()
    expect(tab.locator(".toast")).to_contain_text("Here is a new secret")


def test_an_agent_goes_away_and_comes_back(tab: Page, address: str, cast: Cast) -> None:
    tab.goto(f"{address}{cast.home.url('people/')}")
    face = tab.locator("#me-face .avatar")
    expect(face).to_have_class(re.compile("online"))
    tab.get_by_role("button", name="Your account: Alice").click()
    away = tab.get_by_role("button", name="Away mode")
    away.click()
    expect(away).to_have_attribute("aria-pressed", "true")
    expect(face).not_to_have_class(re.compile("online"))
    assert preferences.load(cast.connection, cast.home.id, cast.alice.id).away
    tab.reload()
    expect(face).not_to_have_class(re.compile("online"))
    tab.get_by_role("button", name="Your account: Alice").click()
    away.click()
    expect(away).to_have_attribute("aria-pressed", "false")
    expect(face).to_have_class(re.compile("online"))


def test_an_agent_chooses_how_to_be_told(tab: Page, address: str, cast: Cast) -> None:
    _open(tab, address, cast, "notifications/")
    tab.get_by_label("Play a sound").uncheck()
    tab.get_by_text("Mine alone").click()
    tab.get_by_label("By email").select_option("Never")
    tab.get_by_role("button", name="Save changes").click()
    _saved(tab)
    kept = preferences.load(cast.connection, cast.home.id, cast.alice.id)
    assert (kept.sound, kept.only_mine, kept.email_after_minutes) == (False, True, None)


def test_nothing_that_was_typed_runs(tab: Page, address: str, cast: Cast) -> None:
    now = clock.now()
    for number, text in enumerate(HOSTILE):
        saved_replies.create(
            cast.connection, cast.home.id, now, name=f"{number} {text}"[:80], body=text
        )
    said = {"greeting": HOSTILE[1], "intro": HOSTILE[0], "away_message": HOSTILE[2]}
    settings.change(cast.connection, cast.home.id, said, now)
    ids = [one.id for one in saved_replies.everything(cast.connection, cast.home.id)]
    for page in ("messenger/", "inbox/", "replies/", *(f"replies/{id_}/" for id_ in ids)):
        _open(tab, address, cast, page)
        if page.startswith("replies/") and page != "replies/":
            tab.get_by_label("Text", exact=True).press("End")
            tab.keyboard.type(" ")
            expect(tab.locator("#reply-preview")).not_to_be_empty()
        if page == "messenger/":
            tab.get_by_label("Greeting").fill(HOSTILE[4])
            expect(tab.locator("[data-greeting]")).to_have_text("Amara")
            tab.get_by_label("Greeting").fill(HOSTILE[1])
            expect(tab.locator("[data-greeting]")).to_have_text(HOSTILE[1])
        assert tab.evaluate("window.hit") is None, page
