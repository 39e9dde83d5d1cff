"""The editor of mails, for whatever is written in it: templates, emails, steps of campaigns.

To embed it, give a screen's context `editor=mail_editor.editor(request, content)` and include
`console/mail/editor.html` with it; load `console/mail/editor.js`. The element `<mail-editor>` keeps
the content as JSON in a hidden field (`name="content"`), so that a form around it sends it along,
and raises "mail-change" (bubbles; detail {content}) whenever it changes. What is sent comes back
through `content_of(request.POST["content"])`.

The addresses here keep nothing: they are given a content and say how it looks and what is wrong.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from regulars.console.access import AgentRequest, agent_view
from regulars.console.picking import Pickable, pickable
from regulars.console.refusals import REFUSED
from regulars.filters.parse import parse
from regulars.kit import clock, database
from regulars.kit.storage import UnavailableError
from regulars.mail import images
from regulars.mail.content.compiling import compile_content, place_of_failure
from regulars.mail.content.content import Content
from regulars.mail.content.errors import ContentError, RenderError
from regulars.mail.content.lint import lint, named
from regulars.mail.content.look import Look
from regulars.people import merge_context, queries
from regulars.people.letterhead import look_of
from regulars.people.merge_context import MergeTag, knows, person_context
from regulars.people.person import Person
from regulars.people.queries import Which

Connection = psycopg.Connection[Any]

log = logging.getLogger(__name__)

MOST_JSON = 3_000_000  # letters of a content
MOST_CUSTOM = 200  # custom attributes in the picker
NOBODY = "nobody"  # stands for somebody of whom nothing is known

# A mail shows pictures and its own styles, and does nothing: it runs no script, sends no form.
_PREVIEW = "default-src 'none'; style-src {styles}; {pictures}; sandbox; frame-ancestors 'self'"
_PICTURES = "img-src http: https: data: 'self'"
_NO_PICTURES = "img-src 'none'"
_AT_NIGHT = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_BY_DAY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*light\s*\)")
_SCHEMES = re.compile(r"color-scheme:\s*light dark", re.IGNORECASE)
_SRC = re.compile(r"(<img\b[^>]{0,2000}?)\ssrc=(?:\"[^\"]*\"|'[^']*'|[^\s>]*)", re.IGNORECASE)
_ANCHOR = re.compile(r'class="([^"]*\br-at-([0-9]+)\b[^"]*)"')

_KNOWN = parse({"field": "kind", "op": "is_any_of", "value": ["user", "lead"]}, kinds=("field",))


@dataclass(frozen=True, slots=True)
class Editor:
    """What `console/mail/editor.html` needs. `content` is JSON."""

    content: str
    marketing: bool
    project_id: UUID
    preview_url: str
    check_url: str
    images_url: str
    facts: tuple[MergeTag, ...]
    custom: tuple[MergeTag, ...]
    person: Pickable | None


def editor(request: AgentRequest, content: Content, *, marketing: bool = True) -> Editor:
    """The editor with a content in it, previewed for whoever was here last."""
    project_id = request.project.id
    with database.of_django() as core:
        custom = queries.custom_keys(core, project_id, limit=MOST_CUSTOM)
        person = _somebody(core, project_id)
    tags = (merge_context.custom_tag(key) for key in custom)
    return Editor(
        content=json.dumps(content.to_json(), ensure_ascii=False),
        marketing=marketing,
        project_id=project_id,
        preview_url=reverse("mail_preview", args=[project_id]),
        check_url=reverse("mail_check", args=[project_id]),
        images_url=reverse("mail_images", args=[project_id]),
        facts=tuple(merge_context.standard_tags()),
        custom=tuple(one for one in tags if one is not None),
        person=pickable(person, clock.now()) if person else None,
    )


def content_of(sent: str) -> Content:
    """The content that a form or a script sent. Raises ContentError, which names the field."""
    if len(sent) > MOST_JSON:
        raise ContentError("content", "This mail is too long.")
    try:
        given = json.loads(sent)
    except (ValueError, RecursionError) as wrong:
        raise ContentError("content", "This is no content.") from wrong
    return Content.from_json(given)


@agent_view()
@require_POST
@xframe_options_sameorigin
def preview(request: AgentRequest) -> HttpResponseBase:
    """The mail as one person gets it, as a page of its own for a sandboxed frame."""
    try:
        html = _filled(request)
    except ContentError as wrong:
        stopped = render(request, "console/mail/stopped.html", {"wrong": wrong})
        return framed(stopped, request.POST, styles="'self'")
    return framed(HttpResponse(shown_by(request.POST, html)), request.POST)


def as_page(request: AgentRequest, content: Content, *, marketing: bool) -> HttpResponse:
    """A content as whoever was here last gets it, as a page for a sandboxed frame."""
    with database.of_django() as core:
        look, facts = _facts(core, request, "")
    try:
        html = compile_content(content, look, marketing=marketing).render(facts).html
    except ContentError as wrong:
        stopped = render(request, "console/mail/stopped.html", {"wrong": wrong})
        return framed(stopped, {}, styles="'self'")
    return framed(HttpResponse(shown_by({}, html)), {})


def framed(
    answer: HttpResponse, sent: Mapping[str, str], *, styles: str = "'unsafe-inline'"
) -> HttpResponse:
    """A page that may stand in a frame of ours, where it can do nothing."""
    pictures = _NO_PICTURES if sent.get("pictures") == "off" else _PICTURES
    answer["Content-Security-Policy"] = _PREVIEW.format(styles=styles, pictures=pictures)
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def shown_by(sent: Mapping[str, str], html: str) -> str:
    """A mail as the buttons above a preview ask for it: `theme` and `pictures`."""
    night = sent.get("theme") == "night"
    return _shown(html, night=night, pictures=sent.get("pictures") != "off")


def _filled(request: AgentRequest) -> str:
    """The HTML of what was sent. Raises ContentError, which says where in it the mistake is."""
    sent = request.POST
    content = content_of(sent.get("content", ""))
    with database.of_django() as core:
        look, facts = _facts(core, request, sent.get("person", ""))
    marketing = sent.get("marketing") != "no"
    try:
        return compile_content(content, look, marketing=marketing, anchors=True).render(facts).html
    except RenderError as wrong:
        # The line is one of the finished page: the field by itself says it better.
        raise place_of_failure(content, facts, look) or wrong from wrong


@agent_view()
@require_POST
def check(request: AgentRequest) -> HttpResponseBase:
    """What is wrong with a content and what it says, for one person: as JSON."""
    sent = request.POST
    with database.of_django() as core:
        look, facts = _facts(core, request, sent.get("person", ""))
        custom = queries.custom_keys(core, request.project.id, limit=10_000)
    values = _values(facts.get("person", {}), custom)
    try:
        content = content_of(sent.get("content", ""))
    except ContentError as wrong:
        finding = {"level": "error", "code": "refused", "message": wrong.message,
                   "where": wrong.field, "detail": ""}  # fmt: skip
        return JsonResponse({"findings": [finding], "values": values})
    marketing = sent.get("marketing") != "no"
    found = lint(
        content, marketing=marketing, look=look, knows=knows(frozenset(custom)), samples=(facts,)
    )
    said: dict[str, Any] = {"findings": [asdict(one) for one in found], "values": values}
    try:
        compiled = compile_content(content, look, marketing=marketing)
        mail = compiled.render(facts)
        preheader = compiled.preheader(facts)
    except ContentError:
        return JsonResponse(said)
    said |= {"subject": mail.subject, "preheader": preheader, "text": mail.text}
    if sent.get("html") == "yes":
        said["html"] = compiled.template
    used = {one.path: one.fallback for one in compiled.said if one.path[0] == "person"}
    said["tags"] = [{"name": named(path[1:]), "fallback": other} for path, other in used.items()]
    return JsonResponse(said)


@agent_view()
def pictures(request: AgentRequest) -> HttpResponseBase:
    """The project's newest pictures; posted to, it keeps another one."""
    if request.method != "POST":
        with database.of_django() as core:
            found = images.newest(core, request.project.id)
        return JsonResponse({"items": [_picture(one) for one in found]})
    try:
        name, content = _sent(request)
        with database.of_django() as core:
            kept = images.take(
                core, request.project.id, name, content, clock.now(), by=request.user.id
            )
    except ContentError as wrong:
        return JsonResponse({"message": wrong.message, "field": wrong.field}, status=REFUSED)
    except UnavailableError as away:
        log.warning("The storage of files: %s", away)
        words = "The picture can’t be kept just now: try again in a moment."
        return JsonResponse({"message": words, "field": "file"}, status=503)
    return JsonResponse(_picture(kept), status=201)


