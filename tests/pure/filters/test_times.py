"""Days and clocks of time zones: what is between two instants, wherever clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.filters.times import TICK, first_instant, read_iso, start_of_day, wall_bound
from tests.pure.filters.awkward import DATES, NO_DATES, NOWS, ZONES
from tests.pure.filters.worlds import thorough

NEAR = st.builds(
    lambda at, by: at + by,
    st.sampled_from(NOWS),
    st.timedeltas(timedelta(days=-3), timedelta(days=3)),
)


@given(NEAR, st.sampled_from(ZONES))
@thorough
def test_a_reading_stands_for_the_first_instant_at_which_the_clock_shows_it_or_later(
    at: datetime, zone: ZoneInfo
) -> None:
    wall = at.replace(tzinfo=None)
    instant = first_instant(wall, zone).astimezone(UTC)
    assert instant.astimezone(zone).replace(tzinfo=None) >= wall
    assert (instant - TICK).astimezone(zone).replace(tzinfo=None) < wall


@given(NEAR, st.sampled_from(ZONES))
@thorough
def test_a_bound_on_the_wall_parts_readings_as_the_instant_does(
    at: datetime, zone: ZoneInfo
) -> None:
    bound = wall_bound(at, zone)
    assert first_instant(bound, zone) >= at
    assert first_instant(bound - TICK, zone) < at


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("Asia/Kolkata", date(2024, 2, 29), "2024-02-28T18:30:00+00:00"),
        # Midnight does not exist: the day begins at one o'clock.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00+00:00"),
        # Midnight is reached, and put back to eleven: the day begins the second time.
        ("America/Sao_Paulo", date(2018, 2, 18), "2018-02-18T03:00:00+00:00"),
        # A minute of the day is shown before the clock is put back into the day before.
        ("America/St_Johns", date(2006, 10, 29), "2006-10-29T02:30:00+00:00"),
        # A day that never was begins and ends at once.
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00+00:00"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00+00:00"),
    ],
)
def test_a_day_begins(zone: str, day: date, start: str) -> None:
    assert start_of_day(day, ZoneInfo(zone)).isoformat() == start


@pytest.mark.parametrize("text", DATES)
def test_iso_dates_are_read(text: str) -> None:
    assert read_iso(text.casefold()) is not None


@pytest.mark.parametrize("text", NO_DATES)
def test_other_writings_are_not(text: str) -> None:
    assert read_iso(text.casefold()) is None


def test_digits_past_the_microsecond_are_cut_off() -> None:
    assert read_iso("2024-02-29t12:00:00.123456999z") == datetime(
        2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC
    )


@given(st.text("0123456789-:tz.+ ", max_size=32))
@thorough
def test_the_grammar_admits_only_what_can_be_read(text: str) -> None:
    read_iso(text)
