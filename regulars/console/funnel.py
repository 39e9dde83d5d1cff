"""The funnel: how many got how far, in what time, week by week, and who they are."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import psycopg
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import funnel_drawing, segments_words
from regulars.console.access import MANAGERS, AgentRequest, agent_view
from regulars.console.frame import frame, project_url
from regulars.console.people_lists import EVERYBODY, Listed
from regulars.console.people_lists import KINDS as ALL_KINDS
from regulars.filters.parse import parse
from regulars.funnels import bars, kept, parts, report, weeks
from regulars.funnels.parts import Part, Split
from regulars.funnels.report import Report, Stage
from regulars.kit import clock, database
from regulars.people import queries as people
from regulars.people.asking import kinds_of
from regulars.segments import queries as segments
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

PERIODS = {
    "7": "Last 7 days", "28": "Last 28 days", "90": "Last 90 days", "365": "Last 12 months",
    "": "All time",
}  # fmt: skip
MOST_CUSTOM = 20  # attributes that the funnel can be split by
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    days: int | None
    split: str
    part: str  # of the split, to which weeks and channels are narrowed

    @property
    def address(self) -> str:
        """The query string of it."""
        given = {"split": self.split, "part": self.part}
        named = {key: value for key, value in given.items() if value}
        return "?" + urlencode({"days": self.days or "", **named})

    def beside(self, found: Report) -> str:
        """The query string of channels and weeks: of the step at which most people stay behind."""
        drops = [one.dropped or 0 for one in found.stages[1:]]
        step = drops.index(max(drops)) + 1
        given = {"split": self.split, "part": self.part} if self.part else {}
        return "?" + urlencode({"step": step, "place": step + 1, **given})


@dataclass(frozen=True, slots=True)
class Column:
    """A checkpoint as it is drawn."""

    stage: Stage
    place: int
    rule: list[segments_words.Words]
    url: str
    dropped_url: str
    bars: list[funnel_drawing.Bar]
    next: Stage | None


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a split: how many of it got how far."""

    part: Part
    shade: str
    cells: list[tuple[int, str]]  # reached, and the way to them


def asked_of(request: AgentRequest) -> Asked:
    """What the address asks for; what it does not know is left at its default."""
    days = request.GET.get("days", "365")
    return Asked(
        int(days) if days in PERIODS and days else None,
        request.GET.get("split", ""),
        request.GET.get("part", "") if request.GET.get("split") else "",
    )


def only_of(request: AgentRequest, core: Connection) -> parts.Only | None:
    """The part that weeks and channels are asked of; everybody where there is no such part."""
    asked = asked_of(request)
    try:
        return parts.only_of(core, request.project.id, asked.split, asked.part)
    except InvalidError:
        return None


@agent_view()
@require_GET
def funnel(request: AgentRequest) -> HttpResponse:
    """The page; its weeks and what channels do are asked for when it stands.

    Where many people have to be counted first, it stands at once and asks for itself anew.
    """
    asked, now, wrong = asked_of(request), clock.now(), ""
    project_id = request.project.id
    with database.of_django() as core:
        try:
            split = parts.split_of(core, project_id, asked.split)
        except InvalidError as refused:
            split, wrong, asked = None, refused.message, replace(asked, split="")
        names = segments.names(core, project_id)
        context = {
            "shell": frame(request, "funnel"),
            "project": request.project,
            "asked": asked,
            "wrong": wrong,
            "periods": PERIODS.items(),
            "days": str(asked.days or ""),
            "splits": _splits(core, project_id, names),
        }
        look = kept.report_of if "count" in request.GET else kept.report_at_hand
        counted = look(core, project_id, asked.days, asked.split, now)
        if counted is None:
            return render(request, "console/funnel/counting.html", context)
        found, at = counted
        only = only_of(request, core)
    if asked.part not in {part.key for part in found.parts}:
        asked, only = replace(asked, part=""), None
    columns = _columns(project_id, found, asked, names)
    context |= {
        "asked": asked,
        "report": found,
        "counted_at": at if at < now else None,
        "columns": columns,
        "picture": funnel_drawing.picture([_parts(found, n) for n in range(len(found.stages))]),
        "rows": _rows(project_id, found, asked, split),
        "only": only,
        "beside": asked.beside(found),
        "sentence": _sentence(found),
        "counting": [one.checkpoint for one in found.stages if one.checkpoint.counting],
        "dated": [one.checkpoint for one in found.stages if one.checkpoint.dated_at],
        "compares": found.period.since is not None,
        "may_change": request.role.role in MANAGERS,
    }
    return render(request, "console/funnel/funnel.html", context)


@agent_view()
@require_GET
def cohorts(request: AgentRequest) -> HttpResponse:
    """The weeks of the last eight, as to one checkpoint."""
    now = clock.now()
    with database.of_django() as core:
        chain = report.chain_of(core, request.project.id)
        size = len(chain.checkpoints)
        given = request.GET.get("place", "")
        place = int(given) if given.isdecimal() and 2 <= int(given) <= size else 2  # noqa: PLR2004
        only = only_of(request, core)
        wanted = kept.Asked(place, None, *(only.asked if only else ()))
        look = kept.Look(request.project.id, kept.WEEKS, chain, wanted)
        found, _ = kept.of(core, look, now)
    context = {
        "project": request.project,
        "checkpoints": list(enumerate(chain.checkpoints, start=1))[1:],
        "place": place,
        "weeks": [(one, [(share, _shade(share)) for share in one.shares]) for one in found],
        "after": range(1, weeks.WEEKS),
        "first": chain.checkpoints[0],
        "to": chain.checkpoints[place - 1],
        "only": only,
    }
    return render(request, "console/funnel/cohorts.html", context)


