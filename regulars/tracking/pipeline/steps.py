"""From a message as sent to an event as kept: one flat list of named steps.

Each step takes the event and the request it came in, and returns nothing or a typed reason to
leave it out. Pure: what needs the database (who it is, whether it came before) is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from regulars.people.facts import MILLISECONDS_FROM
from regulars.tracking.enrich import bots, campaign, locale, user_agent
from regulars.tracking.enrich.geo import GeoDatabase, Place
from regulars.tracking.pipeline import claims
from regulars.tracking.pipeline.drops import Drop, DropReason
from regulars.tracking.pipeline.message import EMPTY, Context, Message, Name, PageContext

Source = Literal["browser", "server", "import"]

MAX_ID = 200  # characters of a user, anonymous or message id
MAX_NAME = 200
MAX_URL = 2000
YEARS = (1970, 2200)
TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})
SEEN = frozenset({"page", "screen", "track"})
MAX_SKEW = timedelta(days=365 * 3)
_NO_TIME = datetime.min.replace(tzinfo=UTC)  # until the step that tells


class Request(msgspec.Struct, frozen=True, gc=False):
    """How an event came in."""

    received_at: datetime
    ip: str | None = None
    user_agent: str | None = None
    browser_call: bool = False  # our tracker, the short paths, or an Origin header
    trusted: bool = False  # carried the secret key
    imported: bool = False  # told afterwards, not as it happened
    registered: bool = False  # whom it names is registered, also where no user id is given
    gpc: bool = False  # Sec-GPC: 1
    honour_gpc: bool = True
    enforce_identity: bool = False  # unsigned claims change no profile that a signed one made
    identity_secret: str = ""
    sent_at: datetime | None = None
    shared: Context | None = None  # the batch's own context


class Event(msgspec.Struct, eq=False, gc=False):
    """An event on its way through the steps."""

    message: Message
    request: Request
    verified: bool  # its claim of identity is signed, or came with the secret key
    kind: str = ""
    message_id: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    name: str | None = None
    happened_at: datetime = _NO_TIME
    traits: dict[str, Any] = {}
    properties: bytes | None = None
    browser: bool = False  # from a browser: opens sessions, makes online
    ip: str | None = None
    agent: user_agent.Agent | None = None
    place: Place | None = None
    touch: campaign.Touch | None = None
    url: str | None = None
    path: str | None = None
    title: str | None = None
    language: str | None = None
    timezone: str | None = None


Step = Callable[[Event], Drop | None]


def known_type(event: Event) -> Drop | None:
    """It is one of Segment's six calls, and a track has a name."""
    message = event.message
    kind = message.type
    if kind not in TYPES:
        expected = "identify, track, page, screen, group or alias"
        return Drop(DropReason.UNKNOWN_TYPE, f"Expected {expected}.", "type")
    event.kind = kind
    name = message.event if kind == "track" else message.name
    event.name = clean(name, MAX_NAME)
    if kind == "track" and not event.name:
        return Drop(DropReason.NO_EVENT_NAME, "A track call needs the event's name.", "event")
    return None


def known_ids(event: Event) -> Drop | None:
    """Its ids are texts of a sensible length."""
    message = event.message
    return (
        _known(event, "message_id", message.message_id)
        or _known(event, "user_id", message.user_id)
        or _known(event, "anonymous_id", message.anonymous_id)
        or _known(event, "previous_id", message.previous_id)
        or _known(event, "group_id", message.group_id)
    )


def _known(event: Event, field: str, value: Name) -> Drop | None:
    if value is None:
        return None
    text = (value if isinstance(value, str) else _number_text(value)).strip()
    if len(text) > MAX_ID:
        if field != "message_id":
            return Drop(DropReason.ID_TOO_LONG, f"At most {MAX_ID} characters.", _camel(field))
    elif "\x00" in text:
        return Drop(DropReason.BAD_TEXT, "Holds a NUL character.", _camel(field))
    setattr(event, field, text or None)
    return None


def somebody(event: Event) -> Drop | None:
    """It says whose it is."""
    if event.user_id or event.anonymous_id:
        return None
    if event.request.trusted and isinstance(event.traits.get("email"), str):
        return None
    return Drop(DropReason.NOBODY, "Expected a userId or an anonymousId.", "userId")


def vouched(event: Event) -> Drop | None:
    """Its claim of identity counts as verified if the product's server signed it."""
    context = event.message.context
    token = event.message.token or (context.token if context is not None else None)
    if token and event.user_id and not event.verified:
        request = event.request
        event.verified = claims.proves(
            token, event.user_id, request.identity_secret, request.received_at
        )
    return None


def said(event: Event) -> Drop | None:
    """Its traits and properties are objects."""
    message = event.message
    try:
        if message.traits is not EMPTY:
            traits = _object.decode(message.traits)
            event.traits = {k: v for k, v in traits.items() if k} if traits else {}
    except (msgspec.DecodeError, RecursionError):
        return Drop(DropReason.WRONG_TYPE, "Expected an object.", "traits")
    raw = message.properties
    if raw is not EMPTY:
        data = bytes(raw)
        if data[:1] != b"{":
            if data != b"null":
                return Drop(DropReason.WRONG_TYPE, "Expected an object.", "properties")
        elif data != b"{}":
            event.properties = data
    return None


