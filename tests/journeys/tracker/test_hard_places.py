"""Pages that allow a script little."""

from playwright.sync_api import Page

from .recorder import Recorder

BROKEN_STORAGE = """
Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('no', 'SecurityError') },
});
"""
FULL_STORAGE = """
Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') };
const full = new Proxy({}, {set() { throw new DOMException('full', 'QuotaExceededError') }});
Object.defineProperty(window, 'localStorage', {get: () => full});
"""
NO_COOKIES = """
Object.defineProperty(document, 'cookie', {
  get() { throw new DOMException('no', 'SecurityError') },
  set() { throw new DOMException('no', 'SecurityError') },
});
"""


def _two_pages(tab: Page, server: Recorder) -> list[str]:
    """The anonymous ids of a view, an event beside it, and the next view."""
    address = server.page("/", server.tag())
    tab.goto(address)
    server.wait_for_events(1)
    tab.evaluate("regulars.track('Beside')")
    server.wait_for_events(2)
    tab.goto(address)
    return [event["anonymousId"] for event in server.wait_for_events(3)]


def test_a_page_without_https(tab: Page, server: Recorder) -> None:
    """No crypto.randomUUID there."""
    server.page("/", server.tag())
    tab.goto(server.at("insecure.test") + "/")
    assert tab.evaluate("[isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
    (event,) = server.wait_for_events(1)
    form = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"
    assert tab.evaluate(f"/^{form}$/.test('{event['messageId']}')")
    assert tab.evaluate(f"/^{form}$/.test('{event['anonymousId']}')")


def test_a_page_with_a_strict_content_security_policy(tab: Page, server: Recorder) -> None:
    refused: list[str] = []
    tab.on("console", lambda line: refused.append(line.text) if line.type == "error" else None)
    there = server.here
    csp = f"default-src 'none'; script-src {there}; connect-src {there}; img-src data:"
    server.page("/", server.tag(), csp=f"{csp}; require-trusted-types-for 'script'")
    tab.goto(server.at("localhost") + "/")
    server.wait_for_events(1)
    assert refused == []


def test_a_page_isolated_from_other_origins(tab: Page, server: Recorder) -> None:
    server.page("/", server.tag())
    text, _ = server.pages["/"]
    server.pages["/"] = (
        text,
        {
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Cross-Origin-Opener-Policy": "same-origin",
        },
    )
    tab.goto(server.at("localhost") + "/")
    server.wait_for_events(1)
    assert tab.evaluate("crossOriginIsolated")


def test_a_browser_without_local_storage_is_known_by_a_cookie(tab: Page, server: Recorder) -> None:
    tab.add_init_script(BROKEN_STORAGE)
    assert len(set(_two_pages(tab, server))) == 1


def test_a_full_storage_is_no_hindrance(tab: Page, server: Recorder) -> None:
    tab.add_init_script(FULL_STORAGE)
    assert len(set(_two_pages(tab, server))) == 1


def test_with_neither_storage_nor_cookies_a_visitor_lasts_a_page(
    tab: Page, server: Recorder
) -> None:
    tab.add_init_script(BROKEN_STORAGE + NO_COOKIES)
    first, beside, second = _two_pages(tab, server)
    assert first == beside
    assert first != second


def test_a_frame_that_may_store_nothing(tab: Page, server: Recorder) -> None:
    server.page("/inner", server.tag())
    tab.goto(server.page("/", "", body="<iframe sandbox='allow-scripts' src='/inner'></iframe>"))
    assert server.wait_for_events(1)[0]["context"]["page"]["path"] == "/inner"


def test_storage_spoilt_by_another_script_is_started_anew(tab: Page, server: Recorder) -> None:
    address = server.page("/", server.tag())
    tab.goto(server.page("/plain", ""))
    tab.evaluate(
        "localStorage['regulars.wk_journey'] = '{broken';"
        "localStorage['regulars.wk_journey.1'] = 'also';"
        "localStorage['regulars.wk_journey.2'] = '7'"
    )
    tab.goto(address)
    (event,) = server.wait_for_events(1)
    assert event["anonymousId"]
    server.wait(lambda: len(tab.evaluate("Object.keys(localStorage)")) == 1)


def test_a_prerendered_page_is_seen_when_somebody_sees_it(tab: Page, server: Recorder) -> None:
    server.page("/later", server.tag(), title="Later")
    tab.add_init_script(
        "window.unseen = true;"
        "Object.defineProperty(document, 'prerendering', {get: () => window.unseen})"
    )
    tab.goto(server.here + "/later")
    tab.wait_for_timeout(400)
    assert server.deliveries == []
    tab.evaluate("unseen = false; document.dispatchEvent(new Event('prerenderingchange'))")
    assert server.wait_for_events(1)[0]["context"]["page"]["title"] == "Later"
