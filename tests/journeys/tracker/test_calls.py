"""What a page can tell the tracker, before it has loaded and after."""

from typing import Any

from playwright.sync_api import Page

from .recorder import APP_ID, Event, Recorder
from .tabs import wait_until_both_know

BEFORE = """<script>
window.regulars = window.regulars || [];
regulars.push(["identify", "u-1", {email: "pat@example.com"}]);
regulars.push(["track", "First", {n: 1}]);
regulars.push(["track", "Second"]);
</script>"""

STUB = """<script>
window.regulars = window.regulars || function () {
  (regulars.q = regulars.q || []).push(arguments)
};
regulars("track", "First");
regulars("group", "acme", {name: "Acme"});
</script>"""

METHODS = """<script>
window.regulars = window.regulars || [];
["identify", "track", "page", "group", "reset", "consent"].forEach(function (name) {
  regulars[name] = function () { regulars.push([name].concat([].slice.call(arguments))) }
});
regulars.track("First");
regulars.identify(42);
window.early = regulars;
</script>"""


def _story(events: list[Event]) -> list[Any]:
    return [event.get("event", event["type"]) for event in events]


def test_calls_made_before_it_loads_are_replayed_in_order(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", BEFORE + server.tag()))
    events = server.wait_for_events(4)
    assert _story(events) == ["identify", "page", "First", "Second"]
    assert {event["userId"] for event in events} == {"u-1"}
    assert len(server.deliveries) == 1
    assert events[2]["properties"] == {"n": 1}


def test_a_function_that_queues_its_arguments_does_as_well(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", STUB + server.tag()))
    events = server.wait_for_events(3)
    assert _story(events) == ["page", "First", "group"]
    assert (events[2]["groupId"], events[2]["traits"]) == ("acme", {"name": "Acme"})
    tab.evaluate("regulars('track', 'Later')")
    assert _story(server.wait_for_events(4))[3] == "Later"


def test_a_page_that_kept_the_queue_can_go_on_using_it(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", METHODS + server.tag()))
    server.wait_for_events(3)
    tab.evaluate("early.push(['track', 'Kept']); early.track('Stub')")
    events = server.wait_for_events(5)
    assert _story(events) == ["page", "First", "identify", "Kept", "Stub"]
    assert events[2]["userId"] == "42"


def test_identify_names_the_user_from_then_on(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate(
        "regulars.identify('u-7', {name: 'Ana', createdAt: new Date(0)}); regulars.track('Bought')"
    )
    view, identify, bought = server.wait_for_events(3)
    assert identify["userId"] == "u-7"
    assert identify["traits"] == {"name": "Ana", "createdAt": "1970-01-01T00:00:00.000Z"}
    assert bought["userId"] == "u-7"
    tab.goto(server.page("/next", server.tag()))
    events = server.wait_for_events(4)
    assert events[3]["userId"] == "u-7"
    assert {event["anonymousId"] for event in events} == {view["anonymousId"]}


def test_identify_without_an_id_makes_a_lead(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    tab.evaluate("regulars.identify({email: 'lee@example.com'})")
    _, lead = server.wait_for_events(2)
    assert lead["traits"] == {"email": "lee@example.com"}
    assert "userId" not in lead


def test_reset_starts_a_new_visitor_in_every_tab(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag())
    tab.goto(address)
    server.wait_for_events(1)
    tab.evaluate("regulars.identify('u-1')")
    other = tab.context.new_page()
    other.goto(address)
    before = server.wait_for_events(3)
    assert before[2]["userId"] == "u-1"
    tab.evaluate("regulars.reset()")
    wait_until_both_know(tab, other)
    other.evaluate("regulars.track('Elsewhere')")
    after = server.wait_for_events(4)[3]
    assert "userId" not in after
    assert after["anonymousId"] != before[0]["anonymousId"]


def test_a_bad_call_does_not_harm_the_page(tab: Page, server: Recorder) -> None:
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    bad = "<script>window.regulars = [['nonsense'], null, 5, ['track', 'Fine']]</script>"
    tab.goto(server.page("/", bad + server.tag()))
    server.wait_for_events(2)
    tab.evaluate(
        "() => { const loop = {}; loop.loop = loop; regulars.track('Loop', loop);"
        " regulars.track('Huge', {n: 10n}); regulars.identify(null); regulars.identify('');"
        " regulars.push('x'); regulars.track('After') }"
    )
    assert _story(server.wait_for_events(3)) == ["page", "Fine", "After"]
    assert errors == []


def test_it_adds_one_name_to_the_page(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/plain", ""))
    plain = set(tab.evaluate("Object.getOwnPropertyNames(window)"))
    tab.goto(server.page("/", server.tag()))
    server.wait_for_events(1)
    assert set(tab.evaluate("Object.getOwnPropertyNames(window)")) - plain == {"regulars"}


def test_an_element_of_the_same_name_does_not_confuse_it(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag(), body="<p id=regulars>Our regulars</p>"))
    server.wait_for_events(1)
    tab.evaluate("regulars.track('Works')")
    assert _story(server.wait_for_events(2)) == ["page", "Works"]


def _interakt(settings: str) -> str:
    return f"<script>window.mySettings = {settings};</script>"


def test_an_interakt_snippet_names_its_user(tab: Page, server: Recorder) -> None:
    settings = _interakt(
        "{email: 'ana@example.com', name: 'Ana', created_at: 1732380000, user_id: 9,"
        f" app_id: '{APP_ID}', plan: 'pro', phone: ''}}"
    )
    script = f'<script async src="{server.here}/interakt/{APP_ID}.js"></script>'
    tab.goto(server.page("/", settings + script))
    identify, view = server.wait_for_events(2)
    assert (identify["type"], view["type"]) == ("identify", "page")
    assert identify["userId"] == view["userId"] == "9"
    assert identify["traits"] == {
        "email": "ana@example.com",
        "name": "Ana",
        "created_at": 1732380000,
        "plan": "pro",
    }


def test_an_interakt_snippet_with_an_email_alone_makes_a_lead(tab: Page, server: Recorder) -> None:
    settings = _interakt(f"{{email: 'lee@example.com', app_id: '{APP_ID}'}}")
    script = f'<script src="{server.here}/interakt/{APP_ID}.js"></script>'
    tab.goto(server.page("/", script + settings))
    view, identify = sorted(server.wait_for_events(2), key=lambda event: event["type"] != "page")
    assert (view["type"], identify["traits"]) == ("page", {"email": "lee@example.com"})
    assert "userId" not in identify


def test_an_interakt_snippet_of_a_stranger_counts_the_page_alone(
    tab: Page, server: Recorder
) -> None:
    settings = _interakt(f"{{email: '', name: '', created_at: '', app_id: '{APP_ID}'}}")
    script = f'<script async src="{server.here}/interakt/{APP_ID}.js"></script>'
    tab.goto(server.page("/", settings + script))
    server.wait_for_events(1)
    tab.wait_for_timeout(300)
    assert _story(server.accepted) == ["page"]


def test_a_signed_claim_goes_with_every_identify(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.identify('u-1', { plan: 'pro' }, { token: 'signed' })")
    tab.evaluate("regulars.identify({ city: 'Lisbon' }); regulars.identify('u-1')")
    server.wait(lambda: len(server.named("identify")) == 3)
    assert [event["token"] for event in server.named("identify")] == ["signed"] * 3


def test_a_signed_claim_is_kept_for_the_next_page(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag())
    tab.goto(address)
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.identify('u-1', {}, { token: 'signed' })")
    server.wait(lambda: len(server.named("identify")) == 1)
    tab.goto(address)
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.identify({ city: 'Lisbon' })")
    server.wait(lambda: len(server.named("identify")) == 2)
    assert server.named("identify")[1]["token"] == "signed"


def test_a_signed_claim_is_of_one_user_alone(tab: Page, server: Recorder) -> None:
    tab.goto(server.page("/", server.tag()))
    tab.wait_for_function("window.regulars?.version")
    tab.evaluate("regulars.identify('u-1', {}, { token: 'signed' })")
    tab.evaluate("regulars.identify('u-2', {})")
    tab.evaluate("regulars.identify('u-1', {}, { token: 'signed' }); regulars.reset()")
    tab.evaluate("regulars.identify('u-1', {})")
    server.wait(lambda: len(server.named("identify")) == 4)
    tokens = [event.get("token") for event in server.named("identify")]
    assert tokens == ["signed", None, "signed", None]
