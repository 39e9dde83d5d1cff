"""People as rows of a list: everything a row says, worked out before it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from regulars.console.people_columns import CUSTOM, Column
from regulars.console.templatetags.console import number
from regulars.people import rhythm
from regulars.people.naming import called
from regulars.people.person import Person
from regulars.people.queries import ONLINE_FOR, is_online
from regulars.people.store import day_number

MOST_SHOWN = 200  # characters of a custom value


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its column, and the value where a column draws any value alike."""

    column: Column
    value: Any


@dataclass(frozen=True, slots=True)
class Row:
    """A person in a list."""

    id: UUID
    url: str
    kind: str
    name: str
    detail: str
    online: bool
    online_until: datetime | None
    last_seen: datetime | None
    page: str
    counts: bytes  # 28 days, the last one today
    state: str  # new, slipping or nothing
    country: str
    country_code: str
    place: str
    browser: str
    os: str
    email: str
    tags: Sequence[str]
    source: str
    source_detail: str
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all rows of a list have in common."""

    now: datetime
    zone: tzinfo
    columns: Sequence[Column]
    numbers: Mapping[str, int]  # of the built-in segments, by name
    url: str  # of a profile, with {id} in it
    checkpoints: Mapping[str, str] = field(default_factory=dict)  # titles, first to last


def rows(people: Iterable[Person], drawing: Drawing) -> list[Row]:
    """The people as rows."""
    today = day_number(drawing.now.astimezone(drawing.zone).date())
    return [_row(person, drawing, today) for person in people]


def _row(person: Person, drawing: Drawing, today: int) -> Row:
    name = called(person.name, person.email, person.user_id, person.id)
    online = is_online(person, drawing.now)
    source, detail = _came_from(person)
    return Row(
        id=person.id,
        url=drawing.url.format(id=person.id),
        kind=person.kind,
        name=name,
        detail=_detail(person, name),
        online=online,
        online_until=person.browser_seen_at + ONLINE_FOR if person.browser_seen_at else None,
        last_seen=person.last_seen,
        page=person.page_path or "",
        counts=rhythm.seen_by(person.rhythm, person.rhythm_day, today),
        state=_state(person, drawing.numbers),
        country=person.country or "",
        country_code=person.country_code or "",
        place=person.city or person.region or person.country or "",
        browser=person.browser or "",
        os=person.os or "",
        email=person.email or "",
        tags=person.tags,
        source=source,
        source_detail=detail,
        cells=tuple(Cell(column, _value(person, column, drawing)) for column in drawing.columns),
    )


def _detail(person: Person, name: str) -> str:
    """The line below the name: what else tells who they are."""
    if person.email and person.email != name:
        return person.email
    if person.kind == "visitor":
        return ", ".join(part for part in (person.browser, person.country) if part)
    return person.user_id if person.user_id and person.user_id != name else ""


def _state(person: Person, numbers: Mapping[str, int]) -> str:
    return next((name for name in ("slipping", "new") if numbers.get(name) in person.segments), "")


def _came_from(person: Person) -> tuple[str, str]:
    if person.utm_source:
        return person.utm_source, person.utm_medium or ""
    if person.referrer:
        try:
            return urlsplit(person.referrer).hostname or person.referrer, ""
        except ValueError:
            return person.referrer, ""
    return "", ""


def _value(person: Person, column: Column, drawing: Drawing) -> Any:
    if column.key == "checkpoint":
        reached = [title for key, title in drawing.checkpoints.items() if key in person.checkpoints]
        return reached[-1] if reached else None
    if column.key.startswith(CUSTOM):
        return _shown(person.attributes.get(column.key.removeprefix(CUSTOM)))
    if column.key == "company":
        return person.company.get("name")
    return getattr(person, column.key, None)


def _shown(value: Any) -> str:
    """A custom value in a line."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(number(value))
        case str():
            return value
        case list():
            return ", ".join(_shown(one) for one in value)[:MOST_SHOWN]
        case _:
            return msgspec.json.encode(value).decode()[:MOST_SHOWN]
