"""The span of days that a page of numbers looks at, and the one before to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http.request import QueryDict

TODAY = "today"
DEFAULT = "weeks"
LENGTHS = {TODAY: 1, "week": 7, DEFAULT: 28, "quarter": 91, "year": 365}
LABELS = {
    TODAY: "Today", "week": "7 days", DEFAULT: "4 weeks", "quarter": "Quarter", "year": "Year",
}  # fmt: skip
_BEFORE = {
    TODAY: "yesterday", "week": "the 7 days before", DEFAULT: "the 4 weeks before",
    "quarter": "the quarter before", "year": "the year before",
}  # fmt: skip
LONGEST = 366  # days of a span that an address names


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the spans, as the switch shows it."""

    label: str
    url: str
    current: bool
    count: None = None
    live: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """Some days, today the last of them unless an address says otherwise."""

    key: str  # of LENGTHS; nothing for a span of the reader's own
    first: date
    last: date
    today: date

    @property
    def length(self) -> int:
        """Days."""
        return (self.last - self.first).days + 1

    @property
    def is_a_day(self) -> bool:
        """Then its hours are drawn."""
        return self.length == 1

    @property
    def before(self) -> tuple[date, date]:
        """As many days before it."""
        return self.first - timedelta(days=self.length), self.first - timedelta(days=1)

    @property
    def name(self) -> str:
        """“4 weeks”, or “3 May to 9 May 2026”."""
        if self.key:
            return LABELS[self.key]
        return f"{said(self.first)} to {said(self.last)} {self.last.year}"

    @property
    def before_name(self) -> str:
        """“the 4 weeks before”."""
        days = "the day before" if self.is_a_day else f"the {self.length} days before"
        return _BEFORE.get(self.key, days)

    @property
    def query(self) -> str:
        """The period in an address."""
        if self.key:
            return f"period={self.key}"
        return f"from={self.first.isoformat()}&to={self.last.isoformat()}"

    def labels(self) -> list[str]:
        """Its days in words; a year's with the year where it is another."""
        return [said(self.first + timedelta(days=n)) for n in range(self.length)]

    def axis(self) -> tuple[str, ...]:
        """A few words under its chart."""
        if self.is_a_day:
            return ("00:00", "06:00", "12:00", "18:00", "24:00")
        spots = [(self.length - 1) * n // 4 for n in range(5)]
        words = [said(self.first + timedelta(days=n)) for n in spots]
        if self.last == self.today:
            words[-1] = "today"
        return tuple(words)


def period_of(given: QueryDict, today: date, keys: tuple[str, ...] = tuple(LENGTHS)) -> Period:
    """The period an address names; what it does not know is the default."""
    first, last = _day(given.get("from", "")), _day(given.get("to", ""))
    if first and last and first <= last <= today and (last - first).days < LONGEST:
        return Period("", first, last, today)
    key = given.get("period", DEFAULT)
    key = key if key in keys else DEFAULT
    return Period(key, today - timedelta(days=LENGTHS[key] - 1), today, today)


def choices(url: str, period: Period, keys: tuple[str, ...], rest: str = "") -> list[Choice]:
    """The switch; `rest` is what else the address keeps."""
    tail = f"&{rest}" if rest else ""
    return [Choice(LABELS[key], f"{url}?period={key}{tail}", key == period.key) for key in keys]


def said(day: date) -> str:
    """“3 May”."""
    return f"{day.day} {day:%b}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
