"""A conversation: what was said, what can be said and done, and who else is looking at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from regulars.console import inbox, inbox_person, inbox_times, picking
from regulars.console.access import AgentRequest, agent_view
from regulars.console.frame import frame
from regulars.console.inbox_rows import name_of, query_of
from regulars.console.inbox_team import Team
from regulars.console.inbox_words import PRIORITY, STATUS, Words
from regulars.inbox import (
    attachments,
    conversations,
    handling,
    merge_tags,
    saved_replies,
    settings,
)
from regulars.inbox.conversations import Conversation, Message
from regulars.inbox.settings import MessengerSettings
from regulars.kit import clock, database
from regulars.people import queries
from regulars.people.person import Person

Connection = psycopg.Connection[Any]

A_PART = 50  # messages that are drawn at a time
MOST_NEW = 200

EMOJI = (
    *("🙂", "😀", "😊", "😉", "😅", "😂", "🥳", "😍", "🤗", "🤔", "😐", "😕", "😢", "😮"),
    *("🙏", "👍", "👎", "👋", "👏", "💪", "🤝", "✅", "❌", "⭐", "🔥", "🎉", "❤️", "💚"),
    *("☕", "🎁", "📦", "🚚", "💳", "📎", "📅", "⏰", "💡", "🔧", "🐛", "🚀"),
)


@dataclass(frozen=True, slots=True)
class Presence:
    """What becomes of an answer, by the way it takes: the words below the composer."""

    here: bool
    chat: str
    email: str
    note: str = "Only the team will see this note."


@agent_view()
@require_GET
def conversation(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """The page, its list beside it; asked for by a script, the thread and the person alone."""
    is_part = bool(request.htmx) and not request.htmx.history_restore_request
    with database.of_django() as core:
        one = conversations.get(core, request.project.id, conversation_id)
        which = inbox.chosen(core, request, one)
        context = whole(core, request, one)
        context["back_url"] = reverse("inbox", args=[request.project.id]) + query_of(which)
        if not is_part:
            context = inbox.beside(core, request, which) | context
    context["which"] = which
    if is_part:
        return render(request, "console/inbox/part.html", context)
    context["shell"] = frame(request, "inbox", person=one.person_id)
    return render(request, "console/inbox/inbox.html", context)


@agent_view()
@require_GET
def messages(request: AgentRequest, conversation_id: UUID) -> HttpResponse:
    """Messages as they stand in the thread: those behind a number, or those before one."""
    after, before = _number(request, "after"), _number(request, "before")
    with database.of_django() as core:
        one = conversations.get(core, request.project.id, conversation_id)
        person = queries.person(core, request.project.id, one.person_id)
        if after is not None:
            found = conversations.messages_after(
                core, request.project.id, one.id, after, limit=MOST_NEW
            )
        else:
            found = conversations.messages_before(
                core, request.project.id, one.id, before, limit=A_PART
            )
        context = _drawn(request, one, person, found)
    if after is not None:
        context["has_more"] = len(found) == MOST_NEW
    return render(request, "console/inbox/messages.html", context)


@agent_view()
@require_GET
def state(request: AgentRequest, conversation_id: UUID) -> HttpResponse:
    """How it stands now: what changes around the messages."""
    with database.of_django() as core:
        one = conversations.get(core, request.project.id, conversation_id)
        person = queries.person(core, request.project.id, one.person_id)
        context = around(core, request, one, person)
    return render(request, "console/inbox/state.html", context)


@agent_view()
@require_GET
def replies(request: AgentRequest, conversation_id: UUID) -> HttpResponse:
    """Saved replies that hold what was typed, filled in for this person."""
    with database.of_django() as core:
        one = conversations.get(core, request.project.id, conversation_id)
        person = queries.person(core, request.project.id, one.person_id)
        found = saved_replies.search(core, request.project.id, request.GET.get("q", "")[:80], 8)
    facts = _merge_facts(request, person)
    drawn = [(reply, merge_tags.render(reply.body, facts)) for reply in found]
    context = {"replies": drawn, "project": request.project}
    return render(request, "console/inbox/replies.html", context)


def whole(core: Connection, request: AgentRequest, one: Conversation) -> dict[str, Any]:
    """Everything about the conversation."""
    person = queries.person(core, request.project.id, one.person_id)
    found = conversations.messages_before(core, request.project.id, one.id, limit=A_PART)
    context = around(core, request, one, person) | _drawn(request, one, person, found)
    facts = _merge_facts(request, person)
    return (
        context
        | inbox_person.card_of(core, request, one, person)
        | {
            "facts_to_insert": [
                (label, facts[key]) for key, label in merge_tags.KEYS.items() if facts.get(key)
            ],
            "emoji": EMOJI,
            "ours": f"{request.project.id}:{request.user.id}",
            "most_files": attachments.MOST_BYTES,
            "short": picking.short_of(person) if person else "them",
        }
    )


def around(
    core: Connection, request: AgentRequest, one: Conversation, person: Person | None
) -> dict[str, Any]:
    """What stands around the messages, and changes with what is done."""
    now, zone = clock.now(), inbox_times.zone_of(request)
    team = Team(request)
    own = settings.load(core, request.project.id)
    looking = [
        team.mates[id_]
        for id_ in handling.onlookers(core, request.project.id, one.id, now)
        if id_ != team.me and id_ in team.mates
    ]
    into = None
    if one.merged_into is not None:
        into = conversations.found(core, request.project.id, [one.merged_into]).get(one.merged_into)
    return {
        "project": request.project,
        "conversation": one,
        "url": reverse("conversation", args=[request.project.id, one.id]),
        "name": name_of(person),
        "short": picking.short_of(person) if person else "They",
        "began": _began(one, team, person),
        "mates": sorted(team.mates.values(), key=lambda mate: (not mate.mine, mate.name)),
        "assignee": team.called(one.assignee_id) if one.assignee_id else "",
        "is_mine": one.assignee_id == team.me,
        "looking": looking,
        "presence": _presence(person, own, now),
        "has_email": bool(person and person.email),
        "snoozes": inbox_times.snoozes(now, zone),
        "dues": inbox_times.dues(now, zone),
        "zone": str(zone),
        "now_local": inbox_times.local(now, zone),
        "due_local": inbox_times.local(one.due_at, zone),
        "due_shown": inbox_times.shown(one.due_at, now, zone) if one.due_at else "",
        "due_left": _due_left(one, now),
        "is_late": one.due_at is not None and one.due_at < now,
        "reply_due": _reply_due(one, own, now),
        "ticket_statuses": [*STATUS.items()],
        "priorities": [*PRIORITY.items()],
        "into": into,
        "unverified": _unverified(request, one, person),
    }


def _drawn(
    request: AgentRequest, one: Conversation, person: Person | None, found: list[Message]
) -> dict[str, Any]:
    words = Words(
        one,
        picking.short_of(person) if person else "Somebody",
        Team(request),
        signs=_signs(request, person),
    )
    first = found[0].seq if found else 0
    return {
        "conversation": one,
        "messages_drawn": words.drawn(found),
        "name": name_of(person),
        "person_key": one.person_id,
        "person_kind": person.kind if person else "visitor",
        "person_online": person is not None and queries.is_online(person, clock.now()),
        "more_before": first > 1,
        "first_seq": first,
        "url": reverse("conversation", args=[request.project.id, one.id]),
    }


def _began(one: Conversation, team: Team, person: Person | None) -> str:
    """How it began, but for when."""
    name = picking.short_of(person) if person else "Somebody"
    if one.started_by is not None:
        return f"begun by {team.named(one.started_by).replace('You', 'you')}"
    if one.channel == "email":
        return f"from {name} by email"
    page = _path(one.started_on)
    return f"started on {page}" if page else f"started by {name}"


def _path(url: str | None) -> str:
    """The page of an address, as far as it is one."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.path or "/")[:80] if parts.scheme in ("http", "https", "") else ""


