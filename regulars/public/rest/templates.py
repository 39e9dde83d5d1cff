"""Templates: write, list, read, change, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field, StrictStr

from regulars.mail import templates
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError
from regulars.public.rest.answers import ERRORS
from regulars.public.rest.requests import KeyRequest, actor_of, change, change_once
from regulars.workspaces import audit
from regulars.workspaces.errors import InvalidError

Connection = psycopg.Connection[Any]

router = Router(tags=["Templates"])

audit.describe(templates.AUDITED)

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(description="`next` of the part before.")]

BLOCKS = (
    "`text heading image button columns rows scale divider spacer footer`, each with its `type` and"
    " its own fields: see docs/reference/email-content.md."
)


class Words(Schema):
    """What a mail says. Every text may hold Liquid, such as `{{ person.first_name }}`."""

    model_config = ConfigDict(extra="forbid")

    subject: StrictStr = ""
    preheader: StrictStr = Field("", description="What mailboxes show behind the subject.")
    layout: Literal["letter", "plain"] = "letter"
    blocks: list[dict[str, Any]] | None = Field(None, description=BLOCKS)
    html: StrictStr | None = Field(None, description="HTML or MJML of your own, with Liquid.")
    body: StrictStr | None = Field(
        None, description="In place of blocks and html: text, or HTML where it holds tags."
    )
    text: StrictStr | None = Field(
        None, description="The plain-text part; null: it is made from the rest."
    )


class NewTemplate(Words):
    """Its name, and one of `blocks`, `html` and `body`."""

    name: StrictStr


class TemplateChange(Schema):
    """What to change: that which is given."""

    model_config = ConfigDict(extra="forbid")

    name: StrictStr = Field(default_factory=str)
    subject: StrictStr = Field(default_factory=str)
    preheader: StrictStr = Field(default_factory=str)
    layout: Literal["letter", "plain"] = "letter"
    blocks: list[dict[str, Any]] = Field(default_factory=list, description=BLOCKS)
    html: StrictStr = Field(default_factory=str)
    body: StrictStr = Field(default_factory=str)
    text: StrictStr | None = None


class ListedTemplate(Schema):
    """A template in a list."""

    id: UUID
    name: str
    subject: str
    format: Literal["blocks", "html"]
    version: int = Field(description="Grows with every change.")
    created_at: datetime
    changed_at: datetime


class Template(ListedTemplate):
    """A template."""

    preheader: str
    layout: Literal["letter", "plain"]
    blocks: list[dict[str, Any]]
    html: str
    text: str | None


class Templates(Schema):
    """Those that were changed last come first."""

    items: list[ListedTemplate]
    next: str | None = Field(description="Give it as `cursor` for the next part; null at the end.")


@router.get("", response={200: Templates, **ERRORS}, summary="List templates")
def list_templates(request: KeyRequest, limit: Limit = 50, cursor: Cursor = None) -> Templates:
    """The project's own, those that were changed last first."""
    behind = _place(cursor) if cursor is not None else None

    def work(core: Connection) -> Templates:
        found = templates.newest(core, request.auth.id, limit=limit + 1, behind=behind)
        last = found[limit - 1] if len(found) > limit else None
        following = f"{_instant(last.changed_at)}_{last.id}" if last else None
        return Templates(items=[_listed(one) for one in found[:limit]], next=following)

    return change(work)


@router.post("", response={201: Template, **ERRORS}, summary="Make a template")
def make(request: KeyRequest, given: NewTemplate) -> HttpResponse:
    """A message to be used in emails and campaigns."""
    with _named_as_here():
        said = templates.checked(_content(given.model_dump(exclude={"name"})))

    def work(core: Connection) -> tuple[int, Template]:
        made = templates.create(core, request.auth.id, request.now, name=given.name, content=said)
        _log(request, "template.made", given.name)
        return 201, _said(templates.get(core, request.auth.id, made))

    return change_once(request, work)


@router.get("/{template_id}", response={200: Template, **ERRORS}, summary="Read a template")
def read(request: KeyRequest, template_id: UUID) -> Template:
    """One template, whole."""
    return change(lambda core: _said(templates.get(core, request.auth.id, template_id)))


