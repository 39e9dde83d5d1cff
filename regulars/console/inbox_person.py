"""The person beside a conversation: where they are right now, and who they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from regulars.console import notes_card, profile, rhythm
from regulars.console.access import AgentRequest, agent_view
from regulars.console.inbox_rows import ICONS, url_of
from regulars.console.profile import Fact
from regulars.inbox import conversations, views
from regulars.inbox.conversations import Conversation
from regulars.kit import clock, database
from regulars.people import queries
from regulars.people.person import Person
from regulars.segments import queries as segment_queries

Connection = psycopg.Connection[Any]

BEFORE = 6
CUSTOM = 8  # custom attributes that are shown; the profile has them all
NOTES = 2

_EPOCH_ORDINAL = 719_163  # of 1 January 1970


@dataclass(frozen=True, slots=True)
class Earlier:
    """A conversation that the person had besides this one."""

    url: str
    icon: str
    subject: str
    at: datetime
    rating: int | None


@agent_view()
@require_GET
def person(request: AgentRequest, conversation_id: UUID) -> HttpResponse:
    """The card alone, as it is now."""
    with database.of_django() as core:
        one = conversations.get(core, request.project.id, conversation_id)
        found = queries.person(core, request.project.id, one.person_id)
        context = card_of(core, request, one, found)
    return render(request, "console/inbox/person.html", context)


def card_of(
    core: Connection, request: AgentRequest, one: Conversation, found: Person | None
) -> dict[str, Any]:
    """What the card shows; nothing where the person is gone."""
    base: dict[str, Any] = {"conversation": one, "person": found}
    if found is None:
        return base
    head = profile.head_of(request, found)
    head["profile_url"] = head.pop("url")  # the page's own address is the conversation's
    notes = notes_card.card_of(core, request.project.id, found.id, head["profile_url"])
    return (
        base
        | head
        | {
            "facts": _facts(found, head["there"]),
            "counts": _rhythm(request, found),
            "memberships": segment_queries.memberships_of(core, request.project.id, found.id),
            "card_notes": notes["notes"][:NOTES],
            "note_count": notes["note_count"],
            "before": _before(core, request, one),
            "ratings": _ratings(core, request, found),
        }
    )


def _facts(found: Person, there: str) -> list[Fact]:
    browser = " on ".join(part for part in (found.browser, found.os) if part)
    place = ", ".join(part for part in (found.city or found.country, there) if part)
    facts = [
        Fact("Where", place, flag=found.country_code or ""),
        Fact("Browser", browser),
        Fact("Signed up", found.signed_up_at, moment=True),
        Fact("Sessions", found.sessions),
        *profile.custom(found)[:CUSTOM],
    ]
    return [fact for fact in facts if fact.value not in (None, "")]


def _rhythm(request: AgentRequest, found: Person) -> bytes:
    today = clock.now().astimezone(ZoneInfo(request.project.time_zone)).date()
    return rhythm.aligned(found.rhythm, found.rhythm_day, today.toordinal() - _EPOCH_ORDINAL)


def _before(core: Connection, request: AgentRequest, one: Conversation) -> list[Earlier]:
    theirs = views.of_person(core, request.project.id, one.person_id, limit=BEFORE + 1)
    return [
        Earlier(
            url=url_of(request.project.id, other.id),
            icon="ticket" if other.number is not None else ICONS[other.channel],
            subject=f"#{other.number} {other.subject}" if other.number else other.subject,
            at=other.last_at,
            rating=other.rating,
        )
        for other in theirs
        if other.id != one.id
    ][:BEFORE]


def _ratings(core: Connection, request: AgentRequest, found: Person) -> tuple[int, float] | None:
    """How many conversations they rated, and how on average."""
    return views.ratings_of(core, request.project.id, found.id)
