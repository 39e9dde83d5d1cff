"""What a messenger may say over its socket, frame by frame: typed and limited before it is used.

The protocol in words: docs/reference/messenger-protocol.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

MAX_FRAME = 32 * 1024  # bytes
MAX_ID = 200  # characters of an anonymous id or a user id, as in tracking

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
Client = Annotated[str, Meta(min_length=8, max_length=64)]
Number = Annotated[int, Meta(ge=0, lt=2**62)]


class Page(Struct, frozen=True):
    """Where the visitor is."""

    url: Annotated[str, Meta(max_length=2_000)] = ""
    title: Annotated[str, Meta(max_length=500)] = ""


class Hello(Struct, frozen=True, tag_field="t", tag="hello"):
    """Who it is: a write key, an anonymous id, perhaps a user id and the claim that proves it."""

    key: Annotated[str, Meta(max_length=100)]
    anon: Id
    v: int = 1
    user: Annotated[str, Meta(max_length=MAX_ID)] | None = None
    token: Annotated[str, Meta(max_length=4_000)] | None = None
    page: Page | None = None


class Say(Struct, frozen=True, tag_field="t", tag="say"):
    """A message, in a conversation or (by a name of the client's own) in a new one."""

    id: Client
    text: Annotated[str, Meta(max_length=20_000)] = ""
    conversation: UUID | None = None
    open: Client | None = None
    files: Annotated[list[UUID], Meta(max_length=5)] = []
    page: Page | None = None


class Messages(Struct, frozen=True, tag_field="t", tag="messages"):
    """A part of a conversation: after a number, before one, or the newest."""

    conversation: UUID
    after: Number | None = None
    before: Number | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class Seen(Struct, frozen=True, tag_field="t", tag="seen"):
    """Messages up to a number are before the visitor's eyes."""

    conversation: UUID
    seq: Number


class Typing(Struct, frozen=True, tag_field="t", tag="typing"):
    """The visitor writes."""

    conversation: UUID


class Email(Struct, frozen=True, tag_field="t", tag="email"):
    """The visitor leaves an address."""

    id: Client
    email: Annotated[str, Meta(max_length=320)]
    conversation: UUID | None = None


class Rate(Struct, frozen=True, tag_field="t", tag="rate"):
    """How a conversation was."""

    id: Client
    conversation: UUID
    rating: int
    comment: Annotated[str, Meta(max_length=4_000)] = ""


class OpenTicket(Struct, frozen=True, tag_field="t", tag="ticket"):
    """A ticket of the visitor's own."""

    id: Client
    subject: Annotated[str, Meta(max_length=1_000)]
    text: Annotated[str, Meta(max_length=20_000)] = ""


class Ping(Struct, frozen=True, tag_field="t", tag="ping"):
    """Still there?"""


Frame = Hello | Say | Messages | Seen | Typing | Email | Rate | OpenTicket | Ping

decode = msgspec.json.Decoder(Frame).decode


def read(message: Mapping[str, Any]) -> Frame | None:
    """The frame in an ASGI message; None for what is none of them."""
    text = message.get("text")
    raw = text.encode("utf-8", "replace") if text is not None else message.get("bytes") or b""
    if len(raw) > MAX_FRAME:
        return None
    try:
        frame: Frame = decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return frame
