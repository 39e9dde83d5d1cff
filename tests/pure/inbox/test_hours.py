"""Office hours: open or not, when next, and how soon an answer comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.inbox import hours
from regulars.inbox.hours import Hours, HoursError, is_open, opens_next, read, reply_words

LISBON = ZoneInfo("Europe/Lisbon")
WEEKDAYS = [{"day": day, "from": "09:00", "to": "17:00"} for day in range(5)]
OFFICE = read(WEEKDAYS)
NIGHTS = read([{"day": 5, "from": "22:00", "to": "02:00"}])
# Half an hour of summer time, odd quarters, a day that never was, a break of it for Ramadan.
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC", "Europe/Lisbon", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
        "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca",
    )
]  # fmt: skip


def at(text: str, zone: ZoneInfo = LISBON) -> datetime:
    """An instant by its wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


# 2026-03-09 is a Monday; Lisbon's clocks go forward on Sunday 2026-03-29, back on 2026-10-25.


@pytest.mark.parametrize(
    ("when", "there"),
    [
        ("2026-03-09 08:59:59", False),
        ("2026-03-09 09:00", True),
        ("2026-03-09 16:59:59", True),
        ("2026-03-09 17:00", False),
        ("2026-03-14 12:00", False),
    ],
)
def test_an_office_is_open_from_its_first_second_to_before_its_last(when: str, there: bool) -> None:
    assert is_open(OFFICE, LISBON, at(when)) is there


def test_without_hours_it_is_always_open() -> None:
    assert is_open(None, LISBON, at("2026-03-14 03:00"))
    assert opens_next(None, LISBON, at("2026-03-14 03:00")) == at("2026-03-14 03:00")


def test_with_no_interval_at_all_it_never_opens() -> None:
    assert not is_open((), LISBON, at("2026-03-09 12:00"))
    assert opens_next((), LISBON, at("2026-03-09 12:00")) is None


@pytest.mark.parametrize(
    ("when", "there"),
    [
        ("2026-03-14 22:00", True),
        ("2026-03-15 01:59", True),
        ("2026-03-15 02:00", False),
        ("2026-03-15 23:00", False),
    ],
)
def test_an_interval_may_end_the_next_day(when: str, there: bool) -> None:
    assert is_open(NIGHTS, LISBON, at(when)) is there


def test_an_interval_may_end_the_next_week() -> None:
    sundays = read([{"day": 6, "from": "20:00", "to": "03:00"}])
    assert is_open(sundays, LISBON, at("2026-03-16 02:59"))
    assert not is_open(sundays, LISBON, at("2026-03-16 03:00"))


def test_a_whole_day_ends_at_midnight() -> None:
    mondays = read([{"day": 0, "from": "00:00", "to": "24:00"}])
    assert is_open(mondays, LISBON, at("2026-03-09 23:59:59"))
    assert not is_open(mondays, LISBON, at("2026-03-10 00:00"))


def test_the_zone_of_the_project_decides() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert is_open(OFFICE, tokyo, datetime(2026, 3, 9, 0, 0, tzinfo=UTC))
    assert not is_open(OFFICE, LISBON, datetime(2026, 3, 9, 0, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("when", "then"),
    [
        ("2026-03-09 03:12", "2026-03-09 09:00"),
        ("2026-03-09 12:00", "2026-03-09 12:00"),
        ("2026-03-09 17:00", "2026-03-10 09:00"),
        ("2026-03-13 18:00", "2026-03-16 09:00"),
        ("2026-03-27 18:00", "2026-03-30 09:00"),  # clocks go forward in between
        ("2026-10-23 18:00", "2026-10-26 09:00"),  # and back
    ],
)
def test_it_opens_next_by_the_wall_clock(when: str, then: str) -> None:
    assert opens_next(OFFICE, LISBON, at(when)) == at(then)


def test_an_opening_that_the_clocks_skip_is_where_they_land() -> None:
    early = read([{"day": 6, "from": "01:30", "to": "05:00"}])  # clocks go from 01:00 to 02:00
    assert opens_next(early, LISBON, at("2026-03-28 12:00")) == at("2026-03-29 02:00")


def test_hours_that_the_clocks_skip_whole_come_the_week_after() -> None:
    short = read([{"day": 6, "from": "01:15", "to": "01:45"}])
    assert opens_next(short, LISBON, at("2026-03-28 12:00")) == at("2026-04-05 01:15")


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    early = read([{"day": 6, "from": "01:00", "to": "01:30"}])
    first = at("2026-10-25 01:00")
    again = first + timedelta(hours=1)
    assert is_open(early, LISBON, first)
    assert not is_open(early, LISBON, first + timedelta(minutes=45))
    assert opens_next(early, LISBON, first + timedelta(minutes=45)) == again
    assert is_open(early, LISBON, again)


def test_a_day_that_never_was_has_no_hours() -> None:
    """Samoa went from Thursday 2011-12-29 to Saturday 2011-12-31."""
    fridays = read([{"day": 4, "from": "09:00", "to": "17:00"}])
    apia = ZoneInfo("Pacific/Apia")
    found = opens_next(fridays, apia, at("2011-12-29 12:00", apia))
    assert found == at("2012-01-06 09:00", apia)


# Whatever the hours, the zone and the time of the year.

_minutes = st.integers(0, 24 * 60 - 1)


@st.composite
def weeks(draw: st.DrawFn) -> Hours:
    """Hours that do not overlap."""
    said: list[dict[str, Any]] = []
    for day in draw(st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True)):
        low, high = sorted(draw(st.tuples(_minutes, _minutes).filter(lambda t: t[0] != t[1])))
        said.append({"day": day, "from": _time(low), "to": _time(high)})
    return read(said)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


