"""The rows of the inbox's lists, as they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.urls import reverse

from regulars.console.inbox_team import Team
from regulars.inbox import views
from regulars.inbox.conversations import Conversation
from regulars.kit import clock
from regulars.people import naming, queries
from regulars.people.person import Person

Connection = psycopg.Connection[Any]

ICONS = {"chat": "message-circle", "email": "mail"}
PRIORITY = {
    "urgent": ("Urgent", "bad"),
    "high": ("High", "warn"),
    "low": ("Low", ""),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in a word or two."""

    text: str
    kind: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in a list."""

    id: UUID
    url: str
    person_id: UUID
    name: str
    kind: str
    online: bool
    unread: bool
    mentioned: bool
    icon: str
    number: int | None
    subject: str
    preview: str
    who: str  # whose words the preview is: "You", a first name, or nobody's but the person's
    at: datetime
    badge: Badge | None
    owner: str  # the colleague who has it
    owner_id: UUID | None
    state: str
    seq: int


def rows_of(
    core: Connection,
    project_id: UUID,
    team: Team,
    found: Sequence[Conversation],
    which: views.Asked,
) -> list[Row]:
    """The conversations, drawn."""
    people = queries.people(core, project_id, [one.person_id for one in found])
    team.know([one.last_agent_id for one in found])
    mentions = views.mentioned_in(core, project_id, team.me, [one.id for one in found])
    now = clock.now()
    return [
        _row(one, people.get(one.person_id), team, which, now, mentioned=one.id in mentions)
        for one in found
    ]


def url_of(project_id: UUID, conversation_id: UUID, which: views.Asked | None = None) -> str:
    """The conversation's page; it keeps the list beside it."""
    url = reverse("conversation", args=[project_id, conversation_id])
    return url + query_of(which) if which else url


def query_of(which: views.Asked) -> str:
    """The list, as addresses say it."""
    status = f"&status={which.status}" if which.view == "tickets" else ""
    return f"?view={which.view}{status}"


def name_of(person: Person | None) -> str:
    """What to call the person; one whose row is gone was merged or erased a moment ago."""
    if person is None:
        return "Somebody"
    return naming.called(person.name, person.email, person.user_id, person.id)


def badge_of(one: Conversation, now: datetime) -> Badge | None:
    """What matters most of a ticket in a list: that it is late, else its priority."""
    if one.number is None or one.status in ("solved", "closed"):
        return None
    if one.due_at is not None and one.due_at <= now:
        return Badge("Overdue", "bad", "clock")
    if one.priority in PRIORITY:
        return Badge(*PRIORITY[one.priority])
    return None


def _row(
    one: Conversation,
    person: Person | None,
    team: Team,
    which: views.Asked,
    now: datetime,
    *,
    mentioned: bool,
) -> Row:
    waits = which.view == "waiting" and one.waiting_since is not None
    owned = one.assignee_id is not None and one.assignee_id != team.me
    return Row(
        id=one.id,
        url=url_of(one.project_id, one.id, which),
        person_id=one.person_id,
        name=name_of(person),
        kind=person.kind if person else "visitor",
        online=queries.is_online(person, now) if person else False,
        unread=one.unread or mentioned,
        mentioned=mentioned,
        icon="ticket" if one.number is not None else ICONS[one.channel],
        number=one.number,
        subject=one.subject or "No subject",
        preview=one.preview,
        who=team.short(one.last_agent_id) if one.last_by == "agent" else "",
        at=(one.waiting_since or one.last_at) if waits else one.last_at,
        badge=badge_of(one, now),
        owner=team.called(one.assignee_id) if owned else "",
        owner_id=one.assignee_id,
        state=one.state,
        seq=one.last_seq,
    )