def _sent(request: AgentRequest) -> tuple[str, bytes]:
    """The picture's name and its bytes, which are read only where they are not too many."""
    given = request.FILES.get("file")
    if given is None or given.size is None:
        raise ContentError("file", "Choose a picture first.")
    if given.size > images.MOST_BYTES:
        raise ContentError("file", f"A picture has at most {images.MOST_BYTES >> 20} MB.")
    return given.name or "picture", given.read()


def _picture(kept: images.Kept) -> dict[str, Any]:
    return {"src": kept.path, "name": kept.name, "width": kept.width, "height": kept.height}


def _facts(core: Connection, request: AgentRequest, person_id: str) -> tuple[Look, dict[str, Any]]:
    """The look of the project's mails, and what a template is filled in with."""
    project = request.project
    look = look_of(core, project.id)
    facts: dict[str, Any] = {
        "unsubscribe_url": f"{look.base_url}/unsubscribe",
        "preferences_url": f"{look.base_url}/preferences",
    }
    person = None
    if person_id != NOBODY:
        try:
            person = queries.person(core, project.id, UUID(person_id))
        except ValueError:
            person = _somebody(core, project.id)
    if person is not None:
        facts |= person_context(person, ZoneInfo(project.time_zone))
    # A frame on this very server is shown this server's pictures.
    return replace(look, base_url=""), facts


