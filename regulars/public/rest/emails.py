"""Emails: written to people, a segment or whoever fits a filter; how far one is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import ConfigDict, Field, StrictBool, StrictStr

from regulars.campaigns import email_queries, emails, quick
from regulars.campaigns.emails import Email
from regulars.filters.to_json import to_json as filter_to_json
from regulars.mail import templates, topics
from regulars.mail.content.content import Content
from regulars.mail.letters import Mailbox
from regulars.people.selection import Everyone, Selection
from regulars.public.rest.answers import ERRORS_OF_CHANGES
from regulars.public.rest.people import filter_of
from regulars.public.rest.requests import KeyRequest, actor_of, change, change_once
from regulars.segments import queries as segment_queries
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError, UnknownError

Connection = psycopg.Connection[Any]

router = Router(tags=["Emails"])

audit.describe(emails.AUDITED)

ERRORS = ERRORS_OF_CHANGES
MOST_TO = 5_000


class _Given(Schema):
    model_config = ConfigDict(extra="forbid")


class ToSegment(_Given):
    """Everybody who is in the segment."""

    segment: UUID


class ToFilter(_Given):
    """Everybody who fits."""

    filter: dict[str, Any]


class NewEmail(_Given):
    """An email. It says either `template`, or `subject` and `body`."""

    to: Annotated[list[UUID], Field(max_length=MOST_TO)] | ToSegment | ToFilter
    template: UUID | None = None
    subject: StrictStr | None = Field(default=None, max_length=500)
    body: StrictStr | None = Field(
        default=None, max_length=200_000, description="HTML, or plain text. Liquid is filled in."
    )
    reply_to: StrictStr | None = Field(default=None, max_length=254)
    bcc: StrictStr | list[StrictStr] | None = None
    kind: Literal["marketing", "transactional"] = "marketing"
    topic: UUID | None = None
    tracked: StrictBool = True


class Accepted(Schema):
    """The audience is frozen: so many get it, so many don't, by reason."""

    email_id: UUID
    recipients: int
    left_out: dict[str, int]


class EmailCounts(Schema):
    """How many are where, and what came of it. Machines are counted apart."""

    recipients: int
    left_out: int
    waiting: int
    sent: int
    kept: int = Field(description="No mail server is set: it never left.")
    failed: int
    unknown: int = Field(description="It may have left and may not; it is not repeated.")
    cancelled: int
    delivered: int
    opened: int
    machine_opened: int
    clicked: int
    machine_clicked: int
    bounced: int
    complained: int
    unsubscribed: int
    replied: int


class EmailAnswer(Schema):
    """An email as it stands."""

    id: UUID
    campaign_id: UUID | None
    state: str
    subject: str
    kind: str
    trouble: str = Field(description="Why it does not get on, in words; else empty.")
    left_out: dict[str, int]
    counts: EmailCounts
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None


@router.post("", response={201: Accepted, **ERRORS}, summary="Send an email")
def send(request: KeyRequest, given: NewEmail) -> HttpResponse:
    """To people by id, to a segment, or to whoever fits a filter; once an address.

    The audience is frozen when this answers. Marketing needs the project's company name and
    postal address, and goes to nobody who unsubscribed.
    """
    project_id, now = request.auth.id, request.now

    def work(core: Connection) -> tuple[int, Accepted]:
        content = _content(core, project_id, given)
        quick.check_content(core, project_id, content, given.kind)
        owner = quick.owner(core, project_id)
        if given.topic is not None and topics.find(core, project_id, given.topic) is None:
            raise UnknownError("There is no such topic.")
        email_id = emails.create(
            core,
            project_id,
            content=content,
            kind=given.kind,
            topic_id=given.topic,
            sender=Mailbox(owner.sender.address, owner.sender.name),
            reply_to=given.reply_to or "",
            bcc=[given.bcc] if isinstance(given.bcc, str) else given.bcc or (),
            tracked=given.tracked,
            template_id=given.template,
            now=now,
        )
        selected = _selected(core, project_id, given)
        zone = ZoneInfo(request.auth.time_zone)
        added = quick.send(core, project_id, email_id, selected, now, zone=zone)
        audit.record(
            project_id, "email.sent", content.subject, by=actor_of(request), now=now,
            details={"recipients": added.recipients},
        )  # fmt: skip
        return 201, Accepted(
            email_id=email_id, recipients=added.recipients, left_out=added.left_out
        )

    return change_once(request, work)


@router.get("/{email_id}", response={200: EmailAnswer, **ERRORS}, summary="Read an email")
def read(request: KeyRequest, email_id: UUID) -> EmailAnswer:
    """How far it is, and what came of it."""

    def work(core: Connection) -> EmailAnswer:
        email = emails.get(core, request.auth.id, email_id)
        return _said(email, email_queries.counts(core, request.auth.id, email_id))

    return change(work)


def _content(core: Connection, project_id: UUID, given: NewEmail) -> Content:
    if given.template is not None:
        if given.body is not None:
            raise InvalidError("body", "Say either a template or a body.")
        try:
            kept = templates.get(core, project_id, given.template)
        except templates.NoTemplateError:
            raise UnknownError("There is no such template.") from None
        said = dict(kept.content)
        if given.subject is not None:
            said["subject"] = given.subject
        return Content.from_json(said)
    for field, value in (("subject", given.subject), ("body", given.body)):
        if value is None or not value.strip():
            raise InvalidError(field, f"An email needs a {field}, or a template.")
    return quick.content_of(given.subject or "", given.body or "")


def _selected(core: Connection, project_id: UUID, given: NewEmail) -> Selection:
    match given.to:
        case ToSegment(segment=segment_id):
            segment_queries.segment(core, project_id, segment_id)
            return Everyone(segment=segment_id)
        case ToFilter(filter=filter_):
            wanted = filter_of(core, project_id, filter_)
            return Everyone(filter=filter_to_json(wanted) if wanted is not None else None)
        case list() as ids:
            return quick.people_picked(core, project_id, ids)


def _said(email: Email, counts: email_queries.Counts) -> EmailAnswer:
    return EmailAnswer(
        id=email.id,
        campaign_id=email.campaign_id,
        state=email.state,
        subject=email.subject,
        kind=email.kind,
        trouble=email.trouble,
        left_out=email.left_out,
        counts=EmailCounts.from_orm(counts),
        created_at=email.created_at,
        accepted_at=email.accepted_at,
        ended_at=email.ended_at,
    )