@agent_view()
@require_GET
def export(request: AgentRequest) -> HttpResponse:
    """The table as CSV."""
    asked, now = asked_of(request), clock.now()
    with database.of_django() as core:
        found, _ = kept.report_of(core, request.project.id, asked.days, asked.split, now)
    written = io.StringIO()
    writer = csv.writer(written)
    labels = [part.label for part in found.parts]
    writer.writerow(
        ["Checkpoint", "Reached", "Before", "From previous", "Dropped", "Median (s)", "p90 (s)",
         *map(_cell, labels)]
    )  # fmt: skip
    for n, one in enumerate(found.stages):
        writer.writerow(
            [_cell(one.checkpoint.title), one.reached, one.before, one.from_previous, one.dropped,
             *(time.total_seconds() if time else None for time in (one.median, one.p90)),
             *(part.reached[n] for part in found.parts)]
        )  # fmt: skip
    return HttpResponse(
        written.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="funnel.csv"'},
    )


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def _parts(found: Report, n: int) -> list[int]:
    """The column of a checkpoint in parts, as many as there are shades."""
    shown = found.parts[: funnel_drawing.MOST_SHADES]
    if not shown or len(found.parts) > len(shown):
        shown = found.parts[: funnel_drawing.MOST_SHADES - 1] if shown else ()
    counts = [part.reached[n] for part in shown]
    rest = found.stages[n].reached - sum(counts)
    return [*counts, rest] if rest or not counts else counts


def _columns(project_id: UUID, found: Report, asked: Asked, names: segments.Called) -> list[Column]:
    columns = []
    for n, stage in enumerate(found.stages):
        following = found.stages[n + 1] if n + 1 < len(found.stages) else None
        columns.append(
            Column(
                stage,
                n + 1,
                segments_words.rule_words(project_id, stage.checkpoint.filter, names),
                _people(project_id, found, asked, n),
                _people(project_id, found, asked, n, dropped=True) if following else "",
                funnel_drawing.lying(_parts(found, n), found.stages[0].reached),
                following,
            )
        )
    return columns


def _rows(project_id: UUID, found: Report, asked: Asked, split: Split | None) -> list[Row]:
    if split is None:
        return []
    shades = ["", "b2", "b3"]
    rows = []
    for at, part in enumerate(found.parts):
        condition = _condition(part, split)
        cells = [
            (count, _people(project_id, found, asked, n, also=condition) if condition else "")
            for n, count in enumerate(part.reached)
        ]
        shade = shades[min(at, len(shades) - 1)]
        rows.append(Row(part, shade, cells))
    return rows


def _condition(part: Part, split: Split) -> dict[str, Any] | None:
    """Who is in the part, as filters say it; None for several values together."""
    if split.segment is not None:
        return {"segment": str(split.segment), "op": "is_in" if part.value else "is_not_in"}
    if split.field is None or part.label == parts.OTHERS:
        return None
    if part.value is None:
        return {"field": split.field.key, "op": "is_unknown"}
    return {"field": split.field.key, "op": "is", "value": part.label}


def _people(
    project_id: UUID,
    found: Report,
    asked: Asked,
    n: int,
    *,
    dropped: bool = False,
    also: dict[str, Any] | None = None,
) -> str:
    """The list of those who came as far, or no further."""
    numbers = [one.checkpoint.number for one in found.stages]
    if dropped:
        wanted = bars.dropped(numbers[: n + 2], asked.days)
    else:
        wanted = bars.reached(numbers[: n + 1], asked.days)
    if also is not None:
        wanted.append(also)
    begins = parse(found.stages[0].checkpoint.filter)
    is_of_users = found.over_users or kinds_of(begins, ALL_KINDS) == ("user",)
    kind = "user" if is_of_users else EVERYBODY
    listed = Listed(kind=kind, filter=msgspec.json.encode({"all": wanted}).decode())
    return project_url(project_id, "people/") + listed.address()


def _splits(
    core: Connection, project_id: UUID, names: segments.Called
) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the funnel can be split by, in groups: key and label."""
    custom = list(people.custom_keys(core, project_id))[:MOST_CUSTOM]
    saved = segments.saved(core, project_id)
    groups = [
        ("", [("", "Nothing")]),
        ("Attributes", [*parts.SPLITS.items(), *((f"attributes.{key}", key) for key in custom)]),
        ("Segments", [(f"segment:{one.id}", names.get(one.id, one.name)) for one in saved]),
    ]
    return [(label, choices) for label, choices in groups if choices]


def _sentence(found: Report) -> str:
    """The picture in words."""
    said = [f"{one.reached:,} {one.checkpoint.title}" for one in found.stages]
    return f"{len(found.stages)} checkpoints: {', '.join(said)}"


def _shade(share: float) -> str:
    return f"s{min(4, 1 + int(share * 4))}" if share else ""
