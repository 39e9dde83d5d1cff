"""The shell and its components, drawn by Django's engine."""

from typing import Any

import pytest
from django.template.loader import render_to_string

from regulars.console.rhythm import DAYS
from tests.slices.console.shells import shell

EVIL = "\"><script>alert('x')</script>"


def draw(component: str, **context: Any) -> str:
    return render_to_string(f"console/components/{component}.html", context)


def test_the_shell_shows_where_one_is_and_who_one_is() -> None:
    page = render_to_string("console/shell.html", {"shell": shell(), "csrf_token": "t0ken"})
    assert '<a href="/people" data-go="p" aria-current="page">' in page
    assert '<span class="vh">, unread: </span><span>7</span>' in page
    assert "4,812" in page
    assert "Ines Carvalho · Owner" in page
    assert '<b id="online-count">38</b>' in page


def test_signing_out_is_a_post_that_cannot_be_forged() -> None:
    page = render_to_string("console/shell.html", {"shell": shell(), "csrf_token": "t0ken"})
    assert '<form method="post" action="/sign-out">' in page
    assert 'name="csrfmiddlewaretoken" value="t0ken"' in page
    assert 'hx-headers:inherited=\'{"X-CSRFToken": "t0ken"}\'' in page


def test_the_place_database_is_credited_on_every_page() -> None:
    page = render_to_string("console/shell.html", {"shell": shell()})
    assert '<a href="https://db-ip.com" rel="noreferrer">IP Geolocation by DB-IP</a>' in page


def test_a_project_named_by_an_enemy_does_no_harm() -> None:
    assert "<script>alert" not in render_to_string("console/shell.html", {"shell": shell(EVIL)})


@pytest.mark.parametrize(
    ("component", "context"),
    [
        ("avatar", {"name": EVIL, "key": EVIL, "kind": EVIL}),
        ("who", {"name": EVIL, "detail": EVIL, "url": EVIL, "key": EVIL}),
        ("empty", {"title": EVIL, "text": EVIL, "url": EVIL, "verb": EVIL}),
        ("toast", {"text": EVIL, "undo_url": EVIL, "undo_verb": EVIL}),
        ("dialog", {"id": EVIL, "title": EVIL, "note": EVIL, "verb": EVIL, "action": EVIL}),
        ("segmented", {"label": EVIL, "items": [{"label": EVIL, "url": EVIL, "live": EVIL}]}),
        ("tabs", {"label": EVIL, "items": [{"label": EVIL, "url": EVIL, "pip": EVIL}]}),
        ("fact", {"label": EVIL, "value": EVIL, "custom": True}),
        ("fact", {"label": EVIL, "value": EVIL, "save_url": EVIL}),
        ("copy", {"text": EVIL, "label": EVIL, "shown": EVIL}),
        ("code_box", {"code": EVIL, "label": EVIL}),
        ("badge", {"text": EVIL, "kind": EVIL}),
        ("callout", {"title": EVIL, "text": EVIL, "url": EVIL, "verb": EVIL}),
        ("pager", {"first": 1, "last": 2, "total": 3, "next_url": EVIL, "previous_url": EVIL}),
    ],
)
def test_hostile_text_stays_text(component: str, context: dict[str, Any]) -> None:
    html = draw(component, **context)
    assert EVIL not in html
    assert "<script" not in html


def test_a_rhythm_is_an_image_with_a_sentence() -> None:
    html = draw("rhythm", counts=bytes(DAYS - 1) + b"\x02", state="new")
    assert 'class="rhythm new"' in html
    assert 'role="img" aria-label="Seen on 1 of the last 28 days"' in html
    assert 'class="today"' in html
    assert 'class="on"' not in html


def test_a_lead_has_corners_and_whoever_is_here_a_dot() -> None:
    assert 'class="avatar h' in (html := draw("avatar", name="A B", kind="lead", online=True))
    assert " lead online" in html


def test_an_unknown_fact_is_a_dash_and_nought_is_a_value() -> None:
    assert "\N{EN DASH}" in draw("fact", label="Gender", value=None)
    assert "<dd>0</dd>" in draw("fact", label="Orders", value=0)


def test_the_first_page_has_no_previous() -> None:
    html = draw("pager", first=1, last=50, total=4812, next_url="/more")
    assert 'aria-disabled="true"' in html.partition("Previous")[0]
    assert 'href="/more" rel="next"' in html
    assert "1\N{EN DASH}50 of 4,812" in html


def test_a_destructive_dialog_offers_the_way_out_first() -> None:
    html = draw("dialog", id="d", title="Delete?", verb="Delete", danger=True, action="/delete")
    assert "autofocus>Cancel</button>" in html


@pytest.mark.parametrize("page", ["403", "403_csrf", "404", "500"])
def test_an_error_page_needs_nothing_to_be_drawn(page: str) -> None:
    assert "<h1>" in render_to_string(f"{page}.html")
