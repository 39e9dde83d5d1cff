"""What a page view is, and what goes with it."""

import datetime as dt

from playwright.sync_api import Page

from .recorder import WRITE_KEY, Recorder


def test_a_page_is_seen(tab: Page, server: Recorder) -> None:
    address = server.page("/shop/", server.tag(), title="Mugs & bowls")
    tab.goto(address + "?utm_source=news&q=a%20b#reviews", referer="https://search.example/")
    (event,) = server.wait_for_events(1)
    assert event["type"] == "page"
    assert event["context"]["page"] == {
        "url": address + "?utm_source=news&q=a%20b",
        "path": "/shop/",
        "search": "?utm_source=news&q=a%20b",
        "title": "Mugs & bowls",
        "referrer": "https://search.example/",
    }
    assert event["properties"]["url"] == address + "?utm_source=news&q=a%20b"
    assert event["context"]["locale"] == "en-GB"
    assert event["context"]["timezone"] == "Europe/Lisbon"
    assert event["context"]["library"] == {"name": "regulars-js", "version": "1.0.0"}
    assert event["context"]["direct"] is True
    assert event["context"]["userAgent"] == tab.evaluate("navigator.userAgent")
    assert "gpc" not in event["context"]
    assert "userId" not in event


def test_it_is_sent_as_plain_text_with_the_key_and_without_a_cookie(
    tab: Page, server: Recorder
) -> None:
    server.page("/", server.tag())
    tab.goto(server.at("localhost") + "/")
    server.wait_for_events(1)
    (sent,) = server.deliveries
    assert sent.content_type.startswith("text/plain")
    assert sent.body["writeKey"] == WRITE_KEY
    assert dt.datetime.fromisoformat(sent.body["sentAt"]).timestamp() - sent.at < 5
    assert sent.headers["origin"] == server.at("localhost")
    assert "cookie" not in sent.headers


def test_the_key_may_stand_in_the_address_of_the_script(tab: Page, server: Recorder) -> None:
    tag = f'<script async src="{server.here}/t.js?k={WRITE_KEY}"></script>'
    tab.goto(server.page("/", tag))
    server.wait_for_events(1)
    assert server.deliveries[0].body["writeKey"] == WRITE_KEY


def test_moving_within_a_page_is_seen_when_path_or_search_change(
    tab: Page, server: Recorder
) -> None:
    tab.goto(server.page("/app/", server.tag(), title="Home"))
    server.wait_for_events(1)
    tab.evaluate("history.pushState({}, '', '/app/orders?page=2'); document.title = 'Orders'")
    server.wait_for_events(2)
    tab.evaluate("history.replaceState({}, '', '/app/orders?page=3')")
    server.wait_for_events(3)
    tab.evaluate("history.pushState({}, '', '#top')")
    tab.evaluate("history.replaceState({scroll: 40}, '')")
    tab.go_back()
    tab.go_back()
    events = server.wait_for_events(4)
    tab.wait_for_timeout(300)
    assert [event["properties"]["path"] + event["properties"]["search"] for event in events] == [
        "/app/",
        "/app/orders?page=2",
        "/app/orders?page=3",
        "/app/",
    ]
    assert events[1]["properties"]["title"] == "Orders"
    assert events[1]["properties"]["referrer"] == server.here + "/app/"
    assert events[2]["properties"]["referrer"] == server.here + "/app/orders?page=2"


def test_what_is_tracked_right_after_a_move_belongs_to_the_new_page(
    tab: Page, server: Recorder
) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("history.pushState({}, '', '/next'); regulars.track('Looked')")
    _, view, looked = server.wait_for_events(3)
    assert (view["type"], looked["event"]) == ("page", "Looked")
    assert looked["context"]["page"]["path"] == "/next"


def test_a_page_called_by_hand_has_a_name_and_properties(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("regulars.page('Step 2', {plan: 'pro'})")
    _, event = server.wait_for_events(2)
    assert (event["name"], event["properties"]["plan"]) == ("Step 2", "pro")
    assert event["properties"]["path"] == "/"


def test_coming_back_by_the_back_button_is_seen(tab: Page, server: Recorder) -> None:
    first = server.page("/first", server.tag())
    tab.goto(first)
    server.wait_for_events(1)
    tab.goto(server.page("/second", server.tag()))
    server.wait_for_events(2)
    tab.go_back()
    events = server.wait_for_events(3)
    assert events[2]["context"]["page"]["path"] == "/first"


def test_one_script_twice_on_a_page_counts_once(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag() + server.tag()))
    server.wait_for_events(1)
    tab.wait_for_timeout(300)
    assert len(server.accepted) == 1


def test_a_signal_for_privacy_is_passed_on(tab: Page, server: Recorder) -> None:
    tab.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    tab.goto(server.page("/", server.tag()))
    (event,) = server.wait_for_events(1)
    assert event["context"]["gpc"] is True
