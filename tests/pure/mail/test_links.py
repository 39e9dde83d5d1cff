"""Addresses in mail: signed, readable without a database, and leading nowhere but where we said."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html import unescape
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.mail import links
from regulars.mail.links import Links

EXAMPLES = int(os.environ.get("REGULARS_HYPOTHESIS_EXAMPLES", "40"))
BASE = "https://regulars.tideway.example"
OURS = Links(
    UUID("019b0000-0000-7000-8000-000000000001"),
    UUID("019b0000-0000-7000-8000-000000000002"),
    BASE,
    "Pat@Example.com",
)
TOPIC = UUID("019b0000-0000-7000-8000-000000000003")


def _hrefs(html: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'href="([^"]*)"', html)]


def _led_to(url: str) -> str | None:
    token, _, said = url.removeprefix(f"{BASE}/c/").partition("/")
    found = links.read_click(token, said)
    return found[1] if found else None


def test_a_token_says_whose_mail_it_is() -> None:
    token = OURS.unsubscribe_url.removeprefix(f"{BASE}/u/")
    reader = links.read_leave(token)
    assert reader is not None
    assert (reader.project_id, reader.recipient_id) == (OURS.project_id, OURS.recipient_id)
    assert reader.hash == links.address_hash(OURS.project_id, "pat@example.com")


def test_the_same_address_is_another_hash_in_another_project() -> None:
    assert links.address_hash(OURS.project_id, "a@b.c") != links.address_hash(TOPIC, "a@b.c")


def test_one_click_is_about_the_mail_s_topic() -> None:
    assert replace(OURS, topic_id=TOPIC).one_click_url.endswith(f"?topic={TOPIC}")
    assert "topic" not in OURS.one_click_url


def test_headers_are_those_of_rfc_8058() -> None:
    assert OURS.list_unsubscribe_headers() == [
        ("List-Unsubscribe", f"<{OURS.one_click_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]


@pytest.mark.parametrize("at", range(0, 80, 7))
def test_a_token_with_one_other_letter_is_nobody_s(at: int) -> None:
    token = OURS.unsubscribe_url.removeprefix(f"{BASE}/u/")
    other = "A" if token[at] != "A" else "B"
    assert links.read_leave(token[:at] + other + token[at + 1 :]) is None


@pytest.mark.parametrize("token", ["", "A" * 80, "A" * 79, "é" * 80, "A" * 100_000, "../" * 20])
def test_what_is_no_token_is_nobody_s(token: str) -> None:
    assert links.read_leave(token) is None
    assert links.read_open(token) is None
    assert links.read_click(token, "aHR0cHM6Ly9hLmI") is None


def test_a_token_opens_nothing_else_than_what_it_was_made_for() -> None:
    pixel = OURS.open_url.removeprefix(f"{BASE}/o/").removesuffix(".gif")
    assert links.read_open(pixel) is not None
    assert links.read_leave(pixel) is None


def test_a_tracked_link_leads_where_it_did() -> None:
    html = '<p><a class="x" href="https://tideway.example/?a=1&amp;b=2#c">Beans</a></p>'
    (tracked,) = _hrefs(links.instrument(html, OURS))
    assert tracked.startswith(f"{BASE}/c/")
    assert _led_to(tracked) == "https://tideway.example/?a=1&b=2#c"


def test_a_tracked_link_cannot_be_made_to_lead_elsewhere() -> None:
    token = OURS.click_url("https://tideway.example/").split("/")[-2]
    said = OURS.click_url("https://evil.example/").split("/")[-1]
    assert links.read_click(token, said) is None


@pytest.mark.parametrize(
    "url",
    ["mailto:a@b.c", "tel:+3512", "#top", "javascript:alert(1)", "//evil.example", "/relative",
     "https://", "http://[", "https://a b.example", "data:text/html,x", ""],
)  # fmt: skip
def test_only_addresses_in_the_web_are_tracked(url: str) -> None:
    html = f'<a href="{url}">x</a>'
    assert links.instrument(html, OURS).startswith(html)
    assert _led_to(OURS.click_url(url)) is None


def test_our_own_addresses_are_not_tracked() -> None:
    html = f'<a href="{OURS.unsubscribe_url}">a</a><a href="{OURS.preferences_url}">b</a>'
    assert links.instrument(html, OURS).startswith(html)


def test_links_in_single_quotes_or_none_are_tracked() -> None:
    html = "<a href='https://a.example/'>a</a><A HREF=https://b.example/>b</A>"
    found = _hrefs(links.instrument(html, OURS).lower().replace("'", '"'))
    assert all(url.startswith(f"{BASE}/c/") for url in found)
    assert len(found) == 2


def test_the_pixel_stands_at_the_end_of_the_body() -> None:
    html = links.instrument("<html><body><p>Hi</p></body></html>", OURS)
    assert html.endswith("></body></html>")
    assert html.count("<img ") == 1
    token = OURS.open_url.removeprefix(f"{BASE}/o/").removesuffix(".gif")
    assert links.read_open(token) is not None


@settings(max_examples=EXAMPLES, deadline=None)
@given(path=st.text(max_size=60))
def test_whatever_is_tracked_comes_back_as_it_was(path: str) -> None:
    url = f"https://tideway.example/{path}"
    assert _led_to(OURS.click_url(url)) == (url if links.is_trackable(url) else None)


@settings(max_examples=EXAMPLES, deadline=None)
@given(html=st.text(alphabet="<a href=\"'>https://x.example/ \t\n</body>", max_size=300))
def test_any_html_can_be_instrumented(html: str) -> None:
    assert OURS.open_url in links.instrument(html, OURS)


def test_a_long_html_takes_little_time() -> None:
    html = "<a " * 30_000 + "<a href='x" * 10_000
    assert OURS.open_url in links.instrument(html, OURS)
