"""CONTRACT.md, 'Seen': what moves last_seen, what makes somebody online, what opens a session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from regulars.segments.clock import move_project
from regulars.tracking.commit import Committer
from tests.slices.tracking.site import NOON, Site, alias, group, identify, open_site, page, track

Database = psycopg.Connection[Any]

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def site(database: Database) -> Site:
    return open_site(database)


# last_seen = newest skew-corrected time of a page, screen, track, or browser identify.


@pytest.mark.parametrize(
    "message",
    [
        page("a1"),
        track("Bought", "a1"),
        {"type": "screen", "anonymousId": "a1", "name": "Home"},
        identify(None, "a1"),
    ],
    ids=lambda message: str(message["type"]),
)
def test_a_browser_s_page_screen_track_and_identify_are_seen(
    site: Site, message: dict[str, Any]
) -> None:
    site.send(message, at=NOON)
    assert site.only_person().last_seen == NOON
    assert site.only_person().browser_seen_at == NOON


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        (page("a1"), True),
        (track("Bought", "a1"), True),
        (identify(None, "a1"), False),
        (group("c1", "a1"), False),
    ],
)
def test_a_server_s_identify_and_group_are_not_seen(
    site: Site, message: dict[str, Any], seen: bool
) -> None:
    site.send(message, at=NOON, way="server")
    assert (site.only_person().last_seen is not None) is seen


def test_an_alias_is_not_seen(site: Site) -> None:
    site.send(alias("a1", "u1"), at=NOON)
    assert site.only_person().last_seen is None


def test_last_seen_is_the_newest_time_whatever_the_order(site: Site) -> None:
    site.send(page("a1", at=NOON - MINUTE), page("a1", at=NOON - HOUR), at=NOON)
    site.send(page("a1", at=NOON - 2 * HOUR), at=NOON + MINUTE)
    assert site.only_person().last_seen == NOON - MINUTE


def test_a_client_s_clock_is_corrected_by_when_it_says_it_sent(site: Site) -> None:
    wrong = NOON + 3 * DAY  # what the client's clock shows at noon
    site.send(page("a1", timestamp=(wrong - MINUTE).isoformat(), sentAt=wrong.isoformat()), at=NOON)
    assert site.only_person().last_seen == NOON - MINUTE


def test_a_slow_clock_is_corrected_too(site: Site) -> None:
    wrong = NOON - 3 * DAY
    site.send(page("a1", timestamp=(wrong - MINUTE).isoformat(), sentAt=wrong.isoformat()), at=NOON)
    assert site.only_person().last_seen == NOON - MINUTE


def test_last_seen_is_never_later_than_receipt(site: Site) -> None:
    site.send(page("a1", at=NOON + DAY), at=NOON)
    assert site.only_person().last_seen == NOON


def test_without_a_time_an_event_happened_when_it_came_in(site: Site) -> None:
    site.send(page("a1"), at=NOON)
    assert site.events()[0]["happened_at"] == NOON


@pytest.mark.parametrize(
    "given",
    ["2026-03-10T11:00:00Z", "2026-03-10T13:00:00+02:00", "2026-03-10 11:00:00", 1773140400,
     1773140400000, 1773140400.0],
)  # fmt: skip
def test_a_time_may_be_iso_or_unix_seconds_or_milliseconds(site: Site, given: Any) -> None:
    site.send(page("a1", timestamp=given), at=NOON)
    assert site.events()[0]["happened_at"] == NOON - HOUR


@pytest.mark.parametrize(
    "given",
    ["0000-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "1969-12-31",
     "2201-01-01", "yesterday", "", 1e300, -1e300, 10**20, -1],
)  # fmt: skip
def test_a_time_that_can_t_be_is_refused(site: Site, given: Any) -> None:
    assert site.send(page("a1", timestamp=given), page("a2")).status == 200
    assert site.refusals() == [("bad_time", "timestamp", True)]
    assert site.count("event") == 1


# Not context.active:false, not imports.


def test_what_a_sleeping_page_sends_is_not_seen(site: Site) -> None:
    site.send(page("a1", context={"active": False}), at=NOON)
    assert site.only_person().last_seen is None
    assert site.only_person().page_views == 0
    assert site.count("event") == 1


@pytest.mark.parametrize("message", [page("a1"), track("Bought", "a1"), identify("u1", "a1")])
def test_what_is_imported_is_not_seen(site: Site, message: dict[str, Any]) -> None:
    _import(site, message)
    assert site.only_person().last_seen is None
    assert site.count("event") == 1


@pytest.mark.parametrize("key", ["last_seen", "lastSeen"])
def test_but_an_import_may_say_when_somebody_was(site: Site, key: str) -> None:
    _import(site, identify("u1", traits={key: (NOON - DAY).isoformat()}))
    _import(site, identify("u1", traits={key: (NOON - 2 * DAY).timestamp()}))
    assert site.only_person().last_seen == NOON - DAY
    assert site.only_person().attributes == {}


def test_and_never_later_than_now(site: Site) -> None:
    _import(site, identify("u1", traits={"last_seen": (NOON + DAY).isoformat()}))
    assert site.only_person().last_seen == NOON


# Server-side events open no session.


def test_a_server_s_events_open_no_session(site: Site) -> None:
    site.send(page("a1"), track("Bought", "a1"), way="server")
    assert site.only_person().sessions == 0
    assert site.count("session") == 0
    assert [event["session_id"] for event in site.events()] == [None, None]


def test_a_run_of_a_browser_s_events_is_one_session(site: Site) -> None:
    site.send(page("a1"), at=NOON)
    site.send(track("Bought", "a1"), at=NOON + 30 * MINUTE)
    site.send(page("a1"), at=NOON + 60 * MINUTE)
    assert site.only_person().sessions == site.count("session") == 1
    assert len({event["session_id"] for event in site.events()}) == 1


def test_thirty_minutes_of_silence_close_a_session(site: Site) -> None:
    site.send(page("a1"), at=NOON)
    site.send(page("a1"), at=NOON + 30 * MINUTE + SECOND)
    assert site.only_person().sessions == site.count("session") == 2


def test_two_browsers_of_one_user_are_two_sessions(site: Site) -> None:
    site.send(identify("u1", "a1"), identify("u1", "a2"), page("a1"), page("a2"))
    assert site.only_person().sessions == site.count("session") == 2


def test_an_event_that_comes_late_joins_the_session_of_its_time(site: Site) -> None:
    site.send(page("a1", "/first"), at=NOON)
    site.send(page("a1", "/second"), at=NOON + 2 * HOUR)
    site.send(page("a1", "/late", at=NOON + MINUTE), at=NOON + 2 * HOUR + SECOND)
    sessions = {event["path"]: event["session_id"] for event in site.events()}
    assert sessions["/late"] == sessions["/first"] != sessions["/second"]


# Online = seen within 5 minutes by a browser.


def test_only_a_browser_makes_somebody_online(site: Site) -> None:
    site.send(page("a1"), at=NOON)
    site.send(track("Renewed", "a1"), at=NOON + HOUR, way="server")
    person = site.only_person()
    assert (person.browser_seen_at, person.last_seen) == (NOON, NOON + HOUR)


def test_the_page_a_person_is_on_is_their_newest(site: Site) -> None:
    site.send(page("a1", "/newer", at=NOON), page("a1", "/older", at=NOON - MINUTE), at=NOON)
    person = site.only_person()
    assert (person.page_path, person.page_since) == ("/newer", NOON)


# Built-in lists follow within the same transaction.


def test_the_lists_follow_what_is_seen(site: Site) -> None:
    site.send(identify("u1", "a1"), page("a1"), page("a2"), at=NOON)
    assert _lists(site) == {"all": 1, "new": 1, "active": 1, "slipping": 0}


def test_whoever_was_last_seen_28_days_ago_is_slipping_away(site: Site) -> None:
    before = NOON - 28 * DAY
    just_in_time = NOON - SECOND
    site.send(identify("u1", "a1", {"createdAt": before.isoformat()}, at=before), at=just_in_time)
    assert _lists(site) == {"all": 1, "new": 0, "active": 1, "slipping": 0}
    move_project(site.connection, site.project.id, NOON + SECOND)
    assert _lists(site) == {"all": 1, "new": 0, "active": 0, "slipping": 1}
    site.send(page("a1"), at=NOON + MINUTE)
    assert _lists(site) == {"all": 1, "new": 0, "active": 1, "slipping": 0}


def _import(site: Site, message: dict[str, Any]) -> None:
    Committer().commit(site.connection, [site.arrival(message, way="import")], NOON)


def _lists(site: Site) -> dict[str, int]:
    rows = site.connection.execute(
        "SELECT s.builtin, c.people FROM segment s JOIN segment_count c"
        " ON c.project_id = s.project_id AND c.id = s.id"
        " WHERE s.project_id = %s AND s.builtin <> 'checkpoint'",
        (site.project.id,),
    ).fetchall()
    return dict(rows)
