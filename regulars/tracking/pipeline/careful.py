"""Reading what the fast way can't: half characters, NUL, numbers out of range, endless nesting.

A body is cut by its brackets, each event is looked at by itself, and only what is bad is lost: a
trait where it is in the traits, else its event. Hundreds of times slower than the fast way, so
whoever calls this keeps it away from the event loop.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple, NoReturn

import msgspec

from regulars.tracking.pipeline.drops import Drop, DropReason, Notice
from regulars.tracking.pipeline.message import Message

MAX_DEPTH = 64
MAX_DIGITS = 300  # of a whole number: about what a double reaches

_STRING = rb'"(?:[^"\\]|\\.)*"'
_MARK = re.compile(_STRING + rb"|[\[\]{},:]", re.DOTALL)
_NESTED = re.compile(_STRING + rb"|\[+|\]+|\{+|\}+", re.DOTALL)
_CLOSER = {b"{": b"}", b"[": b"]"}
_OPENER = {closer: opener for opener, closer in _CLOSER.items()}
_SURROGATE = re.compile("[\ud800-\udfff]")
_message = msgspec.json.Decoder(Message)
_string = msgspec.json.Decoder(str)


class NotJSONError(ValueError):
    """The brackets do not even match."""


class Read(NamedTuple):
    """What became of an event: read, or dropped; and what was left out of it."""

    message: Message | None
    drop: Drop | None = None
    notices: tuple[Notice, ...] = ()


def members(raw: bytes, most: int = 10_000) -> list[tuple[bytes, bytes]]:
    """An object's keys and values, or a list's elements (their keys empty), all still unread.

    Raises NotJSONError; stops after `most`. Values may be anything between two commas: reading
    them comes later.
    """
    start = len(raw) - len(raw.lstrip()) + 1
    closer = _CLOSER.get(raw[start - 1 : start])
    found: list[tuple[bytes, bytes]] = []
    key = b""
    position = start
    while closer is not None and len(found) < most:
        mark = _MARK.search(raw, position)
        if mark is None:
            break
        text, position = mark.group(), mark.end()
        value = raw[start : mark.start()].strip()
        if text in _CLOSER:
            position = _end_of(raw, mark.start())
        elif text == b":":
            key, start = value, position
        elif text == b"," and value:
            found.append((key, value))
            key, start = b"", position
        elif text == closer and not raw[position:].strip() and (value or not (found or key)):
            return [*found, (key, value)] if value else found
        elif text[:1] != b'"':
            break
    else:
        if closer is not None:
            return found
    raise NotJSONError


def _end_of(raw: bytes, start: int) -> int:
    """Where the object or list that begins at `start` has ended. Raises NotJSONError."""
    open_ = bytearray()
    for run in _NESTED.finditer(raw, start):
        text = run.group()
        if text[:1] in _CLOSER:
            open_ += text
        elif (opener := _OPENER.get(text[:1])) is not None:
            closed = min(len(text), len(open_))
            if open_[-closed:] != opener * closed:
                break
            del open_[-closed:]
            if not open_:
                return run.start() + closed
    raise NotJSONError


def named(raw: bytes) -> dict[str, bytes]:
    """An object's values by their keys, of a repeated key the last. Raises NotJSONError."""
    if raw.lstrip()[:1] != b"{":
        raise NotJSONError
    values = {}
    for key, value in members(raw):
        try:
            values[_string.decode(key)] = value
        except msgspec.DecodeError:  # half a character: nothing that we look for
            continue
    return values


def read(raw: bytes) -> Read:
    """One event. Traits that can't be kept are left out; anything else bad spoils the event."""
    try:
        tree = json.loads(raw, parse_constant=_refuse_constant, parse_int=whole_number)
    except RecursionError:
        return _without_deep_traits(raw)
    except ValueError:
        return _dropped(DropReason.NOT_AN_EVENT, "Not valid JSON.")
    return _read_tree(tree)


def _read_tree(tree: Any, notices: tuple[Notice, ...] = ()) -> Read:
    if not isinstance(tree, dict):
        return _dropped(DropReason.NOT_AN_EVENT, "An event is a JSON object.")
    notices += _clean_traits(tree)
    drop = first_fault(tree)
    if drop is not None:
        return Read(None, drop)
    try:
        return Read(_message.decode(msgspec.json.encode(tree)), None, notices)
    except msgspec.ValidationError as error:
        return Read(None, wrong_type(error))
    except (msgspec.DecodeError, OverflowError, ValueError):
        return _dropped(DropReason.BAD_NUMBER, "A number out of range.")


def _without_deep_traits(raw: bytes) -> Read:
    """Nested too deeply to be read: that may be the fault of one trait alone."""
    too_deep = f"Nested deeper than {MAX_DEPTH}."
    try:
        values = named(raw)
        traits = named(values.pop("traits")) if "traits" in values else {}
    except NotJSONError:
        return _dropped(DropReason.TOO_DEEP, too_deep)
    notices = []
    try:
        tree = {key: _loads(value) for key, value in values.items()}
        tree["traits"] = kept = {}
    except RecursionError:
        return _dropped(DropReason.TOO_DEEP, too_deep)
    except ValueError:
        return _dropped(DropReason.NOT_AN_EVENT, "Not valid JSON.")
    for key, value in traits.items():
        try:
            kept[key] = _loads(value)
        except RecursionError:
            notices.append(Notice(f"traits.{_printable(key)}", too_deep))
        except ValueError:
            return _dropped(DropReason.NOT_AN_EVENT, "Not valid JSON.")
    return _read_tree(tree, tuple(notices))


def _loads(raw: bytes) -> Any:
    return json.loads(raw, parse_constant=_refuse_constant, parse_int=whole_number)


def _clean_traits(tree: dict[str, Any]) -> tuple[Notice, ...]:
    traits = tree.get("traits")
    if not isinstance(traits, dict):
        return ()
    notices = []
    for key in list(traits):
        drop = first_fault({key: traits[key]})
        if drop is not None:
            del traits[key]
            notices.append(Notice(f"traits.{_printable(key)}", drop.detail))
    return tuple(notices)


def first_fault(tree: dict[str, Any]) -> Drop | None:
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
                return Drop(reason, detail, _printable(path))
    return None


def _fault_of(value: Any) -> str | None:
    if isinstance(value, str):
        if "\x00" in value:
            return "Holds a NUL character."
        return "Holds half a character." if _SURROGATE.search(value) else None
    if isinstance(value, float) and not math.isfinite(value):
        return "A number out of range."
    return None


def wrong_type(error: msgspec.ValidationError) -> Drop:
    """The reason in msgspec's words: what was expected, and where."""
    text = str(error).rstrip(".")
    path = text.rpartition("`$")[2].rstrip("`").lstrip(".") if "`$" in text else None
    expected = text.partition(" - at ")[0]
    return Drop(DropReason.WRONG_TYPE, f"{expected}.", path or None)


def _dropped(reason: DropReason, detail: str) -> Read:
    return Read(None, Drop(reason, detail))


def _printable(key: str) -> str:
    return key.encode("utf-8", "replace").decode().replace("\x00", "")[:100]


def whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
