"""The messenger on pages that do what pages do: odd styles, strict policies, other directions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from regulars.public.messenger import scripts
from tests.journeys.messenger.conftest import LiveTalk
from tests.journeys.messenger.storefront import Storefront
from tests.journeys.messenger.window import Window

# All that a page could do to what stands in it, short of hiding itself.
HOSTILE = """
<style>
  html { font-size: 3px; }
  html * { all: unset !important; }
  html :not(body), regulars-messenger {
    display: none !important; visibility: hidden !important; opacity: 0 !important;
    position: static !important; transform: scale(0) !important; filter: blur(9px) !important;
    clip-path: inset(50%) !important; pointer-events: none !important; z-index: -1 !important;
    width: 0 !important; height: 0 !important; overflow: hidden !important;
    color: red !important; background: red !important; font: 3px monospace !important;
    --ink: red !important; --surface: red !important; --brand: red !important;
    --on: red !important; --tint: red !important; --sans: monospace !important;
  }
  button, textarea, .panel, .launcher, .bubble { display: none !important; }
</style>
"""
LOOK = """
it => {
  const style = getComputedStyle(it);
  const { width, height } = it.getBoundingClientRect();
  return [width, height, style.color, style.backgroundColor, style.fontFamily, style.fontSize,
          style.opacity, style.display, style.position];
}
"""


def looks(window: Window) -> list[Any]:
    """What the parts of an open messenger look like."""
    expect(window.panel.get_by_role("heading", name="How can we help?")).to_be_visible()
    parts = (window.launcher, window.panel, window.panel.locator(".hero"), window.tab_of("Home"))
    return [part.evaluate(LOOK) for part in parts]


def sent(window: Window, text: str) -> None:
    """Say something in a new conversation, and see it arrive."""
    window.begin().say(text)
    expect(window.log.locator(".meta.me").last).to_have_text(re.compile(r"\d"))


def test_styles_of_the_page_do_not_get_in(
    visitors: Callable[..., BrowserContext], shop: Storefront
) -> None:
    plain = Window(visitors(reduced_motion="reduce").new_page()).visit(shop.page()).open()
    expected = looks(plain)
    hostile = shop.page("/hostile", head=shop.tag() + HOSTILE)
    window = Window(visitors(reduced_motion="reduce").new_page()).visit(hostile).open()
    assert looks(window) == expected
    window.panel.get_by_role("button", name="Start a new conversation").click()
    window.say("I got through")
    expect(window.bubble("I got through")).to_be_in_viewport()


def test_nothing_of_it_leaks_into_the_page(tab: Page, shop: Storefront) -> None:
    body = '<p class="panel count card">Words</p><button class="launcher">Mine</button>'
    before = tab.goto(shop.page("/bare", head="", body=body))
    assert before is not None
    look = "() => [...document.querySelectorAll('p, button')].map(it => [...getComputedStyle(it)]"
    look += ".map(name => getComputedStyle(it)[name]))"
    expected = tab.evaluate(look)
    globals_before = tab.evaluate("Object.keys(window)")
    window = Window(tab).visit(shop.page(body=body)).open()
    expect(window.tab_of("Home")).to_be_visible()
    assert tab.evaluate(look) == expected
    assert set(tab.evaluate("Object.keys(window)")) - set(globals_before) == {"regulars"}
    assert tab.evaluate("document.querySelectorAll('style, link[rel=stylesheet]').length") == 0


def test_its_inside_is_closed(tab: Page, shop: Storefront, visitor: BrowserContext) -> None:
    browser = visitor.browser
    assert browser is not None
    other = browser.new_context(locale="en-GB")
    page = other.new_page()
    page.goto(shop.page())
    page.wait_for_selector("regulars-messenger", state="attached")
    assert page.evaluate("document.querySelector('regulars-messenger').shadowRoot") is None
    other.close()


def test_a_page_in_quirks_mode(tab: Page, shop: Storefront) -> None:
    window = Window(tab).visit(shop.page(doctype=""))
    assert tab.evaluate("document.compatMode") == "BackCompat"
    sent(window, "From 1997")
    box = window.panel.bounding_box()
    assert box is not None
    assert (box["width"], round(box["height"])) == (384, 664)


def test_a_page_with_a_strict_policy_and_trusted_types(tab: Page, shop: Storefront) -> None:
    there = shop.regulars
    line = there.replace("http", "ws")
    csp = (
        f"default-src 'none'; script-src {there}; connect-src {there} {line};"
        f" img-src {there} data:; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    window = Window(tab).visit(shop.page(csp=csp))
    sent(window, "https://example.com is allowed to be said")
    expect(window.log.get_by_role("link", name="https://example.com")).to_be_visible()


def test_a_page_that_swaps_its_body_keeps_it(tab: Page, shop: Storefront) -> None:
    window = Window(tab).visit(shop.page()).open()
    tab.evaluate("document.body.replaceWith(document.createElement('body'))")
    expect(window.tab_of("Home")).to_be_visible()


def test_a_page_from_right_to_left(
    visitors: Callable[..., BrowserContext], shop: Storefront, talk: LiveTalk
) -> None:
    tab = visitors(locale="ar").new_page()
    window = Window(tab).visit(shop.page(html='lang="ar" dir="rtl"'))
    expect(window.launcher).to_have_accessible_name("تحدث مع Tideway Coffee")
    window.launcher.click()
    window.panel.get_by_role("button", name="ابدأ محادثة جديدة").click()
    field = window.panel.get_by_role("textbox", name="اكتب رسالة")
    field.fill("مرحبا")
    field.press("Enter")
    bubble = window.bubble("مرحبا")
    expect(bubble).to_be_visible()
    box, panel = bubble.bounding_box(), window.panel.bounding_box()
    assert box is not None
    assert panel is not None
    # What one says oneself stands at the end of the line, which is on the left here.
    assert box["x"] - panel["x"] < 30
    assert panel["x"] + panel["width"] == 1440 - 20


def test_a_phone_shows_it_on_the_whole_screen(
    visitors: Callable[..., BrowserContext], shop: Storefront
) -> None:
    phone = visitors(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    window = Window(phone.new_page()).visit(shop.page())
    window.launcher.tap()
    expect(window.panel).to_be_visible()
    assert window.panel.evaluate("it => getComputedStyle(it).animationName") == "rise"
    window.panel.evaluate("it => Promise.all(it.getAnimations().map(each => each.finished))")
    assert window.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(window.panel).to_have_attribute("aria-modal", "true")
    expect(window.launcher).to_be_hidden()
    window.panel.get_by_role("button", name="Close").tap()
    expect(window.panel).to_be_hidden()
    expect(window.launcher).to_be_visible()


def test_everything_to_press_is_large_enough(
    visitors: Callable[..., BrowserContext], shop: Storefront, talk: LiveTalk
) -> None:
    phone = visitors(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    window = Window(phone.new_page()).visit(shop.page())
    sent(window, "Hello")
    _all_large_enough(window.panel)
    window.panel.get_by_role("button", name="Emoji").tap()
    _all_large_enough(window.panel)
    window.panel.get_by_role("button", name="Emoji").tap()
    window.panel.get_by_role("button", name="Back").tap()
    for name in ("Home", "Messages", "Tickets", "Notes"):
        window.tab_of(name).tap()
        _all_large_enough(window.panel)


def _all_large_enough(part: Locator) -> None:
    controls = part.locator("button:visible, input:visible, textarea:visible, select:visible")
    # A link amid a line of text may be as high as the line (WCAG 2.2, 2.5.8).
    sizes = controls.evaluate_all(
        "all => all.filter(it => !it.matches('p .link'))"
        ".map(it => [it.ariaLabel || it.innerText, it.offsetWidth, it.offsetHeight])"
    )
    assert [one for one in sizes if one[1] < 40 or one[2] < 40] == []


@pytest.mark.parametrize("language", [each for each in scripts.languages() if each != "en"])
def test_it_speaks_the_language_of_the_page(
    visitors: Callable[..., BrowserContext], shop: Storefront, language: str
) -> None:
    tab = visitors().new_page()
    window = Window(tab).visit(shop.page(html=f'lang="{language}-XX"'))
    assert window.launcher.get_attribute("aria-label") != "Chat with Tideway Coffee"
    window.open()
    expect(window.panel.locator(".tabs button").first).to_be_visible()
    assert "Start a new conversation" not in window.panel.inner_text()
    assert "undefined" not in window.panel.inner_text()


def test_a_page_may_open_it_with_a_button_of_its_own(tab: Page, shop: Storefront) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    own = "<button onclick=\"regulars.messenger('open')\">Help</button>"
    tab.goto(shop.page(head=shop.tag('data-messenger="off"'), body=own))
    tab.wait_for_function("window.regulars?.version")
    tab.wait_for_load_state("networkidle")
    assert not [url for url in asked if "/messenger/" in url]
    window = Window(tab)
    tab.get_by_role("button", name="Help").click()
    expect(window.panel).to_be_visible()
    expect(window.launcher).to_be_hidden()
    window.panel.get_by_role("button", name="Close").click()
    expect(window.panel).to_be_hidden()
    expect(tab.get_by_role("button", name="Help")).to_be_focused()


def test_a_page_may_hide_and_show_it(tab: Page, shop: Storefront) -> None:
    window = Window(tab).visit(shop.page()).open()
    tab.evaluate("regulars.messenger('hide')")
    expect(window.panel).to_be_hidden()
    expect(window.launcher).to_be_hidden()
    tab.evaluate("regulars.messenger('show')")
    expect(window.launcher).to_be_visible()
    tab.evaluate("regulars.messenger('open')")
    expect(window.panel).to_be_visible()
    tab.evaluate("regulars.messenger('close')")
    expect(window.panel).to_be_hidden()


def test_a_call_before_the_script_counts(tab: Page, shop: Storefront) -> None:
    early = "<script>(window.regulars = window.regulars || []).push(['messenger', 'open'])</script>"
    tab.goto(shop.page(head=early + shop.tag()))
    expect(Window(tab).panel).to_be_visible()


def test_there_is_none_where_it_is_switched_off(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    talk.set(on=False)
    with tab.expect_response(re.compile("/messenger/hello")):
        tab.goto(shop.page())
    tab.wait_for_load_state("networkidle")
    expect(Window(tab).host).to_have_count(0)


def test_it_stands_where_and_looks_how_the_project_says(
    tab: Page, shop: Storefront, talk: LiveTalk
) -> None:
    talk.set(color="#ffd54f", side="left", greeting="Welcome back", intro="What now?")
    window = Window(tab).visit(shop.page())
    box = window.launcher.bounding_box()
    assert box is not None
    assert box["x"] == 20
    assert window.launcher.evaluate("it => getComputedStyle(it).backgroundColor") == (
        "rgb(255, 213, 79)"
    )
    # Dark ink on a light colour.
    assert window.launcher.evaluate("it => getComputedStyle(it).color") == "rgb(17, 26, 22)"
    window.open()
    expect(window.panel.get_by_role("heading", name="Welcome back What now?")).to_be_visible()


def test_all_of_it_weighs_no_more_than_25_kilobytes() -> None:
    """Whatever the language: the launcher, the app, its words, its styles and its icons."""
    words = [scripts.messenger_script(f"words-{language}") for language in scripts.languages()]
    parts = [scripts.messenger_script(name) for name in ("launcher", "app")]
    weight = sum(len(part.gzipped) for part in parts) + max(len(each.gzipped) for each in words)
    assert weight <= 25_000
    assert len(parts[0].gzipped) < 4_500


def test_a_page_that_nobody_talks_on_loads_the_button_alone(tab: Page, shop: Storefront) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url.split("/")[-1].split("?")[0]))
    Window(tab).visit(shop.page())
    tab.wait_for_load_state("networkidle")
    assert "launcher.js" in asked
    assert "app.js" not in asked