def _presence(person: Person | None, own: MessengerSettings, now: datetime) -> Presence:
    if person is None:
        return Presence(here=False, chat="They are not here any more.", email="")
    name, minutes = picking.short_of(person), own.email_after_minutes
    here = queries.is_online(person, now)
    later = ""
    if person.email and minutes is not None:
        wait = f"after {minutes} minute{'s' if minutes != 1 else ''}"
        later = (
            f" If {name} leaves, it goes by email {wait}."
            if here
            else f" Unless {name} comes back, it goes by email {wait}."
        )
    elif not here:
        later = f" {name} will see this on the next visit."
    seen = f"{name} is here and will see this in the messenger." if here else f"{name} is not here."
    email = f"This goes by email to {person.email}." if person.email else ""
    return Presence(here=here, chat=seen + later, email=email)


def _due_left(one: Conversation, now: datetime) -> str:
    if one.due_at is None or one.status in ("solved", "closed"):
        return ""
    return inbox_times.left(one.due_at, now)


def _reply_due(one: Conversation, own: MessengerSettings, now: datetime) -> tuple[str, bool] | None:
    """How long the first reply may still take, or how late it is; whether it is late."""
    target = own.first_reply_target_minutes
    if target is None or one.first_reply_at or one.waiting_since is None or one.state != "open":
        return None
    if one.started_by is not None:
        return None
    seconds = int((now - one.waiting_since).total_seconds()) - target * 60
    words = inbox_times.in_words(abs(seconds))
    late = seconds > 0
    return (f"First reply {words} late" if late else f"First reply within {words}"), late


def _signs(request: AgentRequest, person: Person | None) -> bool:
    """Whether the person could have proved who they are."""
    signed = request.project.enforce_identity or request.project.identity_used_at is not None
    return signed and person is not None and person.user_id is not None


def _unverified(request: AgentRequest, one: Conversation, person: Person | None) -> bool:
    chat = one.channel == "chat" and one.started_by is None
    return chat and not one.verified and _signs(request, person)


def _merge_facts(request: AgentRequest, person: Person | None) -> dict[str, str]:
    return merge_tags.facts_of(person, agent=request.user.called, project=request.project.name)


def _number(request: AgentRequest, name: str) -> int | None:
    given = request.GET.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 18 else None  # noqa: PLR2004
