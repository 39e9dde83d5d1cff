"""Nothing stored and nothing sent before it is allowed."""

from typing import Any

from playwright.sync_api import Page

from .recorder import Recorder
from .tabs import wait_until_both_know

WAIT = 'data-consent="wait"'


def _kept(tab: Page) -> Any:
    return tab.evaluate("[Object.keys(localStorage), document.cookie]")


def test_nothing_is_stored_or_sent_before_consent(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag(WAIT)))
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.track('Held'); regulars.identify('u-1', {email: 'pat@example.com'})")
    tab.wait_for_timeout(500)
    assert _kept(tab) == [[], ""]
    tab.goto(server.page("/next", server.tag(WAIT)))
    tab.wait_for_function("window.regulars?.version")
    tab.wait_for_timeout(300)
    assert _kept(tab) == [[], ""]
    assert server.deliveries == []


def test_what_was_held_goes_with_consent(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag(WAIT)))
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.track('Held')")
    tab.evaluate("regulars.consent(true)")
    tab.evaluate("regulars.track('Later')")
    events = server.wait_for_events(3)
    assert [event.get("event", "page") for event in events] == ["page", "Held", "Later"]
    assert len({event["anonymousId"] for event in events}) == 1


def test_consent_is_remembered(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag(WAIT))
    tab.goto(address)
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.consent(true)")
    server.wait_for_events(1)
    tab.goto(address)
    first, second = server.wait_for_events(2)
    assert first["anonymousId"] == second["anonymousId"]


def test_consent_given_before_it_loads_counts(tab: Page, server: Recorder) -> None:
    given = "<script>(window.regulars = window.regulars || []).push(['consent', true])</script>"
    tab.goto(server.page("/", given + server.tag(WAIT)))
    assert len(server.wait_for_events(1)) == 1


def test_withdrawing_forgets_and_stops(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("regulars.track('Dropped'); regulars.consent(false); regulars.track('Never')")
    tab.wait_for_timeout(400)
    assert len(server.accepted) == 1
    assert _kept(tab) == [[], ""]


def test_withdrawing_in_one_tab_stops_the_others(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag(WAIT))
    tab.goto(address)
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.consent(true)")
    server.wait_for_events(1)
    other = tab.context.new_page()
    other.goto(address)
    server.wait_for_events(2)
    tab.evaluate("regulars.consent(false)")
    wait_until_both_know(tab, other)
    other.evaluate("regulars.track('Never')")
    other.wait_for_timeout(400)
    assert len(server.accepted) == 2
    assert _kept(other) == [[], ""]


def test_who_consents_again_is_somebody_new(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("regulars.consent(false)")
    tab.evaluate("regulars.consent(true)")
    first, second = server.wait_for_events(2)
    assert first["type"] == second["type"] == "page"
    assert first["anonymousId"] != second["anonymousId"]


def test_a_failed_request_does_not_bring_back_what_was_withdrawn(
    tab: Page, server: Recorder
) -> None:
    server.answers.append((503, {"Retry-After": "1"}))
    server.hold.set()
    tab.goto(server.page("/", server.tag()))
    tab.wait_for_timeout(500)
    tab.evaluate("regulars.consent(false)")
    server.hold.clear()
    server.wait(lambda: server.deliveries)
    tab.wait_for_timeout(1500)
    assert _kept(tab) == [[], ""]
    assert len(server.deliveries) == 1