def _somebody(core: Connection, project_id: UUID) -> Person | None:
    """Whoever was here last and is known."""
    which = Which(clock.now(), filter=_KNOWN)
    found = queries.people_page(core, project_id, which, limit=1, total="none").people
    return found[0] if found else None


def _values(person: dict[str, Any], custom: dict[str, str]) -> dict[str, str]:
    """What each tag of the picker says of the person."""
    said = {f"person.{name}": _short(person.get(name)) for name in merge_context.FACTS}
    attributes = person.get("attributes", {})
    for key in custom:
        tag = merge_context.custom_tag(key)
        if tag is not None:
            said[tag.path] = _short(attributes.get(key))
    return {path: value for path, value in said.items() if value}


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(one) for one in value[:5])
    if isinstance(value, merge_context.Moment):
        return str(value)
    return merge_context.as_text(value, 60)


def _shown(html: str, *, night: bool, pictures: bool) -> str:
    """The page as a reader by day or by night has it, whatever the agent's own screen is set to.

    Without pictures there is nothing to be fetched: the policy alone would complain of each.
    """
    if not pictures:
        html = _SRC.sub(r"\1", html)
    made = _AT_NIGHT.sub("(min-width: 0)" if night else "(max-width: 0)", html)
    made = _BY_DAY.sub("(max-width: 0)" if night else "(min-width: 0)", made)
    made = _SCHEMES.sub(f"color-scheme: {'dark' if night else 'light'}", made)
    return _ANCHOR.sub(r'id="at-\2" class="\1"', made)
