"""Two people's facts as one person's, and back: the part of a merge that happens in memory.

Pure. `absorb` makes one person both. `revise` does what an undo needs: where a person has gone on
living since they were `old`, it makes them what they would be if they had been `new` then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.people import rhythm
from regulars.people.facts import put
from regulars.people.person import HOT, WIDE, Kind, Person, new_person

_RANK: dict[Kind, int] = {"visitor": 0, "lead": 1, "user": 2}

# Facts that fill a gap of the survivor's.
_FILLED = ("user_id", "email", "name", "first_name", "last_name", "gender", "phone")

# First touch goes together, by who came first; the device and its place, by who was seen last.
_TOUCH = (
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer",
    "landing_page", "touched_at",
)  # fmt: skip
_DEVICE = (
    "country", "country_code", "region", "city", "browser", "browser_version", "os", "device",
    "ip", "language", "timezone",
)  # fmt: skip
_EARLIEST = ("first_seen", "signed_up_at", "created_at")
_LATEST = ("last_contacted", "last_emailed", "last_seen", "browser_seen_at")
_CURRENT = ("page_url", "page_path", "page_title", "page_since")
_COUNTS = ("sessions", "page_views")
_SCOPES = ("attributes", "company")
_INSTANTS = frozenset(
    {*_EARLIEST, *_LATEST, "touched_at", "page_since", "context_at", "updated_at", "next_move_at"}
)


def absorb(into: Person, gone: Person) -> None:
    """Make `into` both people. The newest saying of a custom fact wins; gaps are filled."""
    if _came_first(gone, into):
        _copy(into, gone, _TOUCH)
    for column in _FILLED:
        if getattr(into, column) in (None, ""):
            put(into, column, getattr(gone, column))
            _take_stamps(into, gone, (column,))
    _absorb_device(into, gone)
    for column in _EARLIEST:
        put(into, column, _pick(min, getattr(into, column), getattr(gone, column)))
    if _later(gone.page_since, into.page_since):
        _copy(into, gone, _CURRENT)
    for column in _LATEST:
        setattr(into, column, _pick(max, getattr(into, column), getattr(gone, column)))
    for scope in _SCOPES:
        _absorb_custom(into, gone, scope)
    into.tags = sorted({*into.tags, *gone.tags})
    for column in _COUNTS:
        setattr(into, column, getattr(into, column) + getattr(gone, column))
    into.open_sessions = {**gone.open_sessions, **into.open_sessions}
    into.event_times = {
        number: sorted(
            [*into.event_times.get(number, ()), *gone.event_times.get(number, ())], reverse=True
        )
        for number in {**into.event_times, **gone.event_times}
    }
    into.checkpoints = {
        number: min(each[number] for each in (into.checkpoints, gone.checkpoints) if number in each)
        for number in {**into.checkpoints, **gone.checkpoints}
    }
    into.did |= gone.did
    into.progressed = True
    into.sighted = _pick(min, into.sighted, gone.sighted)
    into.picked = into.picks() | gone.picks()
    into.rhythm, into.rhythm_day = rhythm.unite(
        into.rhythm, into.rhythm_day, gone.rhythm, gone.rhythm_day
    )
    if _RANK[gone.kind] > _RANK[into.kind]:
        into.kind = gone.kind
    into.changed = into.seen_changed = True


def revise(person: Person, old: Person, new: Person) -> None:
    """What is still as `old` had it becomes as `new` has it; numbers move by the difference."""
    for column in (*_FILLED, *_EARLIEST, *_LATEST, "kind"):
        if getattr(person, column) == getattr(old, column):
            put(person, column, getattr(new, column))
    for columns, by in ((_TOUCH, "touched_at"), (_DEVICE, "context_at"), (_CURRENT, "page_since")):
        if getattr(person, by) == getattr(old, by):
            _copy(person, new, (*columns, by))
    for scope in _SCOPES:
        values = dict(getattr(person, scope))
        _revise_each(values, getattr(old, scope), getattr(new, scope))
        setattr(person, scope, values)
        slots = _slots(scope, {**getattr(old, scope), **getattr(new, scope)})
        _revise_each(person.folded, *(_only(who.folded, slots) for who in (old, new)))
    _revise_each(person.stamps, old.stamps, new.stamps)
    for column in _COUNTS:
        moved = getattr(new, column) - getattr(old, column)
        setattr(person, column, max(0, getattr(person, column) + moved))
    person.tags = sorted({*person.tags} - ({*old.tags} - {*new.tags}) | ({*new.tags} - {*old.tags}))
    person.open_sessions = {
        browser: new.open_sessions.get(browser, runs) if runs == _runs(old, browser) else runs
        for browser, runs in person.open_sessions.items()
        if browser in new.open_sessions or browser not in old.open_sessions
    }
    _revise_rhythm(person, old, new)
    _revise_each(person.checkpoints, old.checkpoints, new.checkpoints)
    person.progressed = True
    person.picked = person.picks() - (old.picks() - new.picks()) | (new.picks() - old.picks())
    person.changed = person.seen_changed = True


def _revise_rhythm(person: Person, old: Person, new: Person) -> None:
    if (person.rhythm, person.rhythm_day) == (old.rhythm, old.rhythm_day):
        person.rhythm, person.rhythm_day = new.rhythm, new.rhythm_day
    else:
        day = person.rhythm_day
        less = rhythm.without(person.rhythm, day, old.rhythm, old.rhythm_day)
        person.rhythm, person.rhythm_day = rhythm.unite(less, day, new.rhythm, new.rhythm_day)


def united(into: Person, gone: Person) -> Person:
    """A new person who is both; neither of the two changes."""
    both = copied(into)
    absorb(both, gone)
    return both


def copied(person: Person) -> Person:
    """The same person once more, sharing nothing with the first."""
    return restore(person.project_id, msgspec.json.decode(snapshot(person)), person.updated_at)


def snapshot(person: Person) -> str:
    """All of a person's facts, as JSON."""
    row = {column: getattr(person, column) for column in (*WIDE, *HOT)}
    row["rhythm"] = person.rhythm.hex()
    row["segments"] = sorted(person.picks())
    return msgspec.json.encode(row, enc_hook=str).decode()


