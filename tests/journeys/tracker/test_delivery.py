"""Every event arrives, and under one messageId however often it is sent."""

import json
from collections import Counter

import pytest
from playwright.sync_api import Page

from .recorder import Delivery, Recorder


def _ids(delivery: Delivery) -> list[str]:
    return [event["messageId"] for event in delivery.events]


def test_the_first_event_leaves_at_once(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("regulars.track('Clicked')")
    server.wait_for_events(2)
    happened = tab.evaluate(f"Date.parse({json.dumps(server.accepted[1]['timestamp'])})") / 1000
    assert server.deliveries[1].at - happened < 0.4


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_told_and_sends_the_same_again(
    tab: Page, server: Recorder, status: int
) -> None:
    server.answers.append((status, {"Retry-After": "2"}))
    tab.goto(server.page("/", server.tag()))
    server.wait(lambda: server.deliveries)
    tab.evaluate("regulars.track('Meanwhile')")
    server.wait_for_events(2)
    refused, accepted = server.deliveries
    assert accepted.at - refused.at >= 1.9
    assert _ids(accepted)[0] == _ids(refused)[0]
    assert [event["type"] for event in accepted.events] == ["page", "track"]


def test_it_backs_off_when_nothing_was_said(tab: Page, server: Recorder) -> None:
    server.answers += [(500, {}), (502, {})]
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    first, second, third = server.deliveries
    assert second.at - first.at >= 0.9
    assert third.at - second.at >= 1.9
    assert _ids(first) == _ids(second) == _ids(third)


def test_what_the_server_will_never_take_is_not_sent_again(tab: Page, server: Recorder) -> None:
    server.answers.append((401, {}))
    tab.goto(server.page("/", server.tag()))
    server.wait(lambda: server.deliveries)
    tab.evaluate("regulars.track('Next')")
    server.wait_for_events(1)
    assert [event["type"] for event in server.accepted] == ["track"]


def test_events_of_a_page_that_closes_at_once_arrive(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("regulars.track('Last words'); location.href = 'about:blank'")
    events = server.wait_for_events(2)
    assert events[1]["event"] == "Last words"


def test_a_closed_tab_sends_what_it_still_had(tab: Page, server: Recorder) -> None:
    keeper = tab.context.new_page()
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("for (let n = 0; n < 60; n++) regulars.track('Word ' + n)")
    tab.close(run_before_unload=True)
    events = server.wait_for_events(61)
    assert [event["event"] for event in events[1:]] == [f"Word {n}" for n in range(60)]
    keeper.close()


def test_what_a_closing_page_left_in_flight_is_taken_up_by_the_next(
    tab: Page, server: Recorder
) -> None:
    """The request was cut and never answered; the next page sends it again under the same id."""
    address = server.page("/", server.tag())
    tab.goto(address)
    server.wait_for_events(1)
    server.answers.append((503, {}))
    server.hold.set()
    tab.evaluate("regulars.track('In flight')")
    tab.wait_for_timeout(400)
    tab.goto("about:blank")
    server.hold.clear()
    server.wait(lambda: len(server.deliveries) == 2)
    assert server.deliveries[1].status == 503
    # Half a minute later by the browser's clock.
    tab.add_init_script("const now = Date.now; Date.now = () => now() + 31000")
    tab.goto(address)
    events = server.wait_for_events(3)
    assert sorted(event.get("event", "page") for event in events[1:]) == ["In flight", "page"]
    assert _ids(server.deliveries[1])[0] in {event["messageId"] for event in events}


def test_what_may_have_arrived_long_ago_is_not_sent_again(tab: Page, server: Recorder) -> None:
    """The server no longer knows its messageId after three days."""
    address = server.page("/", server.tag())
    tab.goto(address)
    server.wait_for_events(1)
    server.hold.set()
    tab.evaluate("regulars.track('Perhaps')")
    tab.wait_for_timeout(400)
    tab.goto("about:blank")
    server.hold.clear()
    server.wait_for_events(2)
    tab.add_init_script("const now = Date.now; Date.now = () => now() + 2 * 86400e3")
    tab.goto(address)
    events = server.wait_for_events(3)
    tab.wait_for_timeout(400)
    assert Counter(event.get("event", "page") for event in events) == {"page": 2, "Perhaps": 1}


def test_events_made_offline_arrive_once_on_return(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag())
    tab.goto(address)
    server.wait_for_events(1)
    other = tab.context.new_page()
    other.goto(address)
    server.wait_for_events(2)
    tab.context.set_offline(True)
    for n in range(3):
        tab.evaluate(f"regulars.track('Here {n}')")
        other.evaluate(f"regulars.track('There {n}')")
    tab.wait_for_timeout(500)
    assert len(server.accepted) == 2
    tab.context.set_offline(False)
    server.wait_for_events(8)
    tab.wait_for_timeout(1500)
    assert Counter(event["event"] for event in server.named("track")) == {
        f"{where} {n}": 1 for where in ("Here", "There") for n in range(3)
    }


def test_events_made_offline_outlive_the_page(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag())
    browser = tab.context
    tab.goto(address)
    server.wait_for_events(1)
    browser.set_offline(True)
    tab.evaluate("regulars.track('Kept')")
    tab.wait_for_timeout(300)
    tab.close()
    browser.set_offline(False)
    browser.new_page().goto(address)
    events = server.wait_for_events(3)
    assert Counter(event.get("event", "page") for event in events) == {"page": 2, "Kept": 1}
    assert len({event["anonymousId"] for event in events}) == 1


def test_what_is_kept_offline_is_bounded(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.context.set_offline(True)
    tab.evaluate("for (let n = 0; n < 300; n++) regulars.track('Event ' + n)")
    entries = tab.evaluate("Object.entries(localStorage)")
    assert len(entries) <= 101
    assert sum(len(value) for _, value in entries) < 70_000
    # The page itself still holds the others.
    tab.context.set_offline(False)
    server.wait_for_events(301)
    assert len({event["messageId"] for event in server.accepted}) == 301


def test_a_burst_arrives_whole_in_few_requests(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("for (let n = 0; n < 500; n++) regulars.track('Event ' + n)")
    events = server.wait_for_events(501)
    assert [event.get("event", "page") for event in events][1:] == [
        f"Event {n}" for n in range(500)
    ]
    assert len(server.deliveries) < 30


def test_two_tabs_send_each_event_once(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag())
    other = tab.context.new_page()
    tab.goto(address)
    other.goto(address)
    server.wait_for_events(2)
    for n in range(20):
        tab.evaluate(f"regulars.track('One {n}')")
        other.evaluate(f"regulars.track('Two {n}')")
    server.wait_for_events(42)
    tab.wait_for_timeout(500)
    counted = Counter(event["messageId"] for event in server.accepted)
    assert len(counted) == 42
    assert set(counted.values()) == {1}
    assert len({event["anonymousId"] for event in server.accepted}) == 1


def test_an_event_too_large_for_a_closing_page_does_not_hold_up_its_neighbours(
    tab: Page, server: Recorder
) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate(
        "regulars.track('Small'); regulars.track('Large', {text: 'ж'.repeat(90000)});"
        "regulars.track('After')"
    )
    events = server.wait_for_events(4)
    assert [event["event"] for event in events[1:]] == ["Small", "Large", "After"]
