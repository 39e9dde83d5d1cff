"""What the channels do between two checkpoints: the table on the funnel's page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console.access import AgentRequest, agent_view
from regulars.console.funnel import only_of
from regulars.funnels import impact, kept, report
from regulars.funnels.impact import Channel
from regulars.kit import clock, database

ICONS = {
    "campaign": "megaphone", "email": "mail", "chat": "message-circle", "ticket": "ticket",
    "note": "sticky-note",
}  # fmt: skip
LEFT, RIGHT = -0.2, 0.6  # what the axis shows, in shares; what lies outside is cut
WIDE = 100.0


@dataclass(frozen=True, slots=True)
class Row:
    """A channel as it is drawn."""

    channel: Channel
    icon: str
    points: str
    interval: str
    range: str
    mean: str


@agent_view()
@require_GET
def channels(request: AgentRequest) -> HttpResponse:
    """The table, for one pair and so many days."""
    now = clock.now()
    with database.of_django() as core:
        chain = report.chain_of(core, request.project.id)
        size = len(chain.checkpoints)
        place = _number(request.GET.get("step"), range(1, size), 1)
        days = _number(request.GET.get("days"), impact.CHOICES, impact.DAYS)
        only = only_of(request, core)
        wanted = kept.Asked(place, days, *(only.asked if only else ()))
        look = kept.Look(request.project.id, kept.IMPACT, chain, wanted)
        found, at = kept.of(core, look, now)
    pairs = list(zip(chain.checkpoints, chain.checkpoints[1:], strict=False))
    context = {
        "project": request.project,
        "rows": [_row(one) for one in found.channels],
        "untouched": found.untouched,
        "pairs": [(n, one, other) for n, (one, other) in enumerate(pairs, start=1)],
        "place": place,
        "days": days,
        "choices": impact.CHOICES,
        "to": chain.checkpoints[place],
        "at": at,
        "only": only,
        "zero": f"M{_x(0):.1f} 0V16",
    }
    return render(request, "console/funnel/impact.html", context)


def _number(given: str | None, among: range | tuple[int, ...], default: int) -> int:
    number = int(given) if given and given.isdecimal() and len(given) < 4 else default  # noqa: PLR2004
    return number if number in among else default


def _row(one: Channel) -> Row:
    icon = ICONS[one.key]
    if one.lift is None:
        return Row(one, icon, "–", "", "", "")
    low, high, mean = (_x(part) for part in (one.lift.low, one.lift.high, one.lift.points))
    interval = f"{_points(one.lift.low)} to {_points(one.lift.high)}"
    return Row(
        one, icon, f"{_points(one.lift.points, sign=True)} pts", interval,
        f"M{low:.1f} 8H{high:.1f}", f"M{mean:.1f} 3V13",
    )  # fmt: skip


def _x(share: float) -> float:
    return WIDE * (min(max(share, LEFT), RIGHT) - LEFT) / (RIGHT - LEFT)


def _points(share: float, *, sign: bool = False) -> str:
    """A share in points, with a true minus."""
    text = f"{share * 100:+.1f}" if sign else f"{share * 100:.1f}"
    return text.replace("-", "−")
