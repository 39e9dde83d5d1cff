"""The campaign editor: a readable list of who, when and what, with the form of one part beside it.

Every change is kept at once in the campaign's draft; what runs goes on as it was published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from regulars.campaigns import campaigns as slice_
from regulars.campaigns import wording, world
from regulars.campaigns.campaigns import Campaign
from regulars.campaigns.engine import definition as d
from regulars.campaigns.engine.checking import Problem
from regulars.campaigns.engine.editing import RULES
from regulars.campaigns.engine.rehearsing import kind_of
from regulars.campaigns.world import Checked
from regulars.console import campaigns_forms, campaigns_texts, campaigns_words
from regulars.console.access import AgentRequest, agent_view
from regulars.console.campaigns import note, url_of
from regulars.console.campaigns_called import called_of
from regulars.console.campaigns_words import Called
from regulars.console.frame import frame
from regulars.console.refusals import refusal
from regulars.console.segments_edits import settle
from regulars.filters.to_json import to_json as filter_to_json
from regulars.kit import clock, database
from regulars.mail.content import thumb
from regulars.mail.content.errors import ContentError
from regulars.people import values
from regulars.segments import queries as segments
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

PARTS = ("who", "when", "goal")


@dataclass(frozen=True, slots=True)
class Line:
    """A step in the list."""

    id: str
    kind: str
    icon: str
    title: str
    note: str
    depth: int
    number: int
    problems: tuple[str, ...]
    current: bool
    sides: tuple[tuple[str, str, tuple[Line, ...]], ...] = ()  # of a branch: key, name, steps


@agent_view()
@require_GET
def editor(request: AgentRequest, campaign_id: UUID) -> HttpResponseBase:
    """The page; `part` in the address says whose form is open."""
    part = request.GET.get("part", "")
    context = _context(request, campaign_id, part)
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "console/campaigns/campaign.html", context)
    context["shell"] = frame(request, "campaigns")
    return render(request, "console/campaigns/editor.html", context)


@agent_view()
@require_POST
def edit(request: AgentRequest, campaign_id: UUID) -> HttpResponseBase:
    """Change a part, or add, move or remove a step, as the form's `do` says."""
    do, part = request.POST.get("do", "change"), request.POST.get("part", "")
    at = clock.now()

    def work(core: Connection) -> str:
        one = slice_.get(core, request.project.id, campaign_id)
        data, shown = _edited(core, request, one, do, part)
        slice_.save(core, request.project.id, campaign_id, at, data=data, by=request.user.id)
        return shown

    try:
        shown = settle(work)
    except InvalidError as wrong:
        return refusal(f"{wrong.message} ({wrong.field})" if wrong.field else wrong.message)
    context = _context(request, campaign_id, shown)
    if do == "change" and not request.POST.get("whole"):
        return render(request, "console/campaigns/changed.html", context)
    return render(request, "console/campaigns/campaign.html", context)


@agent_view()
@require_POST
def rename(request: AgentRequest, campaign_id: UUID) -> HttpResponseBase:
    """Give it another name."""
    at = clock.now()

    def work(core: Connection) -> None:
        name = request.POST.get("name", "")
        slice_.save(core, request.project.id, campaign_id, at, name=name, by=request.user.id)
        note(request, "campaign.changed", name)

    try:
        settle(work)
    except InvalidError as wrong:
        return refusal(wrong.message)
    return HttpResponse(status=204)


def head_of(request: AgentRequest, one: Campaign, tab: str) -> dict[str, Any]:
    """What stands over every page of a campaign."""
    tone, icon, badge = campaigns_words.STATES[one.state]
    return {
        "project": request.project,
        "campaign": one,
        "url": url_of(request, one.id),
        "tone": tone,
        "badge_icon": icon,
        "badge": badge,
        "tab": tab,
        "is_over": one.state in ("stopped", "done"),
    }