def restore(project_id: UUID, row: Mapping[str, Any], now: datetime) -> Person:
    """The person a snapshot was taken of, to be stored anew."""
    person = new_person(project_id, UUID(row["id"]), now)
    for column in (*WIDE, *HOT):
        if column not in ("project_id", "id", "segments", "next_move_at"):
            setattr(person, column, _revive(column, row.get(column)))
    person.picked = frozenset(row["segments"])
    person.progressed = True
    return person


def _absorb_device(into: Person, gone: Person) -> None:
    newer = _later(gone.context_at, into.context_at)
    for column in _DEVICE:
        mine, theirs = getattr(into, column), getattr(gone, column)
        if theirs and (newer or not mine):
            put(into, column, theirs)
            _take_stamps(into, gone, (column, f"geo.{column}"))
    if newer:
        into.context_at = gone.context_at


def _absorb_custom(into: Person, gone: Person, scope: str) -> None:
    mine: dict[str, Any] = dict(getattr(into, scope))
    for key, value in getattr(gone, scope).items():
        slot = f"{scope}.{key}"
        if key in mine and gone.stamps.get(slot, 0) <= into.stamps.get(slot, 0):
            continue
        mine[key] = value
        _take_stamps(into, gone, (slot,))
        if slot in gone.folded:
            into.folded[slot] = gone.folded[slot]
        else:
            into.folded.pop(slot, None)
    setattr(into, scope, mine)


def _revise_each(values: dict[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for key in {**old, **new}:
        if values.get(key) != old.get(key) or old.get(key) == new.get(key):
            continue
        if key in new:
            values[key] = new[key]
        else:
            values.pop(key, None)


def _slots(scope: str, keys: Iterable[str]) -> set[str]:
    return {f"{scope}.{key}" for key in keys}


def _only(values: Mapping[str, str], slots: set[str]) -> dict[str, str]:
    return {slot: value for slot, value in values.items() if slot in slots}


def _runs(person: Person, browser: str) -> Any:
    return person.open_sessions.get(browser)


def _copy(person: Person, other: Person, columns: Iterable[str]) -> None:
    for column in columns:
        put(person, column, getattr(other, column))


def _take_stamps(into: Person, gone: Person, slots: Iterable[str]) -> None:
    for slot in slots:
        if slot in gone.stamps:
            into.stamps[slot] = gone.stamps[slot]


def _came_first(gone: Person, into: Person) -> bool:
    if gone.touched_at is None or into.touched_at is None:
        return into.touched_at is None and gone.touched_at is not None
    return gone.touched_at < into.touched_at


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)


def _pick(choose: Any, one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _revive(column: str, value: Any) -> Any:
    if column == "rhythm":
        return bytes.fromhex(value)
    if column == "event_times":
        return msgspec.convert(value or {}, dict[str, list[datetime]])
    if column == "checkpoints":
        return msgspec.convert(value or {}, dict[str, datetime])
    if column == "did":
        return value or 0
    if value is not None and column in _INSTANTS:
        return datetime.fromisoformat(value)
    return value
