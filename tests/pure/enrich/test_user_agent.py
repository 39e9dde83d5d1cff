"""Names of browsers, systems and devices as people use them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.tracking.enrich.user_agent import Agent, parse

_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko)"
)
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KHTML} Chrome/140.0.0.0 Safari/537.36"

KNOWN = {
    _WINDOWS: Agent("Chrome", "140", "Windows", "10", "desktop"),
    f"{_WINDOWS} Edg/140.0.0.0": Agent("Edge", "140", "Windows", "10", "desktop"),
    f"{_WINDOWS} OPR/120.0.0.0": Agent("Opera", "120", "Windows", "10", "desktop"),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": Agent(
        "Firefox", "140", "Linux", "", "desktop"
    ),
    "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0": Agent(
        "Firefox", "140", "Android", "14", "mobile"
    ),
    f"{_IPHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15": Agent(
        "Firefox", "140", "iOS", "18.5", "mobile"
    ),
    f"{_IPHONE} CriOS/140.0.7339.39 Mobile/15E148 Safari/604.1": Agent(
        "Chrome", "140", "iOS", "18.5", "mobile"
    ),
    f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1": Agent(
        "Safari", "18.5", "iOS", "18.5", "mobile"
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Mobile/15E148 Safari/604.1"
    ): Agent("Safari", "18.5", "iPadOS", "18.5", "tablet"),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Safari/605.1.15"
    ): Agent("Safari", "18.5", "macOS", "10.15", "desktop"),
    f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML} Chrome/140.0.0.0 Mobile Safari/537.36": Agent(
        "Chrome", "140", "Android", "10", "mobile"
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML} Chrome/140.0.0.0 Mobile Safari/537.36 "
        "EdgA/140.0.0.0"
    ): Agent("Edge", "140", "Android", "10", "mobile"),
    f"Mozilla/5.0 (Linux; Android 13; SM-X700) {_KHTML} Chrome/140.0.0.0 Safari/537.36": Agent(
        "Chrome", "140", "Android", "13", "tablet"
    ),
    (
        f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {_KHTML} SamsungBrowser/25.0 Chrome/121.0.0.0 "
        "Mobile Safari/537.36"
    ): Agent("Samsung Internet", "25", "Android", "14", "mobile"),
    (
        f"Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UP1A; wv) {_KHTML} Version/4.0 "
        "Chrome/139.0.0.0 Mobile Safari/537.36"
    ): Agent("Chrome", "139", "Android", "14", "mobile"),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_KHTML} Chrome/140.0.0.0 Safari/537.36": Agent(
        "Chrome", "140", "ChromeOS", "14541", "desktop"
    ),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": Agent(
        "Internet Explorer", "11", "Windows", "10", "desktop"
    ),
    (
        f"Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) {_KHTML} SamsungBrowser/4.0 Chrome/94 TV "
        "Safari/537.36"
    ): Agent("Samsung Internet", "4", "Tizen", "7", "tv"),
}


@pytest.mark.parametrize("header", KNOWN)
def test_a_header_reads_as_people_would_say_it(header: str) -> None:
    assert parse(header) == KNOWN[header]


@pytest.mark.parametrize("header", ["", "analytics-python/2.4.0", "\x00", "\ud800", "?" * 9000])
def test_a_header_that_says_nothing_is_an_unknown_agent(header: str) -> None:
    assert parse(header) == Agent()


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_makes_it_raise(header: str) -> None:
    parse(header)