def _edited(
    core: Connection, request: AgentRequest, one: Campaign, do: str, part: str
) -> tuple[dict[str, Any], str]:
    """The JSON after the change, and whose form is open then."""
    data = one.draft
    match do:
        case "add":
            kind, side = request.POST.get("type", ""), request.POST.get("side", "")
            picked = [each.id for each in segments.saved(core, one.project_id) if not each.filter]
            if kind == "segment" and not picked:
                raise InvalidError("", "There is no segment yet that is picked by hand.")
            first = picked[0] if picked else None
            return campaigns_forms.added(data, kind, part, side, first)
        case "up" | "down":
            return campaigns_forms.moved(data, part, -1 if do == "up" else 1), part
        case "remove":
            return campaigns_forms.removed(data, part), ""
        case _:
            return campaigns_forms.changed(data, part, request.POST), part


def _context(request: AgentRequest, campaign_id: UUID, part: str) -> dict[str, Any]:
    project_id, at = request.project.id, clock.now()
    with database.of_django() as core:
        one = slice_.get(core, project_id, campaign_id)
        written = one.written
        checked = world.check(core, project_id, written, at)
        called = called_of(core, project_id)
        route = written.route()
        if part not in PARTS and part not in route.steps:
            part = _first_part(one, written)
        step = route.steps.get(part)
        choices = _choices(core, project_id)
        preview = _preview(core, project_id, one, step) if isinstance(step, d.Email) else None
        shapes = _shapes(core, project_id, step) if isinstance(step, d.Email) else {}
    return (
        head_of(request, one, "edit")
        | {
            "part": part,
            "written": written,
            "called": called,
            "audience_words": campaigns_words.audience_words(written.audience, called),
            "trigger_words": campaigns_words.trigger_words(written.trigger, called),
            "goal_words": _goal_words(written),
            "count": checked.audience,
            "lines": _lines(written.steps, checked, called, part),
            "problems": _problems(checked),
            "mistakes": len(checked.mistakes),
            "new_steps": campaigns_words.STEPS.items(),
            "rules": RULES,
            "preview": preview,
        }
        | choices
        | _form(one, written, step, called, shapes)
    )


def _first_part(one: Campaign, written: d.Definition) -> str:
    """What to look at first: the first email, or who it is for."""
    emails = (each.id for each in d.all_steps(written.steps) if isinstance(each, d.Email))
    return next(emails, "who") if one.draft.get("trigger", {}).get("type") != "now" else "who"


def _lines(
    steps: tuple[d.Step, ...], checked: Checked, called: Called, part: str, depth: int = 0
) -> tuple[Line, ...]:
    return tuple(
        _line(step, n, checked, called, part, depth) for n, step in enumerate(steps, start=1)
    )


def _line(
    step: d.Step, number: int, checked: Checked, called: Called, part: str, depth: int
) -> Line:
    kind = kind_of(step)
    sides: tuple[tuple[str, str, tuple[Line, ...]], ...] = ()
    if isinstance(step, d.Branch):
        sides = (
            ("yes", "Yes", _lines(step.yes, checked, called, part, depth + 1)),
            ("no", "No", _lines(step.no, checked, called, part, depth + 1)),
        )
    wrong = tuple(
        one.message for one in checked.problems
        if one.where == f"steps.{step.id}" and not one.warning
    )  # fmt: skip
    return Line(
        step.id,
        kind,
        campaigns_words.STEPS[kind][0],
        campaigns_words.step_title(step, called),
        campaigns_words.step_note(step),
        depth,
        number,
        wrong,
        step.id == part,
        sides,
    )


def _problems(checked: Checked) -> list[tuple[Problem, str]]:
    """Each with the part whose form mends it."""
    parts = {"audience": "who", "trigger": "when", "steps": ""}
    return [
        (one, parts.get(one.where, one.where.removeprefix("steps."))) for one in checked.problems
    ]


def _goal_words(written: d.Definition) -> str:
    said = []
    if written.goal is not None:
        said.append(written.goal.sentence or "They reach the goal")
    if written.leave_with_audience:
        said.append("they leave the audience")
    return ", or ".join(said) or "All steps are done"