# Near changes of clocks, where it is easiest to be wrong.
_changes = st.sampled_from(
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2026, 2, 15, 2, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
    ]
)
_instants = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    _changes,
    st.integers(-4 * 24 * 60, 24 * 60),
)


@settings(deadline=None)
@given(weeks(), st.sampled_from(ZONES), _instants, st.integers(0, 999))
def test_it_is_closed_until_it_opens_next_and_open_then(
    week: Hours, zone: ZoneInfo, now: datetime, permille: int
) -> None:
    then = opens_next(week, zone, now)
    assert then is not None
    assert is_open(week, zone, then)
    if then > now:
        assert not is_open(week, zone, now + (then - now) * permille // 1000)
        assert not is_open(week, zone, then - timedelta(microseconds=1))


@settings(deadline=None)
@given(weeks(), st.sampled_from(ZONES), _instants)
def test_it_opens_next_when_a_look_at_each_minute_finds_it_open(
    week: Hours, zone: ZoneInfo, now: datetime
) -> None:
    minute = now
    for _ in range(2 * 24 * 60):
        if is_open(week, zone, minute):
            break
        minute += timedelta(minutes=1)
    found = opens_next(week, zone, now)
    assert found is not None
    assert found == minute if is_open(week, zone, minute) else found > minute


@settings(deadline=None)
@given(weeks())
def test_hours_come_back_from_json_as_they_were(week: Hours) -> None:
    assert read(hours.to_json(week)) == week


# What can't be hours


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ("always", "list"),
        ({}, "list"),
        ([1], "day, from and to"),
        ([{"day": 0, "from": "09:00"}], "day, from and to"),
        ([{"day": 0, "from": "09:00", "to": "17:00", "x": 1}], "day, from and to"),
        ([{"day": 7, "from": "09:00", "to": "17:00"}], "number from 0"),
        ([{"day": True, "from": "09:00", "to": "17:00"}], "number from 0"),
        ([{"day": "0", "from": "09:00", "to": "17:00"}], "number from 0"),
        ([{"day": 0, "from": "9:00", "to": "17:00"}], "Monday: expected times"),
        ([{"day": 1, "from": "09:00", "to": "24:01"}], "Tuesday: expected times"),
        ([{"day": 0, "from": None, "to": "17:00"}], "expected times"),
        ([{"day": 0, "from": "09:00\n", "to": "17:00"}], "expected times"),
        ([{"day": 0, "from": "09:00", "to": "09:00"}], "close later"),
        ([{"day": 0, "from": "24:00", "to": "02:00"}], "close later"),
        ([*WEEKDAYS, {"day": 4, "from": "16:00", "to": "18:00"}], "Friday: these hours overlap"),
        (
            [{"day": 6, "from": "22:00", "to": "10:00"}, WEEKDAYS[0]],
            "Monday: these hours overlap",
        ),
        ([WEEKDAYS[0]] * 29, "28 intervals"),
    ],
)
def test_what_is_wrong_with_hours_is_said(said: Any, about: str) -> None:
    with pytest.raises(HoursError, match=about):
        read(said)


def test_hours_may_touch() -> None:
    said = [{"day": 0, "from": "09:00", "to": "12:00"}, {"day": 0, "from": "12:00", "to": "15:00"}]
    assert len(read(said) or ()) == 2


# How soon


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (-5, "Usually a reply within a minute"),
        (60, "Usually a reply within a minute"),
        (61, "Usually a reply in 2 minutes"),
        (240, "Usually a reply in 4 minutes"),
        (45 * 60, "Usually a reply in 45 minutes"),
        (46 * 60, "Usually a reply in an hour"),
        (80 * 60, "Usually a reply in an hour"),
        (3 * 3600, "Usually a reply in 3 hours"),
        (23 * 3600, "Usually a reply in a day"),
        (30 * 3600, "Usually a reply in a day"),
        (50 * 3600, "Usually a reply in 2 days"),
    ],
)
def test_a_usual_reply_time_is_said_as_people_say_it(seconds: float | None, words: str) -> None:
    assert reply_words(seconds) == words