def timed(event: Event) -> Drop | None:
    """When it happened, by our clock: the client's clock may be wrong, its intervals are not.

    Segment's rule: receipt − (sentAt − timestamp), and never later than receipt.
    """
    message, received = event.message, event.request.received_at
    given = message.timestamp if message.timestamp is not None else message.original_timestamp
    if given is None:
        event.happened_at = received
        return None
    at = instant(given)
    if at is None:
        expected = "Expected an ISO 8601 time between 1970 and 2200."
        return Drop(DropReason.BAD_TIME, expected, "timestamp")
    sent = event.request.sent_at or (instant(message.sent_at) if message.sent_at else None)
    if sent is not None and not event.request.imported and abs(received - sent) < MAX_SKEW:
        at += received - sent
    event.happened_at = min(at, received)
    return None


def from_device(event: Event) -> Drop | None:
    """Whose device it was: the context's word, or the request's own for browser calls."""
    request = event.request
    context = event.message.context or request.shared or _NO_CONTEXT
    direct = request.browser_call or bool(context.direct)
    event.browser = request.browser_call
    event.ip = (address(context.ip) if context.ip else None) or (
        address(request.ip) if direct and request.ip else None
    )
    agent = clean(context.user_agent, 512) or (request.user_agent if direct else None)
    if event.browser and agent and bots.is_bot(agent):
        return Drop(DropReason.BOT, "The user agent is a crawler's.", "context.userAgent")
    event.agent = user_agent.parse(agent) if agent else None
    event.language = locale.language(context.locale) if context.locale else None
    event.timezone = locale.time_zone(context.timezone) if context.timezone else None
    return None


def welcome(event: Event) -> Drop | None:
    """The person's browser has not asked to be left alone (Global Privacy Control)."""
    request, context = event.request, event.message.context
    asked = request.gpc or (context is not None and bool(context.gpc))
    if asked and request.honour_gpc and request.browser_call:
        return Drop(DropReason.PRIVACY_SIGNAL, "The browser sends Global Privacy Control.")
    return None


def on_page(event: Event) -> Drop | None:
    """Which page it happened on, and what brought the person there."""
    context = event.message.context or event.request.shared or _NO_CONTEXT
    page = context.page
    if event.kind in ("page", "screen") and event.properties is not None:
        try:
            page = _page.decode(event.properties)
        except (msgspec.DecodeError, RecursionError):
            return Drop(DropReason.WRONG_TYPE, "Expected texts.", "properties")
        if not (page.url or page.path) and context.page:
            page = context.page
    if page is not None:
        event.url = clean(page.url, MAX_URL)
        event.path = clean(page.path, MAX_URL) or (_path_of(event.url) if event.url else None)
        event.title = clean(page.title, MAX_NAME)
    if page is not None or context.campaign:
        event.touch = campaign.first_touch(
            event.url, page.referrer if page else None, context.campaign
        )
    return None


STEPS: tuple[Step, ...] = (
    known_type, known_ids, vouched, said, somebody, timed, welcome, from_device, on_page,
)  # fmt: skip


def run(message: Message, request: Request) -> Event | Drop:
    """All steps in order; the first reason ends it."""
    event = Event(message, request, request.trusted)
    for step in STEPS:
        drop = step(event)
        if drop is not None:
            return drop
    return event


def locate(event: Event, geo: GeoDatabase) -> None:
    """Where the person was, as the IP tells."""
    if event.ip:
        event.place = geo.locate(event.ip)


def instant(value: str | float) -> datetime | None:
    """An ISO 8601 time, or unix seconds or milliseconds; years 1970 to 2200."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            at = at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
        else:
            at = datetime.fromtimestamp(value / 1000 if value >= MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if YEARS[0] <= at.year <= YEARS[1] else None


@lru_cache(maxsize=20_000)
def address(text: str) -> str | None:
    """An IP address as its text, without a zone (RFC 4007); None for what is none."""
    try:
        return str(ip_address(text.strip().partition("%")[0]))
    except ValueError:
        return None


def clean(text: str | None, limit: int) -> str | None:
    """A single line of at most `limit` characters; None for nothing."""
    if not text:
        return None
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return text.strip()[:limit] or None


@lru_cache(maxsize=20_000)
def _path_of(url: str) -> str | None:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return None


def _number_text(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _camel(field: str) -> str:
    head, *tail = field.split("_")
    return head + "".join(part.title() for part in tail)


_NO_CONTEXT = Context()
_object: msgspec.json.Decoder[dict[str, Any] | None] = msgspec.json.Decoder(dict[str, Any] | None)
_page = msgspec.json.Decoder(PageContext)
