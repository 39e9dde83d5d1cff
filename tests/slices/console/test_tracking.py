"""Settings → Tracking."""

from __future__ import annotations

from typing import Any

import psycopg

from regulars.console import drop_reasons
from regulars.kit import clock
from regulars.tracking.pipeline.drops import DropReason
from tests.cast import Cast
from tests.slices.tracking.site import Site, page, track


def tracking_page(cast: Cast, rest: str = "") -> str:
    answer = cast.alice.client.get(cast.home.url(f"settings/tracking/{rest}"))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_snippet_carries_the_write_key(cast: Cast) -> None:
    assert cast.home.write_key in tracking_page(cast)


def test_it_waits_for_the_first_event(cast: Cast) -> None:
    assert "Waiting for the first event" in tracking_page(cast)


def test_the_wait_ends_with_the_first_event(cast: Cast, database: psycopg.Connection[Any]) -> None:
    Site(database, cast.home.config, cast.home.secret_key).send(
        page("a", "/checkout"), at=clock.now()
    )
    board = tracking_page(cast, "board")
    assert "Waiting" not in board
    assert "Last event" in board


def test_an_event_is_shown_with_its_payload_escaped(
    cast: Cast, database: psycopg.Connection[Any]
) -> None:
    Site(database, cast.home.config, cast.home.secret_key).send(
        track("<script>alert(1)</script>", "a", properties={"total": 58}), at=clock.now()
    )
    rows = tracking_page(cast, "events")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in rows
    assert "&quot;total&quot;: 58" in rows


def test_only_newer_events_come_after_one(cast: Cast, database: psycopg.Connection[Any]) -> None:
    site = Site(database, cast.home.config, cast.home.secret_key)
    site.send(track("First", "a"), at=clock.now())
    first = tracking_page(cast, "events").split('data-event="')[1][:36]
    site.send(track("Second", "a"), at=clock.now())
    rows = tracking_page(cast, f"events?after={first}")
    assert "Second" in rows
    assert "First" not in rows


def test_every_reason_has_words() -> None:
    assert {reason.value for reason in DropReason} <= set(drop_reasons.WORDS)
