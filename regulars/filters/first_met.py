"""When somebody first met a filter, where what is known of them tells it.

A filter that holds today says nothing about when it began to. But who is a user became one when
they signed up; who was seen lately was seen for the first time once; who did something three times
had done so at the third. A filter made of nothing else can be dated, however long ago that was and
in whatever order the events arrived. Any other can't: its past was never written down.

Public: `Origin`, `origin_of(filter)`, `first_met(origin, facts, times_of)`,
`ever_met` and `ever_sql`, `origin_sql(origin, zone)`, `nth_events(origin)`, `by_sightings(origin)`,
`is_being_seen(origin)`, `over_users(filter)`, `SIGHTINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from regulars.filters.ast import All, AnyOf, EventCondition, FieldCondition, Filter, conditions
from regulars.filters.to_sql import event_to_sql


@dataclass(frozen=True, slots=True)
class Since:
    """The instant that a fact of the person's is."""

    fact: str


@dataclass(frozen=True, slots=True)
class Sighted:
    """When the person was seen for the first time. Until `days` after the last; None: for good."""

    days: int | None = None


@dataclass(frozen=True, slots=True)
class Nth:
    """When the event happened for the nth time: `condition.count`."""

    condition: EventCondition


@dataclass(frozen=True, slots=True)
class Last:
    """The last of several: all of them must have come."""

    parts: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class First:
    """The first of several that has come."""

    parts: tuple[Origin, ...]


Origin = Since | Sighted | Nth | Last | First

Sql = tuple[str, list[Any]]

# Gives the times of an event's memory, newest first, or of being seen (None is given); and None
# where older ones may be missing.
TimesOf = Callable[[EventCondition | None], Sequence[datetime] | None]

# What holds from this instant on, and for ever.
_LASTING = {
    ("kind", "is", "user"): "signed_up_at",
    ("signed_up_at", "is_known", None): "signed_up_at",
    ("first_seen", "is_known", None): "first_seen",
}
# What holds from this instant on, and may cease.
_PASSING = frozenset({"signed_up_at", "first_seen"})
_COLUMNS = {"signed_up_at": "p.signed_up_at", "first_seen": "p.first_seen"}
# The events by which somebody was seen.
SIGHTINGS = (
    "(e.kind IN ('page', 'screen', 'track') OR e.kind = 'identify' AND e.source = 'browser')"
)
# What the record has of being seen; of those whose record is gone, when they came.
_SIGHTED = f"""coalesce((
    SELECT min(e.happened_at) FROM event e
    WHERE e.project_id = p.project_id AND e.person_id = p.id AND {SIGHTINGS}
), p.first_seen)"""
_SIGHTED_READ = "coalesce((SELECT s.at FROM {table} s WHERE s.id = p.id), p.first_seen)"


def origin_of(filter_: Filter) -> Origin | None:
    """What tells when somebody first met the filter; None where nothing does."""
    found = _origin(filter_)
    return found[0] if found else None


def over_users(filter_: Filter) -> bool:
    """Whether a funnel that begins with this filter is over users: it says nothing else."""
    return all(
        (one.op, one.value) in {("is", "user"), ("is_any_of", ("user",))}
        for one in conditions(filter_)
        if isinstance(one, FieldCondition) and one.field == "kind"
    )


def first_met(  # noqa: PLR0911  # one a case
    origin: Origin, facts: Any, times_of: TimesOf
) -> datetime | None:
    """The instant; None where the facts at hand do not tell it, though history may."""
    match origin:
        case Since(fact):
            at: datetime | None = getattr(facts, fact)
            return at
        case Sighted():
            return min(times_of(None) or (), default=None)
        case Nth(condition):
            times = times_of(condition)
            if times is None or len(times) < condition.count:
                return None
            return times[-condition.count]
        case Last(parts):
            found = [first_met(part, facts, times_of) for part in parts]
            known = [at for at in found if at is not None]
            return max(known) if len(known) == len(found) else None
        case First(parts):
            found = [first_met(part, facts, times_of) for part in parts]
            known = [at for at in found if at is not None]
            if not all(isinstance(one, Since) for one in _leaves(origin)) and None in found:
                return None
            return min(known, default=None)


def origin_sql(origin: Origin, zone: tzinfo, seen: str | None = None) -> Sql:
    """The instant over a person's row `p`, wide or compact, read from history where it must be.

    `seen` is a table (id, at) of when everybody was seen first, where history was read for that.
    """
    match origin:
        case Since(fact):
            return _COLUMNS[fact], []
        case Sighted():
            return (_SIGHTED if seen is None else _SIGHTED_READ.format(table=seen)), []
        case Nth(condition):
            matching, params = event_to_sql(condition, zone=zone, of_people=True)
            text = (
                "(SELECT e.happened_at FROM event e WHERE e.project_id = p.project_id"
                f" AND e.person_id = p.id AND {matching}"
                " ORDER BY e.happened_at OFFSET %s LIMIT 1)"
            )
            return text, [*params, condition.count - 1]
        case Last(parts) | First(parts):
            written = [origin_sql(part, zone, seen) for part in parts]
            word = "greatest" if isinstance(origin, Last) else "least"
            text = f"{word}({', '.join(text for text, _ in written)})"
            return text, [param for _, params in written for param in params]


