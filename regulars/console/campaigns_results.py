"""What came of a campaign: the page, and what it asks for as numbers move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.campaigns import campaigns as slice_
from regulars.campaigns import results as numbers
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine.intervals import Interval
from regulars.campaigns.results import MAILED, Mailed, OfDay, OfStep, Results
from regulars.console import campaigns_words, email_words
from regulars.console.access import AgentRequest, agent_view
from regulars.console.campaigns_called import called_of
from regulars.console.campaigns_editor import head_of
from regulars.console.campaigns_words import Called
from regulars.console.frame import frame, project_url
from regulars.console.people_lists import EVERYBODY
from regulars.kit import clock, database

PLOT_HEIGHT = 40.0

# How it ended for somebody, in words, and by which condition they are found.
_ENDED = {
    "finished": ("Went through all steps", "finished"),
    "goal": ("Reached the goal on the way", "left_at_goal"),
    "audience_left": ("Left the audience", "left_audience"),
    "deadline": ("Did not do what was waited for", "missed_deadline"),
}


_REACHED = ("reached_goal", "entered")  # the held out can reach it, too

# Cells that go where there is no room for them.
_NARROW = {"delivered": "c1", "replied": "c1", "bounced": "c2", "unsubscribed": "c2"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of the table and the way to its people; a share where it is one of `whole`."""

    value: int
    url: str
    whole: int = 0
    when: str = ""  # shown


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the chart, in its own units of 100 by 40."""

    kind: str
    x: str
    y: str
    width: str
    height: str


@agent_view()
@require_GET
def results(request: AgentRequest, campaign_id: UUID) -> HttpResponseBase:
    """The whole page."""
    context = _context(request, campaign_id)
    context["shell"] = frame(request, "campaigns")
    return render(request, "console/campaigns/results.html", context)


@agent_view()
@require_GET
def now(request: AgentRequest, campaign_id: UUID) -> HttpResponse:
    """What the open page asks for as time goes by."""
    return render(request, "console/campaigns/results_now.html", _context(request, campaign_id))


def _context(request: AgentRequest, campaign_id: UUID) -> dict[str, Any]:
    project_id = request.project.id
    with database.of_django() as core:
        one = slice_.get(core, project_id, campaign_id)
        found = numbers.results(core, one, clock.now())
        called = called_of(core, project_id)
    definition = one.definition if one.published else one.written
    return head_of(request, one, "results") | {
        "found": found,
        "stats": _stats(one, found),
        "ended": [
            (_ENDED.get(how, (how, ""))[0], n, _url(one, _ENDED.get(how, (how, ""))[1]))
            for how, n in found.ended.items()
        ],
        "under_way_url": _url(one, "under_way"),
        "steps": [_step(one, step, called) for step in found.steps],
        "goal_urls": {
            "entered": _url(one, "entered"),
            "goal": _url(one, *_REACHED),
            "held_out": _url(one, "held_out"),
            "held_out_goal": _url(one, "reached_goal", "held_out"),
        },
        "goal": definition.goal,
        "goal_words": (definition.goal.sentence or "Reached the goal") if definition.goal else "",
        "share": _percents(found.share),
        "held_share": _percents(found.held_out_share),
        "difference": _difference(found),
        "bars": _bars(found.days),
        "top": _top(found.days),
        "first": found.days[0].day if found.days else None,
        "last": found.days[-1].day if found.days else None,
    }


def people_url(
    project_id: UUID, campaign_id: UUID, *ops: str, step: str = "", variant: str = ""
) -> str:
    """The people behind a number, as a list that can be saved as a segment: those of whom all of
    the conditions hold, of the whole campaign, of a step or of one of its messages.
    """
    place = {key: value for key, value in (("step", step), ("variant", variant)) if value}
    asked = [{"campaign": str(campaign_id), "op": op, **place} for op in ops]
    return rule_url(project_id, asked[0] if len(asked) == 1 else {"all": asked})


def rule_url(project_id: UUID, rule: dict[str, Any]) -> str:
    """The people of whom a filter holds, of whatever kind."""
    given = {"kind": EVERYBODY, "filter": slice_.encoded(rule)}
    return project_url(project_id, "people/") + "?" + urlencode(given)


def _url(one: Campaign, *ops: str, **place: str) -> str:
    return people_url(one.project_id, one.id, *ops, **place) if all(ops) else ""


def _step(one: Campaign, of: OfStep, called: Called) -> dict[str, Any]:
    """A step's line, and those of its messages where it has several."""
    several = of.variants if len(of.variants) > 1 else ()
    id_ = of.step.id
    return {
        "of": of,
        "icon": campaigns_words.STEPS[of.kind][0],
        "title": campaigns_words.step_title(of.step, called),
        "through": Cell(of.done, _url(one, "passed", step=id_)),
        "here": Cell(of.waiting, _url(one, "under_way", step=id_)),
        "mailed": _mailed(one, of.mailed, id_),
        "goal": Cell(of.goal, _goal_url(one, id_)),
        "variants": [
            {
                "of": each,
                "title": campaigns_words.email_title(each.variant, called),
                "through": Cell(each.done, _url(one, "passed", step=id_, variant=each.variant.id)),
                "mailed": _mailed(one, each.mailed, id_, each.variant.id),
                "goal": Cell(each.goal, _goal_url(one, id_, each.variant.id)),
            }
            for each in several
        ],
    }


