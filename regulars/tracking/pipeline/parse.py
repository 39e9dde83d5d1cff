"""Bytes to messages. A body that is not JSON is refused whole; a bad event in it, alone.

The fast way reads a batch as unread pieces and each piece into a typed structure (under 2 µs an
event). What that can't read is left to `careful`, unless the caller has no time for it.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from typing import NamedTuple

import msgspec

from regulars.tracking.pipeline import careful
from regulars.tracking.pipeline.careful import MAX_DEPTH
from regulars.tracking.pipeline.drops import Drop, DropReason, Notice
from regulars.tracking.pipeline.message import Envelope, Message

MAX_BODY = 500 * 1024  # bytes, after decompression
MAX_EVENT = 32 * 1024  # bytes
MAX_BATCH = 2500  # events

# What the fast way would pass on unread, and the database would refuse with the whole batch: NUL,
# and numbers that no double holds (exponents of three digits, endless digits). Half characters
# it refuses by itself. Every byte that comes in is looked at, so by plain searches, those for
# numbers in a copy whose digits, signs and points are all noughts.
_NUL = rb"\u0000"
_TO_NOUGHTS = bytes.maketrans(b"123456789+-.E", b"000000000000e")
_LONG = b"0" * 200
_ENDLESS = re.compile(rb"\d{300}|[\d.]{200}[eE]")
_EXPONENT = re.compile(rb"[eE][+-]?\d{3}")
_BEFORE_NUMBER = frozenset(b":,[ \t\r\n")
_BRACKET = re.compile(rb"[\[\]{}]")

_NOTHING = Message()
_envelope = msgspec.json.Decoder(Envelope)
_message = msgspec.json.Decoder(Message)


class BodyError(Exception):
    """The whole request is refused: `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NeedsCareError(Exception):
    """The fast way can't read the body: it must be read with `care`, off the event loop."""


class Piece(NamedTuple):
    """One message of a request: read, or refused; with what was left out of it."""

    raw: bytes
    message: Message
    drop: Drop | None
    notices: tuple[Notice, ...] = ()


def open_body(body: bytes) -> bytes:
    """The body, decompressed where it starts with gzip's magic bytes (RFC 1952)."""
    if body[:2] == b"\x1f\x8b":
        unzip = zlib.decompressobj(wbits=31)
        try:
            body = unzip.decompress(body, MAX_BODY + 1)
        except zlib.error as error:
            raise BodyError("bad_gzip", "The body is not valid gzip.") from error
        if len(body) <= MAX_BODY and not unzip.eof:
            raise BodyError("bad_gzip", "The body is not whole gzip.")
    if len(body) > MAX_BODY:
        raise BodyError("too_large", f"A request may hold {MAX_BODY // 1024} KB.")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise BodyError("not_utf8", "The body is not valid UTF-8.") from error
    return body


def read_batch(body: bytes, *, care: bool = True) -> tuple[Envelope, list[Piece]]:
    """A batch and its messages. Raises BodyError; without `care` also NeedsCareError."""
    try:
        envelope = _envelope.decode(body)
        raws = [bytes(raw) for raw in envelope.batch or ()]
    except msgspec.ValidationError as error:
        raise BodyError("wrong_type", f"The batch: {str(error).rstrip('.')}.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        if not care:
            raise NeedsCareError from error
        envelope, raws = _cut(body)
    if envelope.batch is None:
        raise BodyError("no_batch", "The body must be an object with a list called batch.")
    if len(raws) > MAX_BATCH:
        raise BodyError("too_large", f"A batch may hold {MAX_BATCH:,} events.")
    suspect = _is_suspect(body)
    return envelope, [_read_piece(raw, suspect=suspect, care=care) for raw in raws]


def read_single(body: bytes, *, care: bool = True) -> tuple[Envelope, Piece]:
    """A request that is one message. Raises as `read_batch` does."""
    piece = _read_piece(body, suspect=_is_suspect(body), care=care)
    if piece.drop is not None and piece.drop.reason is DropReason.NOT_AN_EVENT:
        raise BodyError("not_json", "The body is not a JSON object.")
    try:
        return _envelope.decode(body), piece
    except msgspec.ValidationError:
        return Envelope(), piece
    except (msgspec.DecodeError, RecursionError) as error:
        if not care:
            raise NeedsCareError from error
    try:
        return _around(careful.named(body)), piece
    except careful.NotJSONError as error:
        raise BodyError("not_json", "The body is not valid JSON.") from error


def _read_piece(raw: bytes, *, suspect: bool, care: bool) -> Piece:
    if len(raw) > MAX_EVENT:
        detail = f"An event may hold {MAX_EVENT // 1024} KB; this has {len(raw) // 1024} KB."
        return Piece(raw, _NOTHING, Drop(DropReason.TOO_LARGE, detail))
    if not (suspect and _is_suspect(raw)) and not _may_be_deep(raw):
        try:
            return Piece(raw, _message.decode(raw), None)
        except msgspec.ValidationError as error:
            return Piece(raw, _NOTHING, careful.wrong_type(error))
        except (msgspec.DecodeError, RecursionError):
            pass
    if not care:
        raise NeedsCareError
    message, drop, notices = careful.read(raw)
    return Piece(raw, message or _NOTHING, drop, notices)


def _is_suspect(data: bytes) -> bool:
    """Whether a value in it may be one that the database refuses."""
    if _NUL in data:
        return True
    noughts = data.translate(_TO_NOUGHTS)
    if _LONG in noughts and _ENDLESS.search(data):
        return True
    at = noughts.find(b"0e000")
    while at >= 0:
        # The end of a number, or amid an id such as 7f4e123b? Then something else comes before.
        before = data[max(0, at - len(_LONG)) : at + 1].rstrip(b"0123456789.-")
        if before and before[-1] in _BEFORE_NUMBER and _EXPONENT.match(data, at + 1):
            return True
        at = noughts.find(b"0e000", at + 1)
    return False


def _may_be_deep(raw: bytes) -> bool:
    """Whether brackets are open more than MAX_DEPTH deep, those in texts counted too."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    depth = deepest = 0
    for bracket in _BRACKET.findall(raw):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH


def _cut(body: bytes) -> tuple[Envelope, list[bytes]]:
    """The batch's events, cut out of a body that can't be read whole. Raises BodyError."""
    try:
        parts = careful.named(body)
        batch = parts.get("batch")
        if batch is None or batch[:1] != b"[":
            raise BodyError("no_batch", "The body must be an object with a list called batch.")
        pieces = [piece for _, piece in careful.members(batch, most=MAX_BATCH + 1)]
    except careful.NotJSONError as error:
        raise BodyError("not_json", "The body is not valid JSON.") from error
    envelope = _around(parts)
    envelope.batch = []
    return envelope, pieces


def _around(parts: dict[str, bytes]) -> Envelope:
    """What a body says beside its messages: each part that can be read."""
    envelope = Envelope()
    for field in msgspec.structs.fields(Envelope):
        if field.name != "batch" and field.encode_name in parts:
            with contextlib.suppress(msgspec.DecodeError, RecursionError):
                said = msgspec.json.decode(parts[field.encode_name], type=field.type)
                setattr(envelope, field.name, said)
    return envelope
