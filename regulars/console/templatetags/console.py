"""Filters and tags of the console's templates: how a value is shown, never what it is."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from django import template
from django.forms import BoundField, CheckboxInput, Select
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from regulars.console import rhythm as drawing
from regulars.people import naming

register = template.Library()

_FLAGS = frozenset(
    file.stem for file in (Path(__file__).parents[2] / "static" / "flags").glob("*.svg")
)
_MISSING = SafeString('<span class="muted">&ndash;</span>')


@register.simple_tag
def icon(name: str, size: Literal["", "s", "l"] = "") -> SafeString:
    """A Lucide icon from the sprite; decorative, so its control needs a name of its own."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#i-{}"></use></svg>',
        f" {size}" if size else "",
        static("icons.svg"),
        name,
    )


@register.simple_tag
def flag(code: str | None, name: str = "") -> SafeString:
    """A country's flag by its ISO code, or nothing; `name` only where no text beside it says it."""
    known = (code or "").lower()
    if known not in _FLAGS:
        return SafeString("")
    return format_html(
        '<img class="flag" src="{}" alt="{}" width="18" height="12" loading="lazy">',
        static(f"flags/{known}.svg"),
        name,
    )


@register.filter
def ago(moment: datetime | None) -> SafeString:
    """“6 min ago”, “Yesterday, 21:40”: kept true and put in the reader's own zone by time.js."""
    return _moment(moment, "ago")


@register.filter
def day(moment: datetime | None) -> SafeString:
    """“12 Mar 2025” in the reader's zone."""
    return _moment(moment, "day")


@register.filter
def clock(moment: datetime | None) -> SafeString:
    """“17:42” in the reader's zone."""
    return _moment(moment, "clock")


@register.filter
def short(moment: datetime | None) -> SafeString:
    """“now”, “3 min”, “2 h”, “Sun”, “21 Nov”: where there is room for a word or two."""
    return _moment(moment, "short")


@register.filter
def moment(moment: datetime | None) -> SafeString:
    """“12 Mar 2025, 17:42” in the reader's zone."""
    return _moment(moment, "moment")


def _moment(moment: datetime | None, shown_as: str) -> SafeString:
    """A `<time>` that reads rightly, in UTC, even before its script runs."""
    if moment is None:
        return _MISSING
    utc = moment.astimezone(UTC)
    formats = {"day": "{d.day} {d:%b %Y}", "clock": "{d:%H:%M} UTC"}
    text = formats.get(shown_as, "{d.day} {d:%b %Y, %H:%M} UTC").format(d=utc)
    return format_html(
        '<local-time as="{}"><time datetime="{}">{}</time></local-time>',
        shown_as,
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        text,
    )


@register.filter
def plain_date(value: date | None) -> str | SafeString:
    """“12 Mar 2025” for a date that belongs to no zone."""
    return _MISSING if value is None else f"{value.day} {value:%b %Y}"


@register.filter
def number(value: float | Decimal | None) -> str | SafeString:
    """“4,812”: thousands apart, no more decimals than there are."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return _MISSING
    if isinstance(value, float):
        value = int(value) if value.is_integer() else Decimal(repr(value))
    return f"{value:,}"


@register.filter
def percent(share: float | None) -> str | SafeString:
    """“67%” for 0.67, “0.4%” below one."""
    if share is None:
        return _MISSING
    whole = share * 100
    return f"{whole:.1f}%" if 0 < whole < 1 else f"{whole:.0f}%"


@register.filter
def duration(time: timedelta | None) -> str | SafeString:
    """“3 days”, “5 hours”: how long something took, in its largest unit."""
    if time is None:
        return _MISSING
    seconds = time.total_seconds()
    for size, unit in _UNITS:
        if seconds >= size:
            count = round(seconds / size)
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "at once"


_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@register.filter
def initials(name: str) -> str:
    """“AO” for Amara Okafor."""
    return naming.initials(name)


@register.filter
def hue(key: object) -> str:
    """One of the eight avatar hues, the same for the same key everywhere."""
    return f"h{naming.hue(key)}"


@register.filter
def rhythm(counts: bytes) -> drawing.Rhythm:
    """The strokes for 28 daily counts, oldest first, ending today."""
    return drawing.paths(counts)


@register.filter
def is_check(field: BoundField) -> bool:
    """Whether a form field is a lone check box, whose label follows it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def control(field: BoundField) -> SafeString:
    """The form field's control with its look, tied to its hint and errors for a screen reader."""
    if is_check(field):
        return field.as_widget()
    attrs: dict[str, str | bool] = {
        "class": "select" if isinstance(field.field.widget, Select) else "input"
    }
    said_by = [f"{field.auto_id}_helptext"] if field.help_text else []
    if field.errors:
        said_by.append(f"{field.auto_id}_error")
    if said_by:
        attrs["aria-describedby"] = " ".join(said_by)
    return field.as_widget(attrs=attrs)
