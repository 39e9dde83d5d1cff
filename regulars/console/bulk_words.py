"""How bulk jobs are told: what runs, what it came to, what the audit log says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.template.defaultfilters import filesizeformat

from regulars.console.templatetags.console import number
from regulars.people.bulk_actions import ACTIONS
from regulars.people.bulk_jobs import Job

# What takes an owner or an admin, and how that is said to others.
MANAGED = {
    "export": "Only owners and admins can export people.",
    "erase": "Only owners and admins can delete people from a list.",
}

_AUDITED_AS = {"erase": "people.bulk_erased", "export": "people.exported"}

# While it runs, and when it is done: {who} is “214 people”, {what} the tag or the segment.
_RUNNING = {
    "tag": "Tagging {who} “{what}”",
    "untag": "Taking “{what}” off {who}",
    "segment_add": "Adding {who} to {what}",
    "segment_remove": "Taking {who} out of {what}",
    "export": "Exporting {who}",
    "erase": "Deleting {who}",
}
_DONE = {
    "tag": "Tagged {who} “{what}”",
    "untag": "Took “{what}” off {who}",
    "segment_add": "Added {who} to {what}",
    "segment_remove": "Took {who} out of {what}",
    "export": "{who} exported",
    "erase": "Deleted {who}",
}
_ICONS = {"done": "circle-check", "cancelled": "info", "failed": "circle-alert"}


@dataclass(frozen=True, slots=True)
class Card:
    """A job as it is shown at the foot of the list."""

    id: UUID
    title: str
    detail: str
    runs: bool
    is_bad: bool
    icon: str
    done: int
    total: int
    by: str
    can_undo: bool
    has_file: bool


def card(job: Job, *, by: str = "") -> Card:
    """The job as a card; `by` names the colleague who asked for it, if it was not the reader."""
    action = ACTIONS.get(job.kind)
    undoable = action is not None and action.undo is not None and job.undoes is None
    return Card(
        id=job.id,
        title=title(job),
        detail=_detail(job),
        runs=job.ended_at is None,
        is_bad=job.state == "failed",
        icon=_ICONS.get(job.state, ""),
        done=min(job.done, job.total),
        total=job.total,
        by=by,
        can_undo=undoable and job.ended_at is not None and job.changed > 0 and not job.undone_by,
        has_file=job.kind == "export" and job.state == "done",
    )


def title(job: Job) -> str:
    """What is being done, or was."""
    if job.ended_at is None:
        return _put(_RUNNING, job, job.total)
    if job.changed and (job.state == "done" or job.kind != "export"):  # half a file is none
        return _put(_DONE, job, job.changed)
    if job.state == "done":
        return "Nothing had to change"
    return f"{_put(_RUNNING, job, job.total)}: stopped"


def audited(job: Job) -> tuple[str, str]:
    """The job's action for the audit log, and what it is done to."""
    if job.kind in _AUDITED_AS:
        return _AUDITED_AS[job.kind], people(job.total)
    return "people.bulk_changed", _put(_RUNNING, job, job.total)


def people(count: int) -> str:
    """“1 person”, “214 people”."""
    return "1 person" if count == 1 else f"{number(count)} people"


def _detail(job: Job) -> str:
    rest = job.total - job.changed
    match job.state:
        case "waiting" | "running":
            return f"{number(min(job.done, job.total))} of {number(job.total)}"
        case "failed":
            done = f" {people(job.changed).capitalize()} were done before." if job.changed else ""
            return f"{job.error}{done}"
        case "cancelled":
            return f"Stopped after {number(job.done)} of {number(job.total)}"
        case _ if job.kind == "export":
            return f"CSV, {filesizeformat(job.file_bytes)}, kept for 7 days"
        case _ if rest > 0 and job.changed:
            return f"The other {number(rest)} stay as they were"
        case _:
            return ""


def _put(words: dict[str, str], job: Job, count: int) -> str:
    arguments: dict[str, Any] = job.arguments
    what = arguments.get("tag") or arguments.get("name") or ""
    return words.get(job.kind, "Changing {who}").format(who=people(count), what=what)