def _goal_url(one: Campaign, step: str, variant: str = "") -> str:
    """Who had the step's message, and reached the goal."""
    place = {"step": step} | ({"variant": variant} if variant else {})
    whole = {"campaign": str(one.id)}
    had = {**whole, "op": "passed", **place}
    return rule_url(one.project_id, {"all": [had, *({**whole, "op": op} for op in _REACHED)]})


def _mailed(one: Campaign, of: Mailed, step: str, variant: str = "") -> list[Cell]:
    """What became of the emails, as cells; opens and clicks as shares of what was sent."""
    return [
        Cell(
            getattr(of, key),
            _url(one, key, step=step, variant=variant),
            of.sent if key in ("opened", "clicked") else 0,
            _NARROW.get(key, ""),
        )
        for key in MAILED
    ]


def _stats(one: Campaign, found: Results) -> list[dict[str, Any]]:
    """The numbers at the top, each with the way to its people."""

    def stat(label: str, n: int, of: int, *ops: str, tone: str = "") -> dict[str, Any]:
        share = f"{100 * n / of:.1f}%" if of else ""
        url = _url(one, *ops) if n else ""
        return {"label": label, "value": n, "share": share, "url": url, "tone": tone}

    mailed = found.mailed
    return [
        stat("Entered", found.entered, 0, "entered"),
        stat("Sent", mailed.sent, 0, "sent"),
        stat("Delivered", mailed.delivered, mailed.sent, "delivered")
        | ({} if mailed.delivered or not mailed.sent else {"share": email_words.NOT_TOLD}),
        stat("Opened", mailed.opened, mailed.sent, "opened"),
        stat("Clicked", mailed.clicked, mailed.sent, "clicked"),
        stat("Replied", mailed.replied, mailed.sent, "replied"),
        stat("Goal reached", found.goal, found.entered, *_REACHED),
        stat("Bounced", mailed.bounced, mailed.sent, "bounced", tone="brick"),
        stat("Unsubscribed", mailed.unsubscribed, mailed.sent, "unsubscribed", tone="gold"),
    ]


def _percents(interval: Interval | None) -> dict[str, str] | None:
    if interval is None:
        return None
    return {
        "value": f"{100 * interval.value:.1f}%",
        "low": f"{100 * interval.low:.1f}%",
        "high": f"{100 * interval.high:.1f}%",
        "x": f"{100 * interval.low:.2f}",
        "width": f"{max(0.5, 100 * (interval.high - interval.low)):.2f}",
        "at": f"{100 * interval.value:.2f}",
    }


def _difference(found: Results) -> dict[str, str] | None:
    """How much better it did than nothing, in points of percent, and how sure that is."""
    between = found.difference
    if between is None:
        return None
    value, low, high = (f"{100 * one:+.1f}" for one in (between.value, between.low, between.high))
    if between.low > 0:
        says = "It helps: by chance alone that would be rare."
    elif between.high < 0:
        says = "It does harm: fewer reach the goal than of those who get nothing."
    else:
        says = "Too early to tell: it could be chance."
    return {"value": value, "low": low, "high": high, "says": says}


def _top(days: tuple[OfDay, ...]) -> int:
    return max((max(one.entered, one.emails, one.goal) for one in days), default=0)


def _bars(days: tuple[OfDay, ...]) -> list[Bar]:
    """Three bars a day: entered, emails, goal."""
    top = _top(days)
    if not top:
        return []
    room = 100 / len(days)
    width = room * 0.26
    bars = []
    for n, day in enumerate(days):
        for place, (kind, value) in enumerate(
            (("dim", day.entered), ("b2", day.emails), ("", day.goal))
        ):
            if not value:
                continue
            height = (PLOT_HEIGHT - 1) * value / top
            x = n * room + room * 0.08 + place * (width + room * 0.03)
            numbers_ = (x, PLOT_HEIGHT - height, width, height)
            bars.append(Bar(kind, *(f"{one:.2f}" for one in numbers_)))
    return bars
