"""What agents do in the inbox: answer, note, assign, close, put off, and the rest; each a POST."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from regulars.console import inbox_times
from regulars.console.access import AgentRequest, agent_view
from regulars.console.inbox_rows import url_of
from regulars.console.inbox_team import Team
from regulars.console.refusals import REFUSED, refusal
from regulars.inbox import (
    answering,
    conversations,
    handling,
    saved_replies,
    saying,
    tickets,
    views,
)
from regulars.inbox.answering import Answer
from regulars.inbox.conversations import Channel, Conversation
from regulars.kit import clock, database
from regulars.people.actions import settled
from regulars.workspaces.errors import ConflictError, InvalidError

Connection = psycopg.Connection[Any]
T = TypeVar("T")

MAX_CLIENT = 64  # characters of a browser's own id of a message
MOST_USED = 5  # saved replies that one message may be made of


@agent_view()
@require_POST
def say(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """Answer, or note something; and close it or put it off with that.

    Said again with the same `client`, it is said once: a browser that got no answer says it again.
    """
    _is_ours(request, conversation_id)
    now = clock.now()
    try:
        answer = _answer(request)
        then = request.POST.get("then", "")
        said = _settle(
            lambda core: answering.reply(
                core, request.project.id, conversation_id, request.user.id, answer, now
            )
        )
        _settle(lambda core: _use(core, request, now))
        if then:
            _settle(lambda core: _then(core, request, conversation_id, then, now))
    except (InvalidError, ConflictError) as wrong:
        problem = {"message": wrong.message, "field": wrong.field}
        return JsonResponse(problem, status=REFUSED)
    return JsonResponse({"id": str(said.id), "seq": said.seq})


@agent_view()
@require_POST
def assign(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """Make it an agent's, or nobody's."""
    now, to = clock.now(), request.POST.get("to", "")

    def work(core: Connection) -> None:
        agent = _uuid(to, "assignee") if to else None
        handling.assign(core, request.project.id, conversation_id, agent, now, by=request.user.id)

    return _do(request, conversation_id, work)


@agent_view()
@require_POST
def close(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """It is done; the answer offers to take that back."""
    now = clock.now()
    return _do(
        request,
        conversation_id,
        lambda core: handling.close(
            core, request.project.id, conversation_id, now, by=request.user.id
        ),
        said="Closed.",
        undo=reverse("reopen_conversation", args=[request.project.id, conversation_id]),
    )


@agent_view()
@require_POST
def reopen(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """It is not done, or not put off any more."""
    now = clock.now()
    return _do(
        request,
        conversation_id,
        lambda core: handling.reopen(
            core, request.project.id, conversation_id, now, by=request.user.id
        ),
    )


@agent_view()
@require_POST
def snooze(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """Put it off: until a time of the menu, one of the agent's own, or until they reply."""
    _is_ours(request, conversation_id)
    now, zone = clock.now(), inbox_times.zone_of(request)
    try:
        until = _until(request, now)
    except InvalidError as wrong:
        return refusal(wrong.message)
    shown = inbox_times.shown(until, now, zone) if until else "they reply"
    return _do(
        request,
        conversation_id,
        lambda core: handling.snooze(
            core, request.project.id, conversation_id, until, now, by=request.user.id
        ),
        said=f"Snoozed until {shown[0].lower()}{shown[1:]}.",
        undo=reverse("reopen_conversation", args=[request.project.id, conversation_id]),
    )