def _choices(core: Connection, project_id: UUID) -> dict[str, Any]:
    saved = segments.saved(core, project_id)
    every = sorted(segments.names(core, project_id).items(), key=lambda one: one[1].casefold())
    events = values.frequent_values(core, project_id, values.EVENT, "", 50)
    return {
        "segments": every,
        "picked_segments": [(one.id, one.name) for one in saved if one.filter is None],
        "events": [one.value for one in events],
        "templates": sorted(
            wording.template_names(core, project_id).items(), key=lambda one: one[1].casefold()
        ),
        "weekdays": list(zip(d.WEEKDAYS, campaigns_words.DAYS, strict=True)),
    }


def _form(
    one: Campaign,
    written: d.Definition,
    step: d.Step | None,
    called: Called,
    shapes: dict[str, list[Any]],
) -> dict[str, Any]:
    """What the open form shows."""
    trigger = one.draft.get("trigger", {})
    said: dict[str, Any] = {
        "triggers": campaigns_words.TRIGGERS.items(),
        "trigger": trigger,
        "audience": written.audience,
        "without": [str(each) for each in written.audience.exclude_segments],
        "audience_filter": _text(written.audience.filter),
        "goal_filter": _text(written.goal.filter if written.goal else None),
        "event_rule": _event_text(trigger if step is None else _kept(one, step)),
        "step": step,
        "kind": kind_of(step) if step is not None else "",
    }
    if step is None:
        return said
    said["title"] = campaigns_words.step_title(step, called)
    said["form"] = f"console/campaigns/step_{kind_of(step)}.html"
    if isinstance(step, d.Email):
        said["variants"] = [
            _variant(each, shapes.get(each.id, []))
            | {"url": reverse("campaign_message", args=[one.project_id, one.id, step.id, each.id])}
            for each in step.variants
        ]
    if isinstance(step, d.Branch):
        said["branch_filter"] = _text(step.filter)
    if isinstance(step, d.Repeat):
        before = []
        for each in d.all_steps(written.steps):
            if each.id == step.id:
                break
            before.append((each.id, campaigns_words.step_title(each, called)))
        said["earlier"] = before
    return said


def _event_text(said: dict[str, Any]) -> str:
    """An event and the conditions on its properties, for the builder."""
    return slice_.encoded({key: said[key] for key in ("event", "where") if said.get(key)})


def _kept(one: Campaign, step: d.Step) -> dict[str, Any]:
    return campaigns_forms.find(one.draft, step.id)


def _variant(variant: d.Variant, shapes: list[Any]) -> dict[str, Any]:
    content = variant.content or {}
    text = campaigns_texts.text_of(variant.content)
    return {
        "id": variant.id,
        "name": variant.id.upper(),
        "share": variant.share,
        "template": str(variant.template) if variant.template else "",
        "subject": variant.subject or content.get("subject", ""),
        "preheader": content.get("preheader", ""),
        "body": text,
        "shapes": shapes,
    }


def _text(filter_: Any) -> str:
    return slice_.encoded(filter_to_json(filter_)) if filter_ is not None else ""


def _preview(
    core: Connection, project_id: UUID, one: Campaign, step: d.Email
) -> dict[str, Any] | None:
    """The first message, for the frame beside the form; `version` is another when it changes."""
    variant = step.variants[0]
    try:
        content = wording.content_of(core, project_id, variant)
        if content is None:
            return None
        subject = wording.previewed(core, project_id, content, step).subject
    except (ContentError, LookupError, ValueError):
        return None
    place = [project_id, one.id, step.id, variant.id]
    return {
        "subject": subject,
        "sender": step.from_name or slice_.project_name(core, project_id),
        "url": reverse("campaign_message_preview", args=place),
        "version": int(one.changed_at.timestamp() * 1000),
        "which": variant.id.upper() if len(step.variants) > 1 else "",
    }


def _shapes(core: Connection, project_id: UUID, step: d.Email) -> dict[str, list[Any]]:
    """The step's messages in miniature, by their ids."""
    found = {}
    for variant in step.variants:
        try:
            content = wording.content_of(core, project_id, variant)
        except (ContentError, LookupError):
            continue
        found[variant.id] = list(thumb.facts(content)) if content is not None else []
    return found