def ever_met(origin: Origin, facts: Any, since: datetime | None, times_of: TimesOf) -> bool:
    """Whether somebody met the filter at some time, though they may not any more.

    With `since`, at some time from then on.
    """
    match origin:
        case Since(fact):
            return getattr(facts, fact) is not None
        case Sighted(days):
            last: datetime | None = facts.last_seen
            return last is not None and (
                days is None or since is None or last >= since - timedelta(days=days)
            )
        case Nth(condition):
            times, days = times_of(condition) or (), condition.within_days
            return len(times) >= condition.count and (
                days is None or since is None or times[0] >= since - timedelta(days=days)
            )
        case Last(parts):
            return all(ever_met(part, facts, since, times_of) for part in parts)
        case First(parts):
            return any(ever_met(part, facts, since, times_of) for part in parts)


def ever_sql(origin: Origin, since: str, zone: tzinfo) -> Sql:
    """The same over rows `p` and `a`; `since` is an expression, NULL for at any time."""
    match origin:
        case Since(fact):
            return f"{_COLUMNS[fact]} IS NOT NULL", []
        case Sighted(days):
            if days is None:
                return "a.last_seen IS NOT NULL", []
            late = f"(a.last_seen >= {since} - %s::interval) IS NOT FALSE"
            return f"(a.last_seen IS NOT NULL AND {late})", [timedelta(days=days)]
        case Nth(condition):
            matching, params = event_to_sql(condition, zone=zone, of_people=True)
            text = (
                "(SELECT e.happened_at FROM event e WHERE e.project_id = p.project_id"
                f" AND e.person_id = p.id AND {matching} ORDER BY e.happened_at OFFSET %s LIMIT 1)"
                " IS NOT NULL"
            )
            return text, [*params, condition.count - 1]
        case Last(parts) | First(parts):
            written = [ever_sql(part, since, zone) for part in parts]
            word = " AND " if isinstance(origin, Last) else " OR "
            text = f"({word.join(text for text, _ in written)})"
            return text, [param for _, params in written for param in params]


def nth_events(origin: Origin) -> frozenset[str]:
    """The names of events whose times tell the instant."""
    return frozenset(one.condition.event for one in _leaves(origin) if isinstance(one, Nth))


def is_being_seen(origin: Origin) -> bool:
    """Whether it is when somebody was seen first, and nothing else."""
    return isinstance(origin, Sighted)


def by_sightings(origin: Origin) -> bool:
    """Whether when somebody was seen first tells the instant."""
    return any(isinstance(one, Sighted) for one in _leaves(origin))


def _leaves(origin: Origin) -> Iterator[Since | Sighted | Nth]:
    match origin:
        case Last(parts) | First(parts):
            for part in parts:
                yield from _leaves(part)
        case _:
            yield origin


def _origin(filter_: Filter) -> tuple[Origin, bool] | None:  # noqa: PLR0911  # one a case
    """The origin, and whether what it dates lasts for ever."""
    match filter_:
        case All((part,)) | AnyOf((part,)):
            return _origin(part)
        case All(parts):
            found = [_origin(part) for part in parts]
            lasting = tuple(one[0] for one in found if one is not None and one[1])
            return (Last(lasting), True) if len(lasting) == len(found) else None
        case AnyOf(parts):
            found = [_origin(part) for part in parts]
            dated = tuple(one[0] for one in found if one is not None)
            if len(dated) < len(found):
                return None
            return First(dated), all(one is not None and one[1] for one in found)
        case FieldCondition():
            return _of_field(filter_)
        case EventCondition(op="at_least", count=count, within_days=days) if count > 0:
            if days is None:
                return Nth(filter_), True
            return (Nth(filter_), False) if count == 1 else None
        case _:
            return None


def _of_field(condition: FieldCondition) -> tuple[Origin, bool] | None:
    field, op, value = condition.field, condition.op, condition.value
    if (field, op, value) in _LASTING:
        return Since(_LASTING[field, op, value]), True  # type: ignore[index]
    if (field, op) == ("last_seen", "is_known"):
        return Sighted(), True
    if (field, op) == ("last_seen", "within_last"):
        return Sighted(int(value)), False  # type: ignore[arg-type]
    return (Since(field), False) if field in _PASSING and op == "within_last" else None