@agent_view()
@require_POST
def ticket(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """Make it a ticket; with `back`, a conversation again."""
    now = clock.now()
    verb = tickets.make_conversation if "back" in request.POST else tickets.make_ticket
    return _do(
        request,
        conversation_id,
        lambda core: verb(core, request.project.id, conversation_id, now, by=request.user.id),
    )


@agent_view()
@require_POST
def change(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """Change what the ticket's bar says: those of its fields that are sent."""
    now, zone = clock.now(), inbox_times.zone_of(request)

    def work(core: Connection) -> None:
        given: dict[str, Any] = {
            key: request.POST[key] for key in ("status", "priority") if key in request.POST
        }
        if "due" in request.POST:
            given["due_at"] = _due(request.POST["due"], now, zone)
        if "tags" in request.POST:
            tags = request.POST["tags"].split(",")
            given["tags"] = [one.strip() for one in tags if one.strip()]
        tickets.change(core, request.project.id, conversation_id, now, by=request.user.id, **given)

    return _do(request, conversation_id, work)


@agent_view()
@require_http_methods(["GET", "POST"])
def rename(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """The dialog of its subject; posted, the subject."""
    _is_ours(request, conversation_id)
    now = clock.now()
    if request.method == "GET":
        with database.of_django() as core:
            one = conversations.get(core, request.project.id, conversation_id)
        return _dialog(request, "rename", one)

    def work(core: Connection) -> None:
        line = answering.clean_subject(request.POST.get("subject", ""))
        if not line:
            raise InvalidError("subject", "Write a subject.")
        one = conversations.get(core, request.project.id, conversation_id)
        if one.number is not None:
            tickets.change(core, request.project.id, one.id, now, by=request.user.id, subject=line)
        else:
            handling.rename(core, request.project.id, one.id, line, now)

    return _do(request, conversation_id, work, ends_dialog=True)


@agent_view()
@require_http_methods(["GET", "POST"])
def merge(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """The dialog that asks into which; posted, the merge."""
    _is_ours(request, conversation_id)
    now = clock.now()
    if request.method == "GET":
        with database.of_django() as core:
            one = conversations.get(core, request.project.id, conversation_id)
            theirs = views.of_person(core, request.project.id, one.person_id, limit=20)
        others = [other for other in theirs if other.id != one.id]
        return _dialog(request, "merge", one, others=others)
    into: list[UUID] = []

    def work(core: Connection) -> None:
        into[:] = [_uuid(request.POST.get("into", ""), "into")]
        tickets.merge(core, request.project.id, conversation_id, into[0], now, by=request.user.id)

    answer = _do(request, conversation_id, work, said="Merged.", ends_dialog=True)
    if into and answer.status_code < REFUSED:
        url = url_of(request.project.id, into[0])
        answer = HttpResponse(headers={"HX-Redirect": url}) if request.htmx else answer
    return answer


@agent_view()
@require_POST
def seen(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """The messages up to a number were before the agent's eyes."""
    _is_ours(request, conversation_id)
    now, given = clock.now(), request.POST.get("seq", "")
    if not (given.isascii() and given.isdigit() and len(given) < 18):  # noqa: PLR2004
        return refusal("Expected a number.")
    _settle(
        lambda core: handling.seen(
            core, request.project.id, conversation_id, request.user.id, int(given), now
        )
    )
    return HttpResponse(status=204)


@agent_view()
@require_POST
def looking(request: AgentRequest, conversation_id: UUID) -> HttpResponseBase:
    """The agent has it open, or (with `away`) no longer: for pages whose socket is not open."""
    _is_ours(request, conversation_id)
    now, me = clock.now(), request.user.id

    def work(core: Connection) -> None:
        if "away" in request.POST:
            handling.look_away(core, request.project.id, conversation_id, me)
        else:
            handling.look(core, request.project.id, conversation_id, me, now)

    _settle(work)
    return HttpResponse(status=204)


def _is_ours(request: AgentRequest, conversation_id: UUID) -> None:
    """Before anything is said of what was sent. Raises UnknownError."""
    with database.of_django() as core:
        conversations.get(core, request.project.id, conversation_id)


def _answer(request: AgentRequest) -> Answer:
    """What was written. Raises InvalidError."""
    given = request.POST
    client = given.get("client", "")
    if not client or len(client) > MAX_CLIENT:
        raise InvalidError("client", "A message needs an id of its sender's.")
    private = given.get("as") == "note"
    channel: Channel | None = None
    if given.get("channel") in ("chat", "email"):
        channel = "email" if given["channel"] == "email" else "chat"
    text = saying.clean(given.get("text", ""), has_files=bool(given.getlist("file")))
    mentions = answering.mentioned_in(text, Team(request).mentionable()) if private else []
    return Answer(
        text=text,
        client=client,
        private=private,
        channel=channel,
        files=[_uuid(one, "files") for one in given.getlist("file")],
        mentions=list(dict.fromkeys(mentions)),
    )


def _use(core: Connection, request: AgentRequest, now: datetime) -> None:
    """Remember which saved replies it was made of."""
    for one in request.POST.getlist("saved")[:MOST_USED]:
        try:
            saved_replies.note_use(core, request.project.id, UUID(one), now)
        except ValueError:
            continue


def _then(
    core: Connection, request: AgentRequest, conversation_id: UUID, then: str, now: datetime
) -> None:
    """What shall be done with it once it is answered."""
    one = conversations.get(core, request.project.id, conversation_id)
    target = one.merged_into or one.id
    if then == "close":
        handling.close(core, request.project.id, target, now, by=request.user.id)
    elif then == "snooze":
        choices = inbox_times.snoozes(now, inbox_times.zone_of(request))
        until = next(choice.at for choice in choices if choice.key == "tomorrow")
        handling.snooze(core, request.project.id, target, until, now, by=request.user.id)


def _until(request: AgentRequest, now: datetime) -> datetime | None:
    """Until when, as the form says it. Raises InvalidError."""
    key, zone = request.POST.get("until", ""), inbox_times.zone_of(request)
    if key == "reply":
        return None
    for choice in inbox_times.snoozes(now, zone):
        if choice.key == key:
            return choice.at
    return inbox_times.read_local(request.POST.get("at") or key, "until", zone)


def _due(given: str, now: datetime, zone: Any) -> datetime | None:
    if not given:
        return None
    for choice in inbox_times.dues(now, zone):
        if choice.key == given:
            return choice.at
    return inbox_times.read_local(given, "due", zone)


def _do(
    request: AgentRequest,
    conversation_id: UUID,
    work: Callable[[Connection], None],
    *,
    said: str = "",
    undo: str = "",
    ends_dialog: bool = False,
) -> HttpResponse:
    """Do it; the page hears of it at once, others in a moment."""
    url = url_of(request.project.id, conversation_id)
    try:
        _settle(work)
    except (InvalidError, ConflictError) as wrong:
        if request.htmx:
            return refusal(wrong.message)
        messages.error(request, wrong.message)
        return HttpResponseRedirect(url)
    if not request.htmx:
        if said:
            messages.success(request, said)
        return HttpResponseRedirect(url)
    html = ""
    if said:
        toast = {"text": said, "undo_url": undo}
        shown = render_to_string("console/components/toast.html", toast)
        html = f'<div hx-swap-oob="beforeend:#toasts">{shown}</div>'
    answer = HttpResponse(html)
    done: dict[str, Any] = {"inbox-done": {"conversation": str(conversation_id)}}
    answer["HX-Trigger"] = json.dumps(done | ({"dialog-done": {}} if ends_dialog else {}))
    return answer


def _dialog(request: AgentRequest, name: str, one: Conversation, **more: Any) -> HttpResponseBase:
    """A dialog over the conversation; asked for by itself, the conversation."""
    if not request.htmx:
        return HttpResponseRedirect(url_of(request.project.id, one.id))
    context = {"conversation": one, "project": request.project, **more}
    return render(request, f"console/inbox/{name}.html", context)


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as wrong:
        raise InvalidError(field, "Choose one of those that are offered.") from wrong


def _settle(work: Callable[[Connection], T]) -> T:
    return settled(database.of_django, work)
