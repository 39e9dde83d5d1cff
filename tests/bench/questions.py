"""What the filters' benchmark asks: each operator once, and twenty filters of several conditions.

Values are those of `population` and `history`; `{segment}` stands for a segment of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """A filter as JSON under the name that the tables show."""

    name: str
    filter: dict[str, Any]


def _field(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def _did(
    event: str, op: str, count: int, days: int | None = None, *where: dict[str, Any]
) -> dict[str, Any]:
    asked: dict[str, Any] = {"event": event, "op": op, "count": count}
    asked |= {"where": list(where)} if where else {}
    return asked | ({} if days is None else {"within_days": days})


# One line an operator: the field, the operator, the value. Standard and custom fields by turns.
ALONE: tuple[tuple[str, str, Any], ...] = (
    ("browser", "is", "Firefox"),
    ("attributes.plan", "is", "Pantry"),
    ("browser", "is_not", "Firefox"),
    ("attributes.plan", "is_not", "Pantry"),
    ("email", "contains", "lin"),
    ("attributes.about", "contains", "decaf"),
    ("attributes.about", "contains", "köln"),
    ("referrer", "not_contains", "search"),
    ("attributes.about", "not_contains", "decaf"),
    ("name", "starts_with", "Lin"),
    ("attributes.about", "starts_with", "moved"),
    ("email", "ends_with", "7@example.com"),
    ("company.name", "ends_with", "1"),
    ("country", "is_any_of", ["India", "Kenya", "Iceland"]),
    ("attributes.plan", "is_any_of", ["office", "free"]),
    ("country", "is_none_of", ["India", "Kenya", "Iceland"]),
    ("attributes.plan", "is_none_of", ["office", "free"]),
    ("sessions", "eq", 3),
    ("attributes.seats", "eq", 3),
    ("attributes.seats", "ne", 3),
    ("sessions", "gt", 10),
    ("attributes.lifetime_value", "gt", 500),
    ("attributes.lifetime_value", "gte", 20),
    ("attributes.seats", "lt", 2),
    ("attributes.lifetime_value", "lte", 100.5),
    ("attributes.lifetime_value", "between", [50, 60]),
    ("signed_up_at", "before", "2026-06-01"),
    ("attributes.renewal", "before", "2026-06-01"),
    ("signed_up_at", "after", "2026-10-01T12:00:00Z"),
    ("attributes.renewal", "after", "2026-10-01"),
    ("attributes.renewal", "on", "2026-12-24"),
    ("last_seen", "between", ["2026-09-01", "2026-09-30"]),
    ("attributes.trial_ends", "between", ["2026-12-01", "2026-12-31"]),
    ("last_seen", "within_last", 28),
    ("attributes.renewal", "within_last", 30),
    ("last_seen", "not_within_last", 28),
    ("attributes.renewal", "not_within_last", 30),
    ("attributes.newsletter", "is", True),
    ("ip", "is", "203.0.7.7"),
    ("ip", "is_not", "203.0.7.7"),
    ("ip", "in_network", "203.0.0.0/17"),
    ("attributes.office_ip", "in_network", "198.51.16.0/20"),
    ("ip", "not_in_network", "203.0.0.0/17"),
    ("tags", "has", "champion"),
    ("tags", "has_not", "champion"),
    ("kind", "is", "lead"),
    ("kind", "is_any_of", ["lead", "visitor"]),
    ("gender", "is_known", None),
    ("attributes.seats", "is_known", None),
    ("utm_source", "is_unknown", None),
    ("attributes.renewal", "is_unknown", None),
)  # fmt: skip

_FIREFOX = _field("browser", "is", "Firefox")
_INDIA = _field("country", "is", "India")
_SEEN = _field("last_seen", "within_last", 28)
_PLAN = _field("attributes.plan", "is_not", "free")
_USER = _field("kind", "is", "user")
_ORDERED = _did("Order Completed", "at_least", 1)

TOGETHER: dict[str, dict[str, Any]] = {
    "Firefox, India, seen in 28 days": {"all": [_FIREFOX, _INDIA, _SEEN]},
    "Firefox, seen in 28 days": {"all": [_FIREFOX, _SEEN]},
    "plan is not free, Firefox": {"all": [_PLAN, _FIREFOX]},
    "plan is not free, renewal not in 30 days": {
        "all": [_PLAN, _field("attributes.renewal", "not_within_last", 30)]
    },
    "three custom negations": {
        "all": [
            _PLAN,
            _field("attributes.seats", "ne", 1),
            _field("company.industry", "is_not", "Design"),
        ]
    },
    "about contains e, Firefox": {"all": [_field("attributes.about", "contains", "e"), _FIREFOX]},
    "about contains e, plan office": {
        "all": [
            _field("attributes.about", "contains", "e"),
            _field("attributes.plan", "is", "office"),
        ]
    },
    "email contains a, seen in 28 days": {"all": [_field("email", "contains", "a"), _SEEN]},
    "name contains an, seats over 1, users": {
        "all": [_field("name", "contains", "an"), _field("attributes.seats", "gt", 1), _USER]
    },
    "Iceland, one industry, seats over 2": {
        "all": [
            _field("country", "is", "Iceland"),
            _field("company.industry", "is", "Hotels"),
            _field("attributes.seats", "gt", 2),
        ]
    },
    "India or Kenya or plan office": {
        "any": [_INDIA, _field("country", "is", "Kenya"), _field("attributes.plan", "is", "office")]
    },
    "(Firefox or Edge) and (weekly box or champion)": {
        "all": [
            {"any": [_FIREFOX, _field("browser", "is", "Edge")]},
            {
                "any": [
                    _field("attributes.plan", "is", "weekly box"),
                    _field("tags", "has", "champion"),
                ]
            },
        ]
    },
    "not (Firefox and India)": {"not": {"all": [_FIREFOX, _INDIA]}},
    "not (newsletter or champion), users": {
        "all": [
            {
                "not": {
                    "any": [
                        _field("attributes.newsletter", "is", True),
                        _field("tags", "has", "champion"),
                    ]
                }
            },
            _USER,
        ]
    },
    "ordered twice in 30 days": _did("Order Completed", "at_least", 2, 30),
    "never ordered, seen in 28 days": {"all": [_did("Order Completed", "at_most", 0), _SEEN]},
    "ordered for over 50, India": {
        "all": [
            _did("Order Completed", "at_least", 1, None, _field("properties.total", "gt", 50)),
            _INDIA,
        ]
    },
    "invited a friend, plan is not free": {"all": [_did("Friend Invited", "at_least", 1), _PLAN]},
    "in a segment, Firefox": {"all": [{"segment": "{segment}", "op": "is_in"}, _FIREFOX]},
    "not in a segment, ordered": {"all": [{"segment": "{segment}", "op": "is_not_in"}, _ORDERED]},
}


def questions(segment: str) -> Iterator[Question]:
    """All of them; `segment` is the id of the segment that some ask for."""
    for field, op, value in ALONE:
        yield Question(_named(field, op, value), _field(field, op, value))
    yield Question("did, at least 1", _ORDERED)
    yield Question("did, at most 1", _did("Signed In", "at_most", 1))
    yield Question("did, exactly 2 in 90 days", _did("Order Completed", "exactly", 2, 90))
    yield Question("segment is_in", {"segment": segment, "op": "is_in"})
    yield Question("segment is_not_in", {"segment": segment, "op": "is_not_in"})
    for name, filter_ in TOGETHER.items():
        yield Question(name, _with(filter_, segment))


def _named(field: str, op: str, value: Any) -> str:
    shown = "" if value is None else f" {', '.join(value) if _texts(value) else value}"
    return f"{field.removeprefix('attributes.')} {op}{shown}"


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _with(filter_: Any, segment: str) -> Any:
    if isinstance(filter_, dict):
        return {key: _with(value, segment) for key, value in filter_.items()}
    if isinstance(filter_, list):
        return [_with(one, segment) for one in filter_]
    return segment if filter_ == "{segment}" else filter_
