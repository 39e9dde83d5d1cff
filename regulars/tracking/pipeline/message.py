"""What arrives at the tracking API, as typed structures: Segment's spec, leniently typed."""

from __future__ import annotations

from typing import Any

import msgspec

EMPTY = msgspec.Raw(b"{}")

Name = str | int | float | None  # SDKs send ids as numbers too


class PageContext(msgspec.Struct, gc=False):
    """Where the person was when it happened."""

    url: str | None = None
    path: str | None = None
    title: str | None = None
    referrer: str | None = None
    search: str | None = None


class Context(msgspec.Struct, rename="camel", gc=False):
    """What the client says of itself. Whatever else it holds is left out."""

    ip: str | None = None
    user_agent: str | None = None
    locale: str | None = None
    timezone: str | None = None
    page: PageContext | None = None
    campaign: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    active: bool | None = None
    direct: bool | None = None
    gpc: bool | None = None
    token: str | None = None  # a signed claim of identity, where an SDK lets one say no more


class Message(msgspec.Struct, rename="camel", gc=False):
    """One event as sent."""

    type: str | None = None
    message_id: Name = None
    user_id: Name = None
    anonymous_id: Name = None
    previous_id: Name = None
    group_id: Name = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: msgspec.Raw = EMPTY
    traits: msgspec.Raw = EMPTY
    context: Context | None = None
    timestamp: str | int | float | None = None
    original_timestamp: str | int | float | None = None
    sent_at: str | int | float | None = None
    token: str | None = None  # a signed claim of identity


class Envelope(msgspec.Struct, rename="camel", gc=False):
    """A batch: its messages still unread, so that each can fail alone."""

    batch: list[msgspec.Raw] | None = None
    write_key: str | None = None
    sent_at: str | int | float | None = None
    context: Context | None = None
