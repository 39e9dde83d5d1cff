"""The console's small scripts, in a browser that is held to the product's strict policy."""

import re

import pytest
from playwright.sync_api import Page, expect


def ticked(page: Page) -> int:
    return page.locator("tbody input:checked").count()


def test_the_theme_is_the_systems_until_one_is_chosen_and_then_kept(page: Page) -> None:
    root = page.locator("html")
    expect(root).not_to_have_attribute("data-theme", re.compile(".*"))
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Dark").click()
    expect(root).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_label("Your account").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Auto").click()
    page.reload()
    expect(root).not_to_have_attribute("data-theme", re.compile(".*"))


def test_code_is_copied_as_it_stands_and_says_so(page: Page) -> None:
    button = page.get_by_role("button", name="Copy snippet")
    button.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == (
        '<script async\n  src="/t.js"></script>'
    )
    expect(button).to_be_visible()


def test_a_time_is_in_the_readers_zone(page: Page) -> None:
    expect(page.locator("#moment")).to_have_text("9 Jul 2026, 22:05")


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ("2026-03-10T11:59:40", "just now"),
        ("2026-03-10T11:54:00", "6 min ago"),
        ("2026-03-10T08:10:00", "3 h ago"),
        ("2026-03-09T21:40:00", "Yesterday, 21:40"),
        ("2026-03-08T23:59:00", "2 days ago"),
        ("2026-03-03T11:00:00", "3 Mar 2026"),
    ],
)
def test_how_long_ago_is_said_as_people_say_it(page: Page, seen: str, said: str) -> None:
    asked = """async ([seen, now]) => {
      const url = document.querySelector("script[src$='time.js']").src;
      const { ago } = await import(url);
      return ago(new Date(seen), new Date(now));
    }"""
    assert page.evaluate(asked, [seen, "2026-03-10T12:00:00"]) == said


def test_a_time_that_a_live_update_swaps_is_put_right_again(page: Page) -> None:
    page.evaluate(
        """document.querySelector("#moment time").outerHTML =
          '<time datetime="2026-01-09T21:05:00Z">9 Jan 2026, 21:05 UTC</time>'"""
    )
    expect(page.locator("#moment")).to_have_text("9 Jan 2026, 21:05")


def test_htmx_posts_with_the_token_and_its_answer_is_a_toast(page: Page) -> None:
    field = page.get_by_label("First name")
    field.fill("Nia")
    field.press("Enter")
    expect(page.locator(".toast")).to_have_text("value=Nia t0ken")


def test_toasts_stand_alone_and_errors_stay_until_closed(page: Page) -> None:
    tell = """detail => document.dispatchEvent(new CustomEvent("toast", { detail }))"""
    page.clock.install()
    page.evaluate(tell, {"text": "Saved"})
    page.evaluate(tell, {"text": "Not sent", "bad": True})
    expect(page.locator(".toast")).to_have_count(1)
    page.clock.fast_forward("01:00")
    expect(page.get_by_role("alert")).to_contain_text("Not sent")
    page.locator(".toast").get_by_role("button").click()
    expect(page.locator(".toast")).to_have_count(0)


def test_keys_search_list_and_console(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.get_by_label("Search users")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox", name="Search people")).to_be_focused()


def test_g_and_a_letter_go_to_a_screen(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/inbox")


def test_a_key_of_the_new_menu_opens_its_dialog(page: Page) -> None:
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="Note")).to_be_visible()


def test_rows_are_walked_and_selected_from_the_keyboard(page: Page) -> None:
    for key in ("j", "j", "x", "j", "j"):
        page.keyboard.press(key)
    assert ticked(page) == 1
    page.keyboard.press("Shift+X")
    assert ticked(page) == 3
    expect(page.get_by_role("link", name="Haruki Tanabe")).to_be_focused()


def test_single_keys_are_silent_while_typing_and_can_be_switched_off(page: Page) -> None:
    page.get_by_label("Search users").press_sequentially("gin?")
    expect(page.get_by_label("Search users")).to_have_value("gin?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_destructive_dialog_has_its_focus_on_the_way_out(page: Page) -> None:
    page.get_by_role("button", name="Delete").click()
    out = page.get_by_role("button", name="Cancel")
    expect(out).to_be_focused()
    out.click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_older_browser_opens_dialogs_and_places_menus_too(page: Page, address: str) -> None:
    page.add_init_script(
        "delete HTMLButtonElement.prototype.commandForElement;"
        "const supports = CSS.supports.bind(CSS);"
        "CSS.supports = (...a) => !String(a[0]).startsWith('position-area') && supports(...a);"
        # The real one would act as well, were its attributes not taken away.
        "addEventListener('command', event => event.preventDefault(), true);"
    )
    page.goto(address)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog", name="Delete Linnea?")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("Your account").click()
    expect(page.locator("#me-menu")).to_have_class(re.compile("placed"))


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_sticks_out_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("link", name="People")).to_be_visible()
    expect(page.get_by_label("Your account")).to_be_visible()
