"""What the campaign templates say: shares, sparks, bars."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_DASH = SafeString('<span class="muted">&ndash;</span>')
_TALLEST = 36.0


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, to go through."""
    return text.split()


@register.filter
def or_dash(value: int) -> str | SafeString:
    """“1,208”, or a dash for none."""
    return f"{value:,}" if value else _DASH


@register.simple_tag
def percent(part: int, whole: int) -> str | SafeString:
    """“61.7%”, or a dash where there is no whole."""
    return f"{100 * part / whole:.1f}%" if whole else _DASH


@register.simple_tag
def people(value: int, url: str, whole: int = 0) -> str | SafeString:
    """“1,208”, or a share of a whole, as the way to these people; a dash for none."""
    if not value:
        return _DASH
    says = f"{100 * value / whole:.1f}%" if whole else f"{value:,}"
    titled = f"See the {value:,}" if whole else "See these people"
    return format_html('<a class="of-people" href="{}" title="{}">{}</a>', url, titled, says)


@register.simple_tag
def spark(numbers: Sequence[int]) -> SafeString:
    """A line of days, or a dash."""
    if not numbers or not max(numbers):
        return _DASH
    top, step = max(numbers), 100 / max(1, len(numbers) - 1)
    points = "L".join(
        f"{n * step:.2f} {38 - _TALLEST * value / top:.2f}" for n, value in enumerate(numbers)
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 100 40" preserveAspectRatio="none" role="img"'
        ' aria-label="{} people entered in two weeks"><path d="M{}"/></svg>',
        f"{sum(numbers):,}",
        points,
    )
