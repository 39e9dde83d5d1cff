"""The rhythm: how much a person was seen on each of the last 28 days.

28 bytes, one a day, the last standing for `day` (days since 1970 in the project's time zone);
each counts what was seen that day and stops at 255.
"""

from __future__ import annotations

DAYS = 28
FULL = 255


def add(rhythm: bytes, day: int, seen_day: int, times: int = 1) -> tuple[bytes, int]:
    """The rhythm after `times` sightings on `seen_day`, and the day its last byte stands for."""
    if not rhythm:
        return bytes(DAYS - 1) + bytes((min(times, FULL),)), seen_day
    if seen_day > day:
        shift = min(seen_day - day, DAYS)
        counts = bytearray(rhythm[shift:] + bytes(shift))
        day = seen_day
    else:
        counts = bytearray(rhythm)
    at = DAYS - 1 - (day - seen_day)
    if at < 0:
        return rhythm, day
    counts[at] = min(counts[at] + times, FULL)
    return bytes(counts), day


def unite(one: bytes, one_day: int, other: bytes, other_day: int) -> tuple[bytes, int]:
    """The rhythm of two people who are one."""
    if not one:
        return other, other_day
    rhythm, day = one, one_day
    for index, times in enumerate(other):
        if times:
            rhythm, day = add(rhythm, day, other_day - (DAYS - 1 - index), times)
    return rhythm, day


def seen_by(rhythm: bytes, day: int, today: int) -> bytes:
    """The 28 counts that end with `today`."""
    if not rhythm:
        return bytes(DAYS)
    shift = max(0, min(today - day, DAYS))
    return rhythm[shift:] + bytes(shift)


def without(rhythm: bytes, day: int, other: bytes, other_day: int) -> bytes:
    """The rhythm less what another person brought into it."""
    counts = bytearray(rhythm)
    for index, times in enumerate(other):
        at = index + other_day - day
        if 0 <= at < len(counts):
            counts[at] = max(0, counts[at] - times)
    return bytes(counts)
