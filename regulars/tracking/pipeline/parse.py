"""Bytes to messages. A body that is not JSON is refused whole; a bad event in it, alone.

The fast way reads a batch as unread pieces and each piece into a typed structure (under 2 µs an
event). What that can't read (half characters, numbers out of range, endless nesting) is cut out
of the body by its brackets and looked at by itself, so that its neighbours are not lost.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any, NamedTuple, NoReturn

import msgspec

from regulars.tracking.pipeline.drops import Drop, DropReason, Notice
from regulars.tracking.pipeline.message import Envelope, Message

MAX_BODY = 500 * 1024  # bytes, after decompression
MAX_EVENT = 32 * 1024  # bytes
MAX_BATCH = 2500  # events
MAX_DEPTH = 64

# What the fast way would pass on unread, and the database would refuse with the whole batch:
# NUL, surrogates, exponents of three digits, endless numbers.
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|\d[eE][+-]?\d{3}|\d{300}")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")

_NOTHING = Message()
_envelope = msgspec.json.Decoder(Envelope)
_message = msgspec.json.Decoder(Message)


class BodyError(Exception):
    """The whole request is refused: `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


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
    if len(body) > MAX_BODY:
        raise BodyError("too_large", f"A request may hold {MAX_BODY // 1024} KB.")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise BodyError("not_utf8", "The body is not valid UTF-8.") from error
    return body


def read_batch(body: bytes) -> tuple[Envelope, list[Piece]]:
    """A batch and its messages. Raises BodyError."""
    try:
        envelope = _envelope.decode(body)
        raws = [bytes(raw) for raw in envelope.batch or ()]
    except (msgspec.DecodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise BodyError("wrong_type", f"The batch: {_plain(error)}.") from error
        envelope, raws = _split(body)
    if envelope.batch is None:
        raise BodyError("no_batch", "The body must be an object with a list called batch.")
    if len(raws) > MAX_BATCH:
        raise BodyError("too_large", f"A batch may hold {MAX_BATCH:,} events.")
    suspect = _SUSPECT.search(body) is not None
    return envelope, [_read_piece(raw, suspect=suspect) for raw in raws]


def read_single(body: bytes) -> tuple[Envelope, Piece]:
    """A request that is one message. Raises BodyError where it is not JSON."""
    piece = _read_piece(body, suspect=_SUSPECT.search(body) is not None)
    if piece.drop is not None and piece.drop.reason is DropReason.NOT_AN_EVENT:
        raise BodyError("not_json", "The body is not a JSON object.")
    try:
        envelope = _envelope.decode(body)
    except (msgspec.DecodeError, RecursionError):
        envelope = Envelope()
    return envelope, piece


def _read_piece(raw: bytes, *, suspect: bool) -> Piece:
    if len(raw) > MAX_EVENT:
        detail = f"An event may hold {MAX_EVENT // 1024} KB; this has {len(raw) // 1024} KB."
        return Piece(raw, _NOTHING, Drop(DropReason.TOO_LARGE, detail))
    if suspect and _SUSPECT.search(raw):
        return _read_carefully(raw)
    try:
        return Piece(raw, _message.decode(raw), None)
    except msgspec.ValidationError as error:
        return Piece(raw, _NOTHING, _wrong_type(error))
    except (msgspec.DecodeError, RecursionError):
        return _read_carefully(raw)


def _read_carefully(raw: bytes) -> Piece:
    """Read what the fast way can't: bad traits are left out, anything else spoils the event."""
    try:
        tree = json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError:
        return Piece(raw, _NOTHING, Drop(DropReason.TOO_DEEP, f"Nested deeper than {MAX_DEPTH}."))
    except ValueError:
        return Piece(raw, _NOTHING, Drop(DropReason.NOT_AN_EVENT, "Not valid JSON."))
    if not isinstance(tree, dict):
        return Piece(raw, _NOTHING, Drop(DropReason.NOT_AN_EVENT, "An event is a JSON object."))
    notices = _clean_traits(tree)
    drop = _first_fault(tree)
    if drop is not None:
        return Piece(raw, _NOTHING, drop)
    try:
        return Piece(raw, _message.decode(msgspec.json.encode(tree)), None, notices)
    except msgspec.ValidationError as error:
        return Piece(raw, _NOTHING, _wrong_type(error))


def _clean_traits(tree: dict[str, Any]) -> tuple[Notice, ...]:
    traits = tree.get("traits")
    if not isinstance(traits, dict):
        return ()
    notices = []
    for key in list(traits):
        drop = _first_fault({key: traits[key]})
        if drop is not None:
            del traits[key]
            printable = key.encode("utf-8", "replace").decode().replace("\x00", "")
            notices.append(Notice(f"traits.{printable[:100]}", drop.detail))
    return tuple(notices)


def _first_fault(tree: dict[str, Any]) -> Drop | None:
    """What the database could not store, wherever in the tree it is."""
    stack: list[tuple[Any, str, int]] = [(tree, "", 0)]
    while stack:
        node, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            return Drop(DropReason.TOO_DEEP, f"Nested deeper than {MAX_DEPTH}.", path[:100])
        if isinstance(node, dict):
            for key, child in node.items():
                stack.append((key, path, depth + 1))
                stack.append((child, f"{path}.{key}" if path else key, depth + 1))
        elif isinstance(node, list):
            stack.extend((child, path, depth + 1) for child in node)
        else:
            detail = _fault_of(node)
            if detail:
                reason = DropReason.BAD_TEXT if isinstance(node, str) else DropReason.BAD_NUMBER
                field = path.encode("utf-8", "replace").decode().replace("\x00", "")
                return Drop(reason, detail, field[:100])
    return None


def _fault_of(value: Any) -> str | None:
    if isinstance(value, str):
        if "\x00" in value:
            return "Holds a NUL character."
        return "Holds half a character." if _SURROGATE.search(value) else None
    if isinstance(value, float) and not math.isfinite(value):
        return "A number out of range."
    if isinstance(value, int) and abs(value) >= 10**300:
        return "A number out of range."
    return None


def _split(body: bytes) -> tuple[Envelope, list[bytes]]:
    """Cut the batch's events out of the body by its brackets. Raises BodyError."""
    pieces: list[bytes] = []
    start_of_list = end_of_list = start = -1
    depth = 0
    key = previous = b""
    position = 0
    for found in _TOKEN.finditer(body):
        if body[position : found.start()].strip():
            raise BodyError("not_json", "The body is not valid JSON.")
        position = found.end()
        token = found.group()
        if token in b"{[":
            if depth == 1 and token == b"[" and key == b'"batch"':
                start_of_list = found.start()
            elif depth == 2 and start_of_list >= 0 > end_of_list:
                start = found.start()
            depth += 1
        elif token in b"}]":
            depth -= 1
            if depth == 2 and start >= 0:
                pieces.append(body[start:position])
                start = -1
            elif depth == 1 and start_of_list >= 0 > end_of_list:
                end_of_list = position
        elif token == b":" and depth == 1:
            key = previous
        elif depth == 2 and start_of_list >= 0 > end_of_list and token != b",":
            pieces.append(token)
        previous = token
    if depth or body[position:].strip() or end_of_list < 0:
        raise BodyError("not_json", "The body is not valid JSON.")
    rest = body[:start_of_list] + b"[]" + body[end_of_list:]
    try:
        return _envelope.decode(rest), pieces
    except (msgspec.DecodeError, RecursionError) as error:
        raise BodyError("not_json", "The body is not valid JSON.") from error


def _wrong_type(error: msgspec.ValidationError) -> Drop:
    text = _plain(error)
    path = text.rpartition("`$")[2].rstrip("`").lstrip(".") if "`$" in text else None
    expected = text.partition(" - at ")[0]
    return Drop(DropReason.WRONG_TYPE, f"{expected}.", path or None)


def _plain(error: Exception) -> str:
    return str(error).rstrip(".")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
