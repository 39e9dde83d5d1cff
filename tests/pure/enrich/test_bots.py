"""Robots stay out of people; the search agrees with the package whose list it uses."""

from time import thread_time

import pytest
from crawlerdetect import CrawlerDetect
from crawlerdetect.providers.crawlers import data as crawlers
from hypothesis import given
from hypothesis import strategies as st

from regulars.tracking.enrich.bots import is_bot, warm

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    "header",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "curl/8.5.0",
        "python-requests/2.32",
        "facebookexternalhit/1.1",
    ],
)
def test_a_crawler_is_a_bot(header: str) -> None:
    assert is_bot(header)


def test_a_headless_browser_is_a_bot() -> None:
    assert is_bot(CHROME.replace("Chrome/", "HeadlessChrome/"))


@pytest.mark.parametrize("header", ["", CHROME, CHROME.replace("X11; Linux x86_64", "CUBOT X30")])
def test_a_person_is_not_a_bot(header: str) -> None:
    assert not is_bot(header)


_ascii = st.text(st.characters(max_codepoint=126), max_size=80)
_headers = st.one_of(
    _ascii,
    st.builds("{}{}{}".format, _ascii, st.sampled_from(crawlers), _ascii),
    st.builds("Mozilla/5.0 ({}) Chrome/1 {}".format, _ascii, st.sampled_from(crawlers)),
)


@given(_headers)
def test_it_answers_as_the_package_does(header: str) -> None:
    assert is_bot(header) == CrawlerDetect().is_crawler(header)


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_makes_it_raise(header: str) -> None:
    is_bot(header)


def test_a_header_made_to_be_slow_is_not() -> None:
    warm()
    started = thread_time()  # whatever else the machine does
    for n in range(20):
        is_bot(f"{n}" + "y" * 512)
    assert thread_time() - started < 0.2  # the package's own search takes 0.7 s