@router.patch("/{template_id}", response={200: Template, **ERRORS}, summary="Change a template")
def change_template(request: KeyRequest, template_id: UUID, given: TemplateChange) -> Template:
    """That which is given. Emails that were made from it stay as they are."""
    changed = given.model_dump(exclude_unset=True)
    name = changed.pop("name", None)

    def work(core: Connection) -> Template:
        before = templates.get(core, request.auth.id, template_id)
        with _named_as_here():
            content = templates.checked(_changed(before.read(), changed)) if changed else None
        templates.change(
            core, request.auth.id, template_id, request.now, name=name, content=content
        )
        return _said(templates.get(core, request.auth.id, template_id))

    return change(work)


@router.delete("/{template_id}", response={204: None, **ERRORS}, summary="Delete a template")
def delete(request: KeyRequest, template_id: UUID) -> HttpResponse:
    """Show it nowhere any more; a week later it is gone for good."""

    def work(core: Connection) -> HttpResponse:
        name = templates.delete(core, request.auth.id, template_id, request.now)
        _log(request, "template.deleted", name)
        return HttpResponse(status=204)

    return change(work)


@contextmanager
def _named_as_here() -> Iterator[None]:
    """What is wrong with a content's `source` lies in what is called `html` here."""
    try:
        yield
    except ContentError as wrong:
        field = "html" if wrong.field == "source" else wrong.field
        raise ContentError(field, wrong.message) from wrong


def _content(given: dict[str, Any]) -> Content:
    """What a body says. Raises ContentError."""
    ways = [name for name in ("blocks", "html", "body") if given.get(name) is not None]
    if len(ways) != 1:
        raise ContentError(ways[1] if ways else "blocks", "Give one of blocks, html and body.")
    body = given.pop("body", None)
    if body is not None:
        made = Content.of_body(given["subject"], body).to_json()
        made |= {"preheader": given["preheader"], "text": given["text"]}
        return Content.from_json(made)
    source, blocks = given.pop("html", None), given.pop("blocks", None)
    if source is not None:
        return Content.from_json({**given, "format": "html", "source": source})
    return Content.from_json({**given, "blocks": blocks})


def _changed(before: Content, given: dict[str, Any]) -> Content:
    said = before.to_json()
    body, source = given.pop("body", None), given.pop("html", None)
    if body is not None:
        made = Content.of_body(said["subject"], body).to_json()
        said |= {name: made[name] for name in ("format", "layout", "blocks", "source")}
    if source is not None:
        said |= {"format": "html", "source": source}
    if "blocks" in given:
        said["format"] = "blocks"
    return Content.from_json({**said, **given})


def _said(template: templates.Template) -> Template:
    content = template.content
    return Template(
        id=template.id,
        name=template.name,
        subject=content["subject"],
        format=content["format"],
        preheader=content["preheader"],
        layout=content["layout"],
        blocks=content["blocks"],
        html=content["source"],
        text=content["text"],
        version=template.version,
        created_at=template.created_at.astimezone(UTC),
        changed_at=template.changed_at.astimezone(UTC),
    )


def _listed(one: templates.Listed) -> ListedTemplate:
    return ListedTemplate(
        id=one.id,
        name=one.name,
        subject=one.subject,
        format="html" if one.format == "html" else "blocks",
        version=one.version,
        created_at=one.created_at.astimezone(UTC),
        changed_at=one.changed_at.astimezone(UTC),
    )


def _instant(at: datetime) -> str:
    """A time that can stand in an address."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _place(cursor: str) -> tuple[datetime, UUID]:
    """The template that the part before ended with."""
    at, _, id_ = cursor.partition("_")
    try:
        place = datetime.fromisoformat(at), UUID(id_)
    except ValueError:
        raise InvalidError("cursor", "That is not a cursor of this list.") from None
    if place[0].tzinfo is None:
        raise InvalidError("cursor", "That is not a cursor of this list.")
    return place


def _log(request: KeyRequest, action: str, name: str) -> None:
    audit.record(request.auth.id, action, name, by=actor_of(request), now=request.now)
