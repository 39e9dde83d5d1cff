"""Somebody walks through the demo shop, and what they do arrives."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .recorder import Event, Recorder


@pytest.fixture
def complaints(tab: Page) -> list[str]:
    """What the browser had to complain about: errors, refused scripts, failed requests."""
    heard: list[str] = []
    tab.on("pageerror", lambda error: heard.append(str(error)))
    tab.on("console", lambda line: heard.append(line.text) if line.type == "error" else None)
    return heard


def _story(events: list[Event]) -> list[Any]:
    return [
        event["properties"]["path"]
        if event["type"] == "page"
        else event.get("event", event["type"])
        for event in events
    ]


def _sign_up(tab: Page, server: Recorder) -> None:
    tab.goto(server.here + "/demo/sign-up/")
    tab.get_by_label("Name").fill("Robin Clay")
    tab.get_by_label("Email", exact=True).fill("Robin@example.com")
    tab.get_by_label("Regular a mug a season").check()
    tab.get_by_role("button", name="Sign up").click()
    tab.wait_for_url("**/demo/account/")


def test_a_visitor_looks_around_signs_up_and_orders(
    tab: Page, server: Recorder, complaints: list[str]
) -> None:
    tab.goto(server.here + "/demo/?utm_source=newsletter&utm_medium=email")
    tab.get_by_role("link", name="Noodle bowl").click()
    tab.get_by_label("How many").fill("2")
    tab.get_by_role("button", name="Put it in the basket").click()
    expect(tab.get_by_text("In the basket.")).to_be_visible()
    _sign_up(tab, server)
    expect(tab.get_by_role("heading", name="Hello, Robin")).to_be_visible()
    tab.get_by_role("link", name="Basket").click()
    tab.get_by_role("link", name="To the checkout").click()
    tab.get_by_label("Coupon").fill("clover")
    tab.get_by_role("button", name="Place the order").click()
    expect(tab.get_by_role("heading", name="Thank you")).to_be_visible()
    events = server.wait_for_events(15)
    assert _story(events) == [
        "/demo/",
        "/demo/shop/bowl/",
        "Product Viewed",
        "Product Added",
        "/demo/sign-up/",
        "identify",
        "Signed Up",
        "/demo/account/",
        "/demo/cart/",
        "Cart Viewed",
        "/demo/checkout/",
        "Checkout Started",
        "Order Completed",
        "identify",
        "/demo/thanks/",
    ]
    assert events[3]["properties"]["quantity"] == 2
    joined = events[5]
    assert joined["userId"] == "demo-robin-example-com"
    assert joined["traits"]["plan"] == "regular"
    assert joined["traits"]["email"] == "Robin@example.com"
    order = events[12]["properties"]
    assert (order["total"], order["discount"], order["coupon"]) == (75.6, 8.4, "CLOVER")
    assert events[13]["traits"]["lifetime_value"] == 75.6
    assert len({event["anonymousId"] for event in events}) == 1
    assert complaints == []


def test_logging_out_makes_a_new_visitor(
    tab: Page, server: Recorder, complaints: list[str]
) -> None:
    _sign_up(tab, server)
    tab.get_by_role("button", name="Log out").click()
    tab.wait_for_url("**/demo/")
    expect(tab.get_by_role("link", name="Sign up").first).to_be_visible()
    server.wait(lambda: _story(server.accepted)[-2:] == ["Signed Out", "/demo/"])
    before, after = server.accepted[-2:]
    assert before["userId"] == "demo-robin-example-com"
    assert "userId" not in after
    assert before["anonymousId"] != after["anonymousId"]
    assert complaints == []


def test_a_letter_subscriber_is_a_lead(tab: Page, server: Recorder) -> None:
    tab.goto(server.here + "/demo/journal/")
    tab.get_by_label("Your email address").fill("lee@example.com")
    tab.get_by_role("button", name="Write to me").click()
    server.wait(lambda: server.named("identify"))
    (lead,) = server.named("identify")
    assert lead["traits"] == {"email": "lee@example.com"}
    assert "userId" not in lead


def test_narrowing_the_shelf_is_a_page_view(tab: Page, server: Recorder) -> None:
    tab.goto(server.here + "/demo/shop/")
    tab.get_by_role("link", name="Cups", exact=True).click()
    expect(tab.locator("[data-cards] article:visible")).to_have_count(2)
    server.wait(lambda: len(server.named("page")) == 2)
    assert server.named("page")[1]["properties"]["search"] == "?kind=Cups"
    tab.go_back()
    expect(tab.locator("[data-cards] article:visible")).to_have_count(8)


def test_coming_in_another_way_is_somebody_new(tab: Page, server: Recorder) -> None:
    tab.goto(server.here + "/demo/")
    tab.get_by_role("link", name="our newsletter").click()
    tab.wait_for_url("**utm_source=newsletter**")
    first, second = server.wait_for_events(2)
    assert first["anonymousId"] != second["anonymousId"]
    assert "utm_campaign=autumn-kiln" in second["properties"]["search"]


def test_the_basket_can_be_changed(tab: Page, server: Recorder, complaints: list[str]) -> None:
    for slug in ("mug", "vase"):
        tab.goto(f"{server.here}/demo/shop/{slug}/")
        tab.get_by_role("button", name="Put it in the basket").click()
    tab.get_by_role("link", name="Basket 2").click()
    tab.get_by_label("How many of Morning mug").fill("3")
    tab.get_by_label("How many of Morning mug").blur()
    expect(tab.locator("[data-total]")).to_have_text("€114")
    tab.get_by_role("button", name="Take Bud vase out").click()
    expect(tab.locator("[data-total]")).to_have_text("€84")
    tab.reload()
    expect(tab.get_by_role("link", name="Basket 3")).to_be_visible()
    tab.get_by_role("button", name="Take Morning mug out").click()
    expect(tab.get_by_text("Nothing in it yet.")).to_be_visible()
    assert complaints == []
